//! Reactors: a handler that is called for each event, again where it fails, and no more for what fails for good.
//!
//! What is to be handled next is decided by `schedule`, which knows neither files, threads nor a clock; `worker` reads
//! and saves for one partition; `running` has the threads. Knows `handle` and what is below it.

mod backlog;
mod backoff;
mod builder;
mod failure;
mod held;
mod kept;
mod partition_by;
mod running;
mod schedule;
mod settings;
mod worker;

#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use builder::ReactorBuilder;
pub use failure::{Context, Failure};
pub use partition_by::PartitionBy;
pub use running::RunningReactor;
