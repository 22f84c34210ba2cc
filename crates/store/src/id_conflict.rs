//! `IdConflict`: why an append was refused because an event id is taken.

use std::fmt;
use strandline_core::{EventId, Sequence};

/// An event id that is taken, and is not repeated: [`Error::id_conflict`](crate::Error::id_conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdConflict {
    /// The id.
    pub id: EventId,
    /// The event that has it.
    pub sequence: Sequence,
    /// What differs between the append and the earlier one.
    pub difference: Difference,
}

/// What differs between an append and an earlier one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Difference {
    /// Entity or scope.
    Coordinate,
    /// The kind.
    Kind,
    /// The correlation.
    Correlation,
    /// The causation.
    Causation,
    /// What the event has beside its fields: the version of its payload, and tags.
    Extensions,
    /// The payload, or how it is encoded.
    Payload,
    /// The earlier payload was removed, so nothing is left to compare.
    Redacted,
    /// The events that were appended together.
    Batch,
    /// The order of the events in the batch.
    Order,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coordinate => "has another entity or scope",
            Self::Kind => "has another kind",
            Self::Correlation => "has another correlation",
            Self::Causation => "has another causation",
            Self::Extensions => "has another payload version or other tags",
            Self::Payload => "has another payload",
            Self::Redacted => "has a payload that was removed and cannot be compared",
            Self::Batch => "was not appended together with the same events",
            Self::Order => "was appended in another order",
        })
    }
}

impl fmt::Display for IdConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event id {} is taken by event {}, which {}",
            self.id, self.sequence, self.difference
        )
    }
}
