//! Positions in sources, as callers give and get them: `Tracking`, `Tracked`, `TrackingConflict`.

use std::fmt;
use std::sync::Arc;
use strandline_core::Sequence;

/// Most sources of a store of which it keeps the position. Sources are those that events are made from, such as
/// another store, a topic or a partition of one; there are as many as there are processors, not as entities.
pub const TRACKED_SOURCES_MAX: usize = 1 << 16;

/// A position in a source that an append is to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tracking<'a> {
    pub(crate) source: &'a str,
    pub(crate) position: u64,
}

/// How far a source was gone through: [`Store::tracked`](crate::Store::tracked).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tracked {
    /// The name of the source.
    pub source: Arc<str>,
    /// The last position in it that was given.
    pub position: u64,
    /// The sequence of the event with which it was written, which may have been removed since.
    pub sequence: Sequence,
}

/// A position that does not rise: [`Error::tracking_conflict`](crate::Error::tracking_conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackingConflict {
    /// The position that was given.
    pub given: u64,
    /// What the store has: what the source was gone through to is written already.
    pub last: Tracked,
}

impl fmt::Display for TrackingConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tracked {
            source, position, ..
        } = &self.last;
        let given = self.given;
        write!(
            f,
            "source {source:?} is at position {position}, so what is made of {given} is there already"
        )
    }
}
