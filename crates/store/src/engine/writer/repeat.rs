//! Idempotency: events of an append whose ids are already there.
//!
//! A repeat is known by its id and content alone. How events were grouped when they were written is no part
//! of their content: an export, an import or a compaction groups them anew, and whoever retries may know no
//! more of it. So each member of a batch is looked at by itself.

use super::confirm::Claimed;
use super::prepared::Prepared;
use super::state::Writer;
use crate::model::{Link, Tracking};
use crate::{Difference, Error, ErrorKind, IdConflict, Receipt};
use strandline_core::record::{Record, RecordPayload};
use strandline_core::{EventId, Sequence};
use strandline_index::{Claim, RowView};
use strandline_segment::{FrameOf, LogReader, LogView, RecordPosition};

/// The events of a commit some of which were appended before: for each the receipt of the first time, or none.
pub(super) struct Repeats(Vec<Option<Receipt>>);

impl Repeats {
    /// Up to where the earlier events go, if there is no other.
    pub(super) fn end_of_all(&self) -> Option<Sequence> {
        let ends = self
            .0
            .iter()
            .map(|receipt| receipt.as_ref()?.sequence.checked_add(1));
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The events that were not appended before, which alone are to be written, the first of them with the
    /// position of the append. Their links are to ids: places are those of the whole commit, whose members
    /// all have an id of the caller's.
    ///
    /// # Errors
    ///
    /// `TooLarge` if there is no room for the position.
    pub(super) fn new_among<'a>(
        &self,
        events: &[Prepared<'a>],
        tracking: Option<Tracking<'_>>,
    ) -> Result<Vec<Prepared<'a>>, Error> {
        let of_member =
            |link: Option<Link>| link.and_then(|link| Some(Link::Id(resolve(link, events)?)));
        let both = events.iter().zip(&self.0);
        let new = both.filter(|(_, receipt)| receipt.is_none());
        let new = new.map(|(event, _)| Prepared {
            correlation: of_member(event.correlation),
            causation: of_member(event.causation),
            ..event.clone()
        });
        let mut new: Vec<_> = new.collect();
        if let (Some(tracking), Some(first)) = (tracking, new.first_mut()) {
            first.track(tracking)?;
        }
        Ok(new)
    }

    /// The receipts of all events in their order; `written` has those of the new ones.
    pub(super) fn joined(self, written: Vec<Receipt>) -> impl Iterator<Item = Receipt> {
        let mut written = written.into_iter();
        let all = self.0.into_iter();
        all.filter_map(move |receipt| receipt.or_else(|| written.next()))
    }
}

/// The id that a link is to, which a member has of its caller.
fn resolve(link: Link, events: &[Prepared<'_>]) -> Option<EventId> {
    link.resolve(|place| events.get(place)?.event.id)
}

fn conflict(taken: RowView<'_>, difference: Difference) -> Error {
    Error::id_taken(IdConflict {
        id: taken.id(),
        sequence: taken.sequence(),
        difference,
    })
    .because_of(taken.sequence())
}

impl Writer {
    /// Which of `events` were appended before, as they are; `None` if no id is taken.
    ///
    /// Reads the earlier events, which may not be visible yet.
    ///
    /// # Errors
    ///
    /// `Conflict` if an id is taken by an event with other content, or some events are repeats and others
    /// have no id, so that it cannot be told whether they are.
    pub(super) fn find_repeats(
        &self,
        events: &[Prepared<'_>],
        log: &LogReader,
    ) -> Result<Option<Repeats>, Error> {
        let ids: Vec<_> = events.iter().filter_map(|event| event.event.id).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let found = self.index.find_all(&ids);
        let any = found.iter().any(Option::is_some);
        self.check_index()?;
        if !any {
            return Ok(None);
        }
        let (inserted, log) = (self.index.inserted(), log.view());
        let mut found = found.into_iter();
        let row = |event: &Prepared<'_>| {
            event.event.id?;
            inserted.row_at(found.next().flatten()?)
        };
        let rows: Vec<_> = events.iter().map(row).collect();
        // In the order of the log, whatever that of the batch is: so each frame is looked for once.
        let both = events.iter().zip(&rows).enumerate();
        let mut taken: Vec<_> = both
            .filter_map(|(place, (event, row))| Some((place, event, (*row)?)))
            .collect();
        taken.sort_by_key(|(_, _, row)| row.position());
        let mut frame = LastFrame::default();
        let mut receipts = vec![None; events.len()];
        let mut refused: Option<(usize, Error)> = None;
        for (place, event, row) in taken {
            match self.first_receipt(row, event, events, &log, &mut frame) {
                Ok(receipt) => {
                    if let Some(given) = receipts.get_mut(place) {
                        *given = Some(receipt);
                    }
                }
                // The first of the batch is told.
                Err(error) if refused.as_ref().is_none_or(|(first, _)| place < *first) => {
                    refused = Some((place, error));
                }
                Err(_) => {}
            }
        }
        if let Some((_, error)) = refused {
            return Err(error);
        }
        let first_taken = rows.into_iter().flatten().next();
        let lacks_id = events.iter().any(|event| event.event.id.is_none());
        match first_taken {
            None => Ok(None),
            Some(taken) if lacks_id => Err(conflict(taken, Difference::MemberWithoutId)),
            Some(_) => Ok(Some(Repeats(receipts))),
        }
    }

    /// The receipt of the event of a row, which has the id of `event`.
    fn first_receipt(
        &self,
        row: RowView<'_>,
        event: &Prepared<'_>,
        events: &[Prepared<'_>],
        log: &LogView,
        frame: &mut LastFrame,
    ) -> Result<Receipt, Error> {
        let stored = log.read(RecordPosition::from_bits(row.position()))?;
        let record = Record::decode(&stored.body).map_err(|error| {
            Error::new(
                ErrorKind::Corrupt,
                format!("event {} is malformed", row.id()),
            )
            .with_source(error)
        })?;
        if record.id != row.id() {
            return Err(other_event(row));
        }
        // Of live rows the writer knows by itself what they say.
        if let Some(claim) = row.claim() {
            self.confirm_repeat(row, &claim, log, frame)?;
        }
        if row.coordinate() != *event.coordinate {
            return Err(conflict(row, Difference::Coordinate));
        }
        if let Some(difference) = difference(&record, event, events) {
            return Err(conflict(row, difference));
        }
        Ok(Receipt {
            id: row.id(),
            sequence: row.sequence(),
            clock: record.clock,
            hlc: record.hlc,
            hash: stored.digest,
            durable: false,
            replicated: false,
            repeated: true,
        })
    }

    /// Holds what a block says of an earlier event against the log: its entity and clock against records,
    /// its sequence against its frame.
    fn confirm_repeat(
        &self,
        row: RowView<'_>,
        claim: &Claim,
        log: &LogView,
        frame: &mut LastFrame,
    ) -> Result<(), Error> {
        let coordinate = row.coordinate();
        let claimed = Claimed {
            entity: coordinate.entity(),
            sequence: row.sequence(),
            position: row.position(),
            clock: row.clock(),
            hash: None,
        };
        self.confirm(claimed, claim, log)?;
        let position = RecordPosition::from_bits(row.position());
        match frame.sequence_of(position, log)? {
            Some(sequence) if sequence == row.sequence() => Ok(()),
            _ => Err(other_event(row)),
        }
    }
}

/// The frame that was looked for last, which the next event may be in too.
#[derive(Default)]
struct LastFrame(Option<FrameOf>);

impl LastFrame {
    /// The sequence of the record at a position, as its frame says.
    fn sequence_of(
        &mut self,
        position: RecordPosition,
        log: &LogView,
    ) -> Result<Option<Sequence>, Error> {
        let of = |frame: &FrameOf| frame.sequence_of(position);
        if let Some(sequence) = self.0.as_ref().and_then(of) {
            return Ok(Some(sequence));
        }
        self.0 = log.frame_of(position)?;
        Ok(self.0.as_ref().and_then(of))
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

/// What differs between what is stored and what an append asks for, its coordinate apart; `events` are
/// those of its commit. Of a redacted payload nothing is left to compare, so the rest decides.
fn difference(
    record: &Record<'_>,
    prepared: &Prepared<'_>,
    events: &[Prepared<'_>],
) -> Option<Difference> {
    let event = prepared.event;
    let of_member = |link: Option<Link>| link.and_then(|link| resolve(link, events));
    if record.kind != event.kind {
        return Some(Difference::Kind);
    }
    if record.correlation != of_member(prepared.correlation).unwrap_or(record.id) {
        return Some(Difference::Correlation);
    }
    if record.causation != of_member(prepared.causation) {
        return Some(Difference::Causation);
    }
    if !record.extensions.are_same_event(&prepared.extensions) {
        return Some(Difference::Extensions);
    }
    let same_payload = match record.payload {
        RecordPayload::Redacted { .. } => true,
        RecordPayload::Stored { bytes, .. } => *bytes == *event.payload,
    };
    (record.encoding != event.encoding || !same_payload).then_some(Difference::Payload)
}
