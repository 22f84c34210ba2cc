//! Idempotency: an append whose ids are already there.

use super::confirm::Claimed;
use super::{Prepared, Writer};
use crate::event::Link;
use crate::{Difference, Error, ErrorKind, IdConflict, Receipt};
use strandline_core::record::{Record, RecordPayload};
use strandline_index::RowView;
use strandline_segment::{LogReader, LogView, RecordPosition};

fn conflict(taken: RowView<'_>, difference: Difference) -> Error {
    Error::id_taken(IdConflict {
        id: taken.id(),
        sequence: taken.sequence(),
        difference,
    })
    .because_of(taken.sequence())
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
        log: &LogReader,
    ) -> Result<Option<Vec<Receipt>>, Error> {
        let mut ids = events.iter().filter_map(|event| event.event.id).peekable();
        if ids.peek().is_none() {
            return Ok(None);
        }
        let any = ids.any(|id| self.index.contains(id));
        self.check_index()?;
        if !any {
            return Ok(None);
        }
        let (inserted, log) = (self.index.inserted(), log.view());
        let taken = |event: &Prepared<'_>| event.event.id.and_then(|id| inserted.get(id));
        let Some(first_taken) = events.iter().find_map(taken) else {
            return Ok(None);
        };
        let mut receipts: Vec<Receipt> = Vec::with_capacity(events.len());
        for event in events {
            let Some(row) = taken(event) else {
                return Err(conflict(first_taken, Difference::Batch));
            };
            let stored = log.read(RecordPosition::from_bits(row.position()))?;
            let record = Record::decode(&stored.body).map_err(|error| {
                Error::new(
                    ErrorKind::Corrupt,
                    format!("event {} is malformed", row.id()),
                )
                .with_source(error)
            })?;
            self.confirm_repeat(row, &record, &log)?;
            if receipts.is_empty() {
                let position = RecordPosition::from_bits(row.position());
                let frame = log.frame_of_first(position)?;
                if frame.is_none_or(|frame| usize::from(frame.records) != events.len()) {
                    return Err(conflict(row, Difference::Batch));
                }
                if frame.is_none_or(|frame| frame.first_sequence != row.sequence()) {
                    return Err(other_event(row));
                }
            }
            if row.coordinate() != *event.coordinate {
                return Err(conflict(row, Difference::Coordinate));
            }
            let follows = receipts
                .last()
                .is_none_or(|last| last.sequence.checked_add(1) == Some(row.sequence()));
            if !follows {
                return Err(conflict(row, Difference::Order));
            }
            if let Some(difference) = difference(&record, event, &receipts) {
                return Err(conflict(row, difference));
            }
            receipts.push(Receipt {
                id: row.id(),
                sequence: row.sequence(),
                clock: record.clock,
                hlc: record.hlc,
                hash: stored.digest,
                durable: false,
                repeated: true,
            });
        }
        Ok(Some(receipts))
    }

    /// Holds what a block says of an earlier event against the log.
    fn confirm_repeat(
        &self,
        row: RowView<'_>,
        record: &Record<'_>,
        log: &LogView,
    ) -> Result<(), Error> {
        if record.id != row.id() {
            return Err(other_event(row));
        }
        let Some(claim) = row.claim() else {
            return Ok(());
        };
        let coordinate = row.coordinate();
        let claimed = Claimed {
            entity: coordinate.entity(),
            position: row.position(),
            clock: row.clock(),
            hash: None,
        };
        self.confirm(claimed, &claim, log).map(drop)
    }
}

/// The error of an index that has the id of another event.
fn other_event(row: RowView<'_>) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the index says that event {} is where the log has another one; nothing was written; \
             make the indexes anew with `rebuild`",
            row.id()
        ),
    )
}

/// What differs between what is stored and what an append asks for, its place apart; `before` are
/// the events before it in the batch. Of a redacted payload nothing is left to compare.
fn difference(
    record: &Record<'_>,
    prepared: &Prepared<'_>,
    before: &[Receipt],
) -> Option<Difference> {
    let event = prepared.event;
    let resolve = |link: Link| link.resolve(|place| Some(before.get(place)?.id));
    if record.kind != event.kind {
        return Some(Difference::Kind);
    }
    if record.correlation != event.correlation.and_then(resolve).unwrap_or(record.id) {
        return Some(Difference::Correlation);
    }
    if record.causation != event.causation.and_then(resolve) {
        return Some(Difference::Causation);
    }
    if record.extensions != prepared.extensions {
        return Some(Difference::Extensions);
    }
    match record.payload {
        RecordPayload::Redacted { .. } => Some(Difference::Redacted),
        RecordPayload::Stored { bytes, .. } => {
            let same = record.encoding == event.encoding && *bytes == *event.payload;
            (!same).then_some(Difference::Payload)
        }
    }
}
