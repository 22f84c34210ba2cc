//! `IndexWriter`: the one handle that adds rows. Sequences, names, and what was inserted; how a row is
//! added is beside it.

use super::coordinates::Coordinates;
use super::live_writer::LiveWriter;
use crate::gate::SequenceGate;
use crate::model::{BlockError, CoordinateId, EntityId, Head, IndexError};
use crate::reader::{IndexReader, Snapshot};
use crate::shared::Shared;
use std::fmt;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, Sequence};

/// Adds rows to an index; there is one for each index.
///
/// Reserve sequences, insert rows, publish: readers see the rows of one publish all at once.
/// [`channel`](crate::channel) makes it.
pub struct IndexWriter {
    pub(super) shared: Arc<Shared>,
    pub(super) live: LiveWriter,
    /// The number of the newest part that was begun, undone since or not.
    pub(super) parts_begun: u32,
    /// The greatest sequence of all rows.
    pub(super) last: Option<Sequence>,
    /// The greatest id of all rows.
    pub(super) greatest: Option<EventId>,
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

    /// What was found damaged in a sealed part and could not be made anew, if anything was: what
    /// [`sealed_head`](Self::sealed_head) and [`contains`](Self::contains) do not find may be there
    /// then.
    #[must_use]
    pub fn damage(&self) -> Option<BlockError> {
        self.inserted().damage().cloned()
    }
}

impl fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexWriter")
            .field("gate", self.gate())
            .field("live_rows", &self.live.rows)
            .finish_non_exhaustive()
    }
}
