//! `IndexWriter`: the one handle that adds rows, and what it knows of rows not yet published.

use crate::ascending;
use crate::by_id::{IdTable, fingerprint};
use crate::columns::{Cell, Chunk, NAMES_MAX, cell};
use crate::dictionary::Dictionary;
use crate::list::RowList;
use crate::rollback::Undo;
use crate::runs::sequence_of;
use crate::shared::Shared;
use crate::{
    CoordinateId, EntityId, Head, IndexError, IndexReader, ReplayCursor, Row, RowNumber, ScopeId,
    SequenceGate,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Sequence};

/// An empty index: its one writer, and a reader to clone.
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
    let shared = Arc::new(Shared::new());
    let writer = IndexWriter::new(shared.clone());
    (writer, IndexReader::new(shared))
}

/// Adds rows to an index; there is one for each index.
///
/// Reserve sequences, insert rows, publish: readers see the rows of one publish all at once.
/// [`channel`] makes it.
pub struct IndexWriter {
    pub(crate) shared: Arc<Shared>,
    /// The chunks of `shared.parts`, so that the writer needs no lock for its own cells.
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) ids: Arc<IdTable>,
    pub(crate) places: Vec<Place>,
    pub(crate) entities: Vec<Arc<RowList>>,
    pub(crate) scopes: Vec<Arc<RowList>>,
    pub(crate) kinds: BTreeMap<EventKind, Arc<RowList>>,
    pub(crate) rows: u32,
    pub(crate) last: Option<Sequence>,
    /// The greatest id of all rows.
    pub(crate) greatest: Option<EventId>,
}

/// The entity and the scope of a coordinate.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) entity: EntityId,
    pub(crate) scope: ScopeId,
}

impl IndexWriter {
    fn new(shared: Arc<Shared>) -> Self {
        let ids = shared.parts.read().ids.clone();
        Self {
            shared,
            chunks: Vec::new(),
            ids,
            places: Vec::new(),
            entities: Vec::new(),
            scopes: Vec::new(),
            kinds: BTreeMap::new(),
            rows: 0,
            last: None,
            greatest: None,
        }
    }

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

    /// The number of `coordinate`, if it was interned. Expected O(1).
    #[must_use]
    pub fn lookup(&self, coordinate: &Coordinate) -> Option<CoordinateId> {
        self.shared.by_coordinate.read(coordinate, |id| *id)
    }

    /// The number of the entity with this name, if a coordinate of it was interned. Expected O(1).
    #[must_use]
    pub fn lookup_entity(&self, entity: &str) -> Option<EntityId> {
        let entry = self.shared.entities.get(entity)?;
        Some(EntityId::new(entry.number))
    }

    /// The coordinate with this number, if it was interned. Coordinates are numbered from 0 in the
    /// order of interning. O(1).
    #[must_use]
    pub fn coordinate(&self, number: u32) -> Option<CoordinateId> {
        let id = CoordinateId::new(number);
        self.places.get(id.position()).map(|_| id)
    }

    /// The entity of a coordinate. O(1).
    ///
    /// # Panics
    ///
    /// If the coordinate was not interned in this index.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "an id of another index is a bug of the caller"
    )]
    pub fn entity_of(&self, coordinate: CoordinateId) -> EntityId {
        let place = self.places.get(coordinate.position());
        place.expect("the coordinate is of this index").entity
    }

    /// The number of `coordinate`, which is new if it was never interned. O(log names).
    ///
    /// A name alone shows nothing to readers.
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`] after 2^31 coordinates.
    pub fn intern(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
        if let Some(id) = self.lookup(coordinate) {
            return Ok(id);
        }
        let id = u32::try_from(self.places.len())
            .ok()
            .filter(|number| *number < NAMES_MAX)
            .map(CoordinateId::new)
            .ok_or(IndexError::NamesExhausted)?;
        // There are never more entities or scopes than coordinates, so neither can run out.
        let shared = &self.shared;
        let entity = number_of(&shared.entities, &mut self.entities, coordinate.entity())?;
        let scope = number_of(&shared.scopes, &mut self.scopes, coordinate.scope())?;
        self.places.push(Place {
            entity: EntityId::new(entity),
            scope: ScopeId::new(scope),
        });
        shared.coordinates.write().push(coordinate.clone());
        shared
            .by_coordinate
            .update(coordinate.clone(), || id, |_| ());
        Ok(id)
    }

    /// The newest row of an entity, published or not. O(1).
    #[must_use]
    pub fn head(&self, entity: EntityId) -> Option<Head> {
        let head = self.entities.get(entity.position())?.head()?;
        Some(Head {
            row: RowNumber::new(head.row),
            clock: head.clock,
            hash: head.hash,
        })
    }

    /// Notes the hash of the newest row of an entity; nothing if it has no row. O(1).
    pub fn set_head_hash(&mut self, entity: EntityId, hash: Hash) {
        if let Some(rows) = self.entities.get(entity.position()) {
            rows.set_hash(hash);
        }
    }

    /// The row of an event, published or not. O(log rows), and O(1) for an id above all others.
    #[must_use]
    pub fn find(&self, id: EventId) -> Option<RowNumber> {
        self.find_among(self.rows, id).map(RowNumber::new)
    }

    /// What the index keeps of a row, published or not. O(log gaps in the sequences).
    ///
    /// The hash is there if the row is the newest of its entity and its hash is known.
    #[must_use]
    pub fn row(&self, row: RowNumber) -> Option<Row> {
        let number = row.get();
        if row.position() >= self.rows as usize {
            return None;
        }
        let cell = self.cell(number);
        let (id, coordinate) = (cell.id(), cell.coordinate());
        let head = self.head(self.entity_of(coordinate));
        let link = cell.link();
        Some(Row {
            sequence: self.sequence_of(number),
            id,
            coordinate,
            kind: cell.kind(),
            wall_ms: cell.wall_ms(),
            clock: cell.clock(),
            position: cell.position(),
            correlation: link.map_or(id, |link| link.correlation),
            causation: link.and_then(|link| link.causation),
            hash: head
                .filter(|head| head.row == row)
                .and_then(|head| head.hash),
        })
    }

    /// Begins a replay of stored rows, which borrows the writer until it is committed or aborted.
    ///
    /// Committing publishes every row, so rows inserted before should be published before.
    pub fn replay(&mut self) -> ReplayCursor<'_> {
        let undo = Undo::new(self.rows);
        ReplayCursor::new(self, undo)
    }

    /// The row with this id among the first `rows`, which may be more than are counted yet.
    pub(crate) fn find_among(&self, rows: u32, id: EventId) -> Option<u32> {
        if self.greatest < Some(id) {
            return None;
        }
        ascending::find(&self.chunks, rows, id).or_else(|| {
            if self.ids.is_empty() {
                return None;
            }
            let fingerprint = fingerprint(&self.shared.hasher, id);
            self.ids.find(fingerprint, |row| self.cell(row).id() == id)
        })
    }

    pub(crate) fn cell(&self, row: u32) -> Cell<'_> {
        cell(&self.chunks, row)
    }

    pub(crate) fn sequence_of(&self, row: u32) -> Sequence {
        sequence_of(&self.shared.parts.read().runs, row)
    }
}

/// The number of `name` in `dictionary`, whose lists by number are `lists`.
fn number_of(
    dictionary: &Dictionary,
    lists: &mut Vec<Arc<RowList>>,
    name: &str,
) -> Result<u32, IndexError> {
    if let Some(entry) = dictionary.get(name) {
        return Ok(entry.number);
    }
    let entry = dictionary.add(name, lists.len())?;
    lists.push(entry.rows);
    Ok(entry.number)
}

impl fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexWriter")
            .field("gate", self.gate())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
