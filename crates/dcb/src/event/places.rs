//! `Places`: which entity and scope events have, of which the trait knows nothing.

use strandline_core::Coordinate;
use umadb_dcb::{DcbError, DcbEvent, DcbResult};

/// The entity and the scope of events, unless others are asked for.
const NAME: &str = "dcb";

/// To which entity and scope of the store events belong, which an event of the trait has not. Reads ask for every
/// event, whatever its entity.
///
/// An entity owns a stream and a chain of hashes, and a stream has 4,294,967,296 events at most: then appends to it
/// are refused, and others go on. An event that is appended again under its uuid is the same event only at the same
/// place, so a store keeps to one way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Places {
    /// All events have the entity `dcb` in the scope `dcb`.
    #[default]
    Dcb,
    /// All events have this entity.
    One(Coordinate),
    /// An event has its first tag for its entity, so that it is in the stream of that; one without tags has the
    /// entity of this coordinate. The scope is that of the coordinate.
    ///
    /// For who reads streams, or redacts and compacts by entity. Each entity costs memory and an index entry of its
    /// own: the README has figures.
    FirstTag(Coordinate),
}

impl Places {
    /// The place of an event.
    pub(super) fn of(&self, event: &DcbEvent) -> DcbResult<Coordinate> {
        let made = match (self, event.tags.first()) {
            (Self::One(coordinate), _) | (Self::FirstTag(coordinate), None) => {
                return Ok(coordinate.clone());
            }
            (Self::Dcb, _) => Coordinate::new(NAME, NAME),
            // What is a tag is a name.
            (Self::FirstTag(coordinate), Some(tag)) => Coordinate::new(tag, coordinate.scope()),
        };
        made.map_err(|error| DcbError::InvalidArgument(error.to_string()))
    }
}
