//! `VerifyReport`: what verification found.

use std::fmt;
use strandline_core::{Hash, Sequence};

/// One thing that verification found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The event, where one can be named.
    pub sequence: Option<Sequence>,
    /// What is wrong: what was written, or what was made of it.
    pub kind: ProblemKind,
    /// How many events from that one on are damaged or gone; 0 where something is wrong with one that is
    /// there, or with none.
    pub events: u64,
    /// The file that is wrong, where one can be named.
    pub file: Option<String>,
    /// What is wrong, and where.
    pub message: String,
}

/// What a [`Problem`] is about, which says what mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The log: restore it from a backup, or keep what is left with
    /// [`salvage`](crate::maintenance::salvage).
    Log,
    /// A footer, a checkpoint, or the index in memory, which say something else than the log:
    /// [`rebuild`](crate::maintenance::rebuild) makes them anew.
    Index,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        match (self.sequence, self.events) {
            (Some(sequence), 0) => write!(f, "event {sequence}: {message}"),
            (Some(sequence), 1) => write!(f, "{message}; event {sequence} is lost"),
            (Some(sequence), events) => {
                let last = sequence.get().saturating_add(events - 1);
                write!(
                    f,
                    "{message}; events {sequence} to {last} ({events}) are lost"
                )
            }
            (None, _) => f.write_str(message),
        }
    }
}

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
    /// most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
}

/// Most problems that a report lists.
pub const PROBLEMS_MAX: usize = 1000;

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
