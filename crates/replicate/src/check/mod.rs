//! `check_removed`: whether a bucket still has payloads that its log says are gone.
//!
//! First all is read that the newest state needs, and the chunks after it: these say what was removed or redacted, in
//! notes and by records that have no payload any more. Then every other object with frames is held against that. Each
//! object is read by itself: a chunk by its header, a file by that of its segment, chunks joined by the header that a
//! state, a chunk or a file has of the segment. Changes nothing, and looks at no old versions, which a bucket may keep.

mod frames;
mod ledger;
mod objects;
mod report;
mod window;

pub use report::{Leftover, RemovedCheck, RemovedCheckError, UnreadObject};

use crate::bucket::Bucket;
use crate::object::{Key, State};
use crate::overview::{Found, OverviewError, TRIES, read_state};
use frames::Contents;
use ledger::Ledger;
use objects::{Objects, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use strandline::maintenance::{Meter, OnProgress};
use strandline_core::Sequence;
use strandline_core::record::Runs;

/// Looks for payloads in a bucket that its log says are gone: of events that were removed by a compaction or redacted.
/// Reads every chunk, segment and joined chunk once, in stretches; what is put while it goes on is not looked at.
///
/// It says nothing of what was not shipped yet, nor of old versions of objects, which a bucket may keep and which are
/// read in other ways. An object of a term that was ended by a takeover may have other events under the same sequences
/// than the log has now: it is told if these are gone.
///
/// Cost: the bytes of all these objects. Memory: the listing, 16 bytes for each run of sequences that are gone, and a
/// few stretches of 4 MiB, or the longest frame or chunk.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
/// use strandline::maintenance::{Redaction, redact};
/// use strandline::{Coordinate, Event, EventKind, Store};
/// use strandline_replicate::{Bucket, BucketOptions, ReplicateOptions, Replicator, check_removed};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("users.strand"))?;
/// let bucket = Bucket::open("memory:", BucketOptions::new())?;
/// let replicator = Replicator::start(&store, bucket.clone(), ReplicateOptions::new())?;
/// let user = Coordinate::new("user:7", "eu")?;
/// store.append(&user, Event::bytes(EventKind::new(1, 1), *b"Jane Doe"))?;
/// redact(&store, &Redaction::new().entity("user:7"), &mut |_| ControlFlow::Continue(()))?;
/// replicator.stop(Duration::from_secs(60))?;
///
/// let check = check_removed(&bucket, &mut |_| ControlFlow::Continue(()))?;
/// assert!(check.is_clean());
/// assert_eq!((check.removals, check.gone), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`RemovedCheckError`]. What is found, and what cannot be read of a single object, is none.
pub fn check_removed(
    bucket: &Bucket,
    on_progress: OnProgress<'_>,
) -> Result<RemovedCheck, RemovedCheckError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(bucket, on_progress) {
            // A newer state has overtaken the one that was read.
            Err(RemovedCheckError::Overview(OverviewError::Gone(_))) if tries < TRIES => {}
            checked => return checked,
        }
    }
}

fn once(bucket: &Bucket, on_progress: OnProgress<'_>) -> Result<RemovedCheck, RemovedCheckError> {
    let found = Found::list(bucket).map_err(OverviewError::from)?;
    let (term, number) = found.newest_state().ok_or(RemovedCheckError::NoLog)?;
    let state = read_state(bucket, term, number)?;
    let needed = needed(&found, &state);
    let lengths = lengths(&found);
    let total = lengths.values().copied().fold(0, u64::saturating_add);
    let mut meter = Meter::bytes(Some(total), on_progress);
    let mut objects = Objects::new(bucket, &found, &state, &mut meter);
    let mut check = RemovedCheck {
        term,
        state: number,
        end: state.end.sequence,
        removals: 0,
        gone: 0,
        objects: 0,
        deleted: 0,
        passed_over: found.amounts.others.objects,
        leftovers: Vec::new(),
        unread: Vec::new(),
        unfinished: bucket.unfinished().map_err(OverviewError::from)?,
    };
    let mut ledger = Ledger::new(*state.identity());
    let mut listed = BTreeMap::new();
    for key in &needed {
        let length = lengths.get(key).copied();
        let gone = || OverviewError::Gone(key.clone());
        let length = length.ok_or_else(gone)?;
        match objects.read(key, length, Some(&mut ledger))? {
            Outcome::Absent => return Err(gone().into()),
            outcome => check.take(key, outcome, |contents| {
                listed.insert(key.clone(), contents);
            }),
        }
    }
    check.end = check.end.max(objects.end());
    check.removals = u64::try_from(ledger.count()).unwrap_or(u64::MAX);
    let seen = Runs::union(listed.values().map(|contents| &contents.gone));
    let gone = Runs::union([&seen, &ledger.events(true)]);
    let begun = ledger.events(false).without(&gone);
    check.gone = gone.count();
    for (key, contents) in &listed {
        check.compare(key, true, contents, (&gone, true));
        check.compare(key, true, contents, (&begun, false));
    }
    drop(listed);
    let others = lengths.iter().filter(|(key, _)| !needed.contains(key));
    // Files and chunks first: they have the headers of segments.
    let (tails, others): (Vec<_>, Vec<_>) = others.partition(|(key, _)| objects::is_tail(key));
    for (key, length) in others.into_iter().chain(tails) {
        let outcome = objects.read(key, *length, None)?;
        let mut read = None;
        check.take(key, outcome, |contents| read = Some(contents));
        if let Some(contents) = read {
            check.compare(key, false, &contents, (&gone, true));
        }
    }
    drop(objects);
    meter.finish()?;
    check
        .leftovers
        .sort_by(|left, right| left.key.cmp(&right.key));
    check.unread.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(check)
}

/// The objects that the log is made of: those of the segments that the state lists, and the chunks after it.
fn needed(found: &Found, state: &State) -> BTreeSet<Key> {
    let parts = state.files.iter().flat_map(|file| &file.parts);
    let parts = parts.map(|part| part.key.clone());
    let term = state.term;
    let chunks = found.chunks_from(term, state.number);
    let chunks = chunks.map(|(number, _)| Key::Chunk { term, number });
    parts.chain(chunks).filter(objects::has_frames).collect()
}

/// The objects that have frames, and how long they are.
fn lengths(found: &Found) -> BTreeMap<Key, u64> {
    let chunks = found.chunks.iter().map(|((term, number), listed)| {
        let (term, number) = (*term, *number);
        (Key::Chunk { term, number }, listed.length)
    });
    let data = found
        .data
        .iter()
        .map(|(key, length)| (key.clone(), *length));
    let all = chunks.chain(data);
    all.filter(|(key, _)| objects::has_frames(key)).collect()
}

impl RemovedCheck {
    /// Counts an object, and hands on what it has.
    fn take(&mut self, key: &Key, outcome: Outcome, then: impl FnOnce(Contents)) {
        let reason = match outcome {
            Outcome::Absent => {
                self.deleted = self.deleted.saturating_add(1);
                return;
            }
            Outcome::Unread(reason) => Some(reason),
            Outcome::Read(mut contents) => {
                let problem = contents.problem.take();
                self.objects = self.objects.saturating_add(1);
                then(contents);
                problem
            }
        };
        if let Some(reason) = reason {
            let key = key.clone();
            self.unread.push(UnreadObject { key, reason });
        }
    }

    /// Notes what an object has of events that should be gone.
    fn compare(
        &mut self,
        key: &Key,
        is_listed: bool,
        contents: &Contents,
        (gone, is_done): (&Runs, bool),
    ) {
        let both = contents.held.within(gone);
        if both.is_empty() {
            return;
        }
        let runs = both.as_slice().iter().take(Leftover::RUNS_MAX);
        let runs = runs.map(|run| Sequence::new(run.start)..Sequence::new(run.end));
        self.leftovers.push(Leftover {
            key: key.clone(),
            is_listed,
            is_done,
            events: both.count(),
            sequences: runs.collect(),
        });
    }
}
