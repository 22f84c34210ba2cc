//! What `GroupSync` does for a replication: beginning, telling how far it is, and ending it.

use super::levels::Reach;
use super::poison::Poison;
use super::sync::GroupSync;
use super::target::SyncTarget;
use crate::Error;
use crate::engine::news::Over;
use strandline_core::Sequence;
use strandline_core::sync::atomic::Ordering;

impl<T: SyncTarget> GroupSync<T> {
    /// Begins a replication, of which nothing is acknowledged yet; false if there is one already.
    pub(crate) fn attach(&self) -> bool {
        let mut state = self.state.lock();
        if state.levels.is_replicating() {
            return false;
        }
        state.levels.attach();
        self.news.set_replicated(Sequence::ZERO);
        self.replicating.store(true, Ordering::Release);
        self.was_replicating.store(true, Ordering::Release);
        self.news.begin_replication();
        true
    }

    /// Ends the replication, if there is one. Who waits for it is told why, and whoever comes later too.
    pub(crate) fn detach(&self, reason: &'static str) {
        let mut state = self.state.lock();
        if !state.levels.is_replicating() {
            return;
        }
        state.levels.detach();
        state.not_replicating = reason;
        self.replicating.store(false, Ordering::Release);
        let over = Over::from(&Error::from(Poison::not_replicated(reason)));
        let told = self.news.end_replication(&over);
        self.wake_settled(state);
        self.news.wake_told(told);
    }

    /// Notes that everything below `end` is replicated, as far as it is on this disk, and publishes it.
    pub(crate) fn replicated(&self, end: Sequence) {
        let mut state = self.state.lock();
        if state.poison.is_some() || !state.levels.replicate(end) {
            return;
        }
        // What is replicated is seen before that is told.
        self.publish(&mut state);
        self.news.set_replicated(state.levels.of(Reach::Replicated));
        self.wake_settled(state);
        self.news.replication_moved();
    }

    /// Stops everything for good, as somebody else has taken over.
    pub(crate) fn fence(&self, reason: &str) {
        self.stop_for(Poison::fenced(reason));
    }

    /// Whether somebody waits until something that is on this disk is replicated: to see it, or to be told.
    pub(crate) fn awaits_replication(&self) -> bool {
        let synced = self.synced();
        // What is hidden has somebody who wants it seen, whether they wait already or not.
        if self.durable() < synced || self.news.awaits_replicated(synced) {
            return true;
        }
        let state = self.state.lock();
        state.sleeping.await_replication() || state.wakers_of_replicated.has_any()
    }

    /// Whether there is a replication.
    pub(crate) fn is_replicating(&self) -> bool {
        self.replicating.load(Ordering::Acquire)
    }

    /// `end`, if what is below it waits to be replicated, or will once it is synced. Called under the commit
    /// lock, with the end of what is written.
    pub(crate) fn held(&self, end: Sequence) -> Option<Sequence> {
        let is_held = self.has_replicated() && self.wished() < end && self.durable() < end;
        is_held.then_some(end)
    }

    /// Publishes what is below `end` once it is synced, though it was to be replicated first. Called under the
    /// commit lock, for what comes after it and is not to wait.
    pub(crate) fn wish(&self, end: Sequence) {
        self.wished.store(end.get(), Ordering::Release);
        self.publish_wished();
    }

    /// As [`wish`](Self::wish), if a replication has ended that was to bring what is below `end`, and none has begun
    /// since: for whoever is refused because of it, finds it and never asked for a replication. Called under the
    /// commit lock.
    pub(crate) fn wish_unreplicated(&self, end: Sequence) {
        if self.has_replicated() && !self.is_replicating() && self.wished() < end {
            self.wish(end);
        }
    }

    /// Publishes what is synced and was passed by a commit that does not ask to be replicated. Nothing to do in a
    /// store that was never replicated.
    pub(crate) fn publish_wished(&self) {
        if self.has_replicated() {
            let mut state = self.state.lock();
            self.publish(&mut state);
            self.wake_settled(state);
        }
    }
}
