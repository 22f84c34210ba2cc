//! `salvage`: what can still be proved of a damaged store, into a new one.

use super::annotate::{examiner, is_blank};
use super::progress::{Meter, OnProgress};
use super::segment_files::SegmentFiles;
use crate::removals::ForeignNotes;
use crate::{
    AppendOptions, Batch, Coordinate, Durability, Error, ErrorKind, Event, EventId, Hlc, Sequence,
    Store,
};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use strandline_core::fs::Fs;
use strandline_core::record::{RecordPayload, RemovalNote, StoredRecord};
use strandline_core::{EventHasher, Hash};
use strandline_segment::{FrameRecord, Piece};

/// Something that could not be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// File.
    pub file: String,
    /// Offset in it, in bytes, where one can be named.
    pub offset: Option<u64>,
    /// How many bytes, where that is known.
    pub bytes: Option<u64>,
    /// The event, where it is known.
    pub sequence: Option<Sequence>,
    /// What is wrong.
    pub reason: String,
    /// Whether nothing is wrong but that the event's payload was redacted.
    pub is_redacted: bool,
}

/// Why a redacted event is not saved.
const REDACTED: &str = "its payload was redacted, and is not to be had";

/// What was saved, and what was lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Salvaged {
    /// Events that were saved.
    pub events: u64,
    /// Of these, events whose chain could not be followed from the event before, which is lost:
    /// their checksums are right, and that is all that is known.
    pub unchained: u64,
    /// Events that had been stored twice, or were in the target already.
    pub repeated: u64,
    /// Events that a compaction had removed before.
    pub removed: u64,
    /// Compactions and redactions of the old store whose records were saved.
    pub removals: u64,
    /// What was lost, in the order of the log.
    pub losses: Vec<Loss>,
    /// Sequences of the old store that nothing was saved of, as far as those around them tell.
    pub missing: Vec<Range<u64>>,
    /// Names of the segment files that were not read, as another file of the same segment counts, or
    /// no segment's file is called so.
    pub passed_over: Vec<String>,
}

/// Saves every event of the store in `dir` whose bytes are what was written into `target`, an empty
/// store. Reads `dir` as it is and changes nothing in it.
///
/// An event is saved if its record's checksum is right, its coordinate is known, and its hash is
/// that of its content after the event before it, if that one was saved. It keeps its id, time,
/// kind, links and payload; sequences, clocks and hashes are new, as the chains are. The records of its
/// removals are kept with the identity of the old log, and explain nothing that is missing in the new one. The events of a
/// commit that is whole are saved as one commit. Interrupted, it can be called again with the same
/// target.
///
/// A crash in a compaction or a redaction can leave two generations of a segment. One is read: that
/// which the MANIFEST lists; without that the newest whose footer is whole, or else the oldest.
///
/// # Errors
///
/// [`ErrorKind::Io`], [`ErrorKind::Cancelled`], and what an append to the target returns. Damage is
/// no error: it is in the report.
pub fn salvage(
    fs: &dyn Fs,
    dir: &Path,
    target: &Store,
    on_progress: OnProgress<'_>,
) -> Result<Salvaged, Error> {
    let files = SegmentFiles::choose(fs, dir)?;
    if files.chosen.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no segment in {}", dir.display()),
        ));
    }
    let mut salvager = Salvager {
        target,
        hasher: EventHasher::default(),
        chains: HashMap::new(),
        names: Vec::new(),
        seen: HashSet::new(),
        newest: Hlc::default(),
        next: Sequence::ZERO,
        removals: ForeignNotes::default(),
        report: Salvaged {
            passed_over: files.passed_over,
            ..Salvaged::default()
        },
    };
    let mut meter = Meter::events(None, on_progress);
    for name in files.chosen {
        salvager.file(fs, dir, &name, &mut meter)?;
    }
    salvager.removals.write(target)?;
    target.sync()?;
    meter.finish()?;
    Ok(salvager.report)
}

/// The newest saved event of an entity.
struct ChainEnd {
    hash: Hash,
    clock: u32,
}

struct Salvager<'a> {
    target: &'a Store,
    hasher: EventHasher,
    chains: HashMap<String, ChainEnd>,
    /// Coordinates of the segment, by local number; `None` where the naming record is lost.
    names: Vec<Option<Coordinate>>,
    /// Ids that were saved.
    seen: HashSet<EventId>,
    newest: Hlc,
    /// The sequence after the last that was seen.
    next: Sequence,
    /// What the old log says of its removals.
    removals: ForeignNotes,
    report: Salvaged,
}

impl Salvager<'_> {
    fn file(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        name: &str,
        meter: &mut Meter<'_>,
    ) -> Result<(), Error> {
        let examiner = match examiner(fs, dir, name) {
            Ok(examiner) => examiner,
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            Err(_) if is_blank(fs, &dir.join(name)) => return Ok(()),
            Err(error) => {
                self.lose(name, None, None, error.to_string());
                return Ok(());
            }
        };
        self.names.clear();
        if let Some(problem) = examiner.header_problem() {
            self.lose(name, Some(0), None, problem.to_string());
        }
        let walked = examiner.pieces(|piece| match piece {
            Piece::Frame { frame, .. } if frame.note().is_some() => {
                self.note(frame.note().unwrap_or_default())
            }
            Piece::Frame { frame, .. } => {
                let mut batch = Batch::new();
                for record in frame.records() {
                    self.record(name, &record, &mut batch)?;
                }
                meter.add(batch.len() as u64)?;
                self.append(batch)
            }
            Piece::Record(record) => {
                let mut batch = Batch::new();
                self.record(name, &record, &mut batch)?;
                meter.add(1)?;
                self.append(batch)
            }
            Piece::BrokenFrame {
                offset,
                header,
                reason,
            } => {
                let bytes = u64::from(header.frame_bytes);
                self.lose(
                    name,
                    Some(u64::from(offset)),
                    Some(bytes),
                    reason.to_owned(),
                );
                Ok(())
            }
            Piece::Damaged {
                offset,
                bytes,
                reason,
            } => {
                self.lose(name, Some(offset), Some(bytes), reason.to_owned());
                Ok(())
            }
            _ => Ok(()),
        });
        walked.map(drop).map_err(Error::from)
    }

    /// Keeps the note of a removal, as one of another log.
    fn note(&mut self, body: &[u8]) -> Result<(), Error> {
        let Ok(note) = RemovalNote::decode(body) else {
            return Ok(());
        };
        self.report.removals += self.removals.take(self.target, &note)?;
        match self.removals.are_many() {
            true => self.removals.write(self.target),
            false => Ok(()),
        }
    }

    fn lose(&mut self, file: &str, offset: Option<u64>, bytes: Option<u64>, reason: String) {
        self.report.losses.push(Loss {
            file: file.to_owned(),
            offset,
            bytes,
            sequence: None,
            reason,
            is_redacted: false,
        });
    }

    /// Adds the event of a record to the batch, or says why it is lost.
    fn record(&mut self, file: &str, at: &FrameRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        if at.sequence > self.next {
            self.report.missing.push(self.next.get()..at.sequence.get());
        }
        self.next = self
            .next
            .max(at.sequence.checked_add(1).unwrap_or(at.sequence));
        match self.prove(at) {
            Ok(None) => Ok(()),
            Ok(Some((coordinate, event))) => {
                batch.add(&coordinate, event);
                Ok(())
            }
            Err(reason) => {
                self.report.losses.push(Loss {
                    file: file.to_owned(),
                    offset: Some(u64::from(at.position.offset)),
                    bytes: None,
                    sequence: Some(at.sequence),
                    is_redacted: reason == REDACTED,
                    reason,
                });
                Ok(())
            }
        }
    }

    /// The event of a record, if it is what was written; `None` if it is saved already.
    fn prove(&mut self, at: &FrameRecord<'_>) -> Result<Option<(Coordinate, Event)>, String> {
        let record =
            StoredRecord::decode(at.body).map_err(|error| format!("malformed: {error}"))?;
        let coordinate = self.coordinate(&record)?;
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
        let in_target = self.target.snapshot().get_with(record.id, |_| ());
        let is_saved = in_target.map_err(|error| error.to_string())?.is_some();
        if is_saved || !self.seen.insert(record.id) {
            self.report.repeated += 1;
            return Ok(None);
        }
        if !is_chained {
            self.report.unchained += 1;
        }
        // Times of a store never go back; those of a damaged one might.
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

    /// The coordinate of a record, by its names or by those of an earlier one of the segment.
    fn coordinate(&mut self, record: &StoredRecord<'_>) -> Result<Coordinate, String> {
        let local = usize::try_from(record.local_coordinate()).unwrap_or(usize::MAX);
        if let Some(coordinate) = record.coordinate() {
            // Numbers are given in turn, so no gap is longer than what was lost.
            if local > self.names.len().saturating_add(1 << 20) {
                return Err("the number of its coordinate cannot be right".to_owned());
            }
            if self.names.len() <= local {
                self.names.resize(local + 1, None);
            }
            if let Some(name) = self.names.get_mut(local) {
                *name = Some(coordinate.clone());
            }
            return Ok(coordinate.clone());
        }
        self.names
            .get(local)
            .cloned()
            .flatten()
            .ok_or_else(|| "its entity and scope were named by a record that is lost".to_owned())
    }

    fn append(&mut self, batch: Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let count = batch.len() as u64;
        let written = AppendOptions::new().durability(Durability::Written);
        self.target.append_batch_with(batch, written)?;
        self.report.events += count;
        Ok(())
    }
}
