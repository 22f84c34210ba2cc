//! `Redaction`: whose payloads are to be removed, and the events that these are.

use super::marks::Marks;
use super::missing::Missing;
use super::rule::write_rule;
use crate::{Error, ErrorKind, EventId, Region, Sequence, Snapshot};
use std::collections::BTreeMap;
use std::fmt;
use strandline_core::record::RemovalChange;

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

    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |message: &str| Err(Error::new(ErrorKind::InvalidInput, message));
        if self.ids.is_empty() && self.entities.is_empty() && self.prefixes.is_empty() {
            return invalid("no event and no entity was named, so there is nothing to redact");
        }
        if self.prefixes.iter().any(String::is_empty) {
            return invalid("an empty prefix would redact every event; name what to redact");
        }
        Ok(())
    }

    pub(super) fn chosen(&self, snapshot: &Snapshot) -> Result<Chosen, Error> {
        let mut chosen = Chosen {
            marks: Marks::none_of(&snapshot.reader.log, snapshot.visible()),
            missing: Missing::default(),
            already: BTreeMap::new(),
        };
        chosen
            .missing
            .look_for(snapshot, &self.entities, &self.prefixes);
        for id in &self.ids {
            let found = snapshot.get_with(*id, |event| (event.sequence(), event.is_redacted()))?;
            match found {
                Some((sequence, true)) => drop(chosen.already.insert(*id, sequence)),
                Some((sequence, false)) => chosen.marks.add(sequence, RemovalChange::Redacted),
                None => chosen.missing.events.push(*id),
            }
        }
        let entities = self.entities.iter().map(|name| Region::all().entity(name));
        let prefixes = self.prefixes.iter();
        let prefixes = prefixes.map(|prefix| Region::all().entity_prefix(prefix));
        for region in entities.chain(prefixes) {
            let mut events = snapshot.query(&region);
            while let Some(event) = events.next_ref() {
                let event = event?;
                if event.is_redacted() {
                    chosen.already.insert(event.id(), event.sequence());
                } else {
                    chosen.marks.add(event.sequence(), RemovalChange::Redacted);
                }
            }
        }
        Ok(chosen)
    }
}

/// What was chosen as one line, as the log records it: ids and names, which stay.
impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.ids.iter().map(|id| format!("event {id}"));
        let entities = self.entities.iter().map(|name| format!("entity {name}"));
        let prefixes = self.prefixes.iter();
        let prefixes = prefixes.map(|prefix| format!("all of {prefix}"));
        write_rule(f, ids.chain(entities).chain(prefixes))
    }
}

/// Whose payloads a redaction removes.
pub(super) struct Chosen {
    pub(super) marks: Marks,
    pub(super) missing: Missing,
    /// Those whose payload is gone already.
    pub(super) already: BTreeMap<EventId, Sequence>,
}
