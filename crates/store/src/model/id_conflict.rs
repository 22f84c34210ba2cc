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
    /// What the event has beside its fields: the version of its payload, tags and attributes.
    Extensions,
    /// The payload, or how it is encoded.
    Payload,
    /// Nothing: the event is a repeat. Another member of the batch has no id, so whether that one was
    /// appended too cannot be told.
    MemberWithoutId,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coordinate => "has another entity or scope",
            Self::Kind => "has another kind",
            Self::Correlation => "has another correlation",
            Self::Causation => "has another causation",
            Self::Extensions => "has another payload version, other tags or other attributes",
            Self::Payload => "has another payload",
            Self::MemberWithoutId => {
                "is the same; another member of the batch has no id, so it cannot be told whether \
                 that one was appended too: give every member an id"
            }
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
