//! `EventHeader`: everything that is known of an event but its payload.

use super::attributes::Attributes;
use super::coordinate::Coordinate;
use super::encoding::PayloadEncoding;
use super::extensions::Extensions;
use super::hash::{Hash, HashChain};
use super::hlc::Hlc;
use super::id::{EventId, Sequence};
use super::kind::EventKind;

/// An event's place in its entity's stream: streams are ordered by this key.
///
/// The hybrid logical clock never goes back, so the order agrees with that of `clock` alone and
/// with that of sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClockKey {
    /// Milliseconds since 1970.
    pub wall_ms: u64,
    /// Place in the stream, from 0.
    pub clock: u32,
    /// Id.
    pub id: EventId,
}

/// Everything that is known of an event but its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHeader {
    /// Place in the global commit order.
    pub sequence: Sequence,
    /// Id.
    pub id: EventId,
    /// Entity and scope.
    pub coordinate: Coordinate,
    /// What happened.
    pub kind: EventKind,
    /// Place in the entity's stream, from 0.
    pub clock: u32,
    /// When it was appended.
    pub hlc: Hlc,
    /// What the event belongs to; its own id where nothing else was given.
    pub correlation: EventId,
    /// What caused the event, if that was given.
    pub causation: Option<EventId>,
    /// How the payload is encoded.
    pub encoding: PayloadEncoding,
    /// Typed extensions.
    pub extensions: Extensions,
    /// Hash of the event.
    pub hash: Hash,
}

impl EventHeader {
    /// Whether the event belongs to something other than itself.
    #[must_use]
    pub fn is_correlated(&self) -> bool {
        self.correlation != self.id
    }

    /// Whether the event was caused by the event `id`.
    #[must_use]
    pub fn is_caused_by(&self, id: EventId) -> bool {
        self.causation == Some(id)
    }

    /// Version of the payload's type, from 1: what [`Extensions::payload_version`] says.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.extensions.payload_version()
    }

    /// The tags, as [`Extensions::tags`] has them.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.extensions.tags()
    }

    /// What the event had in another system, as [`Extensions::attributes`] has it.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        self.extensions.attributes()
    }

    /// Whether no cause was given.
    #[must_use]
    pub const fn is_root_cause(&self) -> bool {
        self.causation.is_none()
    }

    /// The key that orders the event in its stream.
    #[must_use]
    pub const fn clock_key(&self) -> ClockKey {
        ClockKey {
            wall_ms: self.hlc.wall_ms(),
            clock: self.clock,
            id: self.id,
        }
    }

    /// The event's link in its entity's chain, after the event with hash `previous`.
    #[must_use]
    pub const fn chain(&self, previous: Hash) -> HashChain {
        HashChain {
            previous,
            hash: self.hash,
        }
    }
}
