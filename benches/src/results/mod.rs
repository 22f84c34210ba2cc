//! Results: figures with their units, what several runs come to, and the machine that they are of.
//!
//! Nothing here measures or prints; of this crate it uses nothing.

mod machine;
mod row;

pub(crate) use machine::machine;
pub use row::{Gathered, Machine, Measured, Results, Row, Unit};
