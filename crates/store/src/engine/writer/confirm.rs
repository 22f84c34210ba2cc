//! Confirming what a block says of an event by the records that it names, before anything is made of
//! it.
//!
//! The checksums of a block tell that it is as it was written. That it says what the log says only the
//! log can tell: the record at the position has the clock and the hash that are claimed, and its
//! coordinate was named in its segment by a record of that entity. So no chain is continued under
//! another name, with another clock, or after another hash. The same holds of a list of heads of removed
//! events, which tells where the two records are.
//!
//! An event that a block does not have cannot be confirmed so; verification finds it.

use super::state::Writer;
use crate::rows::{HeadPlace, RemovedHead};
use crate::{Error, ErrorKind};
use strandline_core::record::{RecordView, RemovedRecord, StoredRecord};
use strandline_core::{Coordinate, Hash, Region, Sequence};
use strandline_index::{Claim, RowView};
use strandline_segment::{LogError, LogView, RecordPosition, RecordRef, SegmentId, SegmentInfo};

/// What is claimed of an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimed<'a> {
    pub(super) entity: &'a str,
    pub(super) sequence: Sequence,
    pub(super) position: u64,
    pub(super) clock: u32,
    pub(super) hash: Option<Hash>,
}

/// What a record says.
struct Found {
    digest: Hash,
    clock: u32,
    local: u32,
    coordinate: Option<Coordinate>,
}

impl Found {
    fn of(record: RecordRef<'_>) -> Option<Self> {
        // An index has no row of an event that was removed.
        if RemovedRecord::is_one(record.body) {
            return None;
        }
        let view = RecordView::parse(record.body).ok()?;
        Some(Self {
            digest: record.digest,
            clock: view.clock(),
            local: view.local_coordinate(),
            coordinate: view.coordinate(),
        })
    }
}

/// What any record says, of an event that is there or was removed.
struct Stub {
    digest: Hash,
    clock: u32,
    local: u32,
    coordinate: Option<Coordinate>,
    is_removed: bool,
}

impl Stub {
    fn of(record: RecordRef<'_>) -> Option<Self> {
        let stored = StoredRecord::decode(record.body).ok()?;
        Some(Self {
            digest: record.digest,
            clock: stored.clock(),
            local: stored.local_coordinate(),
            coordinate: stored.coordinate().cloned(),
            is_removed: matches!(stored, StoredRecord::Removed(_)),
        })
    }
}

impl Writer {
    /// The hash of an event, once the log has confirmed what a block claims of it. Reads one record,
    /// and a second where that is not the first of its coordinate in the segment.
    ///
    /// # Errors
    ///
    /// `Corrupt` if the log says otherwise, naming the file that lies; `Io`.
    pub(super) fn confirm(
        &self,
        claimed: Claimed<'_>,
        claim: &Claim,
        log: &LogView,
    ) -> Result<Hash, Error> {
        // A block may be of several segments: one that has the position, and events of the block.
        let info = log.info(RecordPosition::from_bits(claimed.position).segment);
        let info = info.filter(|info| {
            info.start().sequence < claim.block.end
                && info
                    .end()
                    .is_none_or(|end| end.sequence > claim.block.start)
        });
        let lies = || {
            let lying = info.or_else(|| log.info_at(claim.block.start));
            lies(claimed, claim, lying)
        };
        let info = info.ok_or_else(lies)?;
        let (own, end) = (info.start().sequence, info.end());
        if claimed.sequence < own || end.is_some_and(|end| claimed.sequence >= end.sequence) {
            return Err(lies());
        }
        let found = read(log, info, claimed.position, lies)?;
        let agrees = found.clock == claimed.clock
            && claimed.hash.is_none_or(|hash| hash == found.digest)
            && match found.coordinate {
                Some(own) => own.entity() == claimed.entity,
                None => self.has_name(found.local, claimed, log, info)?,
            };
        if agrees {
            Ok(found.digest)
        } else {
            Err(lies())
        }
    }

    /// Whether a coordinate of a segment is of an entity: the record of the first event that the index has of it
    /// there says so, or the frames, if that is gone.
    fn has_name(
        &self,
        local: u32,
        claimed: Claimed<'_>,
        log: &LogView,
        info: &SegmentInfo,
    ) -> Result<bool, Error> {
        let entity = claimed.entity;
        let is_there = |position: &RecordPosition| position.segment == info.id();
        let position = self.named_in(claimed, info).filter(is_there);
        if let Some(position) = position {
            match log.read_with(position, Found::of) {
                Ok(Some(first)) if first.local == local && first.coordinate.is_some() => {
                    let named = first.coordinate;
                    return Ok(named.is_some_and(|named| named.entity() == entity));
                }
                Err(error @ LogError::Io { .. }) => return Err(error.into()),
                _ => {}
            }
        }
        let end = info.end().unwrap_or_else(|| self.log.position());
        self.name_tables.is_named(local, entity, log, info, end)
    }

    /// Where the index has the first event in a segment of the coordinate of an event. O(events of the entity
    /// in the segment): a block may be of many segments, and none of the others is gone through.
    fn named_in(&self, claimed: Claimed<'_>, info: &SegmentInfo) -> Option<RecordPosition> {
        let rows = self.index.inserted();
        let coordinate = rows.row_at(claimed.sequence)?.coordinate();
        let of_entity = Region::all().entity(claimed.entity);
        let is_of = |row: RowView<'_>| row.coordinate() == coordinate;
        let first = rows.find_since(&of_entity, info.start().sequence, is_of)?;
        Some(RecordPosition::from_bits(first.position()))
    }
}

/// Holds what a footer says of the head of an entity, whose event was removed, against the log. Nothing
/// is asked of what was read from frames.
///
/// # Errors
///
/// As [`Writer::confirm`].
pub(super) fn confirm_removed(
    entity: &str,
    segment: SegmentId,
    head: &RemovedHead,
    log: &LogView,
) -> Result<(), Error> {
    let Some(HeadPlace { offset, named_at }) = head.place else {
        return Ok(());
    };
    let lies = || {
        let file = log.info(segment).map(SegmentInfo::file_name);
        let file = file.unwrap_or_else(|| segment.file_name());
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "the footer of {file} says that the stream of {entity} went on to event {}, \
                 which was removed, and the log does not; nothing was written; make the \
                 indexes anew with `rebuild`",
                head.clock
            ),
        )
    };
    let read = |offset| match log.read_with(RecordPosition { segment, offset }, Stub::of) {
        Ok(found) => found.ok_or_else(lies),
        Err(error) if is_of_record(&error, offset) => Err(lies().with_source(error)),
        Err(error) => Err(Error::from(error)),
    };
    let found = read(offset)?;
    let named = read(named_at)?;
    let is_of = |names: Option<Coordinate>| names.is_some_and(|names| names.entity() == entity);
    let end = log.info(segment).and_then(SegmentInfo::end);
    let agrees = found.is_removed
        && end.is_some_and(|end| head.sequence < end.sequence)
        && (found.clock, found.digest) == (head.clock, head.hash)
        && found.local == named.local
        && is_of(named.coordinate);
    if agrees { Ok(()) } else { Err(lies()) }
}

/// The record at a position, which a block says is in a segment.
fn read(
    log: &LogView,
    info: &SegmentInfo,
    position: u64,
    lies: impl Fn() -> Error,
) -> Result<Found, Error> {
    let position = RecordPosition::from_bits(position);
    if position.segment != info.id() {
        return Err(lies());
    }
    match log.read_with(position, Found::of) {
        Ok(found) => found.ok_or_else(lies),
        Err(error) if is_of_record(&error, position.offset) => Err(lies().with_source(error)),
        Err(error) => Err(error.into()),
    }
}

/// Whether a segment has no record at an offset, as of one that an index made up. Else the segment itself
/// cannot be read: one that is used for the first time may be missing or another file.
fn is_of_record(error: &LogError, offset: u32) -> bool {
    matches!(error, LogError::Corrupt { offset: at, .. } if *at == u64::from(offset))
}

/// The error of an index that the log does not confirm.
fn lies(claimed: Claimed<'_>, claim: &Claim, info: Option<&SegmentInfo>) -> Error {
    let file = match info {
        Some(info) if info.is_sealed() => info.file_name(),
        _ => strandline_checkpoint::file_name(claim.block.end.get()),
    };
    let RecordPosition { segment, offset } = RecordPosition::from_bits(claimed.position);
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the index in {file} says that event {} of {} is at offset {offset} of segment \
             {segment}, and the log does not; nothing was written; make the indexes anew with \
             `rebuild`",
            claimed.clock, claimed.entity
        ),
    )
}
