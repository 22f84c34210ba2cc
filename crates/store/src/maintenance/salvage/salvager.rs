//! `Salvager`: goes through the segments, proves each event, and saves what is proven.

use super::{Loss, Salvaged};
use crate::maintenance::damaged::DamagedStore;
use crate::maintenance::damaged::Names;
use crate::maintenance::progress::Meter;
use crate::removals::ForeignNotes;
use crate::{Batch, Coordinate, Error, Event, EventId, Hlc, Sequence, Snapshot, Store};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use strandline_core::record::{RecordPayload, RemovalNote, StoredRecord};
use strandline_core::{EventHasher, Hash};
use strandline_segment::{FrameHeader, FrameRecord, Piece, ScanError, SegmentInfo};

/// Why a redacted event is not saved.
const REDACTED: &str = "its payload was redacted, and is not to be had";

/// The newest saved event of an entity.
pub(super) struct ChainEnd {
    hash: Hash,
    clock: u32,
}

/// Where an event that is to be saved stands in the old store.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) sequence: Sequence,
    pub(super) id: Option<EventId>,
    pub(super) offset: u32,
}

/// The events of a commit that are to be saved.
#[derive(Default)]
pub(super) struct Commit {
    pub(super) batch: Batch,
    pub(super) origins: Vec<Origin>,
}

pub(super) struct Salvager<'a> {
    pub(super) target: &'a Store,
    /// What the target held before.
    pub(super) before: Snapshot,
    /// How many of these events were not met yet.
    pub(super) unmet: u64,
    /// How many of them are not saved ones, but the very ones of the old store, hash for hash.
    pub(super) copies: u64,
    pub(super) hasher: EventHasher,
    pub(super) chains: HashMap<String, ChainEnd>,
    pub(super) names: Names,
    /// Ids that were saved.
    pub(super) seen: HashSet<EventId>,
    pub(super) newest: Hlc,
    /// Sequences of which it is known what became of them; they need not ascend.
    pub(super) known: Vec<Range<u64>>,
    /// Sequences of events that are lost.
    pub(super) lost: Vec<Range<u64>>,
    /// The sequence after the last that a right header or record has.
    pub(super) end: Sequence,
    /// Up to where frames say that others were durable.
    pub(super) durable: (Sequence, String),
    /// A frame that is not whole, until it is known whether its records tell more.
    pub(super) broken: Option<Loss>,
    /// What the old log says of its removals.
    pub(super) removals: ForeignNotes<'a>,
    pub(super) report: Salvaged,
}

impl<'a> Salvager<'a> {
    pub(super) fn new(target: &'a Store) -> Result<Self, Error> {
        let before = target.snapshot();
        Ok(Self {
            target,
            unmet: before.len(),
            copies: 0,
            hasher: EventHasher::default(),
            chains: HashMap::new(),
            names: Names::default(),
            seen: HashSet::new(),
            newest: target.shared().newest_time().unwrap_or_default(),
            known: Vec::new(),
            lost: Vec::new(),
            end: Sequence::ZERO,
            durable: (Sequence::ZERO, String::new()),
            broken: None,
            removals: ForeignNotes::new(target),
            report: Salvaged::default(),
            before,
        })
    }

    /// Notes that there is no file of a segment.
    pub(super) fn absent(&mut self, info: &SegmentInfo) {
        let number = info.id();
        let reason = format!("the MANIFEST lists segment {number}, and its file is missing");
        let mut loss = loss(&info.file_name(), None, None, reason);
        if let Some(end) = info.end() {
            let events = info.start().sequence.get()..end.sequence.get();
            loss.sequence = Some(info.start().sequence).filter(|_| !events.is_empty());
            loss.events = events.end.saturating_sub(events.start);
            self.lost.push(events);
        }
        self.report.losses.push(loss);
    }

    /// Saves what is left in the file of a segment.
    pub(super) fn file(
        &mut self,
        source: &DamagedStore<'_>,
        name: &str,
        meter: &mut Meter<'_>,
    ) -> Result<(), Error> {
        let examiner = match source.examiner(name) {
            Ok(Some(examiner)) => examiner,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.report
                    .losses
                    .push(loss(name, None, None, error.to_string()));
                return Ok(());
            }
        };
        // A segment begins once what is before it was synced.
        self.durable(examiner.header().first_sequence, name);
        self.names = Names::of(&examiner, source.evidence.checkpoint.as_ref());
        if let Some(problem) = examiner.header_problem() {
            self.report.notices.push(problem.to_string());
        }
        let walked = examiner
            .patient()
            .pieces(|piece| self.piece(name, &piece, meter));
        self.report.losses.extend(self.broken.take());
        match walked {
            Err(ScanError::Visit(error)) => Err(error),
            // What is left of the file is lost; other files may be read.
            Err(ScanError::Log(error)) => {
                let reason = error.to_string();
                self.report.losses.push(loss(name, None, None, reason));
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    fn piece(&mut self, file: &str, piece: &Piece<'_>, meter: &mut Meter<'_>) -> Result<(), Error> {
        match piece {
            Piece::Record(_) | Piece::BrokenRecords { .. } => {}
            _ => self.report.losses.extend(self.broken.take()),
        }
        match piece {
            Piece::Frame { frame, .. } => {
                self.header(file, frame.header());
                if let Some(note) = frame.note() {
                    return self.note(note);
                }
                let mut commit = Commit::default();
                for record in frame.records() {
                    self.record(file, &record, &mut commit)?;
                }
                meter.add(frame.len() as u64)?;
                self.save(file, &mut commit)
            }
            Piece::Record(record) => {
                let mut commit = Commit::default();
                self.record(file, record, &mut commit)?;
                meter.add(1)?;
                self.save(file, &mut commit)
            }
            Piece::BrokenFrame {
                offset,
                header,
                reason,
            } => {
                self.header(file, header);
                let bytes = u64::from(header.frame_bytes);
                let place = u64::from(*offset);
                self.broken = Some(loss(file, Some(place), Some(bytes), (*reason).to_owned()));
                Ok(())
            }
            Piece::BrokenRecords {
                sequence,
                count,
                position,
                reason,
            } => {
                // Each record that is not right says so for the frame.
                self.broken = None;
                let first = sequence.get();
                self.lost.push(first..first.saturating_add(*count));
                let mut loss = loss(
                    file,
                    Some(position.offset.into()),
                    None,
                    (*reason).to_owned(),
                );
                loss.sequence = Some(*sequence);
                loss.events = *count;
                self.report.losses.push(loss);
                Ok(())
            }
            Piece::Damaged {
                offset,
                bytes,
                reason,
            } => {
                let loss = loss(file, Some(*offset), Some(*bytes), (*reason).to_owned());
                self.report.losses.push(loss);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn header(&mut self, file: &str, header: &FrameHeader) {
        self.durable(header.durable_through, file);
        let events = if header.is_note {
            0
        } else {
            u64::from(header.records)
        };
        let end = header.first_sequence.checked_add(events);
        self.end = self.end.max(end.unwrap_or(header.first_sequence));
    }

    fn durable(&mut self, before: Sequence, file: &str) {
        if before > self.durable.0 {
            self.durable = (before, file.to_owned());
        }
    }

    /// Keeps the note of a removal, as one of another log.
    fn note(&mut self, body: &[u8]) -> Result<(), Error> {
        let Ok(note) = RemovalNote::decode(body) else {
            return Ok(());
        };
        self.report.removals += self.removals.take(&note)?;
        match self.removals.are_many() && self.unmet == 0 {
            true => self.removals.write(),
            false => Ok(()),
        }
    }

    /// Adds the event of a record to the commit, or says why it is lost.
    fn record(
        &mut self,
        file: &str,
        at: &FrameRecord<'_>,
        commit: &mut Commit,
    ) -> Result<(), Error> {
        self.end = self
            .end
            .max(at.sequence.checked_add(1).unwrap_or(at.sequence));
        let record = match StoredRecord::decode(at.body) {
            Ok(record) => record,
            Err(error) => {
                self.lose(file, at, None, format!("malformed: {error}"));
                return Ok(());
            }
        };
        let id = match &record {
            StoredRecord::Event(event) => Some(event.id),
            StoredRecord::Removed(_) => None,
        };
        match self.prove(at, &record) {
            Ok(None) => push(&mut self.known, at.sequence),
            Ok(Some((coordinate, event))) => {
                commit.batch.add(&coordinate, event);
                commit.origins.push(Origin {
                    sequence: at.sequence,
                    id,
                    offset: at.position.offset,
                });
            }
            Err(reason) => self.lose(file, at, id, reason),
        }
        Ok(())
    }

    fn lose(&mut self, file: &str, at: &FrameRecord<'_>, id: Option<EventId>, reason: String) {
        let is_redacted = reason == REDACTED;
        push(
            if is_redacted {
                &mut self.known
            } else {
                &mut self.lost
            },
            at.sequence,
        );
        self.report.losses.push(Loss {
            sequence: Some(at.sequence),
            events: 1,
            id,
            is_redacted,
            ..loss(file, Some(at.position.offset.into()), None, reason)
        });
    }

    /// The event of a record, if it is what was written; `None` if it is saved already.
    fn prove(
        &mut self,
        at: &FrameRecord<'_>,
        record: &StoredRecord<'_>,
    ) -> Result<Option<(Coordinate, Event)>, String> {
        let coordinate = self.names.coordinate(at, record)?;
        let entity = coordinate.entity();
        let record = match record {
            StoredRecord::Event(record) => record,
            StoredRecord::Removed(removed) => {
                let end = ChainEnd {
                    hash: at.digest,
                    clock: removed.clock,
                };
                self.chains.insert(entity.to_owned(), end);
                self.report.removed += 1;
                return Ok(None);
            }
        };
        let before = self.chains.get(entity);
        let follows =
            before.is_some_and(|before| before.clock.checked_add(1) == Some(record.clock));
        let previous = match before {
            Some(before) if follows => Some(before.hash),
            _ if record.clock == 0 => Some(Hash::ZERO),
            // In the entity's first record of a segment, and covered by the checksum.
            _ => record.previous,
        };
        let is_chained = follows || record.clock == 0;
        if let Some(previous) = previous {
            let hash = self.hasher.hash(
                &previous,
                &record.canonical_header(&coordinate, at.sequence),
                &record.payload.hash(),
            );
            if hash != at.digest {
                return Err(format!("its hash is not that of its content in {entity}"));
            }
        }
        let end = ChainEnd {
            hash: at.digest,
            clock: record.clock,
        };
        self.chains.insert(entity.to_owned(), end);
        let RecordPayload::Stored { bytes, .. } = record.payload else {
            return Err(REDACTED.to_owned());
        };
        if !self.seen.insert(record.id) {
            self.report.repeated += 1;
            return Ok(None);
        }
        if self.unmet > 0 {
            return self.meet(record.id, at.digest).map(|()| None);
        }
        if !is_chained {
            self.report.unchained += 1;
        }
        // Times of a store never go back; those of a damaged one might.
        if record.hlc < self.newest && record.hlc.wall_ms() < self.newest.wall_ms() {
            self.report.moved_times += 1;
        }
        self.newest = self.newest.max(record.hlc);
        let mut event = Event::encoded(record.kind, record.encoding, bytes.to_vec())
            .with_id(record.id)
            .with_version(record.extensions.payload_version())
            .correlated_with(record.correlation)
            .at(self.newest);
        for tag in record.extensions.tags() {
            event = event.tagged(tag);
        }
        if let Some(causation) = record.causation {
            event = event.caused_by(causation);
        }
        Ok(Some((coordinate, event)))
    }
}

pub(super) fn loss(file: &str, offset: Option<u64>, bytes: Option<u64>, reason: String) -> Loss {
    Loss {
        file: file.to_owned(),
        offset,
        bytes,
        sequence: None,
        events: 0,
        id: None,
        reason,
        is_redacted: false,
    }
}

/// Adds a sequence to runs; one that follows the last takes no more memory.
pub(super) fn push(runs: &mut Vec<Range<u64>>, sequence: Sequence) {
    let sequence = sequence.get();
    match runs.last_mut() {
        Some(last) if last.end == sequence => last.end = last.end.saturating_add(1),
        _ => runs.push(sequence..sequence.saturating_add(1)),
    }
}
