//! `Reader`: from rows of the index to events.

use crate::engine::Redactions;
use crate::meter::Metrics;
use crate::model::Kinds;
use crate::tree::Trees;
use crate::{Error, EventRef, StoredEvent};
use std::sync::Arc;
use strandline_index::RowView;
use strandline_segment::{LogView, RecordCursor, RecordPosition, RecordRef};

/// Reads the events of rows from the log.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) log: LogView,
    pub(crate) redacted: Arc<Redactions>,
    /// The names of kinds, of now.
    pub(crate) kinds: Arc<Kinds>,
    /// What is known of the tree over the log.
    pub(crate) trees: Arc<Trees>,
    pub(crate) metrics: Metrics,
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
        let joined =
            |record: RecordRef<'_>| join(row, record, &self.redacted, &self.kinds).map(read);
        self.log.read_with(position, joined)?
    }

    /// For many rows in order: reads ahead while they follow each other.
    pub(crate) fn cursor(&self) -> EventCursor {
        EventCursor {
            log: self.log.cursor(),
            redacted: self.redacted.clone(),
            kinds: self.kinds.clone(),
        }
    }
}

/// Reads the events of rows that come in order, forward or backward.
#[derive(Debug)]
pub(crate) struct EventCursor {
    log: RecordCursor,
    redacted: Arc<Redactions>,
    kinds: Arc<Kinds>,
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
        join(row, self.log.read(position)?, &self.redacted, &self.kinds)
    }
}

#[inline]
fn join<'a>(
    row: RowView<'a>,
    record: RecordRef<'a>,
    redacted: &Redactions,
    kinds: &'a Kinds,
) -> Result<EventRef<'a>, Error> {
    let event = EventRef::join(row, record, kinds)?;
    if redacted.any() && redacted.has(row.sequence()) {
        return Ok(event.redacted());
    }
    Ok(event)
}
