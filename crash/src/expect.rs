//! What a store may and must hold at a moment, and whether it does.

use crate::{Taken, Target, Violation};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use strandline::fs::{Fs, MemFs, read_file};
use strandline::{Coordinate, Event, EventKind, Region, Store, StoreOptions};
use strandline_core::fs::Draws;

/// What a payload is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Bytes without a pattern.
    Noise,
    /// Zeros, as a sector has that was never written.
    Zeros,
    /// Frames of another store, at each alignment, which say that much is durable.
    Frames,
    /// As noise, of an entity that no other event has.
    Alone,
}

/// An event that a workload submits; everything of it follows from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSpec {
    /// Its place among all that the workload submits.
    pub number: u32,
    /// The commit that it is part of.
    pub commit: u32,
    /// Length of the payload.
    pub bytes: u32,
    /// What the payload is made of.
    pub shape: Shape,
}

impl EventSpec {
    pub(crate) fn entity(&self) -> String {
        let number = self.number;
        match self.shape {
            Shape::Alone => format!("alone:{number}"),
            _ => format!("entity:{}", number % 5),
        }
    }

    pub(crate) fn coordinate(&self) -> Coordinate {
        let (number, entity) = (self.number, self.entity());
        let scope = format!("scope/{}", number % 3);
        Coordinate::new(&entity, &scope).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn event(&self) -> Event {
        let kind = EventKind::new(0x1, 1 + (self.number % 3) as u16);
        Event::bytes(kind, self.payload())
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        let bytes = self.bytes as usize;
        let mut payload = match self.shape {
            Shape::Zeros => Vec::new(),
            Shape::Frames => frames_of_another_store().to_vec(),
            Shape::Noise | Shape::Alone => {
                let mut draws = Draws::new(u64::from(self.number));
                (0..bytes.div_ceil(8))
                    .flat_map(|_| draws.number().to_le_bytes())
                    .collect()
            }
        };
        if self.shape != Shape::Frames {
            payload.resize(bytes, 0);
        }
        payload
    }
}

/// The frames of a store with many durable events, once for each alignment that they may have.
fn frames_of_another_store() -> &'static [u8] {
    static FRAMES: OnceLock<Vec<u8>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let fs = MemFs::new();
        let dir = Path::new("/other");
        let options = StoreOptions::new().fs(Arc::new(fs.clone())).random_seed(99);
        let store = options.open(dir).unwrap_or_else(|error| panic!("{error}"));
        for number in 0..40 {
            let (bytes, shape) = (10, Shape::Noise);
            let commit = number;
            let spec = EventSpec {
                number,
                commit,
                bytes,
                shape,
            };
            let appended = store.append(&spec.coordinate(), spec.event());
            appended.unwrap_or_else(|error| panic!("{error}"));
        }
        // Its segment ends after the last frame once it is closed.
        store.close().unwrap_or_else(|error| panic!("{error}"));
        let entries = fs.list(dir).unwrap_or_default();
        let name = entries
            .into_iter()
            .find(|entry| entry.name.starts_with("segment-"))
            .map_or_else(String::new, |entry| entry.name);
        let segment = read_file(&fs, &dir.join(name), 1 << 20).unwrap_or_default();
        let last = &segment[segment.len().saturating_sub(2000)..];
        let mut bytes = Vec::new();
        for shift in 0..8_usize {
            bytes.resize(bytes.len().next_multiple_of(8) + shift, 1);
            bytes.extend_from_slice(last);
        }
        bytes
    })
}

/// What a store may and must hold at a moment.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Everything that was submitted and not refused, in order.
    pub events: Arc<Vec<EventSpec>>,
    /// How many of them must be there: acknowledged as synced, or shown by a store all of whose
    /// appends are.
    pub required: usize,
    /// What compactions and redactions have taken.
    pub taken: Arc<Taken>,
    /// What they will have taken once the one that is under way is through.
    pub being_taken: Option<Arc<Taken>>,
    /// What openings have cut off and said that they kept.
    pub(crate) quarantined: Arc<Vec<Vec<u8>>>,
    /// Backups, each with what may be there.
    pub(crate) copies: Arc<Vec<(Target, Vec<Option<Copy>>)>>,
}

/// What a backup holds; where there may be none that opens, there is no copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    /// How many of the events must be there.
    pub(crate) least: usize,
    pub(crate) events: Arc<Vec<EventSpec>>,
    pub(crate) taken: Arc<Taken>,
}

impl Expected {
    /// What may be at the target of a backup: nothing, where none was begun.
    pub(crate) fn copies_of(&mut self, target: Target) -> &mut Vec<Option<Copy>> {
        let copies = Arc::make_mut(&mut self.copies);
        let at = copies.iter().position(|(one, _)| one.dir == target.dir);
        let at = at.unwrap_or_else(|| {
            copies.push((target, vec![None]));
            copies.len() - 1
        });
        &mut copies[at].1
    }

    /// How many events `store` holds or held, if they are what it may and must hold.
    pub(crate) fn check(&self, store: &Store) -> Result<usize, Violation> {
        self.resolve(store).map(|(found, _)| found)
    }

    /// As [`check`](Self::check), and what was taken: with what is being taken or without, wholly.
    pub(crate) fn resolve(&self, store: &Store) -> Result<(usize, Arc<Taken>), Violation> {
        let without = self.check_taken(store, &self.taken);
        match (without, &self.being_taken) {
            (Err(violation), Some(next)) => match self.check_taken(store, next) {
                Ok(found) => Ok((found, next.clone())),
                Err(_) => Err(violation),
            },
            (without, _) => without.map(|found| (found, self.taken.clone())),
        }
    }

    fn check_taken(&self, store: &Store, taken: &Taken) -> Result<usize, Violation> {
        let now = store.snapshot();
        let found = now.visible().get() as usize;
        if found > self.events.len() {
            return Err(Violation::new(format!(
                "event {} is there, and only {} were submitted",
                found - 1,
                self.events.len()
            )));
        }
        let events = self.events[..found].iter().enumerate();
        let mut expected = events.filter(|(at, _)| !taken.removed.contains(at));
        for event in now.query(&Region::all()) {
            let next = expected.next();
            let at = next.map_or(found, |(at, _)| at);
            let event = event
                .map_err(|error| Violation::new(format!("event {at} cannot be read: {error}")))?;
            let Some((_, spec)) = next else {
                let message = format!("event {} is there, and was removed", event.sequence);
                return Err(Violation::new(message));
            };
            let is_right = match event.payload() {
                Ok(payload) => !taken.redacted.contains(&at) && payload == spec.payload(),
                Err(_) => taken.redacted.contains(&at),
            };
            let same = event.sequence.get() == at as u64
                && event.coordinate == spec.coordinate()
                && is_right;
            if !same {
                return Err(Violation::new(format!(
                    "event {at} is not number {} that was submitted there",
                    spec.number
                )));
            }
        }
        if let Some((at, _)) = expected.next() {
            return Err(Violation::new(format!(
                "event {at} is visible and is not shown"
            )));
        }
        let shown = found - taken.removed.range(..found).count();
        if now.len() != shown as u64 {
            let message = format!("the snapshot has {} events and shows {shown}", now.len());
            return Err(Violation::new(message));
        }
        if found < self.required {
            let lost = self.required - found;
            let message = format!("{lost} of {} acknowledged events are lost", self.required);
            return Err(Violation::lost(message, lost as u64));
        }
        let last = found.checked_sub(1).map(|last| self.events[last].commit);
        if last.is_some() && last == self.events.get(found).map(|next| next.commit) {
            return Err(Violation::new(format!("a batch is cut at event {found}")));
        }
        Ok(found)
    }
}
