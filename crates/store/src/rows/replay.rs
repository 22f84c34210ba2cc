//! `Replay`: frames of the log into rows of the index.

use super::heads::{HeadMap, HeadPlace, RemovedHead};
use super::names::SegmentNames;
use super::positions::SourcePositions;
use super::run::RunSaid;
use super::summary::Summary;
use crate::model::KindTable;
use crate::{Error, ErrorKind, KindConflict};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::record::{Record, RemovedRecord, StoredRecord};
use strandline_core::{EventKind, Hlc, HlcClock, Sequence};
use strandline_index::{Block, CoordinateId, IndexError, IndexWriter, ReplayCursor, Row};
use strandline_segment::{Frame, FrameRecord, LogPosition, SegmentId};

/// What a replay leaves beside the index.
pub(crate) struct Committed {
    /// The names that the last segment has given.
    pub(crate) names: SegmentNames,
    pub(crate) hlc: HlcClock,
    /// Of the last segment: where streams end whose newest event was removed.
    pub(crate) removed: HeadMap,
    /// What the records of the last segment say beside their rows.
    pub(crate) summary: Summary,
    /// All names of kinds that were read.
    pub(crate) table: KindTable,
    /// How far sources were gone through, as all that was read says.
    pub(crate) positions: SourcePositions,
    /// Names that contradict others that were read before, a few of them.
    pub(crate) kind_conflicts: Vec<KindConflict>,
}

/// What the records of a segment say beside rows.
pub(crate) struct Ended {
    /// Where streams end whose newest event was removed.
    pub(crate) removed: HeadMap,
    pub(crate) summary: Summary,
}

/// How many contradictions of names are told.
const KIND_CONFLICTS_TOLD: usize = 16;

/// What is done with an event: it is entered, or is already.
type EnterEvent<'a> =
    fn(&mut Replay<'a>, &FrameRecord<'_>, &Record<'_>, CoordinateId) -> Result<(), IndexError>;

/// Fills an index that nobody sees yet. Dropped without a commit, nothing of it was ever visible.
pub(crate) struct Replay<'a> {
    cursor: ReplayCursor<'a>,
    names: SegmentNames,
    /// The segment that `names` is of.
    segment: Option<SegmentId>,
    hlc: HlcClock,
    /// Of the present segment: where streams end whose newest event was removed.
    removed: HeadMap,
    /// What the records of the present segment say beside their rows.
    summary: Summary,
    /// All names of kinds so far.
    table: KindTable,
    /// Whether a record gave the name of a kind.
    has_named: bool,
    /// How far sources were gone through so far.
    positions: SourcePositions,
    kind_conflicts: Vec<KindConflict>,
    /// By local number: the offset of the record that named it, of a segment that was read whole.
    named_at: Vec<u32>,
    events_from_log: u64,
    log_bytes: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(index: &'a mut IndexWriter) -> Self {
        Self {
            cursor: index.replay(),
            names: SegmentNames::default(),
            segment: None,
            hlc: HlcClock::default(),
            removed: HeadMap::new(),
            summary: Summary::default(),
            table: KindTable::default(),
            has_named: false,
            positions: SourcePositions::default(),
            kind_conflicts: Vec::new(),
            named_at: Vec::new(),
            events_from_log: 0,
            log_bytes: 0,
        }
    }

    /// Goes on where an earlier replay was committed, within `segment`.
    pub(crate) fn resume(
        index: &'a mut IndexWriter,
        names: SegmentNames,
        table: KindTable,
        segment: SegmentId,
    ) -> Self {
        Self {
            names,
            table,
            segment: Some(segment),
            ..Self::new(index)
        }
    }

    /// Takes a block of rows, which stay in it. Changes nothing if they do not follow.
    pub(crate) fn block(&mut self, block: Arc<Block>, newest: Option<Hlc>) -> Result<(), Error> {
        self.cursor.attach(block)?;
        if let Some(newest) = newest {
            self.hlc.observe(newest);
        }
        Ok(())
    }

    /// Takes some rows of a block, as [`block`](Self::block) takes all.
    pub(crate) fn view(
        &mut self,
        block: Arc<Block>,
        rows: Range<u32>,
        newest: Option<Hlc>,
    ) -> Result<(), Error> {
        self.cursor.attach_view(block, rows)?;
        if let Some(newest) = newest {
            self.hlc.observe(newest);
        }
        Ok(())
    }

    /// Sets what `segment` has said before the log is read on from within it.
    pub(crate) fn set_names(&mut self, segment: SegmentId, names: SegmentNames, summary: Summary) {
        self.begin_segment(segment);
        self.names = names;
        self.learn(&summary);
        self.summary = summary;
    }

    /// Takes what records say whose rows come from elsewhere.
    pub(crate) fn learn(&mut self, summary: &Summary) {
        self.positions.add(&summary.positions);
        for (kind, name) in summary.kinds.by_sequence() {
            if let Err(conflict) = self.table.learn(kind, name)
                && self.kind_conflicts.len() < KIND_CONFLICTS_TOLD
            {
                self.kind_conflicts.push(conflict);
            }
        }
    }

    /// Whether a record gave the name of a kind.
    pub(crate) const fn has_named(&self) -> bool {
        self.has_named
    }

    /// All names of kinds that were read so far.
    pub(crate) const fn table(&self) -> &KindTable {
        &self.table
    }

    /// How far sources were gone through, as far as was read.
    pub(crate) const fn positions(&self) -> &SourcePositions {
        &self.positions
    }

    #[cold]
    fn track(&mut self, source: &str, position: u64, at: Sequence) {
        self.summary.positions.note(source, position, at);
        self.positions.note(source, position, at);
    }

    #[cold]
    fn name_kind(&mut self, kind: EventKind, name: &str, at: Sequence) {
        self.summary.kinds.note(kind, name, at);
        self.has_named = true;
        let learned = self.table.learn(kind, &name.into());
        if let Err(conflict) = learned
            && self.kind_conflicts.len() < KIND_CONFLICTS_TOLD
        {
            self.kind_conflicts.push(conflict);
        }
    }

    fn begin_segment(&mut self, segment: SegmentId) {
        self.segment = Some(segment);
        self.names.clear();
        self.removed.clear();
        self.summary.clear();
        self.named_at.clear();
    }

    /// Ends the part of the index that the rows of a segment are in, and gives what its records say beside
    /// that.
    pub(crate) fn end_segment(&mut self) -> Ended {
        self.cursor.seal();
        Ended {
            removed: std::mem::take(&mut self.removed),
            summary: std::mem::take(&mut self.summary),
        }
    }

    /// Takes a clock reading that all which follows is later than.
    pub(crate) fn observe(&mut self, reading: Hlc) {
        self.hlc.observe(reading);
    }

    /// The newest clock reading so far.
    pub(crate) fn newest(&self) -> Option<Hlc> {
        self.hlc.last()
    }

    /// Enters the events of a frame.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.log_bytes += u64::from(frame.end().offset.saturating_sub(frame.start().offset));
        self.records(frame, Self::event)
    }

    /// Takes what a frame says of its segment, and no events: they are entered, from where the frame
    /// stood before it was carried into this segment.
    pub(crate) fn carried_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.records(frame, |_, _, _, _| Ok(()))
    }

    fn records(&mut self, frame: &Frame<'_>, enter: EnterEvent<'a>) -> Result<(), Error> {
        let start = frame.start();
        // Whoever reads a segment from its start again is told its names again.
        if self.segment != Some(start.segment) || start.last_frame == 0 {
            self.begin_segment(start.segment);
        }
        let run = RunSaid::of(frame).map_err(|what| Error::new(ErrorKind::Corrupt, what))?;
        if let Some(run) = run {
            self.hlc.observe(run.newest);
        }
        for record in frame.records() {
            self.record(&record, enter)?;
        }
        Ok(())
    }

    fn record(&mut self, at: &FrameRecord<'_>, enter: EnterEvent<'a>) -> Result<(), Error> {
        let corrupt = |what: &str| malformed(at, what);
        let record = decoded(at)?;
        if let Some((kind, name)) = record.kind_name() {
            self.name_kind(kind, name, at.sequence);
        }
        if let Some((source, position)) = record.tracking() {
            self.track(source, position, at.sequence);
        }
        let coordinate = match record.coordinate() {
            Some(_) if record.local_coordinate() != self.names.next_local() => {
                return Err(corrupt("names its coordinate out of turn"));
            }
            Some(coordinate) => {
                let id = self.cursor.intern(coordinate)?;
                self.names.note(id, record.local_coordinate());
                if u32::try_from(self.named_at.len()) == Ok(record.local_coordinate()) {
                    self.named_at.push(at.position.offset);
                }
                id
            }
            None => self
                .named(record.local_coordinate())?
                .ok_or_else(|| corrupt("has a coordinate that its segment has not named"))?,
        };
        match record {
            StoredRecord::Event(record) => {
                if !self.removed.is_empty()
                    && let Some(coordinate) = self.cursor.coordinate(coordinate)
                {
                    self.removed.remove(coordinate.entity());
                }
                enter(self, at, &record, coordinate)
                    .map_err(|error| corrupt("does not follow those before it").with_source(error))
            }
            StoredRecord::Removed(removed) => {
                self.removed(at, &removed, coordinate);
                Ok(())
            }
        }
    }

    fn event(
        &mut self,
        at: &FrameRecord<'_>,
        record: &Record<'_>,
        coordinate: CoordinateId,
    ) -> Result<(), IndexError> {
        self.events_from_log += 1;
        self.hlc.observe(record.hlc);
        let tags: Vec<_> = record.extensions.tags().collect();
        let row = row_of(at, record, coordinate);
        self.cursor.insert_tagged(&row, &tags)
    }

    fn removed(&mut self, at: &FrameRecord<'_>, removed: &RemovedRecord, coordinate: CoordinateId) {
        self.hlc.observe(removed.hlc);
        let local = usize::try_from(removed.local_coordinate).unwrap_or(usize::MAX);
        let head = RemovedHead {
            clock: removed.clock,
            sequence: at.sequence,
            hash: at.digest,
            place: self.named_at.get(local).map(|named_at| HeadPlace {
                offset: at.position.offset,
                named_at: *named_at,
            }),
        };
        if let Some(coordinate) = self.cursor.coordinate(coordinate) {
            self.removed.insert(coordinate.entity().into(), head);
        }
    }

    /// The coordinate with a local number, which a checkpoint may have brought.
    fn named(&mut self, local: u32) -> Result<Option<CoordinateId>, Error> {
        if let Some(known) = self.names.coordinate(local) {
            return Ok(Some(known));
        }
        let Some(coordinate) = self.names.base_coordinate(local) else {
            return Ok(None);
        };
        let id = self.cursor.intern(&coordinate)?;
        self.names.note(id, local);
        Ok(Some(id))
    }

    /// How many events were read from frames, and the bytes of those.
    pub(crate) const fn read_from_log(&self) -> (u64, u64) {
        (self.events_from_log, self.log_bytes)
    }

    /// Publishes everything that is before `end`, where the log goes on.
    pub(crate) fn commit(mut self, end: LogPosition) -> Committed {
        if self.segment != Some(end.segment) {
            // The last segment has no frame yet, so it has named nothing.
            self.begin_segment(end.segment);
        }
        self.cursor.commit(end.sequence);
        Committed {
            names: self.names,
            hlc: self.hlc,
            removed: self.removed,
            summary: self.summary,
            table: self.table,
            positions: self.positions,
            kind_conflicts: self.kind_conflicts,
        }
    }
}

/// A record, decoded.
///
/// # Errors
///
/// `Corrupt` if it is malformed.
pub(crate) fn decoded<'a>(at: &FrameRecord<'a>) -> Result<StoredRecord<'a>, Error> {
    StoredRecord::decode(at.body).map_err(|error| malformed(at, "is malformed").with_source(error))
}

/// What is wrong with a record.
pub(crate) fn malformed(at: &FrameRecord<'_>, what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the record of sequence {} at segment {} offset {} {what}",
            at.sequence, at.position.segment, at.position.offset
        ),
    )
}

/// The row that the index has of an event.
pub(crate) fn row_of(at: &FrameRecord<'_>, record: &Record<'_>, coordinate: CoordinateId) -> Row {
    Row {
        sequence: at.sequence,
        id: record.id,
        coordinate,
        kind: record.kind,
        wall_ms: record.hlc.wall_ms(),
        clock: record.clock,
        position: at.position.to_bits(),
        correlation: record.correlation,
        causation: record.causation,
        hash: Some(at.digest),
    }
}
