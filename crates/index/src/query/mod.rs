//! From a region to rows: choose a key, walk its rows, filter what the key does not decide.

mod compile;
mod cursor;
mod filter;
mod plan;
mod rows;

pub(crate) use compile::Query;
pub use plan::{Plan, PlanKey};
pub use rows::Rows;
