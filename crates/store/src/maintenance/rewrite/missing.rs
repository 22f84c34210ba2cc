//! `Missing`: who was named to a removal, and is nobody.

use crate::{EventId, Region, Sequence, Snapshot};

/// What was named to a [`compact`](crate::maintenance::compact()) or [`redact`](crate::maintenance::redact())
/// and is not there. What else was named was done.
///
/// An entity whose events a compaction removed is nobody too. Names are compared byte by byte: in another
/// form of Unicode a name is another one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Missing {
    /// Ids that no event has.
    pub events: Vec<EventId>,
    /// Names of entities that have no event.
    pub entities: Vec<String>,
    /// Prefixes with which no name of an entity begins that has an event.
    pub prefixes: Vec<String>,
}

impl Missing {
    /// Whether everyone who was named is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.entities.is_empty() && self.prefixes.is_empty()
    }

    /// Notes those of the names whose region has no event.
    pub(super) fn look_for(
        &mut self,
        snapshot: &Snapshot,
        entities: &[String],
        prefixes: &[String],
    ) {
        let is_nobody =
            |region: &Region| snapshot.index.first_since(region, Sequence::ZERO).is_none();
        let of_entity = |name: &&String| is_nobody(&Region::all().entity(*name));
        let of_prefix = |prefix: &&String| is_nobody(&Region::all().entity_prefix(*prefix));
        self.entities
            .extend(entities.iter().filter(of_entity).cloned());
        self.prefixes
            .extend(prefixes.iter().filter(of_prefix).cloned());
    }
}
