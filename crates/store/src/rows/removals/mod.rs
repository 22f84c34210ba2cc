//! Removals: what the log itself says of its events that were removed or redacted.
//!
//! [`Ledger`] puts together what the notes of a log say, [`Members`] tells which of them an event is in. Writes no
//! notes, which `maintenance` does, and does not hold them against what is missing, which `verify` does. Knows nothing
//! else of this crate.

mod ledger;
mod members;

pub(crate) use ledger::Ledger;
pub use ledger::Removal;
pub(crate) use members::Members;
