//! `Places`: how many submits are in flight, and who waits for one of them to be done.

use super::in_flight::InFlight;
use super::levels::{Levels, Reach};
use std::collections::BTreeMap;
use std::task::Waker;
use strandline_core::Sequence;
use strandline_core::sync::Mutex;

/// Names a task that waits for a place, in the order in which they began to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlaceKey(u64);

/// The submits in flight and the tasks that wait for room among them.
///
/// For each place that comes free the task that waits longest is woken, and no other. It may find that
/// somebody was faster, and waits on in its old place. Who was woken and does not take the place passes
/// the wake-up on.
///
/// Its lock is taken alone or under the commit lock, and nothing is called under it.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Those that wait to be durable, and those that wait to be replicated.
    in_flight: InFlight,
    to_replicate: InFlight,
    /// Places that came free and for which nobody was woken yet.
    came_free: usize,
    next: u64,
    waiting: BTreeMap<PlaceKey, Waker>,
}

impl State {
    fn settle(&mut self, levels: &Levels) {
        self.came_free += self.in_flight.settle(levels.settled(Reach::Published));
        self.came_free += self.to_replicate.settle(levels.settled(Reach::Replicated));
    }

    fn len(&self) -> usize {
        self.in_flight.len() + self.to_replicate.len()
    }
}

/// What came of an attempt to wait.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The task is woken when it may try; with what it left before, to be dropped without a lock.
    Entered(Option<Waker>),
    /// There is room now, or writing has stopped; with the waker, to be dropped without a lock.
    Over(Waker),
}

impl Places {
    /// How many are not done.
    pub(super) fn count(&self, levels: &Levels) -> usize {
        let mut state = self.0.lock();
        state.settle(levels);
        state.len()
    }

    /// The end of the oldest in flight that waits for a sync, or else for a replication, if there are `most`
    /// or more.
    pub(super) fn oldest_if_full(&self, levels: &Levels, most: usize) -> Option<(Reach, Sequence)> {
        let mut state = self.0.lock();
        state.settle(levels);
        if state.len() < most {
            return None;
        }
        let synced = state.in_flight.oldest();
        let synced = synced.map(|end| (Reach::Published, end));
        let replicated = || Some((Reach::Replicated, state.to_replicate.oldest()?));
        synced.or_else(replicated)
    }

    /// Takes a place until everything below `end` is as far as that; none if it is so, of what was repeated.
    /// Called under the commit lock.
    pub(super) fn add(&self, (reach, end): (Reach, Sequence), levels: &Levels) {
        if end <= levels.settled(reach) {
            return;
        }
        let mut state = self.0.lock();
        match reach {
            Reach::Replicated => state.to_replicate.add(end),
            Reach::Synced | Reach::Published => state.in_flight.add(end),
        }
    }

    /// Lets a task wait unless there is room, under a new key or the one it has.
    ///
    /// `now` gives how far everything is, and whether writing has stopped. It is asked under the lock: who
    /// changes either looks for waiting tasks after that.
    pub(super) fn wait(
        &self,
        key: &mut Option<PlaceKey>,
        most: usize,
        now: impl FnOnce() -> (Levels, bool),
        waker: Waker,
    ) -> Waiting {
        let mut state = self.0.lock();
        let (levels, is_stopped) = now();
        state.settle(&levels);
        if is_stopped || state.len() < most {
            return Waiting::Over(waker);
        }
        let own = *key.get_or_insert_with(|| {
            state.next += 1;
            PlaceKey(state.next)
        });
        Waiting::Entered(state.waiting.insert(own, waker))
    }

    /// Takes out those who are to be woken now that more is done: one for each place that came free,
    /// or everyone.
    pub(super) fn freed(&self, levels: &Levels, everyone: bool) -> Vec<Waker> {
        let mut state = self.0.lock();
        state.settle(levels);
        let freed = std::mem::take(&mut state.came_free);
        let count = if everyone { usize::MAX } else { freed };
        let woken = std::iter::from_fn(|| state.waiting.pop_first().map(|(_, waker)| waker));
        woken.take(count).collect()
    }

    /// Ends a task's wait, which need not be over: gives the waker that is to be dropped, and that of
    /// the next, who is to be woken.
    pub(super) fn leave(&self, key: PlaceKey, most: usize) -> (Option<Waker>, Option<Waker>) {
        let mut state = self.0.lock();
        if let Some(own) = state.waiting.remove(&key) {
            return (Some(own), None);
        }
        // It was woken for a place that may be free still.
        let next = if state.len() < most {
            state.waiting.pop_first().map(|(_, waker)| waker)
        } else {
            None
        };
        (None, next)
    }
}
