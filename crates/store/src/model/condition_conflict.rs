//! `ConditionConflict`: why an append was refused because of its condition.

use std::fmt;
use strandline_core::{EventId, Sequence};

/// An event that a condition excluded: [`Error::condition_conflict`](crate::Error::condition_conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionConflict {
    /// Place of the region in the condition, from 0.
    pub region: usize,
    /// The first event in it since.
    pub sequence: Sequence,
    /// Its id.
    pub id: EventId,
    /// From where on the condition looked.
    pub since: Sequence,
}

impl fmt::Display for ConditionConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event {} is in region {} of the condition, which allows none from sequence {} on",
            self.sequence, self.region, self.since
        )
    }
}
