//! `Redaction`: whose payloads are to be removed, and the events that these are.

use super::marks::Marks;
use super::missing::Missing;
use super::retention_rule::is_everything;
use super::rule::{query_text, write_rule};
use crate::{Error, ErrorKind, EventId, EventRef, Query, Region, Sequence, Snapshot};
use std::collections::BTreeMap;
use std::fmt;
use strandline_core::record::{REMOVAL_RULE_BYTES_MAX, RemovalChange};

/// Most bytes of the queries' text, so that a rule which is cut says so after them.
const QUERIES_BYTES_MAX: usize = REMOVAL_RULE_BYTES_MAX - 8;

/// Whose payloads are to be removed.
///
/// ```
/// use strandline::maintenance::{Redaction, redact};
/// use strandline::{Coordinate, ErrorKind, Event, EventKind, Store};
/// use std::ops::ControlFlow;
///
/// let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("users.strand"))?;
/// let user = Coordinate::new("user:7", "eu")?;
/// store.append(&user, Event::bytes(EventKind::new(1, 1), *b"Jane Doe"))?;
/// let chosen = Redaction::new().entity("user:7");
/// let done = redact(&store, &chosen, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(done.events, 1);
/// let event = store.snapshot().latest("user:7")?.ok_or("it is still there")?;
/// assert_eq!(event.payload().unwrap_err().kind(), ErrorKind::Redacted);
/// assert!(store.verify()?.is_intact());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    ids: Vec<EventId>,
    entities: Vec<String>,
    prefixes: Vec<String>,
    queries: Vec<Query>,
    is_whole: bool,
}

impl Redaction {
    /// Nobody's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The payload of an event.
    #[must_use]
    pub fn event(mut self, id: EventId) -> Self {
        self.ids.push(id);
        self
    }

    /// The payloads of all events that an entity has now.
    #[must_use]
    pub fn entity(mut self, entity: impl Into<String>) -> Self {
        self.entities.push(entity.into());
        self
    }

    /// The payloads of all events that the entities have now whose names start with `prefix`.
    #[must_use]
    pub fn entities(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// The payloads of all events that a query or region has now: those with a tag, say.
    ///
    /// It is recorded as text in the log, for which there is room for 4,088 bytes. A query with a limit, one of
    /// no region and one of every event are refused.
    ///
    /// ```
    /// # use strandline::Region;
    /// # use strandline::maintenance::Redaction;
    /// let of_customer = Redaction::new().query(Region::all().tag("customer:7").scope("eu"));
    /// assert_eq!(of_customer.to_string(), "events of scope eu and tag customer:7");
    /// ```
    #[must_use]
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.queries.push(query.into());
        self
    }

    /// Nothing is redacted if any of what was named is nobody's, a region of a query included. Default: the
    /// others are.
    #[must_use]
    pub const fn all_or_nothing(mut self) -> Self {
        self.is_whole = true;
        self
    }

    /// Whether nothing is to be redacted if so much is missing.
    pub(super) const fn is_refused_by(&self, missing: &Missing) -> bool {
        self.is_whole && !missing.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidInput, message));
        let names_none =
            self.ids.is_empty() && self.entities.is_empty() && self.prefixes.is_empty();
        if names_none && self.queries.is_empty() {
            let message = "no event and no entity was named, so there is nothing to redact";
            return invalid(message.to_owned());
        }
        if self.prefixes.iter().any(String::is_empty) {
            let message = "an empty prefix would redact every event; name what to redact";
            return invalid(message.to_owned());
        }
        for query in &self.queries {
            if query.regions().is_empty() {
                let message = "a query of no region has no event, so there is nothing to redact";
                return invalid(message.to_owned());
            }
            if query.events_max().is_some() {
                let message = "a query with a limit does not say which events are to be redacted";
                return invalid(message.to_owned());
            }
            if query.regions().iter().any(is_everything) {
                let message = "a query of every event would redact all; name what to redact";
                return invalid(message.to_owned());
            }
        }
        let texts = self.queries.iter().map(|query| rule_of(query).len() + 2);
        let bytes: usize = texts.sum();
        if bytes > QUERIES_BYTES_MAX {
            return invalid(format!(
                "the queries have {bytes} bytes as text, and the log's record of a redaction has room for \
                 {QUERIES_BYTES_MAX}; redact in several calls"
            ));
        }
        Ok(())
    }

    /// The events that are chosen; `tell` is told of each whose payload is there, once.
    pub(super) fn chosen(
        &self,
        snapshot: &Snapshot,
        tell: &mut dyn FnMut(&EventRef<'_>),
    ) -> Result<Chosen, Error> {
        let mut chosen = Chosen {
            marks: Marks::none_of(&snapshot.reader.log, snapshot.visible()),
            missing: Missing::default(),
            already: BTreeMap::new(),
        };
        chosen
            .missing
            .look_for(snapshot, &self.entities, &self.prefixes);
        for query in &self.queries {
            chosen.missing.look_for_query(snapshot, query);
        }
        if self.is_refused_by(&chosen.missing) {
            return Ok(chosen);
        }
        for id in &self.ids {
            let found = snapshot.get_with(*id, |event| chosen.take(&event, tell))?;
            if found.is_none() {
                chosen.missing.events.push(*id);
            }
        }
        let entities = self.entities.iter().map(|name| Region::all().entity(name));
        let prefixes = self.prefixes.iter();
        let prefixes = prefixes.map(|prefix| Region::all().entity_prefix(prefix));
        let regions = entities.chain(prefixes).map(Query::from);
        for query in regions.chain(self.queries.iter().cloned()) {
            let mut events = snapshot.query(query);
            while let Some(event) = events.next_ref() {
                chosen.take(&event?, tell);
            }
        }
        Ok(chosen)
    }
}

/// A query as a part of the rule.
fn rule_of(query: &Query) -> String {
    format!("events of {}", query_text(query))
}

/// What was chosen as one line, as the log records it: ids and names, which stay. Queries come first: where a rule
/// is too long to be recorded whole, they are there.
impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.ids.iter().map(|id| format!("event {id}"));
        let entities = self.entities.iter().map(|name| format!("entity {name}"));
        let prefixes = self.prefixes.iter();
        let prefixes = prefixes.map(|prefix| format!("all of {prefix}"));
        let queries = self.queries.iter().map(rule_of);
        write_rule(f, queries.chain(ids).chain(entities).chain(prefixes))
    }
}

/// Whose payloads a redaction removes.
pub(super) struct Chosen {
    pub(super) marks: Marks,
    pub(super) missing: Missing,
    /// Those whose payload is gone already.
    pub(super) already: BTreeMap<EventId, Sequence>,
}

impl Chosen {
    /// Takes an event, unless it was taken.
    fn take(&mut self, event: &EventRef<'_>, tell: &mut dyn FnMut(&EventRef<'_>)) {
        if event.is_redacted() {
            self.already.insert(event.id(), event.sequence());
        } else if !self.marks.has(event.sequence()) {
            self.marks.add(event.sequence(), RemovalChange::Redacted);
            tell(event);
        }
    }
}
