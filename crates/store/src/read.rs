//! `Reader`: from rows of the index to events.

use crate::{Error, StoredEvent};
use strandline_index::RowView;
use strandline_segment::{LogReader, RecordCursor, RecordPosition};

/// Reads the events of rows from the log.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) log: LogReader,
}

impl Reader {
    /// The event of a row. One positioned read for a small event.
    pub(crate) fn read(&self, row: RowView<'_>) -> Result<StoredEvent, Error> {
        let record = self.log.read(RecordPosition::from_bits(row.position()))?;
        StoredEvent::join(row, record.digest, &record.body)
    }

    /// For many rows in order: reads ahead while they follow each other.
    pub(crate) fn cursor(&self) -> EventCursor {
        EventCursor(self.log.cursor())
    }
}

/// Reads the events of rows that come in order, forward or backward.
#[derive(Debug)]
pub(crate) struct EventCursor(RecordCursor);

impl EventCursor {
    pub(crate) fn read(&mut self, row: RowView<'_>) -> Result<StoredEvent, Error> {
        let record = self.0.read(RecordPosition::from_bits(row.position()))?;
        StoredEvent::join(row, record.digest, record.body)
    }
}
