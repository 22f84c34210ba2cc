//! `Row`: what the index is given of one event; `Head`: the newest event of an entity; `Claim`: what is
//! to be held against the log. No row is kept as one of these.

use super::id::CoordinateId;
use std::ops::Range;
use strandline_core::{EventId, EventKind, Hash, Sequence};

/// Largest exclusive upper bound of sequences: the highest bit stays free for whoever marks one.
pub(crate) const BOUND_MAX: u64 = (1 << 63) - 1;

/// What the index is given of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Place in the global commit order.
    pub sequence: Sequence,
    /// Id.
    pub id: EventId,
    /// Entity and scope.
    pub coordinate: CoordinateId,
    /// What happened.
    pub kind: EventKind,
    /// When, in milliseconds since 1970.
    pub wall_ms: u64,
    /// Place in the entity's stream.
    pub clock: u32,
    /// Where the event is stored; the index only carries it.
    pub position: u64,
    /// What the event belongs to; its own id by default.
    pub correlation: EventId,
    /// What caused the event.
    pub causation: Option<EventId>,
    /// Hash of the event; kept only while the row is the newest of its entity.
    pub hash: Option<Hash>,
}

/// The newest event of an entity, published or not: what the next one follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its sequence.
    pub sequence: Sequence,
    /// Its clock.
    pub clock: u32,
    /// Where it is stored.
    pub position: u64,
    /// Its hash, if that was given.
    pub hash: Option<Hash>,
}

/// The newest event of an entity among the sealed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHead {
    /// The event.
    pub head: Head,
    /// What is to be held against the log before anything is made of it; none where the rows are no
    /// block yet, or the block is [trusted](crate::Block::is_trusted).
    pub claim: Option<Claim>,
}

/// What a block says of a row, which is to be held against the log before anything is made of it:
/// checksums tell that a block is as it was written, not that it says what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The sequences of the block.
    pub block: Range<Sequence>,
}
