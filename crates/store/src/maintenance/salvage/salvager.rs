//! `Salvager`: goes through the segments, proves each event, and saves what is proven.

use super::commit::{Commit, Origin};
use super::earlier::Earlier;
use super::loss::Loss;
use super::salvaged::Salvaged;
use super::saver::Saver;
use super::target::{foreign, same_store};
use crate::maintenance::damaged::{DamagedStore, Durable, Names};
use crate::maintenance::notes::ForeignNotes;
use crate::maintenance::progress::Meter;
use crate::verify::claimed_end;
use crate::{Coordinate, Error, ErrorKind, Event, EventId, Hlc, Sequence, Store};
use std::collections::{HashMap, HashSet};
use strandline_core::record::{RecordPayload, RemovalNote, Runs, StoredRecord, push_all, push_run};
use strandline_core::{EventHasher, Hash};
use strandline_segment::{FrameHeader, FrameRecord, Piece, ScanError, SegmentInfo};

/// Why a redacted event is not saved.
const REDACTED: &str = "its payload was redacted, and is not to be had";

/// The newest saved event of an entity.
struct ChainEnd {
    hash: Hash,
    clock: u32,
}

pub(super) struct Salvager<'a> {
    earlier: Earlier,
    saver: Saver<'a>,
    hasher: EventHasher,
    chains: HashMap<String, ChainEnd>,
    names: Names,
    /// Ids that were saved.
    seen: HashSet<EventId>,
    /// Digests of events that were removed or redacted.
    taken: HashSet<Hash>,
    newest: Hlc,
    /// The sequence after the last that a right header or record has.
    end: Sequence,
    /// Up to where frames say that others were durable.
    durable: Durable,
    /// A frame that is not whole, until it is known whether its records tell more.
    broken: Option<Loss>,
    /// What the old log says of its removals.
    removals: ForeignNotes<'a>,
}

impl<'a> Salvager<'a> {
    pub(super) fn new(target: &'a Store) -> Result<Self, Error> {
        Ok(Self {
            earlier: Earlier::of(target),
            saver: Saver::new(target),
            hasher: EventHasher::default(),
            chains: HashMap::new(),
            names: Names::default(),
            seen: HashSet::new(),
            taken: HashSet::new(),
            newest: target.shared().newest_time()?.unwrap_or_default(),
            end: Sequence::ZERO,
            durable: Durable::default(),
            broken: None,
            removals: ForeignNotes::new(target),
        })
    }

    /// Notes that there is no file of a segment.
    pub(super) fn absent(&mut self, info: &SegmentInfo) {
        let number = info.id();
        let reason = format!("the MANIFEST lists segment {number}, and its file is missing");
        let mut loss = Loss::of(&info.file_name(), None, None, reason);
        if let Some(end) = info.end() {
            let events = info.start().sequence.get()..end.sequence.get();
            loss.sequence = Some(info.start().sequence).filter(|_| !events.is_empty());
            loss.events = events.end.saturating_sub(events.start);
            self.saver.lost.push(events);
        }
        self.saver.report.losses.push(loss);
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
                self.saver
                    .report
                    .losses
                    .push(Loss::of(name, None, None, error.to_string()));
                return Ok(());
            }
        };
        // A segment begins once what is before it was synced.
        self.durable.take(examiner.header().first_sequence, name);
        self.names = Names::of(&examiner, source.evidence.checkpoint.as_ref());
        if let Some(problem) = examiner.file_problem() {
            self.saver.report.notices.push(problem.to_string());
        }
        let walked = examiner
            .patient()
            .pieces(|piece| self.piece(name, &piece, meter));
        self.saver.report.losses.extend(self.broken.take());
        match walked {
            Err(ScanError::Visit(error)) => Err(error),
            // What is left of the file is lost; other files may be read.
            Err(ScanError::Log(error)) => {
                let reason = error.to_string();
                self.saver
                    .report
                    .losses
                    .push(Loss::of(name, None, None, reason));
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    fn piece(&mut self, file: &str, piece: &Piece<'_>, meter: &mut Meter<'_>) -> Result<(), Error> {
        match piece {
            Piece::Record(_) | Piece::BrokenRecords { .. } => {}
            _ => self.saver.report.losses.extend(self.broken.take()),
        }
        match piece {
            Piece::Frame { frame, .. } => {
                self.header(file, frame.header());
                if let Some(note) = frame.note() {
                    return self.note(note);
                }
                let mut commit = Commit::default();
                let records = self.saver.report.removed;
                for record in frame.records() {
                    self.record(file, &record, &mut commit)?;
                }
                if frame.run().is_some() {
                    self.saver.report.removed = records.saturating_add(frame.len() as u64);
                }
                meter.add(frame.len() as u64)?;
                self.saver.save(file, &mut commit)
            }
            Piece::Record(record) => {
                let mut commit = Commit::default();
                self.record(file, record, &mut commit)?;
                meter.add(1)?;
                self.saver.save(file, &mut commit)
            }
            Piece::BrokenFrame {
                offset,
                header,
                reason,
            } => {
                self.header(file, header);
                let bytes = u64::from(header.frame_bytes);
                let place = u64::from(*offset);
                self.broken = Some(Loss::of(
                    file,
                    Some(place),
                    Some(bytes),
                    (*reason).to_owned(),
                ));
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
                self.saver.lost.push(first..first.saturating_add(*count));
                let mut loss = Loss::of(
                    file,
                    Some(position.offset.into()),
                    None,
                    (*reason).to_owned(),
                );
                loss.sequence = Some(*sequence);
                loss.events = *count;
                self.saver.report.losses.push(loss);
                Ok(())
            }
            Piece::Damaged {
                offset,
                bytes,
                reason,
            } => {
                let loss = Loss::of(file, Some(*offset), Some(*bytes), (*reason).to_owned());
                self.saver.report.losses.push(loss);
                Ok(())
            }
            Piece::Unreadable { offset, bytes } => {
                let reason = "the disk does not give it back".to_owned();
                let loss = Loss::of(file, Some(*offset), Some(*bytes), reason);
                self.saver.report.losses.push(loss);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn header(&mut self, file: &str, header: &FrameHeader) {
        self.durable.take(header.durable_through, file);
        self.end = self.end.max(claimed_end(header));
        if header.is_run {
            // Whatever becomes of its records, none of these events is there.
            push_all(
                &mut self.saver.known,
                header.first_sequence..claimed_end(header),
            );
        }
    }

    /// Keeps the note of a removal, as one of another log.
    fn note(&mut self, body: &[u8]) -> Result<(), Error> {
        let Ok(note) = RemovalNote::decode(body) else {
            return Ok(());
        };
        self.saver.report.removals += self.removals.take_of_log(&note)?;
        match self.removals.are_many() && self.earlier.unmet == 0 {
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
            Ok(None) => push_run(&mut self.saver.known, at.sequence),
            Ok(Some((coordinate, event))) => {
                let origin = Origin {
                    sequence: at.sequence,
                    id,
                    offset: at.position.offset,
                };
                commit.add(&coordinate, event, origin);
            }
            Err(reason) => self.lose(file, at, id, reason),
        }
        Ok(())
    }

    fn lose(&mut self, file: &str, at: &FrameRecord<'_>, id: Option<EventId>, reason: String) {
        let is_redacted = reason == REDACTED;
        push_run(
            if is_redacted {
                &mut self.saver.known
            } else {
                &mut self.saver.lost
            },
            at.sequence,
        );
        self.saver.report.losses.push(Loss {
            sequence: Some(at.sequence),
            events: 1,
            id,
            is_redacted,
            ..Loss::of(file, Some(at.position.offset.into()), None, reason)
        });
    }

    /// The event of a record, if it is what was written; `None` if it is saved already, or was taken.
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
                if !self.taken.insert(at.digest) {
                    return Ok(None);
                }
                let end = ChainEnd {
                    hash: at.digest,
                    clock: removed.clock,
                };
                self.chains.insert(entity.to_owned(), end);
                self.saver.report.removed += 1;
                if let Some((kind, name)) = &removed.kind_name {
                    self.saver.name_kind(*kind, name);
                }
                if let Some((source, position)) = &removed.tracking {
                    self.saver.positions.note(source, *position);
                }
                return Ok(None);
            }
        };
        // Without a manifest, what a merge of segments left over is read after what it made.
        if self.taken.contains(&at.digest) {
            return Ok(None);
        }
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
            let hasher = &mut self.hasher;
            let hash = record.hash_after(&previous, &coordinate, at.sequence, hasher);
            if hash != at.digest {
                return Err(format!("its hash is not that of its content in {entity}"));
            }
        }
        let is_repeated = self.seen.contains(&record.id);
        // Of an event that was met before, later ones may have been met too.
        if !is_repeated {
            let end = ChainEnd {
                hash: at.digest,
                clock: record.clock,
            };
            self.chains.insert(entity.to_owned(), end);
        }
        if let Some(name) = record.extensions.kind_name() {
            self.saver.name_kind(record.kind, name);
        }
        if let Some((source, position)) = record.extensions.tracking() {
            self.saver.positions.note(source, position);
        }
        let RecordPayload::Stored { bytes, .. } = record.payload else {
            self.taken.insert(at.digest);
            return Err(REDACTED.to_owned());
        };
        if is_repeated {
            self.saver.report.repeated += 1;
            return Ok(None);
        }
        self.seen.insert(record.id);
        if self.earlier.unmet > 0 {
            self.earlier.meet(record.id, at.digest)?;
            self.saver.report.repeated += 1;
            return Ok(None);
        }
        if !is_chained {
            self.saver.report.unchained += 1;
        }
        // Times of a store never go back; those of a damaged one might.
        if record.hlc < self.newest && record.hlc.wall_ms() < self.newest.wall_ms() {
            self.saver.report.moved_times += 1;
        }
        self.newest = self.newest.max(record.hlc);
        let mut event = Event::encoded(record.kind, record.encoding, bytes.to_vec())
            .with_id(record.id)
            .with_version(record.extensions.payload_version())
            .with_attributes(record.extensions.attributes())
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

    /// Writes what waits, and puts together what is lost.
    pub(super) fn finish(mut self, source: DamagedStore<'_>) -> Result<Salvaged, Error> {
        let Saver {
            target,
            known,
            lost,
            mut report,
            positions,
            ..
        } = self.saver;
        report.notices.extend(positions.left(target));
        let dir = &target.shared().dir;
        if self.earlier.is_copy() && source.identity == Some(target.shared().identity) {
            return Err(same_store(dir));
        }
        let unmet = self.earlier.unmet;
        if unmet > 0 {
            let message = foreign(dir, source.dir, unmet);
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{message}; nothing was saved into it"),
            ));
        }
        self.removals.write()?;
        target.sync()?;
        let mut evidence = source.evidence;
        evidence.durable.take_all(self.durable);
        let Durable { before, shown_by } = evidence.durable;
        let end = before.max(self.end);
        let (known, told) = (Runs::of(known), Runs::of(lost));
        let told = told.without(&known);
        let missing = Runs::below(end).without(&known).without(&told);
        let lost = told.with(&missing);
        let later = lost.without(&Runs::below(before));
        // Files of segments that are missing were told first.
        report.losses.sort_by(|a, b| a.file.cmp(&b.file));
        report.lost = lost.count();
        report.lost_durable = lost.count() - later.count();
        report.missing = missing.as_slice().to_vec();
        report.durable_before = before;
        report.proven_by = shown_by;
        report.is_proven = evidence.is_proven;
        report.passed_over = source.files.passed_over;
        evidence.notices.append(&mut report.notices);
        report.notices = evidence.notices;
        Ok(report)
    }
}
