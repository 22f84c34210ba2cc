//! Removals: what the log itself says of its events that were removed or redacted.
//!
//! [`Recorder`] writes the notes of a compaction or redaction, [`Ledger`] puts together what the notes of
//! a log say, [`ForeignNotes`] keeps those of other logs, [`Runs`] are the sequences. What the notes must agree with is checked in `verify`.

mod foreign;
mod ledger;
mod recorder;
mod runs;

pub use foreign::ForeignNotes;
pub(crate) use ledger::Ledger;
pub use ledger::Removal;
pub(crate) use recorder::{Recorder, Taken};
pub(crate) use runs::Runs;
