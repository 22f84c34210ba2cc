//! What `GroupSync` does for tasks, which have no thread to wait with.
//!
//! A waker is code of the caller's: it is cloned and dropped here without a lock, and woken elsewhere.

use super::levels::Reach;
use super::places::{PlaceKey, Waiting};
use super::poison::Poison;
use super::sync::{GroupSync, State};
use super::target::SyncTarget;
use super::wakers::{WakerKey, Wakers};
use std::task::{Poll, Waker};
use strandline_core::Sequence;
use strandline_core::sync::atomic::Ordering;

impl<T: SyncTarget> GroupSync<T> {
    /// Whether everything below `end` is as far as that. If not, the task under `key` is
    /// woken when it is, or when it will not be: never under a lock.
    ///
    /// `end` must have been written, and somebody must have been asked to sync.
    pub(super) fn poll(
        &self,
        (reach, end): (Reach, Sequence),
        key: &mut Option<WakerKey>,
        waker: &Waker,
    ) -> Poll<Result<(), Poison>> {
        if self.at(reach) >= end {
            return Poll::Ready(Ok(()));
        }
        // Cloned and dropped without the lock.
        let waker = waker.clone();
        let mut state = self.state.lock();
        let over = state.over(reach, end);
        let unused = match over {
            None => state.wakers_of(reach).set(key, end, waker),
            Some(_) => Some(waker),
        };
        drop(state);
        self.drop_waker(unused);
        over.map_or(Poll::Pending, Poll::Ready)
    }

    /// Forgets a task that no longer waits.
    pub(super) fn forget(&self, reach: Reach, key: WakerKey) {
        let waker = self.state.lock().wakers_of(reach).remove(key);
        self.drop_waker(waker);
    }

    /// How many tasks wait for a sync.
    #[cfg(all(test, strandline_loom))]
    pub(super) fn waiting_tasks(&self) -> usize {
        let state = self.state.lock();
        state.wakers.len() + state.wakers_of_replicated.len()
    }

    /// Drops a waker on the thread of its task. It may be dropped with the task's ticket, while that
    /// thread panics, so nothing is thrown on.
    fn drop_waker(&self, waker: Option<Waker>) {
        self.calls.catch("a waker, dropped", || drop(waker));
    }

    /// How many submits are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.places.count(&self.levels())
    }

    /// What a submit in flight waits for that is likely to be the next, if there are `most` or more.
    pub(crate) fn oldest_if_full(&self, most: usize) -> Option<(Reach, Sequence)> {
        self.places.oldest_if_full(&self.levels(), most)
    }

    /// Notes that everything below `end` was submitted, now or before. Called under the commit lock.
    pub(crate) fn submitted(&self, reach: Reach, end: Sequence) {
        self.places.add((reach, end), &self.levels());
    }

    /// Lets a task wait until fewer than `most` are in flight, or writing has stopped. Not if that is so
    /// now.
    pub(super) fn wait_for_room(
        &self,
        key: &mut Option<PlaceKey>,
        most: usize,
        waker: &Waker,
    ) -> bool {
        let now = || (self.levels(), self.poisoned.load(Ordering::Acquire));
        // Cloned and dropped without the lock.
        match self.places.wait(key, most, now, waker.clone()) {
            Waiting::Entered(before) => {
                self.drop_waker(before);
                true
            }
            Waiting::Over(waker) => {
                self.drop_waker(Some(waker));
                false
            }
        }
    }

    /// Ends a task's wait for room, and wakes the next if it took none.
    pub(super) fn leave_room(&self, key: PlaceKey, most: usize) {
        let (own, next) = self.places.leave(key, most);
        self.drop_waker(own);
        self.calls.wake(next);
    }
}

impl<T> State<T> {
    /// The tasks that wait until something is as far as that.
    const fn wakers_of(&mut self, reach: Reach) -> &mut Wakers {
        match reach {
            Reach::Replicated => &mut self.wakers_of_replicated,
            Reach::Synced | Reach::Published => &mut self.wakers,
        }
    }
}
