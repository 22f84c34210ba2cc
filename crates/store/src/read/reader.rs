//! `Reader`: from rows of the index to events.

use crate::engine::Redactions;
use crate::{Error, EventRef, StoredEvent};
use std::sync::Arc;
use strandline_index::RowView;
use strandline_segment::{LogView, RecordCursor, RecordPosition, RecordRef};

/// Reads the events of rows from the log.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) log: LogView,
    pub(crate) redacted: Arc<Redactions>,
}

impl Reader {
    /// The event of a row. Without a mapping, one positioned read for a small event.
    #[inline]
    pub(crate) fn read(&self, row: RowView<'_>) -> Result<StoredEvent, Error> {
        self.read_with(row, |event| event.into_owned())
    }

    #[inline]
    pub(crate) fn read_with<T>(
        &self,
        row: RowView<'_>,
        read: impl FnOnce(EventRef<'_>) -> T,
    ) -> Result<T, Error> {
        let position = RecordPosition::from_bits(row.position());
        let joined = |record: RecordRef<'_>| join(row, record, &self.redacted).map(read);
        self.log.read_with(position, joined)?
    }

    /// For many rows in order: reads ahead while they follow each other.
    pub(crate) fn cursor(&self) -> EventCursor {
        EventCursor {
            log: self.log.cursor(),
            redacted: self.redacted.clone(),
        }
    }
}

/// Reads the events of rows that come in order, forward or backward.
#[derive(Debug)]
pub(crate) struct EventCursor {
    log: RecordCursor,
    redacted: Arc<Redactions>,
}

impl EventCursor {
    /// Brings the records of rows that are going to be read into the cache of the processor, and waits for
    /// nothing but their positions.
    pub(super) fn ask_for<const N: usize>(&self, rows: &[Option<RowView<'_>>; N]) {
        let positions = rows.map(|row| {
            row.map(|row| {
                std::hint::black_box(row.id());
                RecordPosition::from_bits(row.position())
            })
        });
        for position in positions.into_iter().flatten() {
            self.log.ask_for(position);
        }
    }

    #[inline]
    pub(crate) fn read<'a>(&'a mut self, row: RowView<'a>) -> Result<EventRef<'a>, Error> {
        let position = RecordPosition::from_bits(row.position());
        join(row, self.log.read(position)?, &self.redacted)
    }
}

#[inline]
fn join<'a>(
    row: RowView<'a>,
    record: RecordRef<'a>,
    redacted: &Redactions,
) -> Result<EventRef<'a>, Error> {
    let event = EventRef::join(row, record)?;
    if redacted.any() && redacted.has(row.sequence()) {
        return Ok(event.redacted());
    }
    Ok(event)
}
