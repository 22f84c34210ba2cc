//! `LiveWriter`: the part that grows, as the writer has it. What readers see of it is among the live
//! rows.

use crate::live::by_id::IdTable;
use crate::live::chunk::{Cell, Chunk, NAMES_MAX, cell};
use crate::live::dictionary::{Dictionary, Entry};
use crate::live::find::find;
use crate::live::list::RowList;
use crate::live::{Live, LiveRows};
use crate::model::{CoordinateId, EntityId, IndexError};
use crate::part::Part;
use crate::search::sequence_of;
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Sequence};

/// The part that grows, as the writer has it.
pub(super) struct LiveWriter {
    pub(super) live: Arc<Live>,
    /// The chunks of `live`, so that the writer needs no lock for its own cells.
    pub(super) chunks: Vec<Chunk>,
    pub(super) ids: Arc<IdTable>,
    pub(super) places: Vec<Place>,
    pub(super) entities: Vec<Named>,
    pub(super) scopes: Vec<Named>,
    pub(super) tags: Vec<Named>,
    pub(super) kinds: BTreeMap<EventKind, Entry>,
    pub(super) rows: u32,
    /// The greatest id of the rows of the part.
    pub(super) greatest: Option<EventId>,
}

/// A name with its rows.
pub(super) struct Named {
    pub(super) name: Arc<str>,
    pub(super) rows: Arc<RowList>,
}

/// The entity and the scope of a coordinate.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) entity: EntityId,
    pub(super) scope: u32,
}

impl LiveWriter {
    pub(super) fn new(live: Arc<Live>) -> Self {
        let ids = live.growth.read().ids.clone();
        Self {
            live,
            chunks: Vec::new(),
            ids,
            places: Vec::new(),
            entities: Vec::new(),
            scopes: Vec::new(),
            tags: Vec::new(),
            kinds: BTreeMap::new(),
            rows: 0,
            greatest: None,
        }
    }

    /// Every row of the part, for when no more are added.
    pub(super) fn part(&self) -> Part {
        Part::Live(LiveRows::take(self.live.clone()))
    }

    pub(super) fn place(&self, coordinate: CoordinateId) -> Option<Place> {
        let at = coordinate.position_in(self.live.number)?;
        self.places.get(at).copied()
    }

    pub(super) fn add_coordinate(
        &mut self,
        coordinate: &Coordinate,
    ) -> Result<CoordinateId, IndexError> {
        let id = u32::try_from(self.places.len())
            .ok()
            .filter(|number| *number < NAMES_MAX)
            .map(|number| CoordinateId::new(self.live.number, number))
            .ok_or(IndexError::NamesExhausted)?;
        // There are never more entities or scopes than coordinates, so neither can run out.
        let live = &self.live;
        let entity = number_of(&live.entities, &mut self.entities, coordinate.entity())?;
        let scope = number_of(&live.scopes, &mut self.scopes, coordinate.scope())?;
        self.places.push(Place {
            entity: EntityId::new(entity),
            scope,
        });
        live.coordinates.write().push(coordinate.clone());
        live.by_coordinate.update(coordinate.clone(), || id, |_| ());
        Ok(id)
    }

    pub(super) fn find(&self, id: EventId) -> Option<u32> {
        if self.greatest < Some(id) {
            return None;
        }
        find(&self.chunks, &self.ids, &self.live.hasher, self.rows, id)
    }

    pub(super) fn cell(&self, row: u32) -> Cell<'_> {
        cell(&self.chunks, row)
    }

    pub(super) fn sequence_of(&self, row: u32) -> Sequence {
        sequence_of(&self.live.growth.read().runs, row)
    }
}

/// The number of `name` in `dictionary`, whose lists by number are `lists`.
pub(super) fn number_of(
    dictionary: &Dictionary,
    lists: &mut Vec<Named>,
    name: &str,
) -> Result<u32, IndexError> {
    if let Some(entry) = dictionary.get(name) {
        return Ok(entry.number);
    }
    let name: Arc<str> = name.into();
    let entry = dictionary.add(name.clone(), lists.len())?;
    lists.push(Named {
        name,
        rows: entry.rows,
    });
    Ok(entry.number)
}
