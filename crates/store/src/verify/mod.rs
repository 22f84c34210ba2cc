//! Verification: the whole log against its checksums, its chains and the index.

mod hashing;
mod removals;

use crate::Error;
use crate::store::Shared;
use hashing::Hashing;
use removals::Gone;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use strandline_core::record::{Record, StoredRecord};
use strandline_core::{Coordinate, Hash, Region, Sequence};
use strandline_segment::{Frame, FrameRecord, LogError, RecordPosition, ScanError, SegmentId};

/// One thing that verification found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The event, where one can be named.
    pub sequence: Option<Sequence>,
    /// What is wrong, and where.
    pub message: String,
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
    /// Entities whose chains were followed.
    pub entities: u64,
    /// Hash of the log at its end: kept elsewhere, it shows later that nothing before was changed.
    pub log_hash: Hash,
    /// Everything that is wrong, in the order of the log, at most [`PROBLEMS_MAX`].
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

/// Reads the log up to its present end, and hashes its events on other threads meanwhile. If there are
/// records of removals, what they tell of is read once more. Memory: one hash and clock for each entity,
/// 16 bytes for each run of events that were removed or redacted, and a few pieces of the log.
///
/// `on_events` is told how many more events were read, and can end it.
pub(crate) fn verify(
    shared: &Shared,
    on_events: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<VerifyReport, Error> {
    let (until, snapshot) = shared.end_and_snapshot();
    let mut hashing = Hashing::start()
        .map_err(|error| Error::io("start a thread to verify", &shared.dir, error))?;
    let mut verifier = Verifier {
        shared,
        index: snapshot.index,
        chains: HashMap::new(),
        names: Vec::new(),
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
    let log = snapshot.reader.log;
    let scanned = log.scan(until, None, |frame| {
        verifier.frame(frame, &mut hashing);
        on_events(frame.len() as u64)
    });
    verifier.merge(hashing.finish());
    let is_whole = scanned.is_ok();
    match scanned {
        Ok(end) if end.log_hash != until.log_hash => verifier.problem(
            None,
            "the log chain does not end in the hash that the store has".to_owned(),
        ),
        Ok(_) => {}
        Err(ScanError::Log(error @ LogError::Io { .. })) => return Err(error.into()),
        Err(ScanError::Log(error)) => verifier.problem(None, error.to_string()),
        Err(ScanError::Visit(error)) => return Err(error),
    }
    verifier.report.entities = verifier.chains.len() as u64;
    verifier.check_counts();
    let Verifier {
        gone, mut report, ..
    } = verifier;
    if is_whole {
        gone.judge(shared, &log, until, &mut report, on_events)?;
        report.problems.sort_by_key(|problem| problem.sequence);
        report.problems.truncate(PROBLEMS_MAX);
    }
    Ok(report)
}

struct Chain {
    hash: Hash,
    clock: u32,
}

struct Verifier<'a> {
    shared: &'a Shared,
    index: strandline_index::Snapshot,
    chains: HashMap<Box<str>, Chain>,
    /// Coordinates of the segment that is being read, by local number.
    names: Vec<Arc<Coordinate>>,
    segment: Option<SegmentId>,
    /// What was removed and redacted, and what the log says of that.
    gone: Gone,
    report: VerifyReport,
}

impl Verifier<'_> {
    /// Takes what the hashing found, and puts everything in the order of the log. Of an event that
    /// has several things wrong, the hash is told.
    fn merge(&mut self, mut problems: Vec<Problem>) {
        problems.append(&mut self.report.problems);
        problems.sort_by_key(|problem| problem.sequence);
        problems.dedup_by_key(|problem| problem.sequence);
        problems.truncate(PROBLEMS_MAX);
        self.report.problems = problems;
    }

    fn problem(&mut self, sequence: Option<Sequence>, message: String) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(Problem { sequence, message });
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, hashing: &mut Hashing) {
        let segment = frame.start().segment;
        if self.segment != Some(segment) {
            self.segment = Some(segment);
            self.names.clear();
        }
        if let Some(note) = frame.note() {
            if let Err(message) = self.gone.note(note) {
                let at = frame.start();
                let (segment, offset) = (at.segment, at.offset);
                let message = format!("{message} (segment {segment}, offset {offset})");
                self.problem(None, message);
            }
            return;
        }
        self.report.commits += 1;
        for record in frame.records() {
            if let Err(message) = self.record(&record, hashing) {
                self.problem(Some(record.sequence), message_at(record.position, &message));
            }
        }
    }

    fn record(&mut self, at: &FrameRecord<'_>, hashing: &mut Hashing) -> Result<(), String> {
        let record =
            StoredRecord::decode(at.body).map_err(|error| format!("malformed: {error}"))?;
        self.report.redacted += u64::from(self.gone.record(at, &record));
        if let Some(coordinate) = record.coordinate() {
            self.names.push(Arc::new(coordinate.clone()));
        }
        let local = usize::try_from(record.local_coordinate()).unwrap_or(usize::MAX);
        let coordinate = self
            .names
            .get(local)
            .ok_or("it has a coordinate that its segment has not named")?;
        let chain = self.chains.get_mut(coordinate.entity());
        let (previous, expected_clock) = match &chain {
            Some(chain) => (chain.hash, chain.clock.checked_add(1)),
            None => (record.previous().unwrap_or(Hash::ZERO), Some(0)),
        };
        match &record {
            StoredRecord::Event(_) => {
                self.report.events += 1;
                hashing.check(at, coordinate, previous);
            }
            // Its own hash cannot be told any more; what follows it was made with that.
            StoredRecord::Removed(_) => self.report.removed += 1,
        }
        let next = Chain {
            hash: at.digest,
            clock: record.clock(),
        };
        let entity = coordinate.entity();
        match chain {
            Some(chain) => *chain = next,
            None => {
                self.chains.insert(entity.into(), next);
            }
        }
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
        match &record {
            StoredRecord::Event(record) => self.check_row(at, record),
            StoredRecord::Removed(_) => match self.index.row_at(at.sequence) {
                None => Ok(()),
                Some(_) => Err("the index has it, and it was removed".to_owned()),
            },
        }
    }

    /// Compares the index with the record, if the event is visible.
    fn check_row(&self, at: &FrameRecord<'_>, record: &Record<'_>) -> Result<(), String> {
        if at.sequence >= self.index.visible() {
            return Ok(());
        }
        let Some(row) = self.index.row_at(at.sequence) else {
            return Err("the index does not have it".to_owned());
        };
        let agrees = row.id() == record.id
            && row.kind() == record.kind
            && row.clock() == record.clock
            && row.wall_ms() == record.hlc.wall_ms()
            && row.correlation() == record.correlation
            && row.causation() == record.causation
            && row.position() == at.position.to_bits();
        let here = Region::all().sequence(at.sequence.get()..=at.sequence.get());
        let is_tagged = |tag: &str| self.index.query(&here.clone().tag(tag)).count() == 1;
        if agrees && record.extensions.tags().all(is_tagged) {
            Ok(())
        } else {
            Err("the index says something else of it".to_owned())
        }
    }

    fn check_counts(&mut self) {
        let durable = self.shared.group.durable();
        let indexed = self.index.len();
        if self.report.problems.is_empty() && indexed > self.report.events {
            self.problem(
                None,
                format!(
                    "the index has {indexed} events, the log {} (durable below {durable})",
                    self.report.events
                ),
            );
        }
    }
}

/// What is wrong with an event, and where it stands.
fn message_at(position: RecordPosition, message: &str) -> String {
    format!(
        "{message} (segment {}, offset {})",
        position.segment, position.offset
    )
}
