//! `GroupSync`: one sync serves everyone who waits for it.
//!
//! Whoever finds no sync under way leads: it notes what is written, syncs without holding the
//! lock, publishes what the sync covered and wakes the others. A failed sync is final: nothing is
//! synced again and nothing more becomes durable or visible.
//!
//! Does not know files: what is synced is a handle of the caller's.

use super::places::Places;
use super::poison::Poison;
use super::wakers::Wakers;
use crate::Error;
use crate::engine::news::{News, Over};
use crate::engine::parker::Parker;
use crate::trace::{self, Calls, Span};
use std::io;
use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use strandline_core::sync::{Mutex, MutexGuard, thread};
use strandline_core::{Clock, Process, Sequence, SystemClock};
use strandline_index::SequenceGate;
use tracing::Level;

/// Something that can be synced: everything that was written to it before.
pub(crate) trait SyncTarget: Clone {
    fn sync(&self) -> io::Result<()>;
}

impl SyncTarget for strandline_segment::SyncHandle {
    fn sync(&self) -> io::Result<()> {
        Self::sync(self)
    }
}

#[derive(Debug)]
pub(crate) struct GroupSync<T> {
    pub(super) state: Mutex<State<T>>,
    /// The sequence after the newest commit, which was written to the target. Stored with release
    /// after the write, under the commit lock, and loaded with acquire before a sync: what is below
    /// it is with the operating system by then.
    written: AtomicU64,
    gate: Arc<SequenceGate>,
    /// Who waits for events, and with it a copy of `State::durable` that is read without the lock: set
    /// under it.
    news: Arc<News>,
    /// Copy of `State::poison.is_some()`, for a check without the lock on each append. Written
    /// with release under the lock, read with acquire.
    pub(super) poisoned: AtomicBool,
    /// Copy of `State::syncing`: a hint, relaxed, for threads that have not gone to sleep yet.
    syncing: AtomicBool,
    /// What is in flight. Its lock is never taken under that of the state.
    pub(super) places: Places,
    /// Where wakers are called: never here, as this may be under the commit lock.
    pub(super) calls: Calls,
    process: Process,
}

#[derive(Debug)]
pub(super) struct State<T> {
    /// What a sync makes durable. Without a target nothing is ever written.
    target: Option<T>,
    pub(super) durable: Sequence,
    syncing: bool,
    /// Threads that sleep until a sync covers them or it is their turn to lead.
    sleeping: Vec<Sleeper>,
    /// Tasks that wait and have no thread to lead with.
    pub(super) wakers: Wakers,
    /// How many threads the last sync served.
    served: usize,
    pub(super) poison: Option<Poison>,
}

/// A thread that waits for everything below `end`.
#[derive(Debug)]
struct Sleeper {
    end: Sequence,
    parker: Arc<Parker>,
}

/// How often at most a leader lets other threads run before it syncs.
const GATHER_YIELDS: usize = 8;

/// How often a thread lets others run before it sleeps: to be woken costs more than a short wait.
/// More than a few are wasted while the disk works.
#[cfg(not(strandline_loom))]
const YIELDS_BEFORE_SLEEP: usize = 8;

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
                durable,
                syncing: false,
                sleeping: Vec::new(),
                wakers: Wakers::default(),
                served: 0,
                poison: None,
            }),
            written: AtomicU64::new(durable.get()),
            gate,
            news: Arc::new(news),
            poisoned: AtomicBool::new(false),
            syncing: AtomicBool::new(false),
            places: Places::default(),
            calls,
            process: Process::current(),
        }
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

    /// Exclusive upper bound of the durable sequences.
    pub(crate) fn durable(&self) -> Sequence {
        self.news.durable()
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

    /// Notes that everything below `end` is written. Called in commit order, under the commit lock.
    pub(crate) fn wrote(&self, end: Sequence) {
        self.written.store(end.get(), Ordering::Release);
    }

    /// Notes that everything below `end`, which is all, is durable, and that what follows is
    /// written to another target.
    pub(crate) fn rotated(&self, target: T, end: Sequence) {
        let mut state = self.state.lock();
        state.target = Some(target);
        self.wrote(end);
        self.advance(&mut state, end);
        self.wake(state);
    }

    /// Stops everything for good. The first reason stays.
    pub(crate) fn set_poison(&self, reason: &str) {
        self.stop_for(Poison::new(reason));
    }

    /// Stops everything for good, as [`set_poison`](Self::set_poison) does. Not to be called under the
    /// lock of the state.
    pub(crate) fn stop_for(&self, poison: Poison) {
        let mut state = self.state.lock();
        self.stop(&mut state, poison);
        self.wake(state);
    }

    /// Returns when everything below `end` is durable and published; syncs if nobody else does.
    ///
    /// `end` must have been written.
    pub(crate) fn wait(&self, end: Sequence) -> Result<(), Poison> {
        self.wait_leading(end, GATHER_YIELDS)
    }

    /// As [`wait`](Self::wait), and does not let others run before it syncs: for a thread that is
    /// asked for a sync by those whom it would wait for.
    pub(super) fn wait_at_once(&self, end: Sequence) -> Result<(), Poison> {
        self.wait_leading(end, 0)
    }

    fn wait_leading(&self, end: Sequence, yields: usize) -> Result<(), Poison> {
        let mut sleep = Sleep::default();
        let mut span = None;
        while self.durable() < end {
            let state = self.awake(&mut sleep);
            if state.durable >= end {
                break;
            }
            if let Some(poison) = &state.poison {
                return Err(poison.clone());
            }
            if state.syncing {
                self.sleep(state, end, &mut sleep);
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
            self.sleep(state, Sequence::new(u64::MAX), &mut sleep);
        }
    }

    /// The state, in which this thread does not sleep.
    fn awake(&self, sleep: &mut Sleep) -> MutexGuard<'_, State<T>> {
        let mut state = self.state.lock();
        // Whoever wakes a thread has taken it out.
        if let Some(parker) = sleep.abandoned.take() {
            let is_own = |sleeper: &Sleeper| Arc::ptr_eq(&sleeper.parker, &parker);
            state.sleeping.retain(|sleeper| !is_own(sleeper));
        }
        state
    }

    /// Sleeps until a wake, or not at all.
    fn sleep(&self, mut state: MutexGuard<'_, State<T>>, end: Sequence, sleep: &mut Sleep) {
        let parker = sleep.parker.take().unwrap_or_default();
        state.sleeping.push(Sleeper {
            end,
            parker: parker.clone(),
        });
        drop(state);
        if self.ends_soon(end) {
            // A wake of it may be under way, so it is not used again.
            sleep.abandoned = Some(parker);
        } else {
            parker.park();
            sleep.parker = Some(parker);
        }
    }

    /// Whether the wait for `end` is over, or the sync that it is for, after a few yields.
    #[cfg(not(strandline_loom))]
    fn ends_soon(&self, end: Sequence) -> bool {
        (0..YIELDS_BEFORE_SLEEP).any(|_| {
            let is_over = self.durable() >= end || !self.syncing.load(Ordering::Relaxed);
            if !is_over {
                thread::yield_now();
            }
            is_over
        })
    }

    /// loom forgets the unpark of a thread that yields, so in models every wait sleeps.
    #[cfg(strandline_loom)]
    const fn ends_soon(&self, _: Sequence) -> bool {
        false
    }

    /// Syncs what is written and tells everyone.
    fn lead(&self, mut state: MutexGuard<'_, State<T>>, yields: usize) -> Result<(), Poison> {
        state.syncing = true;
        self.syncing.store(true, Ordering::Relaxed);
        let expected = state.served;
        drop(state);
        let mut lead = Lead {
            group: self,
            finished: false,
        };
        let (target, written) = self.gather(expected, yields);
        let begun = trace::wants(Level::DEBUG).then(SystemClock::default);
        let outcome = target.as_ref().map_or(Ok(()), SyncTarget::sync);
        lead.finished = true;
        let failed = outcome.as_ref().err().map(ToString::to_string);
        let mut state = self.state.lock();
        state.syncing = false;
        self.syncing.store(false, Ordering::Relaxed);
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
        let duration_us = begun.map_or(0, |begun| begun.elapsed().as_micros());
        match failed {
            None => trace::tell(Level::DEBUG, move || {
                tracing::debug!(through = written.get(), duration_us, "synced");
            }),
            Some(error) => trace::tell(Level::ERROR, move || {
                tracing::error!(error, "sync failed");
            }),
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
            if state.sleeping.len() + 1 >= expected || turn == yields {
                return (state.target.clone(), self.written());
            }
            drop(state);
            thread::yield_now();
        }
        unreachable!("the last turn returns")
    }

    fn advance(&self, state: &mut State<T>, end: Sequence) {
        // After a failed sync the durable watermark is frozen, whatever a later sync says.
        if state.poison.is_none() && state.durable < end {
            self.gate.advance_to(end);
            state.durable = end;
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
        let durable = state.durable;
        let mut woken: Vec<_> = match &state.poison {
            Some(_) => state.sleeping.drain(..).collect(),
            None => state
                .sleeping
                .extract_if(.., |sleeper| sleeper.end <= durable)
                .collect(),
        };
        let poison = state.poison.clone();
        let is_poisoned = poison.is_some();
        let tasks = state.wakers.take(durable, is_poisoned);
        state.served = woken.len() + 1;
        let next = (!state.syncing && !state.sleeping.is_empty()).then(|| state.sleeping.remove(0));
        drop(state);
        // The next leader first: the disk has nothing to do until it leads.
        woken.extend(next);
        for sleeper in woken.into_iter().rev() {
            sleeper.parker.unpark();
        }
        self.calls.wake(tasks);
        self.calls.wake(self.places.freed(durable, is_poisoned));
        self.news.moved();
        if let Some(poison) = poison {
            self.news.end(&Over::from(&Error::from(poison)));
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

/// How a thread sleeps while it waits.
#[derive(Default)]
struct Sleep {
    parker: Option<Arc<Parker>>,
    /// One that is entered among the sleeping though the thread is awake.
    abandoned: Option<Arc<Parker>>,
}

/// Stops everything if the leader panics inside the sync: the others would wait for ever.
struct Lead<'a, T: SyncTarget> {
    group: &'a GroupSync<T>,
    finished: bool,
}

impl<T: SyncTarget> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        if !self.finished {
            self.group
                .set_poison("the thread that was syncing panicked");
        }
    }
}

#[cfg(all(test, not(strandline_loom)))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Debug, Clone)]
    struct Disk {
        syncs: Arc<AtomicUsize>,
        fails: bool,
    }

    impl SyncTarget for Disk {
        fn sync(&self) -> io::Result<()> {
            self.syncs.fetch_add(1, Ordering::Relaxed);
            if self.fails {
                return Err(io::Error::other("broken"));
            }
            Ok(())
        }
    }

    fn group(fails: bool) -> (GroupSync<Disk>, Disk, Arc<SequenceGate>) {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(10).unwrap();
        let disk = Disk {
            syncs: Arc::default(),
            fails,
        };
        let group = GroupSync::new(Some(disk.clone()), Sequence::ZERO, gate.clone());
        (group, disk, gate)
    }

    #[test]
    fn one_sync_covers_everything_written_before_it() {
        let (group, disk, gate) = group(false);
        group.wrote(Sequence::new(3));
        group.wrote(Sequence::new(7));
        group.wait(Sequence::new(3)).unwrap();
        group.wait(Sequence::new(7)).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
        assert_eq!(group.durable(), Sequence::new(7));
        assert_eq!(gate.visible(), Sequence::new(7));
    }

    #[test]
    fn a_failed_sync_is_final() {
        let (group, disk, gate) = group(true);
        group.wrote(Sequence::new(3));
        assert!(group.wait(Sequence::new(3)).is_err());
        assert!(group.wait(Sequence::new(3)).is_err());
        assert_eq!(
            disk.syncs.load(Ordering::Relaxed),
            1,
            "a sync is never retried"
        );
        group.rotated(disk, Sequence::new(3));
        assert_eq!(group.durable(), Sequence::ZERO, "the watermark is frozen");
        assert!(!gate.advance_to(Sequence::new(3)));
        assert_eq!(gate.visible(), Sequence::ZERO);
        assert!(group.poison().unwrap().reason.contains("broken"));
    }
}
