//! Reading: the store as it was at one moment, and the way from rows of the index to events.
//!
//! Holds snapshots, what they find, pages of it, and the checks of a receipt and of
//! a saved position. Does not hold how rows are found, which
//! is the index's, nor anything that writes. Knows `engine` and `model`.

mod ahead;
mod kinds;
mod page;
mod position;
mod reader;
mod receipt;
mod snapshot;
mod take;
mod wait;

pub use kinds::KindCount;
pub(crate) use reader::EventCursor;
pub use snapshot::{Events, Snapshot};
pub(crate) use take::{Readable, end_and_snapshot, snapshot};
pub use wait::Passed;
pub(crate) use wait::{passed, start_lookout, wait_past};
