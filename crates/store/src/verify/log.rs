//! `LogCheck`: the pieces of a log against its checksums and its chains, past whatever is damaged.
//!
//! Holds no index. Where something could not be read, what follows is held against the first hash after it
//! that says what it follows: one gap is one problem.

use super::chains::{Chain, chain_of};
use super::damage::Damage;
use super::hashing::Hashing;
use super::problem::{PROBLEMS_MAX, Problem, ProblemKind, message_at};
use super::removals::Gone;
use super::report::VerifyReport;
use super::rows::SegmentRows;
use crate::model::KindTable;
use crate::rows::RunSaid;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::record::{Record, StoredRecord};
use strandline_core::{Coordinate, Hash, Hlc, Sequence, extension_tag};
use strandline_segment::{Frame, FrameHeader, FrameRecord, LogPosition, Piece, SegmentInfo};

/// Tells the coordinate of an event that no record of its segment names any more.
type Lookup<'a> = Box<dyn Fn(&FrameRecord<'_>, &Record<'_>) -> Option<Coordinate> + 'a>;

/// What is checked of the log alone.
pub(crate) struct LogCheck<'a> {
    hashing: Hashing,
    lookup: Lookup<'a>,
    /// What was removed and redacted, and what the log says of that.
    pub(super) gone: Gone,
    /// By entity: the place of its chain.
    by_entity: HashMap<Box<str>, usize>,
    chains: Vec<Option<Chain>>,
    /// The names of kinds so far.
    kinds: KindTable,
    /// How far sources were gone through so far.
    positions: HashMap<Box<str>, u64>,
    /// How many events are in runs so far, without a record of their own, and were in no stream yet.
    folded: u64,
    /// The segment that is being read.
    pub(super) segment: Option<SegmentRows>,
    /// The first clock reading of each segment and after the checkpoint, each with its event.
    pub(super) firsts: Vec<(Sequence, Hlc)>,
    /// Whether the next clock reading is such a one.
    pub(super) wants_first: bool,
    pub(super) damage: Damage,
    /// The end of the last frame.
    pub(super) last: Option<LogPosition>,
    pub(super) report: VerifyReport,
}

impl<'a> LogCheck<'a> {
    /// # Errors
    ///
    /// What the system says if it gives no threads.
    pub(crate) fn start(lookup: Lookup<'a>, log_hash: Hash) -> std::io::Result<Self> {
        Ok(Self {
            hashing: Hashing::start()?,
            lookup,
            gone: Gone::default(),
            by_entity: HashMap::new(),
            chains: Vec::new(),
            kinds: KindTable::default(),
            positions: HashMap::new(),
            folded: 0,
            segment: None,
            firsts: Vec::new(),
            wants_first: false,
            damage: Damage::default(),
            last: None,
            report: VerifyReport::new(log_hash),
        })
    }

    /// Tells names by other means from here on.
    pub(crate) fn look_up(&mut self, lookup: Lookup<'a>) {
        self.lookup = lookup;
    }

    pub(super) fn problem(
        &mut self,
        sequence: Option<Sequence>,
        file: Option<String>,
        message: String,
    ) {
        let problem = Problem::new(ProblemKind::Log, message);
        self.told(problem.of_event(sequence).in_file(file));
    }

    pub(crate) fn told(&mut self, problem: Problem) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(problem);
        }
    }

    /// Begins a segment, after one whose newest clock reading is `newest`.
    pub(crate) fn begin(&mut self, info: &SegmentInfo, newest: Option<Hlc>) {
        self.damage.goes_on_at(info.start().sequence);
        self.segment = Some(SegmentRows::new(*info, newest));
        self.wants_first = true;
    }

    /// Ends the segment that is being read, before the event `to` if that is known, and gives the newest
    /// clock reading.
    pub(crate) fn end(&mut self, to: Option<Sequence>) -> Option<Hlc> {
        self.end_rows(to)?.newest
    }

    /// Ends the segment that is being read as [`end`](Self::end) does, and gives its rows.
    pub(super) fn end_rows(&mut self, to: Option<Sequence>) -> Option<SegmentRows> {
        let rows = self.segment.take()?;
        let to = rows.info.end().map(|end| end.sequence).or(to);
        let problems = self.damage.end_segment(&rows.info, to);
        problems.into_iter().for_each(|problem| self.told(problem));
        Some(rows)
    }

    /// Notes that everything before `to` was there; of what is lost of it, `why` gives a file and says why.
    pub(crate) fn gone(&mut self, to: Sequence, why: impl FnOnce(&Range<u64>) -> (String, String)) {
        let Some(events) = self.damage.gone(to) else {
            return;
        };
        let (file, message) = why(&events);
        let problem = Problem::new(ProblemKind::Log, message);
        self.told(problem.of_lost(&events).in_file(Some(file)));
    }

    /// Takes a piece of the segment that is being read.
    pub(crate) fn piece(&mut self, info: &SegmentInfo, piece: &Piece<'_>) {
        match piece {
            Piece::WrongFile { problem } => {
                let file = Some(info.file_name());
                self.problem(None, file, problem.to_string());
                self.not_whole();
            }
            Piece::Frame { frame, follows } => {
                self.settle(info, frame.first_sequence());
                if *follows == Some(false) {
                    let (file, offset) = (info.file_name(), frame.start().offset);
                    let message = format!(
                        "{file} is damaged at offset {offset}: a frame does not follow the one before it"
                    );
                    self.problem(None, Some(file), message);
                    self.not_whole();
                }
                self.frame(frame);
                self.last = Some(frame.end());
                self.damage.goes_on_at(frame.end().sequence);
            }
            Piece::BrokenFrame {
                offset,
                header,
                reason,
            } => {
                self.settle(info, header.first_sequence);
                self.damage.frame(info, *offset, reason);
                self.not_whole();
                self.damage.goes_on_at(claimed_end(header));
            }
            Piece::BrokenRecords {
                sequence,
                count,
                position,
                reason,
            } => {
                let events = sequence.get()..sequence.get().saturating_add(*count);
                let problem = self.damage.records(info, events, position.offset, reason);
                self.told(problem);
            }
            Piece::Record(record) => {
                self.damage.met(record.sequence);
                self.record(record);
            }
            Piece::Damaged {
                offset,
                bytes,
                reason,
            } => {
                self.damage.bytes(*offset, *bytes, reason);
                self.not_whole();
            }
            Piece::Unreadable { offset, bytes } => {
                let file = info.file_name();
                let message = format!(
                    "{file} is damaged at offset {offset}: the disk does not give {bytes} bytes back"
                );
                self.problem(None, Some(file), message);
                self.not_whole();
            }
            _ => {}
        }
    }

    fn settle(&mut self, info: &SegmentInfo, to: Sequence) {
        for problem in self.damage.settle(info, Some(to)) {
            self.told(problem);
        }
    }

    /// Notes that the rows of the segment are not all.
    fn not_whole(&mut self) {
        self.damage.any = true;
        if let Some(rows) = &mut self.segment {
            rows.is_whole = false;
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        if let Some(note) = frame.note() {
            if let Err(message) = self.gone.note(note) {
                let at = frame.start();
                let (segment, offset) = (at.segment, at.offset);
                let message = format!("{message} (segment {segment}, offset {offset})");
                self.problem(None, Some(segment.file_name()), message);
            }
            return;
        }
        self.report.commits += 1;
        if let Some(rows) = &mut self.segment {
            // Where sequences are left out there is no tree.
            rows.tree.take_if(|tree| tree.frame(frame).is_err());
        }
        self.run(frame);
        for record in frame.records() {
            self.record(&record);
        }
    }

    /// Takes what a run says of events that have no record.
    fn run(&mut self, frame: &Frame<'_>) {
        let Some(sequences) = frame.run() else {
            return;
        };
        let kept = frame.records().count() as u64;
        let left_out = (frame.len() as u64).saturating_sub(kept);
        self.folded = self.folded.saturating_add(left_out);
        self.report.removed = self.report.removed.saturating_add(left_out);
        self.gone.run(sequences.clone());
        match RunSaid::of(frame) {
            Ok(said) => {
                if let (Some(rows), Some(said)) = (&mut self.segment, said) {
                    rows.newest = rows.newest.max(Some(said.newest));
                }
            }
            Err(message) => {
                let file = frame.start().segment.file_name();
                self.problem(Some(sequences.start), Some(file), message);
                self.not_whole();
            }
        }
    }

    /// Whether events of a stream that are not there may be in the runs so far, as many as there are between two clocks.
    fn may_be_folded(&mut self, expected: Option<u32>, clock: u32) -> bool {
        let missing = expected.and_then(|expected| clock.checked_sub(expected));
        let left = missing.and_then(|missing| self.folded.checked_sub(missing.into()));
        if let Some(left) = left {
            self.folded = left;
        }
        left.is_some()
    }

    fn record(&mut self, at: &FrameRecord<'_>) {
        let Err(message) = self.check_record(at) else {
            return;
        };
        if let Some(rows) = &mut self.segment {
            rows.is_whole = false;
        }
        self.damage.wrong(at.sequence);
        let message = message_at(at.position, &message);
        self.problem(Some(at.sequence), None, message);
    }

    fn check_record(&mut self, at: &FrameRecord<'_>) -> Result<(), String> {
        let record =
            StoredRecord::decode(at.body).map_err(|error| format!("malformed: {error}"))?;
        self.report.redacted += u64::from(self.gone.record(at, &record));
        self.said(at, &record);
        let Some((coordinate, place)) = self.named(at, &record)? else {
            self.damage.unnamed(at.sequence);
            return Ok(());
        };
        let chain = self.chains.get(place).ok_or("it has no chain")?;
        let (before, expected_clock) = match chain {
            Some(chain) => (chain.hash, chain.clock.checked_add(1)),
            None => (record.previous().unwrap_or(Hash::ZERO), Some(0)),
        };
        let is_later = expected_clock.is_some_and(|next| record.clock() > next);
        let is_gap = is_later
            && (self.damage.any
                || record.previous().is_some()
                    && self.may_be_folded(expected_clock, record.clock()));
        let rows = self.segment.as_mut().ok_or("it is in no segment")?;
        let local = usize::try_from(record.local_coordinate()).unwrap_or(usize::MAX);
        let chain = self.chains.get_mut(place).ok_or("it has no chain")?;
        let previous = match is_gap {
            // What it follows is damaged or in a run, and is known only if it says so itself.
            true => record.previous(),
            false => Some(before),
        };
        let had_event = chain.as_ref().is_some_and(|chain| chain.has_event);
        *chain = Some(Chain {
            hash: at.digest,
            clock: record.clock(),
            has_event: had_event || matches!(record, StoredRecord::Event(_)),
        });
        let (hlc, taken) = match &record {
            StoredRecord::Event(event) => {
                self.report.events += 1;
                match previous {
                    Some(previous) => self.hashing.check(at, &coordinate, previous),
                    None => self.report.unchained += 1,
                }
                (event.hlc, rows.event(at, event, local))
            }
            // Its own hash cannot be told any more; what follows it was made with that.
            StoredRecord::Removed(removed) => {
                self.report.removed += 1;
                rows.removed(at, removed, local);
                (removed.hlc, Ok(()))
            }
        };
        taken.map_err(|error| error.to_string())?;
        if std::mem::take(&mut self.wants_first) {
            self.firsts.push((at.sequence, hlc));
        }
        if is_gap {
            return Ok(());
        }
        let entity = coordinate.entity();
        if record.previous().is_some_and(|stored| stored != before) {
            return Err(format!(
                "it names another predecessor than the chain of {entity} has"
            ));
        }
        if expected_clock != Some(record.clock()) {
            return Err(format!(
                "its clock is {} where the stream of {entity} continues with {expected_clock:?}",
                record.clock()
            ));
        }
        Ok(())
    }

    /// Takes what a record says beside its row: the name of its kind, the position in a source. What is wrong
    /// with that is wrong with nothing else of the record.
    fn said(&mut self, at: &FrameRecord<'_>, record: &StoredRecord<'_>) {
        if let Some(rows) = &mut self.segment {
            rows.summary.note(record, at.sequence);
        }
        let wrong = match record.kind_name() {
            Some((kind, name)) => {
                // The first name counts.
                let learned = self.kinds.learn(kind, &name.into());
                learned.err().map(|conflict| conflict.to_string())
            }
            None => no_name(record),
        };
        if let Some(wrong) = wrong {
            let message = message_at(at.position, &wrong);
            self.problem(Some(at.sequence), None, message);
        }
        if let Some(wrong) = self.track(record) {
            let message = message_at(at.position, &wrong);
            self.problem(Some(at.sequence), None, message);
        }
    }

    /// Takes the position in a source that a record has, and says what is wrong with it: the positions of a
    /// source ascend.
    fn track(&mut self, record: &StoredRecord<'_>) -> Option<String> {
        let Some((source, position)) = record.tracking() else {
            return no_position(record);
        };
        match self.positions.get_mut(source) {
            None => drop(self.positions.insert(source.into(), position)),
            Some(last) if position <= *last => {
                return Some(format!(
                    "it says that source {source:?} is at {position}, which was at {last} before"
                ));
            }
            Some(last) => *last = position,
        }
        None
    }

    /// The coordinate of a record and the place of its chain; `None` if the record that named it is
    /// damaged, and nothing else tells it.
    fn named(
        &mut self,
        at: &FrameRecord<'_>,
        record: &StoredRecord<'_>,
    ) -> Result<Option<(Arc<Coordinate>, usize)>, String> {
        let rows = self.segment.as_mut().ok_or("it is in no segment")?;
        let local = usize::try_from(record.local_coordinate()).unwrap_or(usize::MAX);
        let has_gaps = self.damage.any;
        if let Some(coordinate) = record.coordinate() {
            let chain = chain_of(&mut self.by_entity, &mut self.chains, coordinate.entity());
            let place = (local, at.position.offset);
            let named = rows.name(coordinate, chain, place, has_gaps);
            named.map_err(|error| error.to_string())?;
        }
        if let Some(named) = rows.named(local) {
            return Ok(Some((named.coordinate.clone(), named.chain)));
        }
        if !has_gaps {
            return Err("it has a coordinate that its segment has not named".to_owned());
        }
        let StoredRecord::Event(event) = record else {
            return Ok(None);
        };
        let Some(coordinate) = (self.lookup)(at, event) else {
            return Ok(None);
        };
        let chain = chain_of(&mut self.by_entity, &mut self.chains, coordinate.entity());
        let place = (local, at.position.offset);
        let named = rows.name(&coordinate, chain, place, true);
        named.map_err(|error| error.to_string())?;
        Ok(rows
            .named(local)
            .map(|named| (named.coordinate.clone(), named.chain)))
    }

    /// Waits for the hashes, and puts everything in the order of the log. Of an event that has several
    /// things wrong, the hash is told. `file_of` tells the file of an event.
    pub(crate) fn finish(self, file_of: impl Fn(Sequence) -> Option<String>) -> VerifyReport {
        let Self {
            hashing,
            chains,
            mut damage,
            mut report,
            last,
            ..
        } = self;
        report.log_hash = last.map_or(report.log_hash, |last| last.log_hash);
        let (mut problems, wrong) = hashing.finish();
        damage.all_wrong(wrong);
        (report.unread, report.damaged) = damage.counts();
        problems.append(&mut report.problems);
        problems.sort_by_key(|problem| problem.sequence);
        problems.dedup_by(|a, b| a.sequence.is_some() && a.sequence == b.sequence);
        for problem in &mut problems {
            if problem.file.is_none()
                && let Some(sequence) = problem.sequence
            {
                problem.file = file_of(sequence);
            }
        }
        problems.truncate(PROBLEMS_MAX);
        report.problems = problems;
        let there = chains.iter().flatten().filter(|chain| chain.has_event);
        report.entities = there.count() as u64;
        report
    }
}

/// The sequence after the events that the header of a frame says are in it.
pub(crate) fn claimed_end(header: &FrameHeader) -> Sequence {
    let end = header.first_sequence.checked_add(header.sequences());
    end.unwrap_or(header.first_sequence)
}

/// How many events a piece holds that can be read.
pub(crate) fn events_in(piece: &Piece<'_>) -> u64 {
    match piece {
        Piece::Frame { frame, .. } => frame.len() as u64,
        Piece::Record(_) => 1,
        _ => 0,
    }
}

/// What is wrong with a name of a kind that a record has and does not give.
fn no_name(record: &StoredRecord<'_>) -> Option<String> {
    let kind = match record {
        StoredRecord::Event(event) => {
            event.extensions.get(extension_tag::KIND_NAME)?;
            event.kind
        }
        StoredRecord::Removed(removed) => removed.kind_name.as_ref()?.0,
    };
    Some(match kind.is_reserved() {
        true => format!("it names kind {kind}, which is reserved for the store"),
        false => format!("it calls kind {kind} what is no name"),
    })
}

/// What is wrong with a position in a source that an event has and that is none.
fn no_position(record: &StoredRecord<'_>) -> Option<String> {
    let StoredRecord::Event(event) = record else {
        return None;
    };
    event.extensions.get(extension_tag::TRACKING)?;
    Some("it has a position in a source that is none".to_owned())
}
