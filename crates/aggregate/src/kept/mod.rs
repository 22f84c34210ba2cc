//! States that are kept so that a load does not begin with the first event: in files, and in memory.
//!
//! Says nothing of whether they are those of the log as it is: who loads holds them against it. Knows `model`.

mod file;
mod held;
mod hot;
mod saved;

pub(crate) use held::{Head, Held};
pub(crate) use hot::Hot;
pub(crate) use saved::Saved;
