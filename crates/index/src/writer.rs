//! `IndexWriter`: the one handle that adds rows, and what it knows of rows not yet published.

use crate::list::List;
use crate::live::ascending;
use crate::live::by_id::{IdTable, fingerprint};
use crate::live::chunk::{Cell, Chunk, NAMES_MAX, cell};
use crate::live::dictionary::{Dictionary, Entry};
use crate::live::list::RowList;
use crate::live::runs::sequence_of;
use crate::live::{Live, LiveRows};
use crate::part::Part;
use crate::rollback::Undo;
use crate::shared::Shared;
use crate::{
    BlockError, Claim, CoordinateId, Coordinates, EntityId, Head, IndexError, IndexLayout,
    IndexReader, ReplayCursor, SequenceGate, Snapshot,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Sequence};

/// An empty index in the default layout: its one writer, and a reader to clone.
///
/// ```
/// use strandline_core::{Coordinate, EventId, EventKind};
/// use strandline_index::{Row, channel};
///
/// let (mut writer, reader) = channel();
/// let coordinate = writer.intern(&Coordinate::new("order:1", "eu")?)?;
/// let sequence = writer.reserve(1)?;
/// let id = EventId::from_u128(7);
/// writer.insert(&Row {
///     sequence,
///     id,
///     coordinate,
///     kind: EventKind::new(1, 1),
///     wall_ms: 1_700_000_000_000,
///     clock: 0,
///     position: 0,
///     correlation: id,
///     causation: None,
///     hash: None,
/// })?;
/// assert!(reader.snapshot().is_empty(), "not published");
/// writer.publish(writer.gate().allocated());
/// assert_eq!(reader.snapshot().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn channel() -> (IndexWriter, IndexReader) {
    channel_with(IndexLayout::default())
}

/// An empty index in a layout of choice, as [`channel`].
#[must_use]
pub fn channel_with(layout: IndexLayout) -> (IndexWriter, IndexReader) {
    let shared = Arc::new(Shared::new(layout));
    let live = LiveWriter::new(shared.parts().live.clone());
    let writer = IndexWriter {
        shared: shared.clone(),
        live,
        parts_begun: 0,
        last: None,
        greatest: None,
    };
    (writer, IndexReader::new(shared))
}

/// Adds rows to an index; there is one for each index.
///
/// Reserve sequences, insert rows, publish: readers see the rows of one publish all at once.
/// [`channel`] makes it.
pub struct IndexWriter {
    pub(crate) shared: Arc<Shared>,
    pub(crate) live: LiveWriter,
    /// The number of the newest part that was begun, undone since or not.
    pub(crate) parts_begun: u32,
    /// The greatest sequence of all rows.
    pub(crate) last: Option<Sequence>,
    /// The greatest id of all rows.
    pub(crate) greatest: Option<EventId>,
}

/// The part that grows, as the writer has it.
pub(crate) struct LiveWriter {
    pub(crate) live: Arc<Live>,
    /// The chunks of `live`, so that the writer needs no lock for its own cells.
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) ids: Arc<IdTable>,
    pub(crate) places: Vec<Place>,
    pub(crate) entities: Vec<Named>,
    pub(crate) scopes: Vec<Named>,
    pub(crate) tags: Vec<Named>,
    pub(crate) kinds: BTreeMap<EventKind, Entry>,
    pub(crate) rows: u32,
    /// The greatest id of the rows of the part.
    pub(crate) greatest: Option<EventId>,
}

/// A name with its rows.
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) rows: Arc<RowList>,
}

/// The entity and the scope of a coordinate.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) entity: EntityId,
    pub(crate) scope: u32,
}

impl IndexWriter {
    /// The gate of the index, for whoever publishes.
    #[must_use]
    pub fn gate(&self) -> &Arc<SequenceGate> {
        &self.shared.gate
    }

    /// Assigns `count` sequences and returns the first. O(1).
    ///
    /// # Errors
    ///
    /// [`IndexError::SequencesExhausted`].
    pub fn reserve(&mut self, count: u64) -> Result<Sequence, IndexError> {
        self.gate().reserve(count)
    }

    /// Makes everything below `up_to` visible. O(1).
    ///
    /// # Panics
    ///
    /// As [`SequenceGate::publish`].
    pub fn publish(&self, up_to: Sequence) {
        self.gate().publish(up_to);
    }

    /// Another reader.
    #[must_use]
    pub fn reader(&self) -> IndexReader {
        IndexReader::new(self.shared.clone())
    }

    /// Every row that was inserted, published or not: for the writer's own decisions. O(1).
    #[must_use]
    pub fn inserted(&self) -> Snapshot {
        let end = self.last.map_or(0, |last| last.get() + 1);
        Snapshot::bounded(&self.shared, Sequence::new(end))
    }

    /// The number of `coordinate`, if it was interned since the last seal. Expected O(1).
    #[must_use]
    pub fn lookup(&self, coordinate: &Coordinate) -> Option<CoordinateId> {
        self.live.live.by_coordinate.read(coordinate, |id| *id)
    }

    /// The number of the entity with this name, if a coordinate of it was interned since the last
    /// seal. Expected O(1).
    #[must_use]
    pub fn lookup_entity(&self, entity: &str) -> Option<EntityId> {
        let entry = self.live.live.entities.get(entity)?;
        Some(EntityId::new(entry.number))
    }

    /// The entity of a coordinate; none if the coordinate was not interned since the last seal. O(1).
    #[must_use]
    pub fn entity_of(&self, coordinate: CoordinateId) -> Option<EntityId> {
        Some(self.live.place(coordinate)?.entity)
    }

    /// The coordinates interned since the last seal, for any thread, and still those after the next.
    /// O(1).
    #[must_use]
    pub fn coordinates(&self) -> Coordinates {
        Coordinates::new(self.live.live.clone())
    }

    /// The number of `coordinate`, which is new if it was not interned since the last seal.
    /// O(log names).
    ///
    /// A name alone shows nothing to readers.
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`] after 2^31 coordinates.
    pub fn intern(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
        match self.lookup(coordinate) {
            Some(id) => Ok(id),
            None => self.live.add_coordinate(coordinate),
        }
    }

    /// The newest event of an entity since the last seal, published or not. O(1).
    #[must_use]
    pub fn head(&self, entity: EntityId) -> Option<Head> {
        let list = &self.live.entities.get(entity.position())?.rows;
        let head = list.head()?;
        Some(Head {
            sequence: self.live.sequence_of(head.row),
            clock: head.clock,
            position: self.live.cell(head.row).position(),
            hash: head.hash,
        })
    }

    /// The newest event of an entity among the sealed rows. O(log names) for each sealed part, from
    /// the newest to the one that has it.
    #[must_use]
    pub fn sealed_head(&self, entity: &str) -> Option<Head> {
        self.in_newest_part(entity, |part, row, _| part.head_at(entity, row))
    }

    /// As [`sealed_head`](Self::sealed_head), and what is to be held against the log first, if a block
    /// says it. O(events of the entity in its part) more where that has several scopes.
    #[must_use]
    pub fn claimed_head(&self, entity: &str) -> Option<(Head, Option<Claim>)> {
        self.in_newest_part(entity, |part, row, list| {
            (part.head_at(entity, row), part.claim(row, list))
        })
    }

    /// What `of` makes of the last row of an entity in the newest sealed part that has any.
    fn in_newest_part<T>(&self, entity: &str, of: impl Fn(&Part, u32, &List) -> T) -> Option<T> {
        let parts = self.shared.parts();
        parts.sealed.iter().rev().find_map(|sealed| {
            let part = &sealed.part;
            let list = part.entity(entity)?;
            let row = list.last_below(part.rows())?;
            Some(of(part, row, &list))
        })
    }

    /// What was found damaged in a sealed part and could not be made anew, if anything was: what
    /// [`sealed_head`](Self::sealed_head) and [`contains`](Self::contains) do not find may be there
    /// then.
    #[must_use]
    pub fn damage(&self) -> Option<BlockError> {
        self.inserted().damage().cloned()
    }

    /// Whether an event with this id was inserted, published or not. O(1) for an id above all
    /// others; else as [`Snapshot::get`].
    #[must_use]
    pub fn contains(&self, id: EventId) -> bool {
        self.sequence_of_id(id).is_some()
    }

    /// Begins a replay of stored rows, which borrows the writer until it is committed or aborted.
    ///
    /// Committing publishes every row, so rows inserted before should be published before.
    pub fn replay(&mut self) -> ReplayCursor<'_> {
        let undo = Undo::new(self);
        ReplayCursor::new(self, undo)
    }

    /// The sequence of the event with this id, published or not.
    pub(crate) fn sequence_of_id(&self, id: EventId) -> Option<Sequence> {
        if self.greatest < Some(id) {
            return None;
        }
        if let Some(row) = self.live.find(id) {
            return Some(self.live.sequence_of(row));
        }
        let parts = self.shared.parts();
        parts.sealed.iter().rev().find_map(|sealed| {
            let row = sealed.part.find(id, sealed.part.rows())?;
            Some(sealed.part.sequence_of(row))
        })
    }
}

impl LiveWriter {
    pub(crate) fn new(live: Arc<Live>) -> Self {
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
    pub(crate) fn part(&self) -> Part {
        Part::Live(LiveRows::take(self.live.clone()))
    }

    pub(crate) fn place(&self, coordinate: CoordinateId) -> Option<Place> {
        let at = coordinate.position_in(self.live.number)?;
        self.places.get(at).copied()
    }

    fn add_coordinate(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
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

    pub(crate) fn find(&self, id: EventId) -> Option<u32> {
        if self.greatest < Some(id) {
            return None;
        }
        ascending::find(&self.chunks, self.rows, id).or_else(|| {
            if self.ids.is_empty() {
                return None;
            }
            let fingerprint = fingerprint(&self.live.hasher, id);
            self.ids.find(fingerprint, |row| self.cell(row).id() == id)
        })
    }

    pub(crate) fn cell(&self, row: u32) -> Cell<'_> {
        cell(&self.chunks, row)
    }

    pub(crate) fn sequence_of(&self, row: u32) -> Sequence {
        sequence_of(&self.live.growth.read().runs, row)
    }
}

/// The number of `name` in `dictionary`, whose lists by number are `lists`.
pub(crate) fn number_of(
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

impl fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexWriter")
            .field("gate", self.gate())
            .field("live_rows", &self.live.rows)
            .finish_non_exhaustive()
    }
}
