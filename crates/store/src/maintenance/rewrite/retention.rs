//! `Retention`: which events a compaction keeps, as rules. Chooses no events itself.

use super::missing::Missing;
use super::retention_rule::{AgeText, RetentionRule};
use super::rule::write_rule;
use super::rule_effect::RuleEffect;
use crate::{Error, ErrorKind, Region, Snapshot};
use std::fmt;
use std::time::{Duration, SystemTime};
use strandline_core::{KindFilter, check_name, rfc3339, wall_ms_of};

/// Which events a compaction keeps.
///
/// What decides about an event is, in this order:
///
/// 1. [`drop_entity`](Self::drop_entity) and [`drop_entities`](Self::drop_entities): what they name goes in any case.
/// 2. The first [`rule`](Self::rule) that the event is of, if there are rules.
/// 3. [`keep_newest`](Self::keep_newest), [`keep_for`](Self::keep_for) and [`keep_since`](Self::keep_since), for all
///    others, or those that are [`within`](Self::within): it is kept if one of them keeps it, or none is given.
///
/// Rules can stand in a file: with the feature `rules`, `from_toml` reads one.
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
    pub(super) newest: Option<u32>,
    pub(super) since_ms: Option<u64>,
    pub(super) age: Option<Duration>,
    pub(super) within: Option<String>,
    pub(super) rules: Vec<RetentionRule>,
    pub(super) dropped: Vec<String>,
    pub(super) dropped_prefixes: Vec<String>,
    pub(super) headers_of: Vec<KindFilter>,
    pub(super) headers_named: Vec<String>,
    pub(super) headers_tagged: Vec<String>,
    pub(super) forgets_digests: bool,
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

    /// Keeps events that are no older than this, to the millisecond and by the store's clock when it is compacted: for
    /// rules that are followed again and again.
    #[must_use]
    pub const fn keep_for(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Makes one short record of commits of which nothing is left and that follow each other, in the segments that events
    /// are removed from: of such a commit 144 bytes stay otherwise, of one in a run of hundreds a few.
    ///
    /// What was proved stays so, and what comes after can be proved as before. But the digests within such a run are
    /// gone for good: its events cannot be proved any more, and a head of the tree, or a log hash, that ends in it
    /// cannot be held against the log, until a later one is. A witness that has last signed such a head gets no proof
    /// that the log only grew. `docs/format.md` says what is kept.
    #[must_use]
    pub const fn forget_digests(mut self) -> Self {
        self.forgets_digests = true;
        self
    }

    /// Has a rule decide about its events, unless one that was given before is of them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use strandline::maintenance::{Retention, RetentionRule};
    /// use strandline::{Coordinate, Event, EventKind, Region, Store};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("meters.strand"))?;
    /// let meter = Coordinate::new("meter:7", "eu/grid")?;
    /// store.append(&meter, Event::bytes(EventKind::new(1, 1), *b"disputed").tagged("legal-hold"))?;
    /// for _ in 0..10 {
    ///     store.append(&meter, Event::bytes(EventKind::new(1, 1), *b"42"))?;
    /// }
    /// let rules = Retention::new()
    ///     .rule(RetentionRule::of(Region::all().tag("legal-hold")))
    ///     .rule(RetentionRule::of(Region::all().entity_prefix("meter:")).keep_newest(3));
    /// let done = store.compact(&rules)?;
    /// assert_eq!((done.rules[0].decided, done.rules[1].events), (1, 7));
    /// assert_eq!(store.snapshot().len(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rule(mut self, rule: RetentionRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The names of the rules, in their order; of one without a name its number, `rule 2`.
    #[must_use]
    pub fn rule_names(&self) -> Vec<String> {
        let rules = self.rules.iter().enumerate();
        rules.map(|(index, rule)| rule.name(index)).collect()
    }

    /// Lets what keeps the newest, or for a time, decide about entities whose names start with `prefix`, which
    /// is not empty; all others stay as they are.
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

    /// Whether events that no rule is of are kept by number or time.
    pub(super) const fn has_default(&self) -> bool {
        self.newest.is_some() || self.since_ms.is_some() || self.age.is_some()
    }

    /// Refuses rules that say nothing, or that would remove everything by a slip.
    pub(in crate::maintenance) fn check(&self) -> Result<(), Error> {
        for (index, rule) in self.rules.iter().enumerate() {
            rule.check(index)?;
        }
        let keeps = self.has_default();
        let removes = keeps || self.rules.iter().any(|rule| !rule.keeps_all());
        if !removes && self.dropped.is_empty() && self.dropped_prefixes.is_empty() {
            return invalid(match self.rules.is_empty() {
                true => "no rule says what to keep or to drop, so there is nothing to compact",
                false => "every rule keeps all of its events, so there is nothing to compact",
            });
        }
        if !keeps && self.within.is_some() {
            return invalid("a prefix is given for rules that keep, and there is none");
        }
        if !removes && self.keeps_headers() {
            return invalid(
                "headers are kept of events that rules that keep do not, and no such rule is given",
            );
        }
        if self.age.is_some_and(|age| age.as_millis() == 0) {
            return invalid(
                "to keep events for less than a millisecond is to remove them all; keep them longer, or \
                 name the entities to drop",
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

    /// The rules as the log records them: of several, those by which something goes.
    pub(super) fn recorded(&self, effects: &[RuleEffect]) -> String {
        let goes_by = |effect: &RuleEffect| effect.events + effect.headers > 0;
        let mut those = self.clone();
        let named = self.rules.iter().zip(effects);
        those.rules = named
            .filter(|(_, effect)| goes_by(effect))
            .map(|(rule, effect)| rule.clone().named(&*effect.name))
            .collect();
        those.to_string()
    }

    /// Who is named and is nobody.
    pub(super) fn missing(&self, snapshot: &Snapshot) -> Missing {
        let mut missing = Missing::default();
        missing.look_for(snapshot, &self.dropped, &self.dropped_prefixes);
        missing.look_for(snapshot, &[], self.within.as_slice());
        missing.look_for_kinds(snapshot, &self.headers_of, &self.headers_named);
        missing.look_for_tags(snapshot, &self.headers_tagged);
        missing.look_for_rules(snapshot, &self.rules);
        missing
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
        let age = self.age.map(|age| format!("keep for {}", AgeText(age)));
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
        let rules = self.rules.iter().enumerate();
        let rules = rules.map(|(index, rule)| rule.text(index));
        let all = rules.chain(newest).chain(since).chain(age).chain(within);
        let all = all.chain(kinds).chain(named).chain(tagged);
        let forgets = self.forgets_digests.then(|| "forget digests".to_owned());
        write_rule(f, all.chain(dropped).chain(prefixes).chain(forgets))
    }
}
