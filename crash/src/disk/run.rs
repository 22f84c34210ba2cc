//! `Run`: what was done on a disk and what had to be there at each moment; `Setup`: how.

use super::defect::Defect;
use crate::expect::Expected;
use strandline::fs::{SimDisk, Step};

/// How a driver's store is run.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Where chance comes from.
    pub seed: u64,
    /// The rule that is broken, if one is.
    pub defect: Option<Defect>,
    /// Whether every append is synced, so that nothing that a reader sees may be lost.
    pub synced_only: bool,
    /// Whether operations fail, so that calls may be refused.
    pub failing: bool,
    /// Whether syncs lie, so that only what is there must be right, and an opening may be refused.
    pub lying: bool,
    /// How many events fill a segment, if not as many as by default.
    pub segment_events: Option<u32>,
}

impl Setup {
    /// A disk that keeps its word.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            defect: None,
            synced_only: false,
            failing: false,
            lying: false,
            segment_events: None,
        }
    }
}

/// What was done on a disk, and what had to be there at each moment of it.
#[derive(Debug)]
pub struct Run {
    /// The disk before.
    pub start: SimDisk,
    /// The steps.
    pub steps: Vec<Step>,
    /// What is expected from that many steps on.
    pub(crate) marks: Vec<(usize, Expected)>,
    /// How it was run.
    pub setup: Setup,
}

impl Run {
    /// What is expected after that many steps.
    #[must_use]
    pub fn expected(&self, steps: usize) -> Expected {
        let after = self.marks.partition_point(|(at, _)| *at <= steps);
        let mark = after.checked_sub(1).and_then(|at| self.marks.get(at));
        mark.map(|(_, expected)| expected.clone())
            .unwrap_or_default()
    }
}
