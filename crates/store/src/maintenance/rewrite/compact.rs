//! `compact`: events that are not to be kept are removed. Which these are, its rules say.

use super::choosing::Choice;
use super::compacted::Compacted;
use super::merge::merge_small;
use super::missing::Missing;
use super::outlook::Outlook;
use super::retention::Retention;
use super::rule_effect::RuleEffect;
use super::segments::{Asked, Observer, rewrite};
use crate::maintenance::progress::{Meter, OnProgress};
use crate::meter::Run;
use crate::trace;
use crate::{Error, ErrorKind, Store};
use strandline_core::record::{Record, RemovalChange};
use tracing::Level;

/// Who wants to know nothing of a rewriting.
struct Nobody;

impl Observer for Nobody {
    fn changes(&mut self, _: &Record<'_>) {}

    fn before_switch(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What a compaction would remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CompactionPlan {
    /// Events that would be removed.
    pub events: u64,
    /// Events whose payload would be removed, and whose header would stay.
    pub headers: u64,
    /// Segments that would be rewritten.
    pub segments: usize,
    /// Events that would stay, with their payloads if they have them now.
    pub kept: u64,
    /// What each of several rules would come to, in their order.
    pub rules: Vec<RuleEffect>,
    /// Who is named in the rules and is nobody.
    pub missing: Missing,
}

impl CompactionPlan {
    /// What [`compact`] would do with a store as it is now, which may be open to read only. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for rules that [`compact`] refuses; [`ErrorKind::Corrupt`] if the index
    /// of a sealed segment is damaged and cannot be rebuilt.
    pub fn of(store: &Store, rules: &Retention) -> Result<Self, Error> {
        rules.check()?;
        let now_ms = store.shared().options.clock.now_ms();
        let snapshot = store.snapshot();
        rules.check_since(&snapshot, now_ms)?;
        let missing = rules.missing(&snapshot);
        let choice = rules.choose(&snapshot, now_ms)?;
        Ok(Self {
            missing,
            events: choice.marks.count(RemovalChange::Removed),
            headers: choice.marks.count(RemovalChange::Redacted),
            segments: choice.marks.segments().count(),
            kept: snapshot.len().saturating_sub(choice.count()),
            rules: choice.effects,
        })
    }

    /// Whether something would go, and nothing stay: no event would be left that has its payload.
    #[must_use]
    pub const fn is_of_everything(&self) -> bool {
        self.events + self.headers > 0 && self.kept == 0
    }
}

/// Removes the events that `rules` do not keep, while the store is used.
///
/// The segments that have such events are written anew beside the old ones, with their indexes, and
/// one change of the manifest puts all of them in their place; if the active segment has some, it is
/// sealed first. Appends and reads go on. Snapshots that were taken before show what they showed: the
/// old files are removed at once, and their space is free when the last of them is gone.
///
/// The log records, in its own chain, what was removed, when and by which rules: before it is, and once it
/// was. [`removals`](crate::maintenance::removals()) lists these records, and
/// [`verify`](crate::maintenance::verify()) calls whatever is missing without one a problem.
///
/// What is removed leaves no row in the index. Where events stay beside it, it leaves its hash, its place in its stream and
/// its time: a record of 65 bytes, once for each segment the names of its coordinate, and the header of its commit with
/// padding, 72 to 79 bytes; so some 144 bytes of an event that was appended alone. Commits that follow each other and of which
/// nothing stays become one frame, a run, of half a byte an event, and such a record for each entity that has its last
/// record of the segment there. So chains verify, sequences and clocks are never given again, and receipts and positions
/// that were kept stay right. The id of a removed event is forgotten: an append that repeats it is a new event.
///
/// A run has no hashes of events, and none of the log within. A head of the tree that was kept stays right, and what is
/// there is proven against it. But a log hash that was kept, of a commit in a run, is not found any more, that an event
/// in it was there is not proven any more, and of the sizes of the tree in it only multiples of 64 can be shown to be what the
/// log has grown out of. Keep a new head after a compaction.
///
/// After that, adjacent segments that are short by now become one, whatever is left in them, so that many
/// small compactions leave few segments. It changes no event and no hash. Where it fails the segments stay as
/// they are, and the next compaction tries again; a warning is traced. A segment that is damaged is left out until
/// the store is opened again, and keeps no others from it. Read and written for it: what is in the
/// segments concerned, a few times over in the life of a store.
///
/// What was removed is no longer seen by conditions either: an [`AppendCondition`](crate::AppendCondition)
/// finds what is there, so remove nothing that a decision which is still open, or a name that must stay
/// taken, depends on. For such events there are [`Retention::keep_headers_of`] and
/// [`Retention::keep_headers_tagged`]: their payloads go, as by a [redaction](crate::maintenance::redact()), and
/// their rows stay, with ids, kinds and tags, for conditions, queries and repeats. They take what the header takes in
/// the log, and some 100 bytes in the index; what is asked for them is whether the payload is gone already, so each
/// is read once in each compaction.
///
/// A store that another process has open to read only goes on to show what it showed until it is opened
/// again. `on_progress` may do with the store what it likes, but for a compaction or redaction, which is
/// refused there.
///
/// Needs as much free space as the rewritten segments take. Interrupted at any point, all of the events
/// are there or none: the next opening removes what is left of the one or the other.
///
/// Cost: O(events) in the index if a rule keeps, then reading the segments concerned twice and writing them, and a
/// few bytes for each run of removed events, synced twice. Memory: some 150 bytes for each event of one
/// segment, which [`StoreOptions::segment_events_max`](crate::StoreOptions::segment_events_max) bounds.
///
/// ```
/// use strandline::maintenance::{Retention, compact, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// store.append(&order, Event::bytes(EventKind::new(1, 2), *b"paid"))?;
///
/// let rules = Retention::new().keep_newest(1).within("order:");
/// let done = compact(&store, &rules, &mut unwatched)?;
/// assert_eq!((done.events, store.snapshot().len()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if the rules say nothing, or would remove everything by a slip: the newest 0
/// events kept, those from a time on that is still to come, an empty prefix; [`ErrorKind::ReadOnly`],
/// [`ErrorKind::Poisoned`], [`ErrorKind::LockLost`]; [`ErrorKind::Busy`] if this thread is within a
/// compaction or redaction of the store, another waits its turn; [`ErrorKind::Corrupt`] if a segment
/// concerned is damaged; [`ErrorKind::Io`] and [`ErrorKind::NotWritten`] if a file cannot be written, and
/// [`ErrorKind::Cancelled`]: nothing has changed then. [`ErrorKind::Unknown`] if the manifest could not be
/// replaced: reopen the store.
pub fn compact(
    store: &Store,
    rules: &Retention,
    on_progress: OnProgress<'_>,
) -> Result<Compacted, Error> {
    follow_rules(store, rules, Limit::None, on_progress).map(|(done, _)| done)
}

/// What rules may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::maintenance) enum Limit {
    /// Whatever they say.
    None,
    /// Something is to stay.
    NotEverything,
}

/// As [`compact`], within a limit, and says when to look again.
pub(in crate::maintenance) fn follow_rules(
    store: &Store,
    rules: &Retention,
    limit: Limit,
    on_progress: OnProgress<'_>,
) -> Result<(Compacted, Outlook), Error> {
    rules.check()?;
    let run = store.shared().metrics.running(Run::Compact);
    let _span = trace::span(Level::INFO, || tracing::info_span!("compact"));
    // A clock may be the caller's, so it is not asked under a lock.
    let now_ms = store.shared().options.clock.now_ms();
    let mut rewriting = store.shared().begin_rewriting()?;
    let snapshot = store.snapshot();
    rules.check_since(&snapshot, now_ms)?;
    let missing = rules.missing(&snapshot);
    let choice = rules.choose(&snapshot, now_ms)?;
    if limit == Limit::NotEverything && choice.count() > 0 && choice.count() >= snapshot.len() {
        return Err(everything(snapshot.len()));
    }
    let outlook = Outlook::of(rules, &snapshot, choice.due_ms);
    let Choice { marks, effects, .. } = choice;
    let bytes = marks.frame_bytes(&snapshot.reader.log);
    drop(snapshot);
    let mut meter = Meter::bytes(Some(bytes), on_progress);
    let asked = Asked {
        rule: Some(rules.recorded(&effects)),
        shows_at_once: false,
        folds: rules.forgets_digests,
    };
    let done = rewrite(
        store,
        &marks,
        &asked,
        &mut meter,
        &mut Nobody,
        &mut rewriting,
    )?;
    tell(&done);
    // It is done: nothing can be stopped any more.
    let _ = meter.finish();
    let merged = merge_small(store, &mut rewriting, rules.forgets_digests)?;
    drop(rewriting);
    run.done();
    let done = Compacted {
        missing,
        merged,
        rules: effects,
        ..done
    };
    Ok((done, outlook))
}

fn tell(done: &Compacted) {
    let (events, headers, segments) = (done.events, done.headers, done.segments);
    let (bytes_before, bytes_after) = (done.bytes_before, done.bytes_after);
    trace::tell(Level::INFO, move || {
        tracing::info!(
            events,
            headers,
            segments,
            bytes_before,
            bytes_after,
            "compacted"
        );
    });
}

fn everything(events: u64) -> Error {
    let message = format!(
        "the rules would leave nothing of {events} events, which is mostly a slip, or a clock that is wrong; nothing \
         was changed"
    );
    Error::new(ErrorKind::InvalidInput, message)
}
