//! `Waiters`: those who wait for one watermark.

use super::over::Over;
use super::sleeper::Sleeper;
use crate::engine::parker::Parker;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use strandline_core::Sequence;
use strandline_core::sync::Mutex;
use strandline_core::sync::atomic::{AtomicU64, Ordering, fence};

/// `lowest` while nobody waits. No watermark comes near it.
const NOBODY: u64 = u64::MAX;

/// Names one who waits, in the order in which they are woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaiterKey {
    sequence: Sequence,
    number: u64,
}

/// How somebody is woken.
#[derive(Debug)]
pub(super) enum Waiter {
    Thread(Arc<Sleeper>),
    /// A thread of the store's own, which wakes nobody else and waits for other things too.
    Own(Arc<Parker>),
    /// Code of the caller's, also when it is dropped: none is cloned, dropped or woken in here.
    Task(Waker),
}

/// What came of an attempt to wait.
#[derive(Debug)]
pub(super) enum Entered {
    /// Who is entered is woken; with how it was to be woken before.
    Waits(Option<Waiter>),
    /// There is nothing to wait for: the watermark, which is past the sequence, or why it will not be; with
    /// what was to be entered and what was before, to be dropped without a lock.
    Ready(Result<Sequence, Over>, Waiter, Option<Waiter>),
}

/// Those who wait until a watermark passes a sequence.
///
/// Whoever moves the watermark looks, after it, at the lowest sequence that is awaited; whoever waits
/// enters, and then looks at the watermark. With a fence in between on both sides, one of the two sees what
/// the other did, so nobody sleeps through what it waits for.
///
/// Its lock is taken alone, or under the commit lock or that of the group sync, and nothing is called under it.
#[derive(Debug)]
pub(super) struct Waiters {
    /// The lowest sequence that is awaited, stored under the lock.
    lowest: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: BTreeMap<WaiterKey, Waiter>,
    /// Of those who were taken out because of a failure that ends no other wait: what it was.
    failed: BTreeMap<WaiterKey, Over>,
    /// Why nobody waits any more.
    over: Option<Over>,
}

impl Default for Waiters {
    fn default() -> Self {
        Self {
            lowest: AtomicU64::new(NOBODY),
            state: Mutex::default(),
        }
    }
}

impl Waiters {
    /// Those who wait for what does not come before it [begins](Self::begin).
    pub(super) fn over_with(over: Over) -> Self {
        let waiters = Self::default();
        waiters.state.lock().over = Some(over);
        waiters
    }

    /// From now on there is something to wait for, unless it was said for good that there is not.
    pub(super) fn begin(&self) {
        let mut state = self.state.lock();
        if state.over.as_ref().is_some_and(Over::may_pass) {
            state.over = None;
        }
    }

    /// Lets somebody wait until `watermark` gives more than `sequence`, under a new key or the one it has,
    /// unless there is nothing to wait for. O(log n).
    pub(super) fn enter(
        &self,
        key: &mut Option<WaiterKey>,
        sequence: Sequence,
        waiter: Waiter,
        watermark: impl Fn() -> Sequence,
    ) -> Entered {
        let mut state = self.state.lock();
        if let Some(failed) = key.and_then(|key| state.failed.remove(&key)) {
            *key = None;
            return Entered::Ready(Err(failed), waiter, None);
        }
        let own = *key.get_or_insert_with(|| {
            state.next += 1;
            WaiterKey {
                sequence,
                number: state.next,
            }
        });
        let before = state.waiting.insert(own, waiter);
        self.note_lowest(&state);
        // Partner of the fence in `take_passed`.
        fence(Ordering::SeqCst);
        let now = watermark();
        let ready = if now > sequence {
            Ok(now)
        } else {
            match &state.over {
                Some(over) => Err(over.clone()),
                None => return Entered::Waits(before),
            }
        };
        *key = None;
        let own = state.waiting.remove(&own);
        self.note_lowest(&state);
        drop(state);
        match own {
            Some(own) => Entered::Ready(ready, own, before),
            None => unreachable!("it was entered under the same lock"),
        }
    }

    fn note_lowest(&self, state: &State) {
        let first = state.waiting.first_key_value();
        let lowest = first.map_or(NOBODY, |(key, _)| key.sequence.get().min(NOBODY - 1));
        self.lowest.store(lowest, Ordering::Relaxed);
    }

    /// Whether anybody waits for a sequence below this watermark. Called after a fence that comes after the
    /// move of the watermark.
    pub(super) fn has_passed(&self, watermark: Sequence) -> bool {
        self.lowest.load(Ordering::Relaxed) < watermark.get()
    }

    /// Whether anybody waits.
    pub(super) fn has_any(&self) -> bool {
        self.lowest.load(Ordering::Relaxed) != NOBODY
    }

    /// Why nobody waits any more, if that is so.
    pub(super) fn over(&self) -> Option<Over> {
        self.state.lock().over.clone()
    }

    /// Whether nobody waits any more because the store is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().over.as_ref().is_some_and(Over::is_closed)
    }

    /// Takes out those who wait for a sequence below this watermark, in order.
    pub(super) fn take_passed(&self, watermark: Sequence) -> Vec<Waiter> {
        let mut state = self.state.lock();
        let mut taken = Vec::new();
        while let Some(first) = state.waiting.first_entry() {
            if first.key().sequence >= watermark {
                break;
            }
            taken.push(first.remove());
        }
        self.note_lowest(&state);
        taken
    }

    /// Takes out everyone, for good or until something begins. Of reasons that are for good the first stays
    /// until the store is closed, which is the last.
    pub(super) fn end(&self, over: &Over) -> Vec<Waiter> {
        let mut state = self.state.lock();
        if over.is_closed() || state.over.as_ref().is_none_or(Over::may_pass) {
            state.over = Some(over.clone());
        }
        let taken = std::mem::take(&mut state.waiting).into_values().collect();
        self.note_lowest(&state);
        taken
    }

    /// Takes out everyone who waits now, and notes why.
    pub(super) fn fail(&self, over: &Over) -> Vec<Waiter> {
        let mut state = self.state.lock();
        let waiting = std::mem::take(&mut state.waiting);
        let taken = waiting.into_iter().map(|(key, waiter)| {
            state.failed.insert(key, over.clone());
            waiter
        });
        let taken = taken.collect();
        self.note_lowest(&state);
        taken
    }

    /// Ends somebody's wait; gives how it was to be woken, to be dropped without a lock. O(log n).
    pub(super) fn leave(&self, key: WaiterKey) -> Option<Waiter> {
        let mut state = self.state.lock();
        state.failed.remove(&key);
        let waiter = state.waiting.remove(&key);
        self.note_lowest(&state);
        waiter
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    /// Code of a caller's that runs when a waker is dropped.
    struct Dropped(Arc<AtomicUsize>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wake for Dropped {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn no_waker_is_dropped_where_it_is_entered() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let waker = || Waiter::Task(Waker::from(Arc::new(Dropped(dropped.clone()))));
        let waiters = Waiters::default();
        let (mut key, first, past) = (None, Sequence::ZERO, Sequence::new(1));
        let mut given = Vec::new();
        // It comes while whoever was entered before enters again.
        for watermark in [first, first, past] {
            given.push(waiters.enter(&mut key, first, waker(), || watermark));
            assert_eq!(dropped.load(Ordering::Relaxed), 0);
        }
        drop(given);
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }
}
