//! Where an event stands in the files of the log.

use super::snapshot::Snapshot;
use crate::Error;
use strandline_core::EventId;
use strandline_segment::RecordPosition;

/// Where the record of an event stands in the files of the log: what
/// [`annotate_frames`](crate::maintenance::annotate_frames) is asked for. A compaction, redaction or merge moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPlace {
    /// The number of the segment.
    pub segment: u32,
    /// Where the record begins in its file, in bytes.
    pub record: u32,
    /// Where its frame begins; `None` if no frame that has it has a header that is right.
    pub frame: Option<u32>,
}

impl Snapshot {
    /// Where the record of the event with this id stands; `None` if no event has the id.
    ///
    /// Reads the bytes before the record, back to where its frame begins, and the lengths of the records of that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if these cannot be read; that of an index that has lost what it would say.
    pub fn place_of(&self, id: EventId) -> Result<Option<EventPlace>, Error> {
        let Some(row) = self.index.get(id) else {
            return self.absent();
        };
        let position = RecordPosition::from_bits(row.position());
        let frame = self.reader.log.frame_of(position)?;
        Ok(Some(EventPlace {
            segment: position.segment.get(),
            record: position.offset,
            frame: frame.map(|frame| frame.start()),
        }))
    }
}
