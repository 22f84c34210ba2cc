//! Ends of chains and streams, as values. How they are found is in `chain`.

use strandline_core::{Hash, Sequence};

/// The end of an entity's chain while a commit is being made.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChainEnd {
    pub(super) next_clock: Option<u32>,
    pub(super) hash: Hash,
    /// Whether the segment already has a record of the entity.
    pub(super) in_segment: bool,
}

impl ChainEnd {
    /// Where the chain of an entity without events ends.
    pub(super) const START: Self = Self {
        next_clock: Some(0),
        hash: Hash::ZERO,
        in_segment: false,
    };
}

/// Where the stream of an entity ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StreamEnd {
    /// The newest event that is there: what readers see, once it is published.
    pub(super) newest: Option<Newest>,
    /// The newest event that there ever was, whose chain goes on: another than the newest only if it was
    /// removed.
    pub(super) last: Option<Last>,
}

/// The newest event of an entity that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) sequence: Sequence,
    pub(super) clock: u32,
}

/// The newest event of an entity that there ever was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) sequence: Sequence,
    pub(super) clock: u32,
    pub(super) hash: Hash,
}

impl StreamEnd {
    /// The end of a stream whose newest event is there.
    pub(super) const fn at(last: Last) -> Self {
        let Last {
            sequence, clock, ..
        } = last;
        Self {
            newest: Some(Newest { sequence, clock }),
            last: Some(last),
        }
    }

    /// The newest event, if it is there and no later one was removed.
    pub(super) fn whole(&self) -> Option<Last> {
        let newest = self.newest?;
        self.last.filter(|last| last.sequence == newest.sequence)
    }
}
