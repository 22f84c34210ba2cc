//! `Reader`: from rows of the index to events.

use crate::{Error, EventRef, StoredEvent};
use strandline_index::RowView;
use strandline_segment::{LogView, RecordCursor, RecordPosition};

/// Reads the events of rows from the log.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) log: LogView,
}

impl Reader {
    /// The event of a row. Without a mapping, one positioned read for a small event.
    #[inline]
    pub(crate) fn read(&self, row: RowView<'_>) -> Result<StoredEvent, Error> {
        let position = RecordPosition::from_bits(row.position());
        self.log.read_with(position, |record| {
            EventRef::join(row, record).map(EventRef::into_owned)
        })?
    }

    pub(crate) fn read_with<T>(
        &self,
        row: RowView<'_>,
        read: impl FnOnce(EventRef<'_>) -> T,
    ) -> Result<T, Error> {
        let position = RecordPosition::from_bits(row.position());
        self.log
            .read_with(position, |record| EventRef::join(row, record).map(read))?
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
    #[inline]
    pub(crate) fn read<'a>(&'a mut self, row: RowView<'a>) -> Result<EventRef<'a>, Error> {
        let record = self.0.read(RecordPosition::from_bits(row.position()))?;
        EventRef::join(row, record)
    }
}
