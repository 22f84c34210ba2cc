//! `compact`: events that are not to be kept are removed.

use super::marks::Marks;
use super::missing::Missing;
use super::progress::{Meter, OnProgress};
use super::rewrite::{Asked, Observer, rewrite};
use crate::trace;
use crate::{Error, ErrorKind, Region, Snapshot, Store};
use std::collections::HashMap;
use std::fmt;
use strandline_core::record::{Record, RemovalChange};
use strandline_core::rfc3339;
use tracing::Level;

/// Which events a compaction keeps.
///
/// Without a rule that keeps, everything is kept but what is dropped. With several, an event is kept
/// if one of them keeps it. What is dropped goes in any case.
///
/// ```
/// use strandline::maintenance::{Retention, compact};
/// use strandline::{Coordinate, Event, EventKind, Store};
/// use std::ops::ControlFlow;
///
/// let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("meters.strand"))?;
/// let meter = Coordinate::new("meter:7", "readings")?;
/// for _ in 0..10 {
///     store.append(&meter, Event::bytes(EventKind::new(1, 1), *b"42"))?;
/// }
/// let rules = Retention::new().keep_newest(3);
/// let done = compact(&store, &rules, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!((done.events, store.snapshot().stream("meter:7").count()), (7, 3));
/// assert!(store.verify()?.is_intact());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    newest: Option<u32>,
    since_ms: Option<u64>,
    within: Option<String>,
    dropped: Vec<String>,
    dropped_prefixes: Vec<String>,
}

impl Retention {
    /// Keeps everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the newest `count` events of each entity, at least 1.
    #[must_use]
    pub const fn keep_newest(mut self, count: u32) -> Self {
        self.newest = Some(count);
        self
    }

    /// Keeps events of this time or later, in milliseconds since 1970. A time that is still to come, and
    /// later than every event's, would keep nothing and is refused.
    #[must_use]
    pub const fn keep_since(mut self, wall_ms: u64) -> Self {
        self.since_ms = Some(wall_ms);
        self
    }

    /// Lets the rules that keep decide about entities whose names start with `prefix`, which is not
    /// empty; all others stay as they are.
    #[must_use]
    pub fn within(mut self, prefix: impl Into<String>) -> Self {
        self.within = Some(prefix.into());
        self
    }

    /// Drops all events of an entity.
    #[must_use]
    pub fn drop_entity(mut self, entity: impl Into<String>) -> Self {
        self.dropped.push(entity.into());
        self
    }

    /// Drops all events of the entities whose names start with `prefix`.
    #[must_use]
    pub fn drop_entities(mut self, prefix: impl Into<String>) -> Self {
        self.dropped_prefixes.push(prefix.into());
        self
    }

    /// Refuses rules that say nothing, or that would remove everything by a slip.
    fn check(&self) -> Result<(), Error> {
        let keeps = self.newest.is_some() || self.since_ms.is_some();
        if !keeps && self.dropped.is_empty() && self.dropped_prefixes.is_empty() {
            return invalid("no rule says what to keep or to drop, so there is nothing to compact");
        }
        if !keeps && self.within.is_some() {
            return invalid("a prefix is given for rules that keep, and there is none");
        }
        if self.dropped_prefixes.iter().any(String::is_empty) {
            return invalid("an empty prefix would drop every event; name what to drop");
        }
        if self.newest == Some(0) {
            return invalid(
                "to keep the newest 0 events of each entity is to remove them all; keep 1 or more, or \
                 name the entities to drop",
            );
        }
        if self.within.as_ref().is_some_and(String::is_empty) {
            return invalid(
                "an empty prefix is one of every entity; name whom the rules that keep are for, or \
                 leave the prefix out to let them decide about all",
            );
        }
        Ok(())
    }

    /// Refuses to keep what is to come, where that is to remove all that there is.
    fn check_since(&self, snapshot: &Snapshot, now_ms: u64) -> Result<(), Error> {
        let newest = snapshot.rows(&Region::all()).next_back();
        let newest_ms = newest.map_or(0, |row| row.wall_ms());
        match self.since_ms {
            Some(since) if since > now_ms.max(newest_ms) => invalid(&format!(
                "the time {} from which on events are to be kept is in the future, and later than \
                 every event, so that all would be removed; give one that is past (in milliseconds \
                 since 1970), or name the entities to drop",
                rfc3339(since)
            )),
            _ => Ok(()),
        }
    }

    /// Who is named and is nobody.
    fn missing(&self, snapshot: &Snapshot) -> Missing {
        let mut missing = Missing::default();
        missing.look_for(snapshot, &self.dropped, &self.dropped_prefixes);
        missing.look_for(snapshot, &[], self.within.as_slice());
        missing
    }

    /// The events that are not kept. O(events) if a rule keeps, else O(events dropped).
    fn marks(&self, snapshot: &Snapshot) -> Result<Marks, Error> {
        let mut marks = Marks::none_of(&snapshot.reader.log, snapshot.visible());
        for entity in &self.dropped {
            let rows = snapshot.rows(&Region::all().entity(entity));
            rows.for_each(|row| marks.add(row.sequence()));
        }
        for prefix in &self.dropped_prefixes {
            let rows = snapshot.rows(&Region::all().entity_prefix(prefix));
            rows.for_each(|row| marks.add(row.sequence()));
        }
        if self.newest.is_some() || self.since_ms.is_some() {
            self.mark_not_kept(snapshot, &mut marks);
        }
        match snapshot.damage() {
            None => Ok(marks),
            // Events would be kept, or not, because of what cannot be read.
            Some(damage) => Err(damage),
        }
    }

    fn mark_not_kept(&self, snapshot: &Snapshot, marks: &mut Marks) {
        let region = match &self.within {
            Some(prefix) => Region::all().entity_prefix(prefix),
            None => Region::all(),
        };
        let since = self.since_ms.unwrap_or(u64::MAX);
        let newest = self.newest.unwrap_or(0);
        let mut seen: HashMap<Box<str>, u32> = HashMap::new();
        for row in snapshot.rows(&region).rev() {
            let is_among_newest = newest > 0 && {
                let coordinate = row.coordinate();
                let entity = coordinate.entity();
                let seen = match seen.get_mut(entity) {
                    Some(seen) => seen,
                    None => seen.entry(entity.into()).or_default(),
                };
                *seen = seen.saturating_add(1);
                *seen <= newest
            };
            if !is_among_newest && row.wall_ms() < since {
                marks.add(row.sequence());
            }
        }
    }
}

fn invalid(message: &str) -> Result<(), Error> {
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// The rules as one line, as the log records them.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = self.newest.map(|count| format!("keep newest {count}"));
        let since = self.since_ms;
        let since = since.map(|wall_ms| format!("keep since {}", rfc3339(wall_ms)));
        let within = self.within.iter().map(|prefix| format!("within {prefix}"));
        let dropped = self.dropped.iter().map(|name| format!("drop {name}"));
        let prefixes = self.dropped_prefixes.iter();
        let prefixes = prefixes.map(|prefix| format!("drop all of {prefix}"));
        let all = newest.into_iter().chain(since).chain(within);
        for (number, rule) in all.chain(dropped).chain(prefixes).enumerate() {
            f.write_str(if number == 0 { "" } else { ", " })?;
            f.write_str(&rule)?;
        }
        Ok(())
    }
}

/// Who wants to know nothing of a rewriting.
struct Nobody;

impl Observer for Nobody {
    fn changes(&mut self, _: &Record<'_>) {}

    fn before_switch(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What a compaction would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactionPlan {
    /// Events that would be removed.
    pub events: u64,
    /// Segments that would be rewritten.
    pub segments: usize,
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
        let marks = rules.marks(&snapshot)?;
        Ok(Self {
            missing,
            events: marks.count(),
            segments: marks.segments().count(),
        })
    }
}

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// Events that were removed.
    pub events: u64,
    /// Segments that were rewritten.
    pub segments: usize,
    /// Bytes of these segments before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// Who is named in the rules and is nobody; about all others the rules have decided.
    pub missing: Missing,
}

/// Removes the events that `rules` do not keep, while the store is used.
///
/// The segments that have such events are written anew beside the old ones, with their indexes, and
/// one change of the manifest puts all of them in their place; if the active segment has some, it is
/// sealed first. Appends and reads go on. Snapshots that were taken before show what they showed: the
/// old files are removed at once, and their space is free when the last of them is gone.
///
/// The log records, in its own chain, what was removed, when and by which rules: before it is, and once
/// it was. [`removals`](super::removals()) lists these records, and [`verify`](super::verify) calls whatever is
/// missing without one a problem.
///
/// What is removed leaves its hash, its place in its stream and its time, and no row in the index: a record
/// of 65 bytes, once for each segment the names of its coordinate, and the header of its commit with padding,
/// 72 to 79 bytes; so some 144 bytes of an event that was appended alone. So chains verify, sequences and clocks are
/// never given again, and receipts, positions and heads that were kept stay right. The id of a removed
/// event is forgotten: an append that repeats it is a new event.
///
/// What was removed is no longer seen by conditions either: an [`AppendCondition`](crate::AppendCondition)
/// finds what is there, so remove nothing that a decision which is still open, or a name that must stay
/// taken, depends on.
///
/// A store that another process has open to read only goes on to show what it showed until it is opened
/// again. `on_progress` may do with the store what it likes, but for a compaction or redaction, which is
/// refused there.
///
/// Needs as much free space as the rewritten segments take. Interrupted at any point, all of the events
/// are there or none: the next opening removes what is left of the one or the other.
///
/// Cost: O(events) in the index if a rule keeps, then reading and writing the segments concerned, and a
/// few bytes for each run of removed events, synced twice. Memory: some 150 bytes for each event of one
/// segment, which [`StoreOptions::segment_events_max`](crate::StoreOptions::segment_events_max) bounds.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if the rules say nothing, or would remove everything by a slip: the newest 0
/// events kept, those from a time on that is still to come, an empty prefix; [`ErrorKind::ReadOnly`],
/// [`ErrorKind::Poisoned`], [`ErrorKind::LockLost`]; [`ErrorKind::Busy`] if this thread is within a compaction or redaction of the
/// store, another waits its turn; [`ErrorKind::Corrupt`] if a segment concerned is damaged;
/// [`ErrorKind::Io`] and [`ErrorKind::NotWritten`] if a file cannot be written, and
/// [`ErrorKind::Cancelled`]: nothing has changed then. [`ErrorKind::Unknown`] if the manifest could not
/// be replaced: reopen the store.
pub fn compact(
    store: &Store,
    rules: &Retention,
    on_progress: OnProgress<'_>,
) -> Result<Compacted, Error> {
    rules.check()?;
    let _span = trace::span(Level::INFO, || tracing::info_span!("compact"));
    // A clock may be the caller's, so it is not asked under a lock.
    let now_ms = store.shared().options.clock.now_ms();
    let mut rewriting = store.shared().begin_rewriting()?;
    let snapshot = store.snapshot();
    rules.check_since(&snapshot, now_ms)?;
    let missing = rules.missing(&snapshot);
    let marks = rules.marks(&snapshot)?;
    let bytes = snapshot
        .reader
        .log
        .frame_bytes_of(marks.segments().map(|one| one.id));
    drop(snapshot);
    let mut meter = Meter::bytes(Some(bytes), on_progress);
    let asked = Asked {
        change: RemovalChange::Removed,
        rule: rules.to_string(),
    };
    let done = rewrite(
        store,
        &marks,
        &asked,
        &mut meter,
        &mut Nobody,
        &mut rewriting,
    )?;
    trace::tell(Level::INFO, move || {
        tracing::info!(
            events = done.events,
            segments = done.segments,
            bytes_before = done.bytes_before,
            bytes_after = done.bytes_after,
            "compacted"
        );
    });
    // It is done: nothing can be stopped any more.
    let _ = meter.finish();
    Ok(Compacted {
        events: done.events,
        segments: done.segments,
        bytes_before: done.bytes_before,
        bytes_after: done.bytes_after,
        missing,
    })
}
