//! Sealing: the rows until now take no more, and new rows go to a part of their own. Makes no block of
//! them.

use super::index_writer::IndexWriter;
use super::live_writer::LiveWriter;
use crate::live::Live;
use crate::model::IndexError;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::Sequence;

impl IndexWriter {
    /// Ends the part that grows, and gives the sequences of its rows: none if it has no rows, which
    /// changes nothing. O(sealed parts).
    ///
    /// Numbers of coordinates and entities begin anew. The rows stay as they are until a
    /// [`Block`](crate::Block) of them takes their [place](crate::IndexReader::replace):
    ///
    /// ```
    /// use strandline_core::{Coordinate, EventId, EventKind};
    /// use strandline_index::{Block, Row, channel};
    ///
    /// let (mut writer, reader) = channel();
    /// let coordinate = writer.intern(&Coordinate::new("order:1", "eu")?)?;
    /// let (sequence, id) = (writer.reserve(1)?, EventId::from_u128(7));
    /// writer.insert(&Row {
    ///     sequence, id, coordinate, clock: 0,
    ///     kind: EventKind::new(1, 1), wall_ms: 0, position: 0,
    ///     correlation: id, causation: None, hash: None,
    /// })?;
    /// writer.publish(writer.gate().allocated());
    ///
    /// let sealed = writer.seal()?.ok_or("no rows")?;
    /// // Any thread may do this, while the writer goes on.
    /// let block = Block::from_vec(reader.snapshot().export(sealed)?)?;
    /// reader.replace(block)?;
    /// assert_eq!(reader.snapshot().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`IndexError::NotVisible`] if not every row is visible. Nothing has changed then.
    pub fn seal(&mut self) -> Result<Option<Range<Sequence>>, IndexError> {
        let end = self.last.map_or(0, |last| last.get() + 1);
        let (end, visible) = (Sequence::new(end), self.gate().visible());
        if end > visible {
            return Err(IndexError::NotVisible { end, visible });
        }
        if self.live.rows == 0 {
            return Ok(None);
        }
        let first = self.live.sequence_of(0);
        self.begin_part();
        Ok(Some(first..end))
    }

    /// Ends the part that grows, visible or not, and gives what the writer had of it.
    pub(super) fn begin_part(&mut self) -> LiveWriter {
        let layout = self.live.live.layout;
        self.parts_begun = self.parts_begun.wrapping_add(1);
        let next = Arc::new(Live::new(self.parts_begun, layout));
        let ended = std::mem::replace(&mut self.live, LiveWriter::new(next.clone()));
        let part = ended.part();
        self.shared.change_parts(|parts| {
            parts.push(part);
            parts.live = next;
        });
        ended
    }
}
