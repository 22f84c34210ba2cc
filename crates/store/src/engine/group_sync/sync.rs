//! `GroupSync`: one sync serves everyone who waits for it.
//!
//! Whoever finds no sync under way leads: it notes what is written, syncs without holding the
//! lock, publishes what the sync covered and wakes the others. A failed sync is final: nothing is
//! synced again and nothing more becomes durable or visible.
//!
//! Does not know files: what is synced is a handle of the caller's.

use super::lead::Lead;
use super::levels::{Levels, Reach};
use super::places::Places;
use super::poison::Poison;
use super::sleepers::{Sleep, Sleeper, Sleepers};
use super::target::SyncTarget;
use super::wakers::Wakers;
use crate::Error;
use crate::engine::news::{News, Over};
use crate::meter::Metrics;
use crate::trace::{self, Calls, Span};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use strandline_core::sync::{Mutex, MutexGuard, thread};
use strandline_core::{Clock, Process, Sequence, SystemClock};
use strandline_index::SequenceGate;
use tracing::Level;

#[derive(Debug)]
pub(crate) struct GroupSync<T> {
    pub(super) state: Mutex<State<T>>,
    /// The sequence after the newest commit, which was written to the target. Stored with release
    /// after the write, under the commit lock, and loaded with acquire before a sync: what is below
    /// it is with the operating system by then.
    pub(super) written: AtomicU64,
    /// The end of the newest commit that does not ask to be replicated before it is seen. Stored with release
    /// before `written`, and loaded with acquire after it: whoever finds such a commit synced finds it
    /// wished for.
    pub(super) wished: AtomicU64,
    gate: Arc<SequenceGate>,
    /// Who waits for events, and with it copies of `State::levels` that are read without the lock: set
    /// under it.
    pub(super) news: Arc<News>,
    /// Copy of `State::poison.is_some()`, for a check without the lock on each append. Written
    /// with release under the lock, read with acquire.
    pub(super) poisoned: AtomicBool,
    /// Copy of `State::syncing`: a hint, relaxed, for threads that have not gone to sleep yet.
    pub(super) syncing: AtomicBool,
    /// Whether there is a replication: a copy of what `State::levels` says, set under the lock.
    pub(super) replicating: AtomicBool,
    /// Whether there ever was one.
    pub(super) was_replicating: AtomicBool,
    /// What is in flight. Its lock is never taken under that of the state.
    pub(super) places: Places,
    /// Where wakers are called: never here, as this may be under the commit lock.
    pub(super) calls: Calls,
    metrics: Metrics,
    process: Process,
}

#[derive(Debug)]
pub(super) struct State<T> {
    /// What a sync makes durable. Without a target nothing is ever written.
    target: Option<T>,
    pub(super) levels: Levels,
    /// Why there is no replication, where there is none.
    pub(super) not_replicating: &'static str,
    syncing: bool,
    /// Threads that wait.
    pub(super) sleeping: Sleepers,
    /// Tasks that wait until something is published, and have no thread to lead with.
    pub(super) wakers: Wakers,
    /// Tasks that wait until something is replicated.
    pub(super) wakers_of_replicated: Wakers,
    /// How many threads the last sync served.
    served: usize,
    pub(super) poison: Option<Poison>,
}

/// How often at most a leader lets other threads run before it syncs.
const GATHER_YIELDS: usize = 8;

impl<T: SyncTarget> GroupSync<T> {
    /// Starts with everything below `durable` written and durable.
    pub(crate) fn new(target: Option<T>, durable: Sequence, gate: Arc<SequenceGate>) -> Self {
        let calls = Calls::default();
        let news = match target {
            Some(_) => News::new(gate.clone(), durable, calls.clone()),
            None => News::of_another(gate.clone(), durable, calls.clone()),
        };
        Self {
            state: Mutex::new(State {
                target,
                levels: Levels::new(durable),
                not_replicating: "there is no replication of this store (Store::replication)",
                syncing: false,
                sleeping: Sleepers::default(),
                wakers: Wakers::default(),
                wakers_of_replicated: Wakers::default(),
                served: 0,
                poison: None,
            }),
            written: AtomicU64::new(durable.get()),
            wished: AtomicU64::new(durable.get()),
            gate,
            news: Arc::new(news),
            poisoned: AtomicBool::new(false),
            syncing: AtomicBool::new(false),
            replicating: AtomicBool::new(false),
            was_replicating: AtomicBool::new(false),
            places: Places::default(),
            calls,
            metrics: Metrics::default(),
            process: Process::current(),
        }
    }

    /// Tells of syncs.
    pub(crate) fn telling(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Told of syncs and rotations.
    pub(crate) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether this is the process in which the store was opened. In a fork nobody syncs, and locks may
    /// be held by threads that do not exist: no other call is to be made there.
    pub(crate) fn is_in_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// The thread for what callers left with the store.
    pub(crate) const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Exclusive upper bound of the sequences that are durable and were published as such: never past what is
    /// visible, nor past what is synced.
    pub(crate) fn durable(&self) -> Sequence {
        self.news.durable()
    }

    /// Exclusive upper bound of the sequences that are on this disk, published or not.
    pub(crate) fn synced(&self) -> Sequence {
        self.news.synced()
    }

    /// How far everything is. No lock.
    pub(crate) fn at(&self, reach: Reach) -> Sequence {
        match reach {
            Reach::Synced => self.synced(),
            Reach::Published => self.durable(),
            Reach::Replicated => self.news.replicated(),
        }
    }

    /// As [`at`](Self::at), of all levels: each as it was at some moment of the call.
    pub(super) fn levels(&self) -> Levels {
        if !self.has_replicated() {
            // All that is synced is published.
            return Levels::new(self.durable());
        }
        let is_replicating = self.replicating.load(Ordering::Acquire);
        Levels::read(is_replicating, |reach| self.at(reach))
    }

    pub(super) fn wished(&self) -> Sequence {
        Sequence::new(self.wished.load(Ordering::Acquire))
    }

    /// Who waits for events.
    pub(crate) const fn news(&self) -> &Arc<News> {
        &self.news
    }

    /// Exclusive upper bound of the written sequences.
    pub(crate) fn written(&self) -> Sequence {
        Sequence::new(self.written.load(Ordering::Acquire))
    }

    /// Why writing stopped, if it did.
    pub(crate) fn poison(&self) -> Option<Poison> {
        if !self.poisoned.load(Ordering::Acquire) {
            return None;
        }
        self.state.lock().poison.clone()
    }

    /// As [`poison`](Self::poison), for whoever has seen that the gate is frozen: waits for the thread that
    /// freezes it to say why.
    pub(crate) fn stopped_for(&self) -> Option<Poison> {
        self.state.lock().poison.clone()
    }

    /// Notes that everything below `end` is written, and to be published once it is synced. Called in commit
    /// order, under the commit lock.
    pub(crate) fn wrote(&self, end: Sequence) {
        self.wished.store(end.get(), Ordering::Release);
        self.written.store(end.get(), Ordering::Release);
    }

    /// Notes that everything below `end` is written, and is not to be published before it is replicated or
    /// something is written that is. Called in commit order, under the commit lock.
    pub(crate) fn wrote_to_replicate(&self, end: Sequence) {
        self.written.store(end.get(), Ordering::Release);
    }

    /// Whether there is a replication, or was one.
    pub(super) fn has_replicated(&self) -> bool {
        self.was_replicating.load(Ordering::Acquire)
    }

    /// Notes that everything below `end`, which is all, is durable, and that what follows is
    /// written to another target.
    pub(crate) fn rotated(&self, target: T, end: Sequence) {
        let mut state = self.state.lock();
        state.target = Some(target);
        self.wrote_to_replicate(end);
        self.advance(&mut state, end);
        self.wake(state);
    }

    /// Stops everything for good. The first reason stays.
    pub(crate) fn set_poison(&self, reason: &str) {
        self.stop_for(Poison::new(reason));
    }

    /// As [`set_poison`](Self::set_poison). Not to be called under the lock of the state.
    pub(crate) fn stop_for(&self, poison: Poison) {
        let mut state = self.state.lock();
        self.stop(&mut state, poison);
        self.wake(state);
    }

    /// Returns when everything below `end` is durable and published; syncs if nobody else does.
    ///
    /// `end` must have been written.
    pub(crate) fn wait(&self, end: Sequence) -> Result<(), Poison> {
        self.wait_for(Reach::Published, end)
    }

    /// Returns when everything below `end` is as far as that; syncs if nobody else does.
    ///
    /// `end` must have been written.
    pub(crate) fn wait_for(&self, reach: Reach, end: Sequence) -> Result<(), Poison> {
        self.wait_leading((reach, end), GATHER_YIELDS)
    }

    /// Syncs what was written before at once: for a thread that is asked by those whom it would wait for.
    pub(super) fn sync_at_once(&self) -> Result<(), Poison> {
        self.wait_leading((Reach::Synced, self.written()), 0)
    }

    fn wait_leading(&self, (reach, end): (Reach, Sequence), yields: usize) -> Result<(), Poison> {
        let mut sleep = Sleep::default();
        let mut span = None;
        while self.at(reach) < end {
            let state = self.awake(&mut sleep);
            if let Some(over) = state.over(reach, end) {
                return over;
            }
            if state.syncing || state.levels.of(Reach::Synced) >= end {
                self.sleep(state, (reach, end), &mut sleep);
            } else if span.is_none() && trace::wants(Level::DEBUG) {
                // Opened while nobody waits for this thread, then looked at again.
                drop(state);
                span = Some(self.span());
            } else {
                self.lead(state, yields)?;
            }
        }
        Ok(())
    }

    fn span(&self) -> Span {
        let through = self.written().get();
        trace::span(Level::DEBUG, || tracing::debug_span!("sync", through))
    }

    /// Syncs once, beside no other sync, whatever is durable already.
    ///
    /// The operating system tells of a failed write-back once for each open file, so every sync
    /// of the file that takes commits goes through here: none can hide a failure from another.
    pub(crate) fn flush(&self) -> Result<(), Poison> {
        let mut sleep = Sleep::default();
        loop {
            let state = self.awake(&mut sleep);
            if let Some(poison) = &state.poison {
                return Err(poison.clone());
            }
            if !state.syncing {
                return self.lead(state, GATHER_YIELDS);
            }
            // No sync covers this: the thread is woken when it may lead.
            self.sleep(state, (Reach::Synced, Sequence::new(u64::MAX)), &mut sleep);
        }
    }

    /// The state, in which this thread does not sleep.
    fn awake(&self, sleep: &mut Sleep) -> MutexGuard<'_, State<T>> {
        let mut state = self.state.lock();
        sleep.leave(&mut state.sleeping);
        state
    }

    /// Sleeps until a wake, or not at all: while somebody syncs, or where no sync brings what is waited for.
    fn sleep(
        &self,
        mut state: MutexGuard<'_, State<T>>,
        (reach, end): (Reach, Sequence),
        sleep: &mut Sleep,
    ) {
        let is_synced = state.levels.of(Reach::Synced) >= end;
        let parker = sleep.enter(&mut state.sleeping, (reach, end), is_synced);
        drop(state);
        sleep.rest(parker, || {
            let is_synced = is_synced || self.syncing.load(Ordering::Relaxed);
            self.at(reach) >= end || !is_synced
        });
    }

    /// Syncs what is written and tells everyone.
    fn lead(&self, mut state: MutexGuard<'_, State<T>>, yields: usize) -> Result<(), Poison> {
        state.syncing = true;
        self.syncing.store(true, Ordering::Relaxed);
        let expected = state.served;
        drop(state);
        let mut lead = Lead {
            stop: || self.set_poison("the thread that was syncing panicked"),
            finished: false,
        };
        let (target, written) = self.gather(expected, yields);
        let is_timed = trace::wants(Level::DEBUG) || self.metrics.is_on();
        let begun = is_timed.then(SystemClock::default);
        let outcome = target.as_ref().map_or(Ok(()), SyncTarget::sync);
        let took = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        lead.finished = true;
        let failed = outcome.as_ref().err().map(ToString::to_string);
        let mut state = self.state.lock();
        state.syncing = false;
        self.syncing.store(false, Ordering::Relaxed);
        let before = state.levels.of(Reach::Synced);
        match &failed {
            None => self.advance(&mut state, written),
            Some(error) => {
                self.stop(&mut state, Poison::new(&format!("a sync failed: {error}")));
            }
        }
        // Whatever is durable: after this thread's own sync has failed it may not say so.
        let poison = state.poison.clone();
        self.wake(state);
        // Once nobody waits for this thread.
        match failed {
            None => {
                let events = written.get().saturating_sub(before.get());
                self.metrics.synced(took, events);
                trace::tell(Level::DEBUG, move || {
                    let duration_us = took.as_micros();
                    tracing::debug!(through = written.get(), duration_us, "synced");
                });
            }
            Some(error) => {
                self.metrics.sync_failed();
                trace::tell(Level::ERROR, move || {
                    tracing::error!(error, "sync failed");
                });
            }
        }
        poison.map_or(Ok(()), Err)
    }

    /// What to sync, and up to where it is written: once as many threads wait as the last sync
    /// served, or they were given the time to.
    ///
    /// Those are likely to append again, and one sync serves them all. A thread that syncs alone
    /// expects nobody.
    fn gather(&self, expected: usize, yields: usize) -> (Option<T>, Sequence) {
        for turn in 0.. {
            let state = self.state.lock();
            if state.sleeping.for_sync() + 1 >= expected || turn == yields {
                return (state.target.clone(), self.written());
            }
            drop(state);
            thread::yield_now();
        }
        unreachable!("the last turn returns")
    }

    fn advance(&self, state: &mut State<T>, end: Sequence) {
        // After a failed sync the durable watermark is frozen, whatever a later sync says.
        if state.poison.is_none() && state.levels.of(Reach::Synced) < end {
            state.levels.sync(end);
            self.publish(state);
            self.news.set_synced(end);
        }
    }

    /// Shows what may be seen by now. Nothing, once writing has stopped.
    pub(super) fn publish(&self, state: &mut State<T>) {
        if state.poison.is_none()
            && let Some(end) = state.levels.publish(self.wished())
        {
            self.gate.advance_to(end);
            self.news.set_durable(end);
        }
    }

    fn stop(&self, state: &mut State<T>, poison: Poison) {
        if state.poison.is_none() {
            self.gate.freeze();
            state.poison = Some(poison);
            self.poisoned.store(true, Ordering::Release);
        }
    }

    /// Wakes those who have what they wait for, and one other, who leads the next sync if nobody does.
    fn wake(&self, mut state: MutexGuard<'_, State<T>>) {
        let woken = state.take_settled();
        state.served = woken.len() + 1;
        let next = match state.syncing {
            true => None,
            false => state.sleeping.take_next(),
        };
        let has_copier = state.levels.was_replicating();
        self.wake_these(state, woken, next);
        if has_copier {
            self.news.sync_moved();
        }
    }

    /// As [`wake`](Self::wake), where no sync has ended.
    pub(super) fn wake_settled(&self, mut state: MutexGuard<'_, State<T>>) {
        let woken = state.take_settled();
        self.wake_these(state, woken, None);
    }

    fn wake_these(
        &self,
        mut state: MutexGuard<'_, State<T>>,
        mut woken: Vec<Sleeper>,
        next: Option<Sleeper>,
    ) {
        let levels = state.levels;
        let poison = state.poison.clone();
        let is_poisoned = poison.is_some();
        let tasks = state
            .wakers
            .take(levels.settled(Reach::Published), is_poisoned);
        let tasks_of_replicated = state
            .wakers_of_replicated
            .take(levels.settled(Reach::Replicated), is_poisoned);
        drop(state);
        // The next leader first: the disk has nothing to do until it leads.
        woken.extend(next);
        for sleeper in woken.into_iter().rev() {
            sleeper.parker.unpark();
        }
        self.calls.wake(tasks);
        self.calls.wake(tasks_of_replicated);
        self.calls.wake(self.places.freed(&levels, is_poisoned));
        self.news.moved();
        if let Some(poison) = poison {
            self.news.end(&Over::from(&Error::from(poison)));
        }
    }
}

impl<T> State<T> {
    /// What the wait for `end` ends with, if it is over.
    pub(super) fn over(&self, reach: Reach, end: Sequence) -> Option<Result<(), Poison>> {
        if self.levels.of(reach) >= end {
            return Some(Ok(()));
        }
        if let Some(poison) = &self.poison {
            return Some(Err(poison.clone()));
        }
        let is_in_vain = self.levels.settled(reach) >= end;
        is_in_vain.then(|| Err(Poison::not_replicated(self.not_replicating)))
    }

    /// Takes out the threads whose wait is over.
    fn take_settled(&mut self) -> Vec<Sleeper> {
        match &self.poison {
            Some(_) => self.sleeping.take_all(),
            None => self.sleeping.take(&self.levels),
        }
    }
}

impl<T> Drop for GroupSync<T> {
    fn drop(&mut self) {
        // Nobody is left who waits. In a fork there is no thread to end, and its lock may be held.
        if self.process.is_current() {
            self.calls.close();
        }
    }
}
