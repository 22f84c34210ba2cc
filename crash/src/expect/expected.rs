//! `Expected`: what a store may and must hold at a moment, and whether it does.

use super::copy::{Copy, Target};
use super::event::{EventSpec, SOURCES};
use super::taken::Taken;
use crate::verdict::Violation;
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline::{Coordinate, EventId, Region, Sequence, Snapshot, Store};

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
        let mut keyed = Vec::new();
        for event in now.query(Region::all()) {
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
            keyed.push((event.sequence, event.id, event.coordinate.clone()));
        }
        let rest = expected.next();
        self.check_tracked(store, found)?;
        check_by_key(&now, &keyed)?;
        if let Some((at, _)) = rest {
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

    /// Checks that each source is where the first `found` events say, whether they were removed or not.
    fn check_tracked(&self, store: &Store, found: usize) -> Result<(), Violation> {
        let mut expected = BTreeMap::new();
        let events = &self.events[..found];
        for (at, spec) in events.iter().enumerate().rev() {
            let before = at.checked_sub(1).map(|before| events[before].commit);
            if before == Some(spec.commit) {
                continue;
            }
            if let Some((source, position)) = spec.tracking() {
                expected.entry(source).or_insert((position, at as u64));
            }
            if expected.len() as u64 == SOURCES {
                break;
            }
        }
        let tracked = store.tracked_sources().into_iter();
        let tracked: BTreeMap<_, _> = tracked
            .map(|at| (at.source.to_string(), (at.position, at.sequence.get())))
            .collect();
        match tracked == expected {
            true => Ok(()),
            false => Err(Violation::new(format!(
                "the sources are at {tracked:?}, and {found} events say {expected:?}"
            ))),
        }
    }
}

/// Checks that the events that a snapshot shows are found by their ids, and as those of their entities and
/// scopes, and no others.
fn check_by_key(
    now: &Snapshot,
    shown: &[(Sequence, EventId, Coordinate)],
) -> Result<(), Violation> {
    let mut entities: BTreeMap<&str, Vec<Sequence>> = BTreeMap::new();
    let mut scopes: BTreeMap<&str, u64> = BTreeMap::new();
    for (sequence, id, coordinate) in shown {
        let own = entities.entry(coordinate.entity()).or_default();
        own.push(*sequence);
        *scopes.entry(coordinate.scope()).or_default() += 1;
        let found = now.get(*id);
        let found = found.map(|event| event.map(|event| event.sequence));
        if !matches!(found, Ok(Some(found)) if found == *sequence) {
            let message = format!("by its id event {sequence} is {found:?}");
            return Err(Violation::new(message));
        }
    }
    let names: Vec<_> = now
        .entities("")
        .map(|(name, count)| (name.to_string(), count))
        .collect();
    let should = entities.iter();
    let should = should.map(|(name, own)| ((*name).to_owned(), own.len() as u64));
    if !should.eq(names.iter().cloned()) {
        return Err(Violation::new(format!("the entities are {names:?}")));
    }
    for (entity, own) in &entities {
        let rows = now.rows(Region::all().entity(*entity));
        let found: Vec<_> = rows.map(|row| row.sequence()).collect();
        let latest = now.latest(entity);
        let latest = latest.map(|event| event.map(|event| event.sequence));
        if found != *own || !matches!(latest, Ok(found) if found.as_ref() == own.last()) {
            return Err(Violation::new(format!(
                "the stream of {entity} is {found:?} with {latest:?}, and not {own:?}"
            )));
        }
    }
    for (scope, count) in scopes {
        let found = now.rows(Region::all().scope(scope)).count() as u64;
        if found != count {
            return Err(Violation::new(format!(
                "{scope} has {found} events of {count}"
            )));
        }
    }
    Ok(())
}
