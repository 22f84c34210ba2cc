//! What keeps a store while it is open: its threads, and what they write beside appends.
//!
//! Holds the background thread with its jobs, the writing of footers and checkpoints, the merging of the
//! index, the check of segments that were not opened, and a store at work with its threads ([`Running`]).
//! Does not hold what appends and reads do. Knows `engine` and what is below it.

mod background;
mod checkpoint;
mod checks;
mod footers;
mod jobs;
#[cfg(all(test, strandline_loom))]
#[allow(clippy::expect_used, reason = "a model fails by panicking")]
mod jobs_model;
mod merge_plan;
mod merged_summary;
mod merges;
mod running;
mod seal;

pub(crate) use running::Running;
