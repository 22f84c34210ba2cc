//! `Model`: what a store should hold, as a list.

use crate::verdict::Violation;
use std::collections::BTreeMap;
use strandline::{Coordinate, Event, EventId, EventKind, Hash, Receipt};

/// An event as it was appended, and what its receipt said.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) coordinate: Coordinate,
    pub(super) kind: EventKind,
    pub(super) payload: Vec<u8>,
    pub(super) tags: Vec<String>,
    /// What was named as its cause.
    pub(super) cause: Option<EventId>,
    pub(super) id: EventId,
    pub(super) clock: u32,
    pub(super) hash: Hash,
    /// Number of its commit.
    pub(super) commit: usize,
    /// Whether a compaction has removed it.
    pub(super) is_removed: bool,
    /// Whether its payload was redacted.
    pub(super) redacted: Redacted,
}

/// Whether a payload was redacted, as whoever reads must see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redacted {
    No,
    Yes,
    /// A compaction kept its header alone: snapshots of before have it still.
    Headed,
    /// It was, and who read it before in another process or opening may have it still.
    Since,
}

impl Entry {
    /// The event as it is appended, without an id.
    pub(super) fn event(&self) -> Event {
        let mut event = Event::bytes(self.kind, self.payload.clone());
        for tag in &self.tags {
            event = event.tagged(tag.clone());
        }
        match self.cause {
            Some(cause) => event.caused_by(cause),
            None => event,
        }
    }
}

/// What a store should hold.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) entries: Vec<Entry>,
    /// How many of them a power cut must leave.
    durable: usize,
    commits: usize,
    appended: u64,
}

impl Model {
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// What the next event may be, as the three bytes say.
    pub(super) fn draft(&mut self, [who, size, how]: [u8; 3]) -> Entry {
        self.appended += 1;
        let entity = format!("entity:{}", who % 6);
        let scope = format!("scope/{}", who / 6 % 3);
        let coordinate = Coordinate::new(&entity, &scope);
        let bytes = match size {
            0..200 => usize::from(size),
            _ => usize::from(size - 199) * 600,
        };
        let number = self.appended.to_le_bytes();
        let payload = number.iter().copied().cycle().take(bytes.max(8)).collect();
        let tags = (0..how % 3).map(|tag| format!("tag:{}", (u16::from(who) + u16::from(tag)) % 4));
        Entry {
            coordinate: coordinate.unwrap_or_else(|error| panic!("{error}")),
            kind: EventKind::new(1 + u8::from(who % 2 == 0), 1 + u16::from(who % 3)),
            payload,
            tags: tags.collect(),
            cause: self
                .any(size)
                .filter(|_| how & 32 != 0)
                .map(|entry| entry.id),
            id: EventId::from_u128(1),
            clock: 0,
            hash: Hash::default(),
            commit: 0,
            is_removed: false,
            redacted: Redacted::No,
        }
    }

    /// How many events are there that no compaction has removed.
    pub(super) fn left(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| !entry.is_removed)
            .count()
    }

    /// An entry that was not removed, if there is one.
    pub(super) fn any(&self, which: u8) -> Option<&Entry> {
        let place = usize::from(which).checked_rem(self.left())?;
        let mut left = self.entries.iter().filter(|entry| !entry.is_removed);
        left.nth(place)
    }

    /// Removes all but the newest events of each entity, so many of them, or their payloads where the header
    /// is kept; gives how many went, and how many payloads.
    pub(super) fn keep_newest(
        &mut self,
        count: usize,
        keeps_header: impl Fn(&Entry) -> bool,
    ) -> (u64, u64) {
        let mut kept: BTreeMap<String, usize> = BTreeMap::new();
        let (mut removed, mut headers) = (0, 0);
        for entry in self.entries.iter_mut().rev().filter(|e| !e.is_removed) {
            let kept = kept
                .entry(entry.coordinate.entity().to_owned())
                .or_default();
            *kept += 1;
            if *kept <= count {
                continue;
            }
            if !keeps_header(entry) {
                entry.is_removed = true;
                removed += 1;
            } else if entry.redacted == Redacted::No {
                entry.redacted = Redacted::Headed;
                headers += 1;
            }
        }
        (removed, headers)
    }

    /// The events of an entity that are left.
    pub(super) fn of_entity(&mut self, entity: &str) -> impl Iterator<Item = &mut Entry> {
        let left = self.entries.iter_mut().filter(|entry| !entry.is_removed);
        left.filter(move |entry| entry.coordinate.entity() == entity)
    }

    /// Which events are removed by now.
    pub(super) fn removed(&self) -> Vec<bool> {
        self.entries.iter().map(|entry| entry.is_removed).collect()
    }

    /// What whoever read the events sees when those in `removed` had been removed that are true there.
    pub(super) fn then(&self, removed: &[bool], redacted: Redacted) -> Vec<Entry> {
        let mut entries = self.entries.clone();
        entries.truncate(removed.len());
        for (entry, is_removed) in entries.iter_mut().zip(removed) {
            entry.is_removed = *is_removed;
            match entry.redacted {
                Redacted::Yes => entry.redacted = redacted,
                Redacted::Headed => entry.redacted = Redacted::Since,
                Redacted::No | Redacted::Since => {}
            }
        }
        entries
    }

    /// The clock of the last event of an entity, also if that was removed.
    fn last_clock(&self, entity: &str) -> Option<u32> {
        let of_entity = |entry: &&Entry| entry.coordinate.entity() == entity;
        let last = self.entries.iter().rev().find(of_entity);
        last.map(|entry| entry.clock)
    }

    /// The clock of the newest event of an entity that is there.
    pub(super) fn newest(&self, entity: &str) -> Option<u32> {
        let left = self.entries.iter().rev().filter(|entry| !entry.is_removed);
        let mut own = left.filter(|entry| entry.coordinate.entity() == entity);
        own.next().map(|entry| entry.clock)
    }

    /// Adds the events of a commit, if their receipts are what they should be.
    pub(super) fn commit(
        &mut self,
        drafts: Vec<Entry>,
        receipts: &[Receipt],
    ) -> Result<(), Violation> {
        if drafts.len() != receipts.len() {
            let message = format!("{} receipts for {} events", receipts.len(), drafts.len());
            return Err(Violation::new(message));
        }
        self.commits += 1;
        for (mut entry, receipt) in drafts.into_iter().zip(receipts) {
            let clock = self
                .last_clock(entry.coordinate.entity())
                .map_or(0, |last| last + 1);
            let place = (receipt.sequence.get(), receipt.clock, receipt.repeated);
            let should = (self.len() as u64, clock, false);
            if place != should {
                return Err(Violation::new(format!(
                    "a receipt says {place:?} and not {should:?}"
                )));
            }
            if receipt.durable {
                self.durable = self.len() + 1;
            }
            entry.id = receipt.id;
            entry.clock = clock;
            entry.hash = receipt.hash;
            entry.commit = self.commits;
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Everything is durable now.
    pub(super) const fn all_durable(&mut self) {
        self.durable = self.entries.len();
    }

    /// Nothing may be lost without a power cut: everything counts as durable.
    pub(super) const fn keeps_power(&mut self) {
        self.all_durable();
    }

    /// Forgets what a power cut took; `found` events are left.
    pub(super) fn recover(&mut self, found: usize) -> Result<(), Violation> {
        if found < self.durable {
            let lost = self.durable - found;
            let message = format!("{lost} of {} durable events are lost", self.durable);
            return Err(Violation::lost(message, lost as u64));
        }
        let commit = |place: usize| self.entries.get(place).map(|entry| entry.commit);
        let last = found.checked_sub(1).and_then(commit);
        if last.is_some() && last == commit(found) {
            return Err(Violation::new(format!("a batch is cut at event {found}")));
        }
        self.entries.truncate(found);
        self.durable = found;
        Ok(())
    }
}
