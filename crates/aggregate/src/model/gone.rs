//! `Gone`: events of which nothing is left to apply.

use std::fmt;
use std::ops::Range;
use strandline::{Coordinate, Error, ErrorKind, EventId, EventKind};

/// Events of which nothing is left to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gone {
    /// An event whose payload was redacted, or of which a retention keeps the header alone.
    Redacted {
        /// Place in the entity's stream, from 0.
        clock: u32,
        /// What happened.
        kind: EventKind,
    },
    /// An event whose payload was sealed with a key that was forgotten.
    Forgotten {
        /// Place in the entity's stream, from 0.
        clock: u32,
        /// What happened.
        kind: EventKind,
        /// Which event it is.
        id: EventId,
    },
    /// Events that a compaction removed.
    Removed {
        /// Their places in the entity's stream.
        clocks: Range<u32>,
    },
}

impl Gone {
    /// Why an entity cannot be loaded.
    pub(crate) fn refused(&self, coordinate: &Coordinate) -> Error {
        let entity = coordinate.entity();
        let message = format!(
            "the state of {entity} cannot be made: {self}; if it is right without that, the aggregate or the \
             decision says so (evolve_without)"
        );
        let kind = match self {
            Self::Forgotten { .. } => ErrorKind::Forgotten,
            _ => ErrorKind::Redacted,
        };
        Error::new(kind, message)
    }
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redacted { clock, kind } => {
                write!(
                    f,
                    "the payload of its event {clock}, of kind {kind}, was redacted"
                )
            }
            Self::Forgotten { clock, kind, id } => write!(
                f,
                "the payload of its event {clock}, {id} of kind {kind}, was sealed with a key that was forgotten"
            ),
            Self::Removed { clocks } => {
                let Range { start, end } = clocks;
                write!(f, "its events from {start} to before {end} were removed")
            }
        }
    }
}
