//! Removals: what the log itself says of its events that were removed or redacted.
//!
//! [`Ledger`] puts together what the notes of a log say, [`Runs`] are the sequences. Writes no notes, which
//! `maintenance` does, and does not hold them against what is missing, which `verify` does. Knows nothing else
//! of this crate.

mod ledger;
mod runs;

pub(crate) use ledger::Ledger;
pub use ledger::Removal;
pub(crate) use runs::{Runs, push_run};
