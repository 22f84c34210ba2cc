//! What is missing in a log, against what its notes say was taken.
//!
//! Whatever was removed or redacted is to be in a record of this log, and what a record says is done is
//! to be gone. Records stand after what they tell of, so both are put together once the log was read.

use super::problem::{Problem, ProblemKind};
use super::report::VerifyReport;
use crate::Error;
use crate::engine::Shared;
use crate::rows::removals::{Ledger, Members, Removal};
use std::ops::Range;
use strandline_core::record::{RecordPayload, RemovalChange, RemovalHasher, Runs, StoredRecord};
use strandline_core::{Hash, Sequence, recorded_log_base, rfc3339};
use strandline_segment::{
    Frame, FrameRecord, LogPosition, LogView, Manifest, ScanError, SegmentInfo,
};

/// Most problems of one kind that are told one by one.
const TOLD_MAX: usize = 100;

/// What is missing, and the records.
#[derive(Debug)]
pub(super) struct Gone {
    removed: Runs,
    redacted: Runs,
    ledger: Ledger,
}

impl Default for Gone {
    fn default() -> Self {
        Self {
            removed: Runs::default(),
            redacted: Runs::default(),
            ledger: Ledger::of_own(),
        }
    }
}

impl Gone {
    /// Takes a note of the log.
    pub(super) fn note(&mut self, body: &[u8]) -> Result<(), String> {
        self.ledger.note(body)
    }

    /// Takes a run.
    pub(super) fn run(&mut self, sequences: Range<Sequence>) {
        self.removed.push_all(sequences);
    }

    /// Looks at a record: whether something of its event is missing. Gives whether its payload is.
    pub(super) fn record(&mut self, at: &FrameRecord<'_>, record: &StoredRecord<'_>) -> bool {
        match record {
            // Of one that is kept in a run it is noted already.
            StoredRecord::Removed(_) if self.removed.has(at.sequence) => {}
            StoredRecord::Removed(_) => self.removed.push(at.sequence),
            StoredRecord::Event(record) => {
                if let RecordPayload::Redacted { .. } = record.payload {
                    self.redacted.push(at.sequence);
                    return true;
                }
            }
        }
        false
    }

    /// Compares both, and puts what is wrong in the report. Reads the log up to the last event that is
    /// in a record once more, if there are records: their digests are those of the events.
    pub(super) fn judge(
        self,
        shared: &Shared,
        log: &LogView,
        until: LogPosition,
        report: &mut VerifyReport,
        on_events: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self {
            removed,
            redacted,
            ledger,
        } = self;
        let own = |removal: &&Removal| removal.counts_in(&shared.identity);
        let counting: Vec<&Removal> = ledger.all().iter().filter(own).collect();
        report.removals = counting.len() as u64;
        report.interrupted = counting.iter().filter(|one| !one.is_done).count() as u64;
        let mut problems = Problems(Vec::new());
        let recorded_from = recorded_from(shared, log, until, ledger.all(), &mut problems);
        report.unrecorded_before = (recorded_from > Sequence::ZERO).then_some(recorded_from);
        let before = Runs::below(recorded_from);
        let removed_or_redacted = removed.with(&redacted);
        let gone = |change: RemovalChange| match change {
            RemovalChange::Removed => &removed,
            RemovalChange::Redacted => &removed_or_redacted,
        };
        let newer = Newer::of(shared, log);
        // One that was interrupted, or is under way, took everything or nothing.
        let took = |one: &&&Removal| {
            let there = one.runs().without(gone(one.change));
            one.is_done || there.iter().all(|sequence| newer.has(log, sequence))
        };
        let of = |change: RemovalChange| {
            let all = counting.iter().filter(|one| one.change == change);
            let all = all.filter(took);
            let runs = all.flat_map(|one| one.runs().as_slice().to_vec());
            Runs::of(runs.collect())
        };
        let said_removed = of(RemovalChange::Removed);
        let explained = said_removed.with(&before);
        for sequence in removed.without(&explained).iter().take(TOLD_MAX) {
            let message = "it was removed, and no record of the log says so";
            problems.add(Some(sequence), message.to_owned());
        }
        let explained = explained.with(&of(RemovalChange::Redacted));
        for sequence in redacted.without(&explained).iter().take(TOLD_MAX) {
            let message = "its payload was redacted, and no record of the log says so";
            problems.add(Some(sequence), message.to_owned());
        }
        for removal in counting.iter().filter(|one| one.is_done) {
            let there = removal.runs().without(gone(removal.change));
            let there = there.iter().filter(|one| !newer.has(log, *one));
            for sequence in there.take(TOLD_MAX) {
                problems.add(Some(sequence), put_back(removal, sequence, until));
            }
        }
        check_digests(log, until, &counting, &mut problems, on_events)?;
        for problem in &mut problems.0 {
            problem.file = problem.sequence.and_then(|at| file_of(log, at));
        }
        report.problems.append(&mut problems.0);
        Ok(())
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, sequence: Option<Sequence>, message: String) {
        let problem = Problem::new(ProblemKind::Log, message);
        self.0.push(problem.of_event(sequence));
    }
}

/// The file of the segment that has a sequence. O(segments), for the few that are told.
fn file_of(log: &LogView, sequence: Sequence) -> Option<String> {
    let begun = log.infos().filter(|info| info.start().sequence <= sequence);
    begun.last().map(SegmentInfo::file_name)
}

fn put_back(removal: &Removal, sequence: Sequence, until: LogPosition) -> String {
    let when = rfc3339(removal.wall_ms);
    let rule = &removal.rule;
    let what = match removal.change {
        RemovalChange::Removed => "it was removed",
        RemovalChange::Redacted => "its payload was redacted",
    };
    if sequence >= until.sequence {
        return format!("a record says that {what} at {when} ({rule}), and the log ends before it");
    }
    format!(
        "it is there, though {what} at {when} ({rule}): an older generation of its segment was put back"
    )
}

/// From where on removals have records. What the log begins with says whether all have; the first record
/// of an older log says it too, and until then the manifest.
fn recorded_from(
    shared: &Shared,
    log: &LogView,
    until: LogPosition,
    all: &[Removal],
    problems: &mut Problems,
) -> Sequence {
    let base = log.infos().next().map(|first| first.start().log_hash);
    let said = all
        .iter()
        .find(|one| !one.is_foreign && one.log == shared.identity)
        .map(|one| one.unrecorded_before);
    let listed = match &shared.writer {
        Some(writer) => Some(writer.lock().log.unrecorded_before()),
        None => shared.unrecorded_before,
    };
    let is_recorded = base == Some(recorded_log_base(&shared.identity));
    if !is_recorded && base != Some(Hash::ZERO) {
        let message = "the log begins with a hash that no log begins with";
        problems.add(None, message.to_owned());
    }
    for (what, from) in [("a record", said), ("the MANIFEST", listed)] {
        if let Some(from) = from.filter(|from| is_recorded && *from > Sequence::ZERO) {
            problems.add(
                None,
                format!("{what} says that removals before {from} have no record, and in this log all have"),
            );
        }
    }
    if is_recorded {
        return Sequence::ZERO;
    }
    if let (Some(said), Some(listed)) = (said, listed)
        && said != listed
    {
        problems.add(
            None,
            format!("the MANIFEST says that removals before {listed} have no record, and the log that before {said}"),
        );
    }
    said.or(listed).unwrap_or(until.sequence)
}

/// Segments that were rewritten since a process that reads beside a writer opened the store: there the
/// old ones are shown, and what is there of a removed event is no problem.
struct Newer(Option<Manifest>);

impl Newer {
    fn of(shared: &Shared, log: &LogView) -> Self {
        if shared.writer.is_some() {
            return Self(None);
        }
        let manifest = Manifest::read(&*shared.options.fs, &shared.dir)
            .ok()
            .flatten();
        let is_newer = |manifest: &Manifest| {
            let listed = manifest.segments();
            listed.iter().any(|info| {
                log.info(info.id())
                    .is_some_and(|own| own.header() != info.header())
            })
        };
        Self(manifest.filter(is_newer))
    }

    /// Whether the segment of an event is one of them.
    fn has(&self, log: &LogView, sequence: Sequence) -> bool {
        let Some(manifest) = &self.0 else {
            return false;
        };
        manifest.segments().iter().any(|info| {
            let is_here = info.start().sequence <= sequence
                && info.end().is_some_and(|end| sequence < end.sequence);
            is_here
                && log
                    .info(info.id())
                    .is_some_and(|own| own.header() != info.header())
        })
    }
}

/// A removal, and what was read of its events.
struct Digest<'a> {
    removal: &'a Removal,
    hasher: RemovalHasher,
    events: u64,
}

/// Makes the digests of removals anew from the hashes that the log has. Of a removal with an event in a run it has not
/// all.
fn check_digests(
    log: &LogView,
    until: LogPosition,
    removals: &[&Removal],
    problems: &mut Problems,
    on_events: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut digests = Vec::new();
    let mut runs = Vec::new();
    for removal in removals {
        let of = digests.len();
        let run = |run: &Range<Sequence>| (run.start.get()..run.end.get(), of);
        runs.extend(removal.sequences.iter().map(run));
        digests.push(Digest {
            removal,
            hasher: RemovalHasher::default(),
            events: 0,
        });
    }
    let mut members = Members::of(runs);
    let mut folded = Runs::default();
    let mut frame = |frame: &Frame<'_>| {
        on_events(0)?;
        if let Some(run) = frame.run() {
            folded.push_all(run);
            return Ok(());
        }
        for record in frame.records() {
            for of in members.with(record.sequence) {
                if let Some(digest) = digests.get_mut(of) {
                    digest.hasher.add(record.sequence, &record.digest);
                    digest.events += 1;
                }
            }
        }
        match members.are_passed() {
            true => Err(Stop::AllRead),
            false => Ok(()),
        }
    };
    if !removals.is_empty() {
        match log.scan(until, None, &mut frame) {
            // Damage is in the report already, and then nothing can be said of the rest.
            Err(ScanError::Log(_)) => return Ok(()),
            Err(ScanError::Visit(Stop::Error(error))) => return Err(error),
            Ok(_) | Err(ScanError::Visit(Stop::AllRead)) => {}
        }
    }
    for digest in digests {
        let Digest {
            removal,
            hasher,
            events,
        } = digest;
        if !removal.runs().within(&folded).is_empty() {
            continue;
        }
        if hasher.finish() != removal.digest || events != removal.events {
            let when = rfc3339(removal.wall_ms);
            let message = format!(
                "the events that the record of {when} ({}) names are not those that it was made of",
                removal.rule
            );
            problems.add(None, message);
        }
    }
    Ok(())
}

enum Stop {
    AllRead,
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
