//! `FoldPlan`: which commits of segments that are rewritten become runs, as all of their events are gone, and which
//! records are kept of them. Found in a pass over the segments before they are written; writes nothing.
//!
//! Of each entity the last record in the segments is kept, with the hash after which its stream goes on, the name of a
//! kind where it is said first, and the greatest position of each source. Where a run is no shorter than the commits,
//! these stay as they are; it counts for that what is said anew elsewhere because of it, so no segment gets longer.

use crate::Error;
use crate::rows::{KindNames, decoded, malformed, said_bytes};
use std::collections::HashMap;
use std::ops::Range;
use strandline_core::record::{RemovedRecord, Runs, StoredRecord};
use strandline_core::{Hash, Sequence};
use strandline_segment::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameRecord, RECORD_HEADER_BYTES, RUN_KEPT_MAX,
    RUN_SEQUENCES_MAX, SegmentId, SegmentRewrite, run_head_bytes,
};

/// Which sequences go into runs, and which of them keep a record.
#[derive(Debug, Default)]
pub(super) struct FoldPlan {
    folded: Runs,
    /// Sequences of the last record of each entity, and of that with the greatest position of each source, ascending.
    last: Vec<u64>,
}

impl FoldPlan {
    /// Of the segments that are to be rewritten, from which `is_removed` takes events. Reads them once. Memory: 24 bytes
    /// for each record of a commit that is gone, and the names.
    ///
    /// # Errors
    ///
    /// `Corrupt` if they are damaged, `Io`.
    pub(super) fn of(
        begun: &SegmentRewrite,
        is_removed: impl Fn(Sequence) -> bool,
    ) -> Result<Self, Error> {
        let mut survey = Survey::default();
        begun
            .visit(|frame| survey.frame(frame, &is_removed))
            .map_err(Error::from)?;
        Ok(survey.plan())
    }

    /// Whether nothing becomes a run that is not one already, as it is.
    pub(super) const fn is_empty(&self) -> bool {
        self.folded.is_empty()
    }

    /// Whether a commit goes into a run.
    pub(super) fn folds(&self, frame: &Frame<'_>) -> bool {
        self.folded.has(frame.first_sequence())
    }

    /// Whether the record of a sequence is the last one of its entity, or has the greatest position of a source.
    pub(super) fn is_last(&self, sequence: Sequence) -> bool {
        self.last.binary_search(&sequence.get()).is_ok()
    }
}

/// What was met so far.
#[derive(Debug, Default)]
struct Survey {
    segment: Option<SegmentId>,
    /// Of its coordinates, by their numbers, the numbers of their entities.
    named: Vec<usize>,
    entities: HashMap<Box<str>, usize>,
    /// The last record of each.
    last: Vec<u64>,
    /// The greatest position of each source, and the record that has it.
    sources: HashMap<Box<str>, (u64, u64)>,
    kinds: KindNames,
    /// Commits that are gone, oldest first.
    commits: Vec<GoneCommit>,
    records: Vec<GoneRecord>,
}

/// A commit all of whose events are gone, or a run.
#[derive(Debug)]
struct GoneCommit {
    sequences: Range<u64>,
    /// Where it begins in the log: what is between it and the one before it keeps them apart.
    follows: (Sequence, Hash),
    end: (Sequence, Hash),
    /// What it takes if it stays.
    bytes: usize,
    records: usize,
}

/// A record of one.
#[derive(Debug)]
struct GoneRecord {
    sequence: u64,
    body_bytes: usize,
    says_kind: bool,
}

impl Survey {
    fn frame(
        &mut self,
        frame: &Frame<'_>,
        is_removed: &impl Fn(Sequence) -> bool,
    ) -> Result<(), Error> {
        if frame.note().is_some() {
            return Ok(());
        }
        let is_run = frame.run().is_some();
        let records = self.records.len();
        let mut is_gone = is_run || frame.len() <= RUN_KEPT_MAX;
        let mut bytes = FRAME_HEADER_BYTES;
        for at in frame.records() {
            let record = decoded(&at)?;
            self.note(&at, &record)?;
            let kind = record.kind_name();
            let says_kind = kind.is_some_and(|(kind, name)| {
                self.kinds.note(kind, name, at.sequence) || !self.kinds.is(kind, name)
            });
            let body_bytes = match &record {
                StoredRecord::Removed(_) => at.body.len(),
                StoredRecord::Event(event) if is_removed(at.sequence) => {
                    let mut body = Vec::new();
                    RemovedRecord::of(event).encode(&mut body);
                    body.len()
                }
                StoredRecord::Event(_) => {
                    is_gone = false;
                    continue;
                }
            };
            bytes = bytes
                .saturating_add(RECORD_HEADER_BYTES)
                .saturating_add(body_bytes);
            if is_gone {
                self.records.push(GoneRecord {
                    sequence: at.sequence.get(),
                    body_bytes,
                    says_kind,
                });
            }
        }
        if !is_gone {
            self.records.truncate(records);
            return Ok(());
        }
        let (start, end) = (frame.start(), frame.end());
        self.commits.push(GoneCommit {
            sequences: frame.first_sequence().get()..end.sequence.get(),
            follows: (start.sequence, start.log_hash),
            end: (end.sequence, end.log_hash),
            bytes: match is_run {
                true => frame.bytes().len(),
                false => padded(bytes),
            },
            records: self.records.len().saturating_sub(records),
        });
        Ok(())
    }

    /// Notes of which entity and source a record is.
    fn note(&mut self, at: &FrameRecord<'_>, record: &StoredRecord<'_>) -> Result<(), Error> {
        if self.segment != Some(at.position.segment) {
            self.segment = Some(at.position.segment);
            self.named.clear();
        }
        if let Some(coordinate) = record.coordinate() {
            let next = self.last.len();
            let entity = match self.entities.get(coordinate.entity()) {
                Some(known) => *known,
                None => {
                    self.entities.insert(coordinate.entity().into(), next);
                    self.last.push(0);
                    next
                }
            };
            self.named.push(entity);
        }
        let local = usize::try_from(record.local_coordinate()).ok();
        let entity = local.and_then(|local| self.named.get(local));
        let last = entity.and_then(|entity| self.last.get_mut(*entity));
        let last =
            last.ok_or_else(|| malformed(at, "has a coordinate that its segment has not named"))?;
        *last = at.sequence.get();
        if let Some((source, position)) = record.tracking() {
            let own = (position, at.sequence.get());
            match self.sources.get_mut(source) {
                Some((greatest, _)) if *greatest >= position => {}
                Some(greatest) => *greatest = own,
                None => drop(self.sources.insert(source.into(), own)),
            }
        }
        Ok(())
    }

    fn plan(self) -> FoldPlan {
        let mut last = self.last;
        last.extend(self.sources.into_values().map(|(_, at)| at));
        last.sort_unstable();
        last.dedup();
        let mut folded = Vec::new();
        let (mut commits, mut records) = (self.commits.as_slice(), self.records.as_slice());
        while !commits.is_empty() {
            let (some, others) = commits.split_at(adjacent(commits));
            let count = some.iter().map(|commit| commit.records).sum();
            let (own, rest) = records.split_at_checked(count).unwrap_or((records, &[]));
            (commits, records) = (others, rest);
            let sequences = match some {
                [first, .., last] => first.sequences.start..last.sequences.end,
                [one] => one.sequences.clone(),
                [] => break,
            };
            let stays: usize = some.iter().map(|commit| commit.bytes).sum();
            if run_bytes(sequences.clone(), own, &last) < stays {
                folded.push(sequences);
            }
        }
        FoldPlan {
            folded: Runs::of(folded),
            last,
        }
    }
}

/// How many of the first commits follow each other, and have room in a run.
fn adjacent(commits: &[GoneCommit]) -> usize {
    let first = commits.first().map_or(0, |first| first.sequences.start);
    let (mut count, mut kept) = (0, 0_usize);
    let mut end = None;
    for commit in commits {
        kept = kept.saturating_add(commit.records);
        let has_room = commit.sequences.end.saturating_sub(first) <= RUN_SEQUENCES_MAX.into()
            && kept <= RUN_KEPT_MAX;
        let follows = end.is_none_or(|end| end == commit.follows)
            && (count == 0 || commit.follows.0.get() == commit.sequences.start);
        if count > 0 && !(has_room && follows) {
            break;
        }
        end = Some(commit.end);
        count = usize::saturating_add(count, 1);
    }
    count
}

/// What a run takes of these records, and what is said elsewhere because of it.
fn run_bytes(sequences: Range<u64>, records: &[GoneRecord], last: &[u64]) -> usize {
    let is_kept =
        |record: &&GoneRecord| record.says_kind || last.binary_search(&record.sequence).is_ok();
    let (mut kept, mut bytes) = (0_usize, 0_usize);
    for record in records.iter().filter(is_kept) {
        kept = kept.saturating_add(1);
        let own = RECORD_HEADER_BYTES + Hash::BYTES;
        bytes = bytes.saturating_add(own).saturating_add(record.body_bytes);
    }
    let left_out = records.len().saturating_sub(kept);
    let own = FRAME_HEADER_BYTES + RECORD_HEADER_BYTES;
    let head = run_head_bytes(kept).saturating_add(said_bytes(sequences));
    let run = padded(own.saturating_add(head).saturating_add(bytes));
    run.saturating_add(left_out.saturating_mul(Hash::BYTES))
}

const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(FRAME_ALIGNMENT as usize)
}
