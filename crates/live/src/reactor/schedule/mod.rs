//! `Schedule`: what one partition of a reactor is to handle next, and what waits. Has neither files, threads nor a
//! clock: it is told what came of a try and what time it is.
//!
//! Events come from the *feed* in the order of the log. If a try of one fails, its entity is *held*: the feed goes
//! on with the others, and of those that come of this entity only the number is noted, for the log has them. A held
//! entity is handled from there, from the first that was not handled on, until nothing of it is left below the
//! *front*, where the feed is; then the feed has it again.

mod queues;

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use super::backoff::Backoff;
use super::held::{Held, Waits, shortened};
use crate::Parked;
use queues::Queues;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Sequence;

/// Most entities of the feed that wait for another try, or for what came behind it. Nothing more is taken from the
/// feed until there are fewer.
pub(super) const UNSETTLED_MAX: usize = 1000;

/// What a schedule is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How often an event is tried before it is parked; 0 counts as 1.
    pub(super) tries_max: u32,
    pub(super) backoff: Backoff,
    /// Most entities that are parked; with one more, the reactor stops.
    pub(super) parked_max: usize,
}

/// An event of an entity that is held, to be looked for in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) key: Arc<str>,
    /// The first of the entity within.
    pub(super) within: Range<Sequence>,
}

/// What became of an event that was tried and not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unhandled {
    /// It is tried again, not before then.
    Retried { due: Duration },
    /// It was parked, and what follows it of its entity.
    Parked,
}

/// Why a try failed, and when.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) reason: String,
    /// Whether it is parked at once.
    pub(super) is_final: bool,
    /// By the clock that [`Schedule::wanted`] is asked with.
    pub(super) now: Duration,
    /// Milliseconds since 1970.
    pub(super) now_ms: u64,
    /// 64 bits, for the jitter.
    pub(super) chance: u64,
}

/// The event that is being tried.
#[derive(Debug)]
struct InHand {
    key: Arc<str>,
    sequence: Sequence,
    tries: u32,
    is_held: bool,
}

#[derive(Debug)]
pub(super) struct Schedule {
    /// Every event before it was handled or is of a held entity, from its `from` on; but for the one in hand.
    front: Sequence,
    held: HashMap<Arc<str>, Held>,
    queues: Queues,
    in_hand: Option<InHand>,
    /// Keys that may be held otherwise than when it was asked last: what is told of them is told anew.
    changed: Vec<Arc<str>>,
    limits: Limits,
}

impl Schedule {
    /// The schedule of a partition that was saved at `front`. What waited for a retry is due at once.
    ///
    /// None if it cannot have been saved so.
    pub(super) fn new(front: Sequence, saved: Vec<Held>, limits: Limits) -> Option<Self> {
        let mut schedule = Self {
            front,
            held: HashMap::with_capacity(saved.len()),
            queues: Queues::default(),
            in_hand: None,
            changed: Vec::new(),
            limits,
        };
        for held in saved {
            if Sequence::new(held.from) > front {
                return None;
            }
            let key: Arc<str> = held.key.as_str().into();
            schedule.queues.add(&key, &held, Duration::ZERO);
            schedule.changed.push(key.clone());
            if schedule.held.insert(key, held).is_some() {
                return None;
            }
        }
        Some(schedule)
    }

    /// What is held, to be saved with the front: the state of every event before it. None while one is in hand.
    pub(super) fn saved(&self) -> Option<Vec<Held>> {
        let mut saved: Vec<Held> = self.held.values().cloned().collect();
        saved.sort_unstable_by(|one, other| (one.from, &one.key).cmp(&(other.from, &other.key)));
        self.in_hand.is_none().then_some(saved)
    }

    pub(super) const fn front(&self) -> Sequence {
        self.front
    }

    /// Every event before it was handled, but for those of entities that are parked, or were and are being
    /// replayed.
    pub(super) fn settled(&self) -> Sequence {
        let waiting = self.queues.unsettled_first().unwrap_or(self.front);
        let in_hand = self.in_hand.as_ref().filter(|in_hand| !in_hand.is_held);
        let in_hand = in_hand.map_or(self.front, |in_hand| in_hand.sequence);
        waiting.min(in_hand)
    }

    /// How many entities are parked.
    pub(super) const fn parked_count(&self) -> usize {
        self.queues.parked
    }

    pub(super) fn parked(&self) -> Vec<Parked> {
        let mut parked: Vec<_> = self.held.values().filter_map(Held::parked).collect();
        parked.retain(|parked| !parked.replay);
        parked.sort_unstable_by(|one, other| (one.first, &one.key).cmp(&(other.first, &other.key)));
        parked
    }

    /// How the keys are parked that may have changed since this was asked last, those that are being replayed among
    /// them.
    pub(super) fn changed(&mut self) -> Vec<(String, Option<Parked>)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let changed = changed.map(|key| {
            let parked = self.held.get(&key).and_then(Held::parked);
            (key.to_string(), parked)
        });
        changed.collect()
    }

    /// Whether more entities are parked than may be.
    pub(super) const fn is_full(&self) -> bool {
        self.queues.parked > self.limits.parked_max
    }

    /// Whether something that is held is not parked.
    pub(super) fn is_busy(&self) -> bool {
        self.queues.parked < self.held.len()
    }

    /// Whether the next event of the feed is to be taken.
    pub(super) fn takes_more(&self) -> bool {
        let held_max = self.limits.parked_max.saturating_add(UNSETTLED_MAX);
        self.queues.unsettled() < UNSETTLED_MAX && self.held.len() < held_max
    }

    /// The first time at which something is to be tried again.
    pub(super) fn due(&self) -> Option<Duration> {
        self.queues.due()
    }

    /// Takes an event of the feed, and gives how often it was tried: none if its entity is held, and it with it.
    ///
    /// The feed gives events in the order of the log; one before the front is passed over.
    pub(super) fn take(&mut self, sequence: Sequence, key: &str) -> Option<u32> {
        debug_assert!(self.in_hand.is_none(), "one after the other");
        if sequence < self.front {
            return None;
        }
        self.advance(sequence.checked_add(1).unwrap_or(sequence));
        if let Some(held) = self.held.get_mut(key) {
            self.changed.push(key.into());
            held.count = held.count.saturating_add(1);
            return None;
        }
        self.in_hand = Some(InHand {
            key: key.into(),
            sequence,
            tries: 0,
            is_held: false,
        });
        Some(0)
    }

    /// The feed has no event of this partition before `front`.
    pub(super) fn advance(&mut self, front: Sequence) {
        self.front = self.front.max(front);
    }

    /// The next event of a held entity that is due.
    pub(super) fn wanted(&mut self, now: Duration) -> Option<Wanted> {
        let key = self.queues.next(now)?;
        let from = Sequence::new(self.held.get(&key)?.from);
        let within = from..self.front;
        Some(Wanted { key, within })
    }

    /// Whether an entity was parked, and is being replayed.
    pub(super) fn is_replayed(&self, key: &str) -> bool {
        self.held.get(key).is_some_and(|held| held.is_replayed)
    }

    /// Takes the event of a held entity that was found in the log, and gives how often it was tried.
    pub(super) fn take_held(&mut self, key: &Arc<str>, sequence: Sequence) -> Option<u32> {
        debug_assert!(self.in_hand.is_none(), "one after the other");
        let held = self.held.get_mut(key)?;
        let tries = match held.from == sequence.get() {
            true => held.tries,
            // The one that was tried is in the log no more.
            false => 0,
        };
        self.in_hand = Some(InHand {
            key: key.clone(),
            sequence,
            tries,
            is_held: true,
        });
        Some(tries)
    }

    /// Nothing of a held entity is left before the front: the feed has it again.
    pub(super) fn caught_up(&mut self, key: &str) {
        if let Some((key, held)) = self.held.remove_entry(key) {
            self.queues.remove(&key, &held);
            self.changed.push(key);
        }
    }

    /// The event in hand was handled.
    pub(super) fn done(&mut self) {
        let Some(in_hand) = self.in_hand.take() else {
            return;
        };
        let Some(held) = self.held.get_mut(&in_hand.key) else {
            return;
        };
        self.changed.push(in_hand.key.clone());
        let place = self.queues.remove(&in_hand.key, held);
        held.from = in_hand.sequence.get().saturating_add(1);
        held.count = held.count.saturating_sub(1);
        held.tries = 0;
        held.waits = Waits::Turn;
        match held.count {
            0 => drop(self.held.remove(&in_hand.key)),
            _ => self.queues.add_again(&in_hand.key, held, place),
        }
    }

    /// The event in hand was tried and not handled: its entity is held.
    pub(super) fn failed(&mut self, failed: Failed) -> Option<Unhandled> {
        let in_hand = self.in_hand.take()?;
        let tries = in_hand.tries.saturating_add(1);
        let is_parked = failed.is_final || tries >= self.limits.tries_max;
        let before = self.held.remove(&in_hand.key);
        if let Some(before) = &before {
            self.queues.remove(&in_hand.key, before);
        }
        let held = Held {
            key: in_hand.key.to_string(),
            from: in_hand.sequence.get(),
            count: before.as_ref().map_or(1, |before| before.count),
            tries,
            waits: match is_parked {
                true => Waits::Request,
                false => Waits::Retry,
            },
            reason: shortened(failed.reason),
            at_ms: failed.now_ms,
            is_replayed: !is_parked && before.is_some_and(|before| before.is_replayed),
        };
        let delay = self.limits.backoff.delay(tries, failed.chance);
        let due = failed.now.saturating_add(delay);
        self.queues.add(&in_hand.key, &held, due);
        self.changed.push(in_hand.key.clone());
        self.held.insert(in_hand.key, held);
        Some(match is_parked {
            true => Unhandled::Parked,
            false => Unhandled::Retried { due },
        })
    }

    /// Parks an entity as it is: what of it was not handled yet, and what comes. False if it is parked already.
    pub(super) fn park(&mut self, key: &str, reason: String, now_ms: u64) -> bool {
        let before = self.held.remove(key);
        let is_parked = matches!(&before, Some(held) if held.waits == Waits::Request);
        let key: Arc<str> = key.into();
        if let Some(before) = &before {
            self.queues.remove(&key, before);
        }
        let held = match before {
            Some(held) if is_parked => held,
            before => Held {
                key: key.to_string(),
                from: before.as_ref().map_or(self.front.get(), |held| held.from),
                count: before.as_ref().map_or(0, |held| held.count),
                tries: before.map_or(0, |held| held.tries),
                waits: Waits::Request,
                reason: shortened(reason),
                at_ms: now_ms,
                is_replayed: false,
            },
        };
        self.queues.add(&key, &held, Duration::ZERO);
        self.changed.push(key.clone());
        self.held.insert(key, held);
        !is_parked
    }

    /// Has a parked entity handled again, from its first event on, with all its tries; all of them if none is named.
    /// Gives how many.
    pub(super) fn replay(&mut self, key: Option<&str>) -> usize {
        let keys: Vec<Arc<str>> = match key {
            Some(key) => self.key(key).into_iter().collect(),
            None => {
                // In the order in which their first events came.
                let parked = self.parked();
                let keys = parked.iter().filter_map(|parked| self.key(&parked.key));
                keys.collect()
            }
        };
        let replayed = keys.iter().filter(|key| self.release(key));
        replayed.count()
    }

    /// Leaves out the first event of a parked entity, and has the others handled. False if it is not parked, or was
    /// not because that event failed.
    pub(super) fn skip(&mut self, key: &str) -> bool {
        let Some(key) = self.key(key) else {
            return false;
        };
        let parked = self.held.get_mut(&key);
        // One that was tried is the first itself, and is among those that were counted.
        let Some(held) = parked.filter(|held| held.waits == Waits::Request && held.tries > 0)
        else {
            return false;
        };
        held.from = held.from.saturating_add(1);
        held.count = held.count.saturating_sub(1);
        self.release(&key)
    }

    /// Leaves out all that waits of a parked entity, and gives how many events: none if it is not parked.
    pub(super) fn discard(&mut self, key: &str) -> Option<u64> {
        let held = self.held.get(key)?;
        if held.waits != Waits::Request {
            return None;
        }
        let count = held.count;
        self.caught_up(key);
        Some(count)
    }

    /// Goes on at another place: what is before it counts as handled, but for what is parked, and nothing from there
    /// on.
    pub(super) fn reset(&mut self, front: Sequence) {
        let further = front.get().saturating_sub(self.front.get());
        let mut changed = std::mem::take(&mut self.changed);
        changed.extend(self.held.keys().cloned());
        let held = std::mem::take(&mut self.held);
        let stays = |held: &Held| Sequence::new(held.from) < front && held.parked().is_some();
        let held = held.into_values().filter(stays).map(|held| Held {
            // All that it has up to the new front waits: it is not known how many, but never more.
            count: held.count.saturating_add(further),
            ..held
        });
        let held = held.collect();
        // What was held before is below the front and there once.
        if let Some(schedule) = Self::new(front, held, self.limits) {
            *self = schedule;
        }
        self.changed.extend(changed);
    }

    fn key(&self, key: &str) -> Option<Arc<str>> {
        self.held.get_key_value(key).map(|(key, _)| key.clone())
    }

    /// Has what waits of a parked entity take its turns.
    fn release(&mut self, key: &Arc<str>) -> bool {
        let Some(held) = self.held.get_mut(key) else {
            return false;
        };
        if held.waits != Waits::Request {
            return false;
        }
        self.queues.remove(key, held);
        held.waits = Waits::Turn;
        held.is_replayed = true;
        held.tries = 0;
        self.queues.add(key, held, Duration::ZERO);
        self.changed.push(key.clone());
        true
    }
}
