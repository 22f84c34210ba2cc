//! Idempotency: an append whose ids are already there.

use super::{Prepared, Writer};
use crate::read::Reader;
use crate::{Error, ErrorKind, Receipt};
use strandline_core::record::{Record, RecordPayload};
use strandline_index::Row;
use strandline_segment::RecordPosition;

fn conflict(taken: &Row, why: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("event id {} is taken by an earlier append {why}", taken.id),
    )
    .because_of(taken.sequence)
}

impl Writer {
    /// The receipts of the first time, if all of `events` were appended before, as they are and in
    /// one piece; `None` if none of their ids is taken.
    ///
    /// Reads the earlier events, which may not be visible yet.
    ///
    /// # Errors
    ///
    /// `Conflict` if an id is taken and the rest does not match.
    pub(super) fn find_repeat(
        &self,
        events: &[Prepared<'_>],
        reader: &Reader,
    ) -> Result<Option<Vec<Receipt>>, Error> {
        let taken = |event: &Prepared<'_>| {
            let row = event.event.id.and_then(|id| self.index.find(id));
            row.and_then(|row| self.index.row(row))
        };
        let Some(first_taken) = events.iter().find_map(taken) else {
            return Ok(None);
        };
        let mut receipts: Vec<Receipt> = Vec::with_capacity(events.len());
        for event in events {
            let Some(row) = taken(event) else {
                return Err(conflict(&first_taken, "that did not have this whole batch"));
            };
            let stored = reader.log.read(RecordPosition::from_bits(row.position))?;
            let record = Record::decode(&stored.body).map_err(|error| {
                Error::new(ErrorKind::Corrupt, format!("event {} is malformed", row.id))
                    .with_source(error)
            })?;
            if receipts.is_empty() {
                let frame = reader
                    .log
                    .frame_of_first(RecordPosition::from_bits(row.position))?;
                if frame.is_none_or(|frame| usize::from(frame.records) != events.len()) {
                    return Err(conflict(&row, "in another batch"));
                }
            }
            let coordinate = self.index.lookup(event.coordinate);
            if coordinate != Some(row.coordinate) || !same_content(&record, event) {
                return Err(conflict(&row, "with other content"));
            }
            let follows = receipts
                .last()
                .is_none_or(|last| last.sequence.checked_add(1) == Some(row.sequence));
            if !follows {
                return Err(conflict(&row, "in another order"));
            }
            receipts.push(Receipt {
                id: row.id,
                sequence: row.sequence,
                clock: record.clock,
                hlc: record.hlc,
                hash: stored.digest,
                repeated: true,
            });
        }
        Ok(Some(receipts))
    }
}

/// Whether an append asks for exactly what is stored, its place apart. Of a redacted payload
/// nothing is left to compare, so it never matches.
fn same_content(record: &Record<'_>, prepared: &Prepared<'_>) -> bool {
    let event = prepared.event;
    record.kind == event.kind
        && record.encoding == event.encoding
        && record.correlation == event.correlation.unwrap_or(record.id)
        && record.causation == event.causation
        && record.extensions == prepared.extensions
        && matches!(record.payload, RecordPayload::Stored { bytes, .. } if *bytes == *event.payload)
}
