//! Reactors: a handler that is called for each event, again where it fails, and no more for what fails for good.
//!
//! What is to be handled next is decided by `schedule`, which knows neither files nor threads. Knows `handle` and
//! what is below it.

mod backoff;
mod held;
mod partition_by;
mod schedule;

pub use backoff::Backoff;
pub use partition_by::PartitionBy;
