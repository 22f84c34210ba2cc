//! Reads of every sort, in the store itself, in snapshots that were kept, and in a store that was
//! opened to read only.

use super::model::{Entry, Redacted};
use super::state::{DIR, Done, Kept, Machine, Reader, unexpected};
use crate::verdict::{Violation, expect_whole};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use strandline::{ErrorKind, Region, Snapshot, StoredEvent};

/// Checks an event against its entry.
fn expect_event(event: &StoredEvent, place: usize, entry: &Entry) -> Done {
    let tags: Vec<_> = event.extensions.tags().map(str::to_owned).collect();
    let has_payload = match event.payload() {
        Ok(payload) => {
            let is_there = matches!(entry.redacted, Redacted::No | Redacted::Since);
            payload == entry.payload && is_there
        }
        Err(_) => event.is_redacted() && entry.redacted != Redacted::No,
    };
    let is_same = event.sequence.get() == place as u64
        && event.coordinate == entry.coordinate
        && event.kind == entry.kind
        && has_payload
        && tags == entry.tags
        && event.causation == entry.cause
        && (event.id, event.clock, event.hash) == (entry.id, entry.clock, entry.hash);
    if is_same {
        return Ok(());
    }
    Err(Violation::new(format!(
        "event {place} is {event:?}, and should be {entry:?}"
    )))
}

/// Checks what a region gives, from both ends.
fn expect_region(
    now: &Snapshot,
    region: &Region,
    entries: &[Entry],
    is_in: impl Fn(usize, &Entry) -> bool,
) -> Done {
    let expected: Vec<_> = entries
        .iter()
        .enumerate()
        .filter(|(place, entry)| !entry.is_removed && is_in(*place, entry))
        .collect();
    let mut found = 0;
    for event in now.query(region) {
        let event = event.map_err(|error| unexpected(&error))?;
        let Some((place, entry)) = expected.get(found) else {
            return Err(Violation::new(format!(
                "{region:?} gives more than {found} events"
            )));
        };
        expect_event(&event, *place, entry)?;
        found += 1;
    }
    if found != expected.len() {
        let message = format!("{region:?} gives {found} events of {}", expected.len());
        return Err(Violation::new(message));
    }
    let backwards: Vec<_> = now
        .rows(region)
        .rev()
        .map(|row| row.sequence().get() as usize)
        .collect();
    if !backwards
        .iter()
        .eq(expected.iter().rev().map(|(place, _)| place))
    {
        return Err(Violation::new(format!("{region:?} differs backwards")));
    }
    Ok(())
}

/// Checks everything that a snapshot shows.
pub(super) fn expect_all(now: &Snapshot, entries: &[Entry]) -> Done {
    expect_region(now, &Region::all(), entries, |_, _| true)?;
    let mut streams: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        if entry.is_removed {
            continue;
        }
        let entity = entry.coordinate.entity().to_owned();
        streams.entry(entity).or_default().push(place);
    }
    let names: Vec<_> = now.entities("").collect();
    let should: Vec<_> = streams
        .iter()
        .map(|(name, places)| (name.clone(), places.len() as u64))
        .collect();
    if !names
        .iter()
        .map(|(name, count)| (name.to_string(), *count))
        .eq(should)
    {
        return Err(Violation::new(format!("the entities are {names:?}")));
    }
    for (entity, places) in &streams {
        let latest = now.latest(entity).map_err(|error| unexpected(&error))?;
        let last = places.last().copied().unwrap_or(0);
        match latest {
            Some(event) => expect_event(&event, last, &entries[last])?,
            None => return Err(Violation::new(format!("{entity} has no newest event"))),
        }
        if now.stream(entity).count() != places.len() {
            return Err(Violation::new(format!("the stream of {entity} is another")));
        }
    }
    expect_ids(now, entries)
}

/// Checks that each event is found by its id, and none that was removed.
fn expect_ids(now: &Snapshot, entries: &[Entry]) -> Done {
    let places: BTreeMap<_, _> = (0..)
        .zip(entries)
        .filter(|(_, entry)| !entry.is_removed)
        .map(|(place, entry)| (entry.id, place))
        .collect();
    for entry in entries {
        let found = now.get(entry.id).map_err(|error| unexpected(&error))?;
        let found = found.map(|event| event.sequence.get());
        if found != places.get(&entry.id).copied() {
            let message = format!("by the id of {entry:?} event {found:?} is found");
            return Err(Violation::new(message));
        }
    }
    Ok(())
}

impl Machine {
    pub(super) fn verify(&mut self, _: [u8; 3]) -> Done {
        self.has_everything()?;
        expect_whole(self.store()?)
    }

    /// Checks everything that the store shows.
    pub(super) fn has_everything(&self) -> Done {
        self.has_as_many()?;
        expect_all(&self.store()?.snapshot(), &self.model.entries)
    }

    pub(super) fn query(&mut self, [what, which, how]: [u8; 3]) -> Done {
        let now = self.store()?.snapshot();
        let entries = &self.model.entries;
        let all = Region::all;
        let entity = format!("entity:{}", which % 7);
        let scope = format!("scope/{}", which % 4);
        let tag = format!("tag:{}", which % 5);
        match what % 10 {
            0 => expect_region(&now, &all().entity(&*entity), entries, |_, entry| {
                entry.coordinate.entity() == entity
            }),
            1 => expect_region(&now, &all().scope(&*scope), entries, |_, entry| {
                entry.coordinate.scope() == scope
            }),
            2 => expect_region(&now, &all().tag(&*tag), entries, |_, entry| {
                entry.tags.contains(&tag)
            }),
            3 => {
                let category = 1 + which % 2;
                expect_region(&now, &all().category(category), entries, |_, entry| {
                    entry.kind.category() == category
                })
            }
            4 => {
                let kind = strandline::EventKind::new(1 + which % 2, 1 + u16::from(how % 3));
                expect_region(&now, &all().kind(kind), entries, |_, entry| {
                    entry.kind == kind
                })
            }
            5 => {
                let from = u32::from(which % 8);
                let region = all().entity(&*entity).clock(from..);
                expect_region(&now, &region, entries, |_, entry| {
                    entry.coordinate.entity() == entity && entry.clock >= from
                })
            }
            6 => {
                let (from, to) = (usize::from(which), usize::from(which) + usize::from(how));
                let region = all().sequence(from as u64..to as u64);
                expect_region(&now, &region, entries, |place, _| {
                    (from..to).contains(&place)
                })
            }
            7 => expect_region(&now, &all().entity_prefix("entity:"), entries, |_, _| true),
            8 => self.links(&now, which),
            _ => expect_region(
                &now,
                &all().scope(&*scope).tag(&*tag),
                entries,
                |_, entry| entry.coordinate.scope() == scope && entry.tags.contains(&tag),
            ),
        }
    }

    /// An event by its id, and what it caused.
    fn links(&self, now: &Snapshot, which: u8) -> Done {
        let entries = &self.model.entries;
        let Some(id) = self.model.any(which).map(|entry| entry.id) else {
            return Ok(());
        };
        // An event that was compacted away may have come again under its id.
        let is_it = |entry: &Entry| entry.id == id && !entry.is_removed;
        let Some(place) = entries.iter().position(is_it) else {
            return Ok(());
        };
        let entry = &entries[place];
        match now.get(entry.id).map_err(|error| unexpected(&error))? {
            Some(event) => expect_event(&event, place, entry)?,
            None => {
                return Err(Violation::new(format!(
                    "no event has the id of event {place}"
                )));
            }
        }
        let caused = Region::all().caused_by(entry.id);
        expect_region(now, &caused, entries, |_, other| {
            other.cause == Some(entry.id)
        })
    }

    pub(super) fn keep_snapshot(&mut self, _: [u8; 3]) -> Done {
        self.snapshots.push(Kept {
            snapshot: self.store()?.snapshot(),
            removed: self.model.removed(),
            opened: self.opened,
        });
        if self.snapshots.len() > 4 {
            self.snapshots.remove(0);
        }
        Ok(())
    }

    /// A snapshot shows what there was, whatever was done since.
    pub(super) fn look_at_snapshots(&mut self, _: [u8; 3]) -> Done {
        for kept in &self.snapshots {
            let redacted = match kept.opened == self.opened {
                true => Redacted::Yes,
                false => Redacted::Since,
            };
            let then = self.model.then(&kept.removed, redacted);
            expect_all(&kept.snapshot, &then)?;
        }
        self.look_at_reader()
    }

    /// Opens the store to read in a process beside this one, which outlives it.
    pub(super) fn open_reader(&mut self, _: [u8; 3]) -> Done {
        let options = self.options().fs(Arc::new(self.fs.beside()));
        let store = options.read_only().open(DIR);
        let store = store.map_err(|error| unexpected(&error))?;
        expect_all(&store.snapshot(), &self.model.entries)?;
        let event = strandline::Event::bytes(strandline::EventKind::new(1, 1), *b"x");
        let at = strandline::Coordinate::new("e", "s").unwrap_or_else(|error| panic!("{error}"));
        match store.append(&at, event) {
            Err(error) if error.kind() == ErrorKind::ReadOnly => {}
            answer => return Err(Violation::new(format!("a reader's append gave {answer:?}"))),
        }
        self.reader = Some(Reader {
            held: (store.snapshot(), self.model.removed()),
            removed: self.model.removed(),
            store,
            is_overtaken: false,
        });
        Ok(())
    }

    /// A reader that goes on shows what came since, and of the rest what it had; it then holds that.
    pub(super) fn refresh_reader(&mut self, _: [u8; 3]) -> Done {
        self.look_at_reader()?;
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        match reader.store.refresh() {
            Ok(_) => {}
            // What it follows was carried into another file, and that was rewritten since: it says that
            // it is to be opened again.
            Err(error) if error.kind() == ErrorKind::LogBehindCheckpoint && reader.is_overtaken => {
                return self.open_reader([0; 3]);
            }
            Err(error) => return Err(unexpected(&error)),
        }
        let now = reader.store.snapshot();
        let rows = now.rows(Region::all());
        let shown: BTreeSet<_> = rows.map(|row| row.sequence().get() as usize).collect();
        let had = reader.removed.len();
        let removed = self.model.removed().into_iter().enumerate().skip(had);
        // The segment that it follows it reads to its end, also where that was rewritten since.
        let removed = removed.map(|(place, is_removed)| is_removed && !shown.contains(&place));
        reader.removed.extend(removed);
        reader.held = (reader.store.snapshot(), reader.removed.clone());
        self.look_at_reader()
    }

    fn look_at_reader(&self) -> Done {
        let Some(reader) = &self.reader else {
            return Ok(());
        };
        let (then, removed) = &reader.held;
        expect_all(then, &self.model.then(removed, Redacted::Since))
    }
}
