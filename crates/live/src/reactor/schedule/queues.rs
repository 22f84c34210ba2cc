//! `Queues`: in which order held entities are looked at. Knows what is held as far as it is told.

use super::super::held::{Held, Waits};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Sequence;

/// How many events of an entity are handled before it is another one's turn: so that what is read of the log for one
/// is read at once.
const TURN: u32 = 32;

#[derive(Debug, Default)]
pub(super) struct Queues {
    /// When entities that wait for a retry are due.
    retries: BTreeSet<(Duration, Arc<str>)>,
    /// Those that wait for their turn, by numbers that rise.
    turns: BTreeMap<u64, Arc<str>>,
    next_turn: u64,
    /// In which of both an entity is.
    places: HashMap<Arc<str>, Place>,
    /// Of entities that the feed brought and that were not parked: where they begin.
    unsettled: BTreeSet<(Sequence, Arc<str>)>,
    /// How many are in no queue, for they are parked.
    pub(super) parked: usize,
    was_retry: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Retry { due: Duration },
    Turn { number: u64, left: u32 },
}

impl Queues {
    /// An entity is held as this says. A retry is due then.
    pub(super) fn add(&mut self, key: &Arc<str>, held: &Held, due: Duration) {
        let place = match held.waits {
            Waits::Retry => Place::Retry { due },
            Waits::Turn => self.last_turn(),
            Waits::Request => {
                self.parked += 1;
                return;
            }
        };
        self.put(key, held, place);
    }

    /// An event of an entity was handled, and others wait for their turn. Where it was before, it was removed from.
    pub(super) fn add_again(&mut self, key: &Arc<str>, held: &Held, before: Option<Place>) {
        let place = match before {
            Some(Place::Turn { number, left }) if left > 1 => Place::Turn {
                number,
                left: left - 1,
            },
            _ => self.last_turn(),
        };
        self.put(key, held, place);
    }

    /// An entity is held no longer as this says, which is how it was added. Gives where it was.
    pub(super) fn remove(&mut self, key: &Arc<str>, held: &Held) -> Option<Place> {
        if held.waits == Waits::Request {
            self.parked = self.parked.saturating_sub(1);
            return None;
        }
        self.unsettled
            .remove(&(Sequence::new(held.from), key.clone()));
        let place = self.places.remove(key)?;
        match place {
            Place::Retry { due } => drop(self.retries.remove(&(due, key.clone()))),
            Place::Turn { number, .. } => drop(self.turns.remove(&number)),
        }
        Some(place)
    }

    /// The entity whose next event is to be handled. It stays where it is.
    ///
    /// Retries that are due and turns are given in turn, so that neither holds up the other.
    pub(super) fn next(&mut self, now: Duration) -> Option<Arc<str>> {
        let retry = self.retries.first().filter(|(due, _)| *due <= now);
        let retry = retry.map(|(_, key)| key.clone());
        let turn = self.turns.values().next();
        match turn {
            Some(turn) if self.was_retry || retry.is_none() => {
                self.was_retry = false;
                Some(turn.clone())
            }
            _ => {
                self.was_retry = true;
                retry
            }
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.retries.first().map(|(due, _)| *due)
    }

    pub(super) fn unsettled(&self) -> usize {
        self.unsettled.len()
    }

    pub(super) fn unsettled_first(&self) -> Option<Sequence> {
        self.unsettled.first().map(|(first, _)| *first)
    }

    fn last_turn(&mut self) -> Place {
        let number = self.next_turn;
        self.next_turn += 1;
        Place::Turn { number, left: TURN }
    }

    fn put(&mut self, key: &Arc<str>, held: &Held, place: Place) {
        match place {
            Place::Retry { due } => drop(self.retries.insert((due, key.clone()))),
            Place::Turn { number, .. } => drop(self.turns.insert(number, key.clone())),
        }
        self.places.insert(key.clone(), place);
        if !held.is_replayed {
            let first = Sequence::new(held.from);
            self.unsettled.insert((first, key.clone()));
        }
    }
}
