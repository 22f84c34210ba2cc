//! Verification: the whole log against its checksums and its chains, and every index against the log.

mod chains;
mod checkpoint;
mod hashing;
mod index;
mod removals;
mod rows;

use crate::Error;
use crate::store::Shared;
use crate::writer::KeepsWakeUp;
use chains::{Chain, chain_of};
use checkpoint::StoredCheckpoint;
use hashing::Hashing;
use index::{Check, Compared, Indexes, Job};
use removals::Gone;
use rows::SegmentRows;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use strandline_core::record::StoredRecord;
use strandline_core::{Hash, Hlc, Region, Sequence};
use strandline_index::Block;
use strandline_segment::{
    Frame, FrameRecord, LogError, LogPosition, RecordPosition, ScanError, SegmentInfo,
};

/// One thing that verification found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The event, where one can be named.
    pub sequence: Option<Sequence>,
    /// What is wrong: what was written, or what was made of it.
    pub kind: ProblemKind,
    /// The file that is wrong, where one can be named.
    pub file: Option<String>,
    /// What is wrong, and where.
    pub message: String,
}

/// What a [`Problem`] is about, which says what mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The log: restore it from a backup, or keep what is left with
    /// [`salvage`](crate::maintenance::salvage).
    Log,
    /// A footer, a checkpoint, or the index in memory, which say something else than the log:
    /// [`rebuild`](crate::maintenance::rebuild) makes them anew.
    Index,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence {
            Some(sequence) => write!(f, "event {sequence}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// What verification found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Events whose checksum and hash were checked.
    pub events: u64,
    /// Events that a compaction removed, and whose place in their chain was checked.
    pub removed: u64,
    /// Events whose payload was redacted, among the events.
    pub redacted: u64,
    /// Records of this log that tell of a compaction or redaction, and were compared with what is
    /// missing.
    pub removals: u64,
    /// Of these, records of ones that were interrupted, as far as the log says.
    pub interrupted: u64,
    /// Removals and redactions of events before this sequence are not recorded: the store was made by an
    /// earlier version. `None` if all are, so that nothing is missing without a record.
    pub unrecorded_before: Option<Sequence>,
    /// Commits whose link in the log chain was checked.
    pub commits: u64,
    /// Entities that have an event. The chains of those whose events were removed are followed too.
    pub entities: u64,
    /// Hash of the log at its end: kept elsewhere, it shows later that nothing before was changed.
    pub log_hash: Hash,
    /// Everything that is wrong with the log, in its order, and then with the indexes, in theirs; at
    /// most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
}

/// Most problems that a report lists.
pub const PROBLEMS_MAX: usize = 1000;

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Reads the log up to its present end, and on other threads meanwhile hashes its events and compares
/// what footers, checkpoint and index say with what the frames do. If there are records of removals,
/// what they tell of is read once more. Memory: one hash and clock for each entity, 16 bytes for each run
/// of events that were removed or redacted, a few pieces of the log, and for each of two segments 42 bytes
/// an event and its index.
///
/// `on_events` is told how many more events were read, and can end it.
pub(crate) fn verify(
    shared: &Shared,
    on_events: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<VerifyReport, Error> {
    // What another store has in its files says nothing about this one.
    shared.check_course()?;
    let _kept = KeepsWakeUp::new();
    // Before the end of the log, which is not behind the checkpoint then.
    let (stored, discarded) = checkpoint::newest(shared)?;
    let (until, snapshot) = shared.end_and_snapshot();
    let no_thread = |error| Error::io("start a thread to verify", &shared.dir, error);
    let mut hashing = Hashing::start().map_err(no_thread)?;
    let indexes = Indexes::start(shared, snapshot.clone()).map_err(no_thread)?;
    let log = snapshot.reader.log.clone();
    // Beside a writer the end that is known here may be behind.
    let stored = stored.filter(|stored| stored.position().sequence <= until.sequence);
    let mut verifier = Verifier {
        shared,
        blocks: snapshot.index.blocks().cloned().collect(),
        index: snapshot.index,
        live_from: Sequence::ZERO,
        infos: log.infos().copied().collect(),
        indexes,
        stored: stored.map(Arc::new),
        is_stored_seen: false,
        firsts: Vec::new(),
        wants_first: false,
        by_entity: HashMap::new(),
        chains: Vec::new(),
        segment: None,
        gone: Gone::default(),
        report: VerifyReport {
            events: 0,
            removed: 0,
            redacted: 0,
            removals: 0,
            interrupted: 0,
            unrecorded_before: None,
            commits: 0,
            entities: 0,
            log_hash: until.log_hash,
            problems: Vec::new(),
        },
    };
    let scanned = log.scan(until, None, |frame| {
        verifier.frame(frame, &mut hashing);
        on_events(frame.len() as u64)
    });
    let is_read = scanned.is_ok();
    verifier.merge(hashing.finish());
    match scanned {
        Ok(end) if end.log_hash != until.log_hash => verifier.problem(
            None,
            None,
            "the log chain does not end in the hash that the store has".to_owned(),
        ),
        Ok(_) => {}
        Err(ScanError::Log(error @ LogError::Io { .. })) => return Err(error.into()),
        Err(ScanError::Log(error)) => {
            let file = error.file().map(str::to_owned);
            verifier.problem(None, file, error.to_string());
        }
        Err(ScanError::Visit(error)) => return Err(error),
    }
    let gone = std::mem::take(&mut verifier.gone);
    let mut report = verifier.finish(&until, is_read, discarded)?;
    if is_read {
        gone.judge(shared, &log, until, &mut report, on_events)?;
        report.problems.truncate(PROBLEMS_MAX);
    }
    Ok(report)
}

struct Verifier<'a> {
    shared: &'a Shared,
    index: strandline_index::Snapshot,
    /// What was removed and redacted, and what the log says of that.
    gone: Gone,
    /// The blocks of the index, oldest first.
    blocks: VecDeque<Arc<Block>>,
    /// From here on the rows of the present segment are in no block.
    live_from: Sequence,
    infos: Vec<SegmentInfo>,
    indexes: Indexes,
    stored: Option<Arc<StoredCheckpoint>>,
    /// Whether the place that the checkpoint names was met.
    is_stored_seen: bool,
    /// The first clock reading of each segment and after the checkpoint, each with its event.
    firsts: Vec<(Sequence, Hlc)>,
    /// Whether the next clock reading is such a one.
    wants_first: bool,
    /// By entity: the place of its chain.
    by_entity: HashMap<Box<str>, usize>,
    chains: Vec<Option<Chain>>,
    /// The segment that is being read.
    segment: Option<SegmentRows>,
    report: VerifyReport,
}

impl Verifier<'_> {
    /// Takes what the hashing found, and puts everything in the order of the log. Of an event that
    /// has several things wrong, the hash is told.
    fn merge(&mut self, mut problems: Vec<Problem>) {
        problems.append(&mut self.report.problems);
        problems.sort_by_key(|problem| problem.sequence);
        problems.dedup_by(|a, b| a.sequence.is_some() && a.sequence == b.sequence);
        for problem in &mut problems {
            let sequence = problem.sequence.unwrap_or_default();
            let name = || Some(self.infos.get(self.segment_of(sequence)?)?.file_name());
            if problem.file.is_none() && problem.sequence.is_some() {
                problem.file = name();
            }
        }
        problems.truncate(PROBLEMS_MAX);
        self.report.problems = problems;
    }

    /// The place of the segment that has an event.
    fn segment_of(&self, sequence: Sequence) -> Option<usize> {
        let begun = |info: &SegmentInfo| info.start().sequence <= sequence;
        self.infos.partition_point(begun).checked_sub(1)
    }

    fn problem(&mut self, sequence: Option<Sequence>, file: Option<String>, message: String) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(Problem {
                sequence,
                kind: ProblemKind::Log,
                file,
                message,
            });
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, hashing: &mut Hashing) {
        self.begin(&frame.start());
        if let Some(note) = frame.note() {
            if let Err(message) = self.gone.note(note) {
                let at = frame.start();
                let (segment, offset) = (at.segment, at.offset);
                let message = format!("{message} (segment {segment}, offset {offset})");
                self.problem(None, Some(segment.file_name()), message);
            }
            self.meet(&frame.end());
            return;
        }
        self.report.commits += 1;
        for record in frame.records() {
            if let Err(message) = self.record(&record, hashing) {
                let message = message_at(record.position, &message);
                self.problem(Some(record.sequence), None, message);
            }
        }
        let end = frame.end();
        self.meet(&end);
    }

    /// Goes to the segment that a frame is in, and gives away what is to be compared with the rows
    /// before the frame.
    fn begin(&mut self, start: &LogPosition) {
        let is_other = |rows: &SegmentRows| rows.info.id() != start.segment;
        if self.segment.as_ref().is_none_or(is_other) {
            let newest = self.end_segment();
            let at = self
                .infos
                .binary_search_by_key(&start.segment, SegmentInfo::id);
            let info = at.ok().and_then(|at| self.infos.get(at));
            self.segment = info.map(|info| SegmentRows::new(*info, newest));
            self.live_from = start.sequence;
            self.wants_first = true;
            self.meet(start);
        }
        let Some(info) = self.segment.as_ref().map(|rows| rows.info) else {
            return;
        };
        let mut checks = self.due_checkpoint(&info, start.sequence);
        checks.extend(self.due_parts(&info, start.sequence));
        if !checks.is_empty()
            && let Some(rows) = &self.segment
        {
            let rows = rows.clone();
            self.indexes.compare(Job { rows, checks });
        }
    }

    /// Notes a place between commits, if it is the one that the checkpoint names.
    fn meet(&mut self, place: &LogPosition) {
        if let (Some(stored), Some(rows)) = (&self.stored, &self.segment)
            && stored.position().segment == place.segment
            && checkpoint::is_at(&stored.position(), place, &rows.info)
        {
            self.is_stored_seen = true;
            self.wants_first = true;
        }
    }

    /// The blocks of rows of the present segment before a sequence that were not compared yet, and that
    /// have not all rows of it: a checkpoint's, which other rows follow until there is a footer. A
    /// block of all rows may end before the last frame, whose events were removed.
    fn due_parts(&mut self, info: &SegmentInfo, before: Sequence) -> Vec<Check> {
        let is_due = |block: &Arc<Block>| block.sequences().end <= before;
        let Some(end) = self.blocks.front().filter(|block| is_due(block)) else {
            return Vec::new();
        };
        let after = end.sequences().end.get();
        let is_part = info.end().is_none_or(|end| {
            let rest = Region::all().sequence(after..end.sequence.get());
            self.index.query(&rest).next().is_some()
        });
        match is_part {
            true => self.due_blocks(before),
            false => Vec::new(),
        }
    }

    /// The blocks of the rows before a sequence that were not compared yet.
    fn due_blocks(&mut self, before: Sequence) -> Vec<Check> {
        let is_due = |block: &&Arc<Block>| block.sequences().end <= before;
        let count = self.blocks.iter().take_while(is_due).count();
        let due: Vec<_> = self.blocks.drain(..count).map(Check::Block).collect();
        if let Some(Check::Block(last)) = due.last() {
            self.live_from = last.sequences().end;
        }
        due
    }

    /// The checkpoint, if it is of the rows of the present segment before a sequence, and was not
    /// compared yet.
    fn due_checkpoint(&mut self, info: &SegmentInfo, before: Sequence) -> Vec<Check> {
        let is_due = |stored: &mut Arc<StoredCheckpoint>| {
            let position = stored.position();
            position.segment == info.id() && position.sequence <= before
        };
        let due = match self.is_stored_seen {
            true => self.stored.take_if(is_due),
            false => None,
        };
        due.map(Check::Checkpoint).into_iter().collect()
    }

    /// Has the segment that was read compared with what was made of it. Gives the newest clock
    /// reading.
    fn end_segment(&mut self) -> Option<Hlc> {
        let rows = self.segment.take()?;
        let newest = rows.newest;
        let end = rows.info.end();
        let end = end.map_or(Sequence::new(u64::MAX), |end| end.sequence);
        // Before what this process has of it, which may be the same.
        let mut checks = self.due_checkpoint(&rows.info, end);
        if rows.info.is_sealed() {
            checks.push(Check::Footer);
        }
        checks.extend(self.due_blocks(end));
        checks.push(Check::Live(self.live_from));
        self.indexes.compare(Job { rows, checks });
        newest
    }

    fn record(&mut self, at: &FrameRecord<'_>, hashing: &mut Hashing) -> Result<(), String> {
        let checked = self.check_record(at, hashing);
        if checked.is_err()
            && let Some(rows) = &mut self.segment
        {
            rows.is_whole = false;
        }
        checked
    }

    fn check_record(&mut self, at: &FrameRecord<'_>, hashing: &mut Hashing) -> Result<(), String> {
        let record =
            StoredRecord::decode(at.body).map_err(|error| format!("malformed: {error}"))?;
        self.report.redacted += u64::from(self.gone.record(at, &record));
        let rows = self.segment.as_mut().ok_or("it is in no segment")?;
        if let Some(coordinate) = record.coordinate() {
            let chain = chain_of(&mut self.by_entity, &mut self.chains, coordinate.entity());
            let named = rows.name(coordinate, chain, at.position.offset);
            named.map_err(|error| error.to_string())?;
        }
        let local = usize::try_from(record.local_coordinate()).unwrap_or(usize::MAX);
        let named = rows.names.get(local);
        let named = named.ok_or("it has a coordinate that its segment has not named")?;
        let coordinate = named.coordinate.clone();
        let chain = self.chains.get_mut(named.chain).ok_or("it has no chain")?;
        let (previous, expected_clock) = match &chain {
            Some(chain) => (chain.hash, chain.clock.checked_add(1)),
            None => (record.previous().unwrap_or(Hash::ZERO), Some(0)),
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
                hashing.check(at, &coordinate, previous);
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
        let entity = coordinate.entity();
        if record.previous().is_some_and(|stored| stored != previous) {
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

    /// Takes what comparing the indexes found.
    fn finish(
        mut self,
        until: &LogPosition,
        is_read: bool,
        discarded: Vec<Problem>,
    ) -> Result<VerifyReport, Error> {
        if is_read {
            // The active segment may have no frames, and a checkpoint all the same.
            if let Some(last) = self.infos.last().map(SegmentInfo::start)
                && last.segment == until.segment
            {
                self.begin(&last);
            }
            self.end_segment();
        }
        let Compared { problems, readings } = self.indexes.finish()?;
        let mut found = discarded;
        if is_read && let Some(stored) = &self.stored {
            found.push(stored.misplaced());
        }
        found.extend(problems);
        for reading in readings {
            let after = self.firsts.partition_point(|(at, _)| *at < reading.end);
            let next = self.firsts.get(after).map(|(_, hlc)| *hlc);
            if checkpoint::contradicts(reading.claimed, next) {
                found.push(reading.contradicted());
            }
        }
        let chains = self.chains.iter().flatten();
        self.report.entities = chains.filter(|chain| chain.has_event).count() as u64;
        let indexed = self.index.len();
        if self.report.problems.is_empty() && found.is_empty() && indexed > self.report.events {
            let events = self.report.events;
            let durable = self.shared.group.durable();
            found.push(Problem {
                sequence: None,
                kind: ProblemKind::Index,
                file: None,
                message: format!(
                    "the index has {indexed} events, the log {events} up to {} (durable below \
                     {durable})",
                    until.sequence
                ),
            });
        }
        self.report.problems.extend(found);
        self.report.problems.truncate(PROBLEMS_MAX);
        Ok(self.report)
    }
}

/// What is wrong with an event, and where it stands.
fn message_at(position: RecordPosition, message: &str) -> String {
    format!(
        "{message} (segment {}, offset {})",
        position.segment, position.offset
    )
}
