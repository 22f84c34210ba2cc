//! What readers hold: a handle, snapshots, and the rows and names of a snapshot.
//!
//! A `snapshot` is taken by the `index_reader` and looks events up one by one; a `view` is one event;
//! `causes`, `names`, `kinds` and `export` walk over many, `parts` tells of what there is, and `compare` holds a
//! row against a builder's. Adds
//! nothing, and knows neither regions nor the writer. Knows the room `shared`, and the rooms below.

mod causes;
mod compare;
mod export;
mod index_reader;
mod kinds;
mod names;
mod parts;
mod snapshot;
mod view;

pub use causes::Causes;
pub use index_reader::IndexReader;
pub use names::Names;
pub use parts::PartInfo;
pub use snapshot::Snapshot;
pub use view::RowView;
