//! Notes of removals that are written into a log: [`Recorder`] writes what a compaction or redaction takes,
//! before and after it, [`ForeignNotes`] keeps what other logs say, [`LaterRemovals`] what the log says of which this one
//! is the beginning.
//!
//! Reads notes to know which are there; what they tell is put together in `rows::removals`. Knows the store
//! that it writes into, and no verb of maintenance.

mod foreign;
mod found;
mod later;
mod recorder;

pub use foreign::ForeignNotes;
pub(super) use found::notes_from;
pub use later::LaterRemovals;
pub(super) use recorder::{Recorder, Taken, Told};
