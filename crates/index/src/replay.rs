//! `ReplayCursor`: rebuilding an index from stored rows, as one step that is committed or undone.

use crate::rollback::Undo;
use crate::{BlockError, CoordinateId, EntityId, IndexError, IndexWriter, Row, RowNumber};
use std::fmt;
use strandline_core::{Coordinate, Sequence};

/// Inserts stored rows, and then restores the allocator and publishes in one step.
///
/// Sequences are kept verbatim. Finish it with [`commit`](Self::commit) or [`abort`](Self::abort):
/// to drop it without either is a bug, which rolls back, and panics in debug builds.
///
/// ```
/// use strandline_core::{Coordinate, EventId, EventKind, Sequence};
/// use strandline_index::{Row, channel};
///
/// let (mut writer, reader) = channel();
/// let mut cursor = writer.replay();
/// let coordinate = cursor.intern(&Coordinate::new("order:1", "eu")?)?;
/// let id = EventId::from_u128(7);
/// cursor.insert(&Row {
///     sequence: Sequence::new(41),
///     id,
///     coordinate,
///     kind: EventKind::new(1, 1),
///     wall_ms: 0,
///     clock: 3,
///     position: 0,
///     correlation: id,
///     causation: None,
///     hash: None,
/// })?;
/// assert_eq!(cursor.synthesize_next(), Sequence::new(42));
/// assert_eq!(cursor.commit(Sequence::new(50)), Sequence::new(50));
/// assert_eq!(reader.snapshot().visible(), Sequence::new(50));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a replay is committed or aborted"]
pub struct ReplayCursor<'a> {
    writer: &'a mut IndexWriter,
    undo: Undo,
    finished: bool,
}

impl<'a> ReplayCursor<'a> {
    pub(crate) const fn new(writer: &'a mut IndexWriter, undo: Undo) -> Self {
        Self {
            writer,
            undo,
            finished: false,
        }
    }

    /// The number of a coordinate, as [`IndexWriter::intern`]. It stays after an abort.
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`].
    pub fn intern(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
        self.writer.intern(coordinate)
    }

    /// The coordinate with this number, if it was interned. O(1).
    #[must_use]
    pub fn coordinate(&self, number: u32) -> Option<CoordinateId> {
        self.writer.coordinate(number)
    }

    /// The entity of a coordinate, as [`IndexWriter::entity_of`]. O(1).
    ///
    /// # Panics
    ///
    /// If the coordinate was not interned in this index.
    #[must_use]
    pub fn entity_of(&self, coordinate: CoordinateId) -> EntityId {
        self.writer.entity_of(coordinate)
    }

    /// Adds a row with the sequence it has; nothing need be reserved. Expected O(1).
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::insert`]; a sequence that is not above that of every row, or that is
    /// visible, is [`IndexError::SequenceOutOfOrder`]. Nothing has changed then.
    pub fn insert(&mut self, row: &Row) -> Result<RowNumber, IndexError> {
        self.writer.insert_stored(row, Some(&mut self.undo))
    }

    /// Adds every row of a block that [`Snapshot::export`](crate::Snapshot::export) made, and
    /// returns how many there are. O(rows).
    ///
    /// The bytes may come from anywhere: every length, number and order in them is checked.
    ///
    /// # Errors
    ///
    /// [`BlockError`] if the bytes are not an intact block, or a row cannot follow those that are
    /// there. Nothing has changed then.
    pub fn import(&mut self, block: &[u8]) -> Result<u64, BlockError> {
        self.writer.import_block(block, &mut self.undo)
    }

    /// A sequence for a row that was stored without one: after every row, 0 on an empty index.
    /// Inserts nothing. O(1).
    #[must_use]
    pub fn synthesize_next(&self) -> Sequence {
        self.writer.least()
    }

    /// Restores the allocator, publishes everything below it, and returns it.
    ///
    /// The allocator becomes the larger of `hint`, of what it was, and of the sequence after the
    /// highest row.
    ///
    /// # Panics
    ///
    /// If `hint` is not below 2^63, or the gate is frozen.
    pub fn commit(mut self, hint: Sequence) -> Sequence {
        let after_last = self.writer.last.map_or(0, |last| last.get() + 1);
        let gate = self.writer.gate();
        gate.restore(hint.max(Sequence::new(after_last)));
        let allocated = gate.allocated();
        gate.publish(allocated);
        self.finished = true;
        allocated
    }

    /// Drops every row inserted, and leaves allocator and watermark as they are.
    /// O(rows of the index).
    pub fn abort(mut self) {
        self.undo();
    }

    fn undo(&mut self) {
        self.finished = true;
        if self.writer.rows > self.undo.rows() {
            self.writer.roll_back(&self.undo);
        }
    }
}

impl Drop for ReplayCursor<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.undo();
        if cfg!(debug_assertions) && !std::thread::panicking() {
            panic!("a replay was dropped without a commit or an abort");
        }
    }
}

impl fmt::Debug for ReplayCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayCursor")
            .field("rows", &(self.writer.rows - self.undo.rows()))
            .finish_non_exhaustive()
    }
}
