//! Whether two events of one id are the same: one that a line has, and one that is in the store, or that
//! an earlier line has. What is compared is what an import keeps; times are not, which an import may move.

use crate::format::Incoming;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use strandline::{AttributeValue, Attributes, EventId, EventRef, Hash};

/// What a stored event has that differs from the event of a line.
pub(super) fn difference(stored: &EventRef<'_>, event: &Incoming) -> Option<&'static str> {
    let correlation = event.correlation.unwrap_or_else(|| stored.id());
    let same = [
        stored.coordinate() == event.coordinate,
        stored.kind() == event.kind,
        stored.encoding() == event.encoding,
        stored.version() == event.version,
        set(stored.extensions().tags()) == tags(event),
        compared(&stored.extensions().attributes()) == compared(&event.attributes),
        stored.correlation() == correlation,
        stored.causation() == event.causation,
        // A payload that was removed cannot be compared, and is not put back.
        stored
            .payload()
            .map_or(true, |payload| payload == event.payload),
    ];
    NAMES
        .into_iter()
        .zip(same)
        .find(|(_, same)| !same)
        .map(|(name, _)| name)
}

/// What is compared, in this order.
const NAMES: [&str; 9] = [
    "entity or scope",
    "kind",
    "encoding",
    "version",
    "set of tags",
    "attribute",
    "correlation",
    "causation",
    "payload",
];

/// The tags of a line as a set.
fn tags(event: &Incoming) -> Vec<&str> {
    set(event.tags.iter().map(String::as_str))
}

/// Tags in the order of their bytes, each once: the order in which they are written is not compared.
fn set<'a>(tags: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut tags: Vec<_> = tags.collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The attributes that are compared, as bytes: not the time, which is not that of other events either, and
/// none that says nothing.
fn compared(attributes: &Attributes) -> Vec<u8> {
    let mut kept = Attributes::new();
    for (name, value) in attributes.iter() {
        if name != "time" && *value != AttributeValue::Null {
            // It is in others by this name.
            let _ = kept.add(name, value.clone());
        }
    }
    kept.encode().unwrap_or_default()
}

/// Whether an event is known by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    No,
    Same,
    /// It has another this.
    Other(&'static str),
}

impl Known {
    /// What `difference` says of the event that has the id, if one has.
    pub(super) fn by(compared: Option<Option<&'static str>>) -> Self {
        match compared {
            None => Self::No,
            Some(None) => Self::Same,
            Some(Some(what)) => Self::Other(what),
        }
    }
}

/// Events that a trial has seen and its store has not: 60 bytes each, and what a table of them leaves free.
#[derive(Debug, Default)]
pub(super) struct Twins(HashMap<EventId, Digest>);

impl Twins {
    /// Notes an event, if none was seen with its id.
    pub(super) fn see(&mut self, id: EventId, event: &Incoming) -> Known {
        let digest = Digest::of(id, event);
        match self.0.entry(id) {
            Entry::Vacant(place) => {
                place.insert(digest);
                Known::No
            }
            Entry::Occupied(seen) => Known::by(Some(seen.get().difference(&digest))),
        }
    }
}

/// What is left of an event to compare: a hash of everything, which decides, and of each part in the order
/// of [`NAMES`], the last one apart, as much as it takes to name the one that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digest {
    all: [u8; 16],
    parts: [u32; NAMES.len() - 1],
}

impl Digest {
    fn of(id: EventId, event: &Incoming) -> Self {
        let coordinate = &event.coordinate;
        let bytes = |id: EventId| id.as_u128().to_le_bytes();
        let causation = event.causation.map(bytes);
        let parts = [
            short(&texts([coordinate.entity(), coordinate.scope()])),
            event.kind.bits().into(),
            event.encoding.code().into(),
            event.version.into(),
            short(&texts(tags(event))),
            short(&compared(&event.attributes)),
            short(&bytes(event.correlation.unwrap_or(id))),
            causation.map_or(0, |causation| short(&causation)),
        ];
        let mut all = texts(
            [coordinate.entity(), coordinate.scope()]
                .into_iter()
                .chain(tags(event)),
        );
        all.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
        all.extend(Hash::of(&compared(&event.attributes)).as_bytes());
        all.extend(bytes(event.correlation.unwrap_or(id)));
        all.extend(causation.iter().flatten());
        all.extend(Hash::of(&event.payload).as_bytes());
        let all = *Hash::of(&all).as_bytes().first_chunk().unwrap_or(&[0; 16]);
        Self { all, parts }
    }

    fn difference(&self, other: &Self) -> Option<&'static str> {
        let parts = self.parts.iter().zip(&other.parts);
        let same = parts
            .map(|(one, other)| one == other)
            .chain([self.all == other.all]);
        NAMES
            .into_iter()
            .zip(same)
            .find(|(_, same)| !same)
            .map(|(name, _)| name)
    }
}

/// Texts, each with its length before it.
fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The first bits of a hash.
fn short(bytes: &[u8]) -> u32 {
    let bits = Hash::of(bytes).as_bytes().first_chunk().copied();
    u32::from_le_bytes(bits.unwrap_or_default())
}
