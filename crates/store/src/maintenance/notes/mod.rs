//! Notes of removals that are written into a log: [`Recorder`] writes what a compaction or redaction takes,
//! before and after it, [`ForeignNotes`] keeps what other logs say.
//!
//! Reads no notes but to know which are there; what they tell is put together in `rows::removals`. Knows the store
//! that it writes into, and no verb of maintenance.

mod foreign;
mod recorder;

pub use foreign::ForeignNotes;
pub(super) use recorder::{Recorder, Taken};
