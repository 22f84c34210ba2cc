//! Ends of chains and streams, as values. How they are found is in `chain`.

use strandline_core::Hash;
use strandline_index::Head;

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
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamEnd {
    /// The newest event that is there: what readers see, once it is published.
    pub(super) newest: Option<Head>,
    /// The newest event that there ever was, whose chain goes on: another than the newest only if it was
    /// removed.
    pub(super) last: Option<Head>,
}
