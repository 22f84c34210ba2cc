//! What was acknowledged and shown, and what contradicts it: the judge of a story.

use super::line::Line;
use super::sea::{Sea, Who};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use strandline::{EventId, Receipt, Region, Store};
use strandline_core::fs::Draws;

/// The world of a story: its bucket, what was promised in it, and what has happened.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) sea: Arc<Sea>,
    in_thousand: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    processes: u64,
    disks: u64,
    acknowledged: BTreeMap<u64, Acknowledged>,
    /// Events whose payloads may be gone, and entities of which everything may be.
    redacted: BTreeSet<EventId>,
    dropped: BTreeSet<String>,
    told: Vec<String>,
    violations: Vec<String>,
}

/// An event that was acknowledged as replicated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) id: EventId,
    pub(crate) entity: String,
    payload: Vec<u8>,
    by: Who,
}

/// What a replica has shown: its events by sequence, and their entities.
pub(crate) type Shown = BTreeMap<u64, (EventId, String)>;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draws = Draws::of(seed, &[0]);
        Self::with_faults(seed, 30 + draws.below(200))
    }

    /// A world in which so many of a thousand requests fail.
    pub(crate) fn with_faults(seed: u64, in_thousand: u64) -> Self {
        Self {
            seed,
            sea: Arc::default(),
            in_thousand,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// The way to the bucket of a new process on this disk.
    pub(crate) fn line(&self, disk: u64) -> Line {
        self.line_after(disk, 0)
    }

    /// The same after so many others have tried in vain: ever less fails, as what asks for hundreds of objects in a row
    /// never comes through where one request in five is refused.
    pub(crate) fn line_after(&self, disk: u64, tries: u32) -> Line {
        let process = {
            let mut kept = self.kept();
            kept.processes += 1;
            kept.processes
        };
        Line::new(
            &self.sea,
            Who { process, disk },
            self.seed,
            self.in_thousand / (1 + u64::from(tries / 8)),
        )
    }

    /// The number of a new disk.
    pub(crate) fn disk(&self) -> u64 {
        let mut kept = self.kept();
        kept.disks += 1;
        kept.disks
    }

    /// Notes what happens, for whoever reads the story of a violation.
    pub(crate) fn tell(&self, what: impl Into<String>) {
        self.kept().told.push(what.into());
    }

    pub(crate) fn violation(&self, what: impl Into<String>) {
        let what = what.into();
        let mut kept = self.kept();
        kept.told.push(format!("VIOLATION: {what}"));
        kept.violations.push(what);
    }

    /// Panics with the story if something is wrong, and says how to repeat it.
    pub(crate) fn check(&self) {
        let kept = self.kept();
        if !kept.violations.is_empty() {
            let (violations, told) = (kept.violations.join("\n"), kept.told.join("\n"));
            let seed = self.seed;
            drop(kept);
            panic!(
                "{violations}\n\nthe story of seed {seed}, which `cargo xtask faults --seed {seed}` \
                 repeats:\n{told}"
            );
        }
    }

    pub(crate) fn fail(&self, what: impl Into<String>) -> ! {
        self.violation(what);
        self.check();
        unreachable!("a violation was noted")
    }

    pub(crate) fn acknowledged_count(&self) -> usize {
        self.kept().acknowledged.len()
    }

    /// A receipt says that an event is replicated; `before` is who had the newest term before it was appended.
    pub(crate) fn acknowledged(
        &self,
        by: Who,
        before: Option<(u64, Who)>,
        receipt: &Receipt,
        entity: &str,
        payload: Vec<u8>,
    ) {
        let sequence = receipt.sequence.get();
        let own = self.sea.newest_term_of(by.process);
        if let Some((term, holder)) = before
            && holder.process != by.process
            && own < Some(term)
        {
            self.violation(format!(
                "{by:?} acknowledged event {sequence}, which was appended after {holder:?} had term {term}"
            ));
        }
        let new = Acknowledged {
            id: receipt.id,
            entity: entity.to_owned(),
            payload,
            by,
        };
        let mut kept = self.kept();
        let other = kept.acknowledged.insert(sequence, new.clone());
        drop(kept);
        if let Some(other) = other {
            self.violation(format!(
                "event {sequence} was acknowledged twice: {other:?} and {new:?}"
            ));
        }
    }

    /// One of the events that were acknowledged and are not to be gone.
    pub(crate) fn any_acknowledged(&self, draws: &mut Draws) -> Option<(u64, Acknowledged)> {
        let kept = self.kept();
        let is_kept = |(_, event): &(&u64, &Acknowledged)| !kept.dropped.contains(&event.entity);
        let events: Vec<_> = kept.acknowledged.iter().filter(is_kept).collect();
        let found = events.get(draws.below(events.len() as u64) as usize);
        found.map(|(sequence, event)| (**sequence, (*event).clone()))
    }

    /// The payload of an event may be gone from now on.
    pub(crate) fn may_redact(&self, event: EventId) {
        self.kept().redacted.insert(event);
    }

    /// All of an entity may be gone from now on.
    pub(crate) fn may_drop(&self, entity: &str) {
        self.kept().dropped.insert(entity.to_owned());
    }

    /// Holds a store against all that was acknowledged.
    pub(crate) fn assert_has_all(&self, store: &Store, what: &str) {
        let snapshot = store.snapshot();
        let kept = self.kept();
        let mut wrong = Vec::new();
        for (sequence, event) in &kept.acknowledged {
            if kept.dropped.contains(&event.entity) {
                continue;
            }
            let found = match snapshot.get(event.id) {
                Ok(Some(found)) => found,
                other => {
                    wrong.push(format!(
                        "{what} has not event {sequence}, {event:?}: {other:?}"
                    ));
                    continue;
                }
            };
            if found.sequence.get() != *sequence {
                wrong.push(format!(
                    "{what} has {event:?} at {}, not {sequence}",
                    found.sequence
                ));
            }
            let has_payload = found
                .payload()
                .is_ok_and(|payload| payload == event.payload);
            if !has_payload && !kept.redacted.contains(&event.id) {
                wrong.push(format!(
                    "{what} has event {sequence} without its payload, {event:?}"
                ));
            }
        }
        drop(kept);
        wrong.into_iter().for_each(|wrong| self.violation(wrong));
    }

    /// Adds what a replica shows to what it has shown. What a lazy one cannot read at the moment is passed over.
    pub(crate) fn look(&self, store: &Store, shown: &mut Shown, what: &str, is_lazy: bool) {
        let snapshot = store.snapshot();
        for event in snapshot.query(Region::all()) {
            let event = match event {
                Ok(event) => event,
                Err(_) if is_lazy => return,
                Err(error) => return self.violation(format!("{what} cannot be read: {error:?}")),
            };
            let new = (event.id, event.coordinate.entity().to_owned());
            let (sequence, new_id) = (event.sequence.get(), event.id);
            let earlier = shown.insert(sequence, new);
            if earlier.as_ref().is_some_and(|(id, _)| *id != new_id) {
                self.violation(format!(
                    "{what} shows {new_id} as event {sequence}, and {earlier:?} before"
                ));
            }
        }
    }

    /// The events that a store shows, but for those of entities that may be gone.
    pub(crate) fn events_of(&self, store: &Store) -> Vec<(u64, EventId)> {
        let snapshot = store.snapshot();
        let events = snapshot.query(Region::all()).map(Result::unwrap);
        let dropped = self.kept().dropped.clone();
        let kept = events.filter(|event| !dropped.contains(event.coordinate.entity()));
        kept.map(|event| (event.sequence.get(), event.id)).collect()
    }

    /// Holds what was shown against the log in the end.
    pub(crate) fn assert_shows_all(&self, store: &Store, shown: &Shown, what: &str) {
        let snapshot = store.snapshot();
        let kept = self.kept();
        let mut wrong = Vec::new();
        for (sequence, (id, entity)) in shown {
            let found = snapshot.get(*id).unwrap();
            let is_there = found.is_some_and(|found| found.sequence.get() == *sequence);
            if !is_there && !kept.dropped.contains(entity) {
                wrong.push(format!(
                    "{what} has shown {id} as event {sequence}, and the log has not"
                ));
            }
        }
        drop(kept);
        wrong.into_iter().for_each(|wrong| self.violation(wrong));
    }
}
