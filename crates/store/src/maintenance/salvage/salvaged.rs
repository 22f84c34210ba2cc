//! `Salvaged`: what was saved, and what was lost.

use super::loss::Loss;
use crate::Sequence;
use std::ops::Range;

/// What was saved, and what was lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Salvaged {
    /// Events that were saved.
    pub events: u64,
    /// Of these, events whose chain could not be followed from the event before, which is lost:
    /// their checksums are right, and that is all that is known.
    pub unchained: u64,
    /// Events that had been stored twice, or were in the target already.
    pub repeated: u64,
    /// Events that a compaction had removed before.
    pub removed: u64,
    /// Compactions and redactions of the old store whose records were saved.
    pub removals: u64,
    /// Commits that were saved as several, since the target takes none as large.
    pub split: u64,
    /// Events whose time was before that of one which is in the target, and was moved to it.
    pub moved_times: u64,
    /// Events below this sequence were durable, by whatever in the old store shows it.
    pub durable_before: Sequence,
    /// The file that shows it.
    pub proven_by: Option<String>,
    /// Whether a manifest or a checkpoint was whole, so that an end that is gone shows.
    pub is_proven: bool,
    /// How many events are lost, as far as anything shows that they were there: neither saved, nor removed
    /// by a compaction, nor redacted.
    pub lost: u64,
    /// Of these, events that were durable.
    pub lost_durable: u64,
    /// What was lost, in the order of the log.
    pub losses: Vec<Loss>,
    /// Sequences of the old store that nothing was found of, up to the last that anything shows.
    pub missing: Vec<Range<u64>>,
    /// Names of the segment files that were not read, as another file of the same segment counts, no
    /// segment's file is called so, or the segment is of another store.
    pub passed_over: Vec<String>,
    /// What else was found wrong, and cost no event.
    pub notices: Vec<String>,
}

impl Salvaged {
    /// Whether everything is saved that the old store shows to have been there, but for what was redacted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.losses.iter().all(|loss| loss.is_redacted)
    }
}
