//! `ReplayCursor`: rebuilding an index from stored rows, as one step that is committed or undone. Reads
//! none from a file.

use super::index_writer::IndexWriter;
use super::rollback::Undo;
use crate::block::Block;
use crate::model::{BlockError, CoordinateId, IndexError, Row};
use crate::part::{Part, View};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, Sequence};

/// Inserts stored rows, and then restores the allocator and publishes in one step.
///
/// Sequences are kept verbatim. Finish it with [`commit`](Self::commit): dropped without it, by an
/// error that is passed on say, it is aborted.
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
#[must_use = "a replay that is not committed is undone"]
pub struct ReplayCursor<'a> {
    writer: &'a mut IndexWriter,
    undo: Undo,
    committed: bool,
}

impl IndexWriter {
    /// Begins a replay of stored rows, which borrows the writer until it is committed or aborted.
    ///
    /// Committing publishes every row, so rows inserted before should be published before.
    pub fn replay(&mut self) -> ReplayCursor<'_> {
        let undo = Undo::new(self);
        ReplayCursor {
            writer: self,
            undo,
            committed: false,
        }
    }
}

impl ReplayCursor<'_> {
    /// The number of a coordinate, as [`IndexWriter::intern`]; it holds until a block is attached.
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`].
    pub fn intern(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
        self.writer.intern(coordinate)
    }

    /// The coordinate with a number that [`intern`](Self::intern) gave, while that holds.
    #[must_use]
    pub fn coordinate(&self, id: CoordinateId) -> Option<Coordinate> {
        self.writer.coordinates().get(id)
    }

    /// Adds a row with the sequence it has; nothing need be reserved. Expected O(1).
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::insert`]; a sequence that is not above that of every row, or that is
    /// visible, is [`IndexError::SequenceOutOfOrder`]. Nothing has changed then.
    pub fn insert(&mut self, row: &Row) -> Result<(), IndexError> {
        self.insert_tagged(row, &[])
    }

    /// Adds a row that has tags, as [`insert`](Self::insert).
    ///
    /// # Errors
    ///
    /// As there, and [`IndexError::NamesExhausted`].
    pub fn insert_tagged(&mut self, row: &Row, tags: &[&str]) -> Result<(), IndexError> {
        self.writer.insert_stored(row, tags, Some(&mut self.undo))
    }

    /// Adds the rows of a block, which stay in it. O(1), but for rows inserted before, which are
    /// sealed.
    ///
    /// Sequences are checked against the rows that are there; that ids and clocks do not repeat those
    /// of other parts is left to whoever made the block.
    ///
    /// # Errors
    ///
    /// [`BlockError::Row`] if its sequences do not follow those that are there. Nothing has changed
    /// then.
    pub fn attach(&mut self, block: Arc<Block>) -> Result<(), BlockError> {
        let rows = 0..block.rows();
        self.attach_view(block, rows)
    }

    /// Adds some rows of a block, as [`attach`](Self::attach) adds all: those of `rows` that it has.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn attach_view(&mut self, block: Arc<Block>, rows: Range<u32>) -> Result<(), BlockError> {
        // That of all its rows: no id of these is greater.
        let greatest = block.greatest_id();
        let view = View::of(block, &rows);
        let sequences = view.sequences();
        if view.rows() == 0 {
            return Ok(());
        }
        self.writer.check_sequence(sequences.start)?;
        self.seal();
        self.writer.shared.add_part(Part::Block(view));
        self.writer.greatest = self.writer.greatest.max(Some(greatest));
        self.writer.last = Some(Sequence::new(sequences.end.get().saturating_sub(1)));
        Ok(())
    }

    /// Ends the part that the rows until now are in, as [`IndexWriter::seal`] does for visible ones,
    /// so that a block of them can take their place once they are published.
    pub fn seal(&mut self) {
        if self.writer.live.rows > 0 {
            let ended = self.writer.begin_part();
            self.undo.keep(ended);
        }
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
        self.committed = true;
        allocated
    }

    /// Drops every row inserted, and leaves allocator and watermark as they are.
    /// O(rows dropped).
    pub fn abort(self) {
        drop(self);
    }
}

impl Drop for ReplayCursor<'_> {
    fn drop(&mut self) {
        if !self.committed {
            self.writer.roll_back(&mut self.undo);
        }
    }
}

impl fmt::Debug for ReplayCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayCursor")
            .field("next", &self.synthesize_next())
            .finish_non_exhaustive()
    }
}
