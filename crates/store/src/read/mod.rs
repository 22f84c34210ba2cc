//! Reading: the store as it was at one moment, and the way from rows of the index to events.
//!
//! Holds snapshots, what they find, pages of it, the checks of a receipt and of
//! a saved position, proofs, places of events in files, and events with all that their hashes cover. Does not hold how rows are found, which
//! is the index's, nor anything that writes. Knows `engine`, `tree` and `model`.

mod ahead;
mod kinds;
mod page;
mod place;
mod position;
mod prove;
mod reader;
mod receipt;
mod snapshot;
mod take;
mod wait;
mod whole;

pub use kinds::KindCount;
pub use place::EventPlace;
pub use prove::EventProof;
pub(crate) use reader::EventCursor;
pub use snapshot::{Events, Snapshot};
pub(crate) use take::{Readable, end_and_snapshot, snapshot};
pub use wait::Passed;
pub(crate) use wait::{passed, start_lookout, wait_past};
pub use whole::WholeEvent;
