//! What is done on the disk while the power is cut: short stories, each of one part of the store.
//!
//! It says what is done; whether the answers are right is the driver's to judge. It knows the driver, what is
//! expected, and verdicts.

mod merging;
mod parts;
mod story;

pub use story::Workload;

impl Workload {
    /// Every workload.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        parts::WORKLOADS.iter().chain(merging::WORKLOADS)
    }
}
