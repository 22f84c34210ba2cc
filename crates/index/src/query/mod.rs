//! Queries: a region is compiled for each part, and the rows of the parts follow each other.

mod compile;
mod cursor;
mod filter;
mod part_rows;
mod plan;
mod rows;
mod window;

pub(crate) use compile::Query;
pub use plan::{PartPlan, Plan, PlanKey};
pub use rows::Rows;
pub(crate) use rows::find_since;
