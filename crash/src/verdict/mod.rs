//! Verdicts: a violation, whether a store is whole, and the ledger of what was tried.
//!
//! It does not know what a store should hold, nor what is done to it; of this crate it uses nothing.

mod ledger;
mod store;
mod violation;

pub use ledger::{Ledger, Totals};
pub(crate) use store::{expect_whole, is_typed};
pub use violation::Violation;
pub(crate) use violation::quietly;
