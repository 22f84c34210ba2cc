//! `Kept` and `Verified`: what was kept of a store elsewhere, and what verification found beside what is wrong.

use crate::{Problem, ProblemKind, Receipt, Sequence, VerifyReport};
use strandline_core::Hash;

/// What was kept elsewhere, and is to be found in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// A log hash that an earlier verification gave.
    pub head: Option<Hash>,
    /// Receipts of appends.
    pub receipts: Vec<Receipt>,
}

/// What verification found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verified {
    /// What [`Store::verify`](crate::Store::verify) reports.
    pub report: VerifyReport,
    /// The sequence after the commit whose log hash is the head that was kept, if it was found.
    pub head_at: Option<Sequence>,
    /// What differs from what was kept.
    pub mismatches: Vec<String>,
    /// What is no problem by itself: what opening the store found, that times are ahead of the clock, or that the log
    /// ends torn; and files of segments that do not count any more, or not yet.
    pub notices: Vec<String>,
}

impl Verified {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.report.is_intact() && self.mismatches.is_empty()
    }

    /// The first thing that is wrong with the log, which a rebuild does not mend.
    pub(in crate::maintenance) fn log_problem(&self) -> Option<&Problem> {
        let mut problems = self.report.problems.iter();
        problems.find(|one| one.kind == ProblemKind::Log)
    }
}
