//! `Retention`: which events a compaction keeps, as rules, and the events that they do not.

use super::marks::Marks;
use super::missing::Missing;
use super::rule::write_rule;
use crate::{Error, ErrorKind, Region, Snapshot};
use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;
use strandline_core::record::RemovalChange;
use strandline_core::{KindFilter, check_name, rfc3339, wall_ms_of};

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
    headers_of: Vec<KindFilter>,
    headers_named: Vec<String>,
    headers_tagged: Vec<String>,
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

    /// Keeps events of this time or later, as [`keep_since`](Self::keep_since).
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use strandline::maintenance::Retention;
    ///
    /// let month = Duration::from_secs(30 * 24 * 60 * 60);
    /// let rules = Retention::new().keep_since_time(SystemTime::now() - month);
    /// ```
    #[must_use]
    pub fn keep_since_time(self, time: SystemTime) -> Self {
        self.keep_since(wall_ms_of(time))
    }

    /// Lets the rules that keep decide about entities whose names start with `prefix`, which is not
    /// empty; all others stay as they are.
    #[must_use]
    pub fn within(mut self, prefix: impl Into<String>) -> Self {
        self.within = Some(prefix.into());
        self
    }

    /// Keeps the headers of events of a kind, or of a category, that the rules that keep do not: the payload
    /// goes, and the row stays in the index with its id, kind and tags. So an
    /// [`AppendCondition`](crate::AppendCondition) still sees the event, and a repeat of it is one. What is
    /// dropped goes as a whole.
    ///
    /// A user name that stays taken, however long ago the event was that took it:
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use strandline::maintenance::{Retention, compact};
    /// use strandline::{AppendCondition, AppendOptions, Coordinate, Event, EventKind, Region, Sequence, Store};
    ///
    /// const CLAIMED: EventKind = EventKind::new(1, 1);
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("users.strand"))?;
    /// let claim = |user| {
    ///     let taken = Region::all().tag("name:ada").kind(CLAIMED);
    ///     let condition = AppendCondition::since(Sequence::ZERO).none_in(taken);
    ///     let options = AppendOptions::new().condition(&condition);
    ///     let event = Event::json(CLAIMED, &"ada@example.org")?.tagged("name:ada");
    ///     store.append_with(&Coordinate::new(user, "users")?, event, options)?;
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// };
    /// claim("user:1")?;
    /// let user = Coordinate::new("user:1", "users")?;
    /// store.append(&user, Event::bytes(EventKind::new(1, 2), *b"moved"))?;
    ///
    /// let rules = Retention::new().keep_newest(1).keep_headers_of(CLAIMED);
    /// let done = compact(&store, &rules, &mut |_| ControlFlow::Continue(()))?;
    /// assert_eq!((done.events, done.headers), (0, 1));
    /// assert!(claim("user:2").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn keep_headers_of(mut self, kinds: impl Into<KindFilter>) -> Self {
        self.headers_of.push(kinds.into());
        self
    }

    /// Keeps the headers of events of the kind with this name, as [`keep_headers_of`](Self::keep_headers_of).
    /// Where no kind has it yet it keeps nothing, and [`Missing::kinds`] says so: rules that a program follows
    /// from the start hold from the first event of the kind on.
    #[must_use]
    pub fn keep_headers_of_named(mut self, name: impl Into<String>) -> Self {
        self.headers_named.push(name.into());
        self
    }

    /// Keeps the headers of events that have a tag which begins with `prefix`, such as `name:`; as
    /// [`keep_headers_of`](Self::keep_headers_of).
    #[must_use]
    pub fn keep_headers_tagged(mut self, prefix: impl Into<String>) -> Self {
        self.headers_tagged.push(prefix.into());
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

    /// Whether headers are kept of events that go.
    const fn keeps_headers(&self) -> bool {
        let is_none = self.headers_of.is_empty() && self.headers_named.is_empty();
        !(is_none && self.headers_tagged.is_empty())
    }

    /// Refuses rules that say nothing, or that would remove everything by a slip.
    pub(super) fn check(&self) -> Result<(), Error> {
        let keeps = self.newest.is_some() || self.since_ms.is_some();
        if !keeps && self.dropped.is_empty() && self.dropped_prefixes.is_empty() {
            return invalid("no rule says what to keep or to drop, so there is nothing to compact");
        }
        if !keeps && self.within.is_some() {
            return invalid("a prefix is given for rules that keep, and there is none");
        }
        if !keeps && self.keeps_headers() {
            return invalid(
                "headers are kept of events that rules that keep do not, and no such rule is given",
            );
        }
        if self.dropped_prefixes.iter().any(String::is_empty) {
            return invalid("an empty prefix would drop every event; name what to drop");
        }
        for name in &self.headers_named {
            check_name("name of a kind", name).map_err(|error| {
                let message = "the name of a kind whose headers are to be kept is refused";
                Error::new(ErrorKind::InvalidInput, message).with_source(error)
            })?;
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
    pub(super) fn check_since(&self, snapshot: &Snapshot, now_ms: u64) -> Result<(), Error> {
        let newest = snapshot.rows(Region::all()).next_back();
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
    pub(super) fn missing(&self, snapshot: &Snapshot) -> Missing {
        let mut missing = Missing::default();
        missing.look_for(snapshot, &self.dropped, &self.dropped_prefixes);
        missing.look_for(snapshot, &[], self.within.as_slice());
        missing.look_for_kinds(snapshot, &self.headers_of, &self.headers_named);
        missing.look_for_tags(snapshot, &self.headers_tagged);
        missing
    }

    /// The events that are not kept. O(events) if a rule keeps, else O(events dropped).
    pub(super) fn marks(&self, snapshot: &Snapshot) -> Result<Marks, Error> {
        let mut marks = Marks::none_of(&snapshot.reader.log, snapshot.visible());
        for entity in &self.dropped {
            let rows = snapshot.rows(Region::all().entity(entity));
            rows.for_each(|row| marks.add(row.sequence(), RemovalChange::Removed));
        }
        for prefix in &self.dropped_prefixes {
            let rows = snapshot.rows(Region::all().entity_prefix(prefix));
            rows.for_each(|row| marks.add(row.sequence(), RemovalChange::Removed));
        }
        if self.newest.is_some() || self.since_ms.is_some() {
            self.mark_not_kept(snapshot, &mut marks)?;
        }
        match snapshot.damage() {
            None => Ok(marks),
            // Events would be kept, or not, because of what cannot be read.
            Some(damage) => Err(damage),
        }
    }

    /// The events whose headers are kept. O(events of these kinds and tags).
    fn headers(&self, snapshot: &Snapshot) -> Marks {
        let mut headers = Marks::none_of(&snapshot.reader.log, snapshot.visible());
        let mut add = |region: Region| {
            let rows = snapshot.rows(&region);
            rows.for_each(|row| headers.add(row.sequence(), RemovalChange::Redacted));
        };
        for kinds in &self.headers_of {
            add(Region::all().kind(*kinds));
        }
        for name in &self.headers_named {
            add(Region::all().kind_named(name));
        }
        for prefix in &self.headers_tagged {
            for (tag, _) in snapshot.tags(prefix) {
                add(Region::all().tag(&*tag));
            }
        }
        headers
    }

    fn mark_not_kept(&self, snapshot: &Snapshot, marks: &mut Marks) -> Result<(), Error> {
        let headers = self.headers(snapshot);
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
            if is_among_newest || row.wall_ms() >= since {
                continue;
            }
            let sequence = row.sequence();
            if !headers.has(sequence) {
                marks.add(sequence, RemovalChange::Removed);
                continue;
            }
            // What is done once is not done again by each compaction.
            let is_done = snapshot.get_with(row.id(), |event| event.is_redacted())?;
            if is_done == Some(false) {
                marks.add(sequence, RemovalChange::Redacted);
            }
        }
        Ok(())
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
        let kinds = self.headers_of.iter().map(|kinds| match kinds {
            KindFilter::Any => "keep headers of every kind".to_owned(),
            KindFilter::Category(category) => format!("keep headers of category {category}"),
            KindFilter::Exact(kind) => format!("keep headers of kind {kind}"),
        });
        let named = self.headers_named.iter();
        let named = named.map(|name| format!("keep headers of kind {name}"));
        let tagged = self.headers_tagged.iter();
        let tagged = tagged.map(|prefix| format!("keep headers tagged {prefix}…"));
        let all = newest.into_iter().chain(since).chain(within);
        let all = all.chain(kinds).chain(named).chain(tagged);
        write_rule(f, all.chain(dropped).chain(prefixes))
    }
}
