//! `VerifyReport`: what verification found, as counts and problems. Finds nothing itself.

use super::problem::Problem;
use strandline_core::{Hash, Sequence};

/// What verification found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Events whose checksum was right, and whose hash was checked.
    pub events: u64,
    /// Events that are not among them: their records are damaged or gone, as far as anything shows that
    /// they were there.
    pub unread: u64,
    /// Events that something is wrong with: these, and those of the others that a problem names.
    pub damaged: u64,
    /// Events that follow a damaged one in the stream of their entity, and do not say what they follow: their
    /// checksums are right, and what they follow cannot be told.
    pub unchained: u64,
    /// Events that a compaction removed, and whose place in their chain was checked.
    pub removed: u64,
    /// Events whose payload was redacted, among the events.
    pub redacted: u64,
    /// Records of this log that tell of a compaction or redaction, and were compared with what is
    /// missing.
    pub removals: u64,
    /// Of these, records of ones that were interrupted, as far as the log says.
    pub interrupted: u64,
    /// Removals and redactions of events before this sequence are not recorded: the store was made by an
    /// earlier version. `None` if all are, so that nothing is missing without a record.
    pub unrecorded_before: Option<Sequence>,
    /// Commits whose link in the log chain was checked.
    pub commits: u64,
    /// Entities that have an event. The chains of those whose events were removed are followed too.
    pub entities: u64,
    /// Hash of the log at its end: kept elsewhere, it shows later that nothing before was changed.
    pub log_hash: Hash,
    /// Everything that is wrong with the log, in its order, and then with the indexes, in theirs; at
    /// most [`PROBLEMS_MAX`](crate::PROBLEMS_MAX).
    pub problems: Vec<Problem>,
}

impl VerifyReport {
    /// Before anything was read of a log that ends with a hash.
    pub(super) const fn new(log_hash: Hash) -> Self {
        Self {
            events: 0,
            unread: 0,
            damaged: 0,
            unchained: 0,
            removed: 0,
            redacted: 0,
            removals: 0,
            interrupted: 0,
            unrecorded_before: None,
            commits: 0,
            entities: 0,
            log_hash,
            problems: Vec::new(),
        }
    }

    /// Events that there were, good or not.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.events.saturating_add(self.unread)
    }

    /// Events that nothing is wrong with.
    #[must_use]
    pub const fn good(&self) -> u64 {
        self.total().saturating_sub(self.damaged)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}
