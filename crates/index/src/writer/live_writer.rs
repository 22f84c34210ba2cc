//! `LiveWriter`: the part that grows, as the writer has it. What readers see of it is among the live
//! rows.

use crate::live::by_id::IdTable;
use crate::live::chunk::{Cell, Chunk, cell};
use crate::live::coordinates::{Interned, Place};
use crate::live::dictionary::{Dictionary, Entry, Name};
use crate::live::find::find;
use crate::live::{Live, LiveRows};
use crate::model::{CoordinateId, IndexError};
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
    pub(super) kinds: BTreeMap<EventKind, Entry>,
    pub(super) rows: u32,
    /// The greatest id of the rows of the part.
    pub(super) greatest: Option<EventId>,
}

impl LiveWriter {
    pub(super) fn new(live: Arc<Live>) -> Self {
        let ids = live.growth.read().ids.clone();
        Self {
            live,
            chunks: Vec::new(),
            ids,
            kinds: BTreeMap::new(),
            rows: 0,
            greatest: None,
        }
    }

    /// Every row of the part, for when no more are added.
    pub(super) fn part(&self) -> Part {
        Part::Live(LiveRows::take(self.live.clone()))
    }

    /// The entity and the scope of a coordinate of the part.
    pub(super) fn place(&self, coordinate: CoordinateId) -> Option<Place> {
        let number = coordinate.number_in(self.live.number)?;
        self.live.coordinates.place(number)
    }

    /// The number of a coordinate, which is new if it has none.
    pub(super) fn intern(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
        let live = &self.live;
        let hash = live.coordinates.hash(coordinate);
        let number = match live.coordinates.find(coordinate, hash) {
            Some(number) => number,
            None => {
                // There are never more entities or scopes than coordinates, so these run out first.
                let place = Place {
                    entity: number_of(&live.entities, coordinate.entity(), || {
                        Name::EntityOf(coordinate.clone())
                    })?,
                    scope: number_of(&live.scopes, coordinate.scope(), || {
                        Name::ScopeOf(coordinate.clone())
                    })?,
                };
                let coordinate = coordinate.clone();
                let interned = Interned { coordinate, place };
                let number = live.coordinates.add(interned, hash);
                number.ok_or(IndexError::NamesExhausted)?
            }
        };
        Ok(CoordinateId::new(live.number, number))
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

/// The number of a name in `dictionary`, which is new if it has none.
pub(super) fn number_of(
    dictionary: &Dictionary,
    name: &str,
    new: impl FnOnce() -> Name,
) -> Result<u32, IndexError> {
    let hash = dictionary.hash(name);
    match dictionary.number(name, hash) {
        Some(number) => Ok(number),
        None => dictionary.add(new(), hash),
    }
}
