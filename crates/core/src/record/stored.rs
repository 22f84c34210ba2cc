//! `StoredRecord`: a record, whichever it is.

use super::event::Record;
use super::removed::RemovedRecord;
use crate::codec::DecodeError;
use crate::model::{Coordinate, EventKind, Hash};

/// A record of a segment: an event, or the place of one that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRecord<'a> {
    /// An event.
    Event(Record<'a>),
    /// The place of one that was removed.
    Removed(RemovedRecord),
}

impl<'a> StoredRecord<'a> {
    /// A record from all of its bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are cut short or hold a value that no encoder writes.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        if RemovedRecord::is_one(body) {
            RemovedRecord::decode(body).map(Self::Removed)
        } else {
            Record::decode(body).map(Self::Event)
        }
    }

    /// Number of the coordinate in its segment.
    #[must_use]
    pub const fn local_coordinate(&self) -> u32 {
        match self {
            Self::Event(record) => record.local_coordinate,
            Self::Removed(removed) => removed.local_coordinate,
        }
    }

    /// The coordinate, with its first use in a segment.
    #[must_use]
    pub const fn coordinate(&self) -> Option<&Coordinate> {
        match self {
            Self::Event(record) => record.coordinate.as_ref(),
            Self::Removed(removed) => removed.coordinate.as_ref(),
        }
    }

    /// Hash of the entity's event before this one, in the entity's first record of a segment.
    #[must_use]
    pub const fn previous(&self) -> Option<Hash> {
        match self {
            Self::Event(record) => record.previous,
            Self::Removed(removed) => removed.previous,
        }
    }

    /// Place in the entity's stream.
    #[must_use]
    pub const fn clock(&self) -> u32 {
        match self {
            Self::Event(record) => record.clock,
            Self::Removed(removed) => removed.clock,
        }
    }

    /// The kind that the record names, and its name. Kinds that are reserved for the store have no names,
    /// whatever is written.
    #[must_use]
    pub fn kind_name(&self) -> Option<(EventKind, &str)> {
        let (kind, name) = match self {
            Self::Event(record) => (record.kind, record.extensions.kind_name()?),
            Self::Removed(removed) => {
                let (kind, name) = removed.kind_name.as_ref()?;
                (*kind, &**name)
            }
        };
        (!kind.is_reserved()).then_some((kind, name))
    }

    /// A source and the position in it, where the record has one.
    #[must_use]
    pub fn tracking(&self) -> Option<(&str, u64)> {
        match self {
            Self::Event(record) => record.extensions.tracking(),
            Self::Removed(removed) => {
                let (source, position) = removed.tracking.as_ref()?;
                Some((source, *position))
            }
        }
    }

    /// Appends the body that the record has in another segment: what it says of its segment are these, and
    /// all else, and so its hash, stays.
    pub fn encode_elsewhere(
        self,
        local_coordinate: u32,
        coordinate: Option<Coordinate>,
        previous: Option<Hash>,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::Event(record) => Record {
                local_coordinate,
                coordinate,
                previous,
                ..record
            }
            .encode(out),
            Self::Removed(removed) => RemovedRecord {
                local_coordinate,
                coordinate,
                previous,
                ..removed
            }
            .encode(out),
        }
    }
}
