//! `News`: the watermarks, and waking whoever waits for one of them.

use super::lookout::Lookout;
use super::over::Over;
use super::sleeper::Sleeper;
use super::waiters::{Entered, Waiter, WaiterKey, Waiters};
use crate::trace::Calls;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use strandline_core::sync::atomic::{AtomicU64, Ordering, fence};
use strandline_core::{Clock, Process, Sequence, SystemClock};
use strandline_index::SequenceGate;

/// Which watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// Events below it can be read.
    Visible,
    /// Events below it are on the disk. Never past what is visible.
    Durable,
    /// Events below it are on the disk, visible or not.
    Synced,
    /// Events below it are acknowledged by a replication.
    Replicated,
}

/// Those who are to be told that something is over.
#[must_use = "they sleep until they are woken"]
pub(crate) struct Told(Vec<Waiter>);

/// Up to where there are events, visible and durable, and who waits for more of them.
///
/// Holds no part of a store that keeps it from closing.
#[derive(Debug)]
pub(crate) struct News {
    gate: Arc<SequenceGate>,
    /// Stored with release once what it covers is published, loaded with acquire: who sees a sequence
    /// durable also sees it published.
    durable: AtomicU64,
    /// Stored with release after `durable`: who sees a sequence synced also sees it durable, if it is.
    synced: AtomicU64,
    /// Stored with release after `durable`: who sees a sequence replicated also sees it published.
    replicated: AtomicU64,
    for_visible: Waiters,
    for_durable: Waiters,
    for_synced: Waiters,
    /// Over while there is no replication.
    for_replicated: Waiters,
    /// What looks for events where another process writes them; none where this one does.
    lookout: Option<Lookout>,
    /// Where wakers are called: never here, as this may be under the commit lock.
    calls: Calls,
    process: Process,
}

impl News {
    /// Begins with everything below `durable` durable, where this process writes.
    pub(crate) fn new(gate: Arc<SequenceGate>, durable: Sequence, calls: Calls) -> Self {
        Self {
            gate,
            durable: AtomicU64::new(durable.get()),
            synced: AtomicU64::new(durable.get()),
            replicated: AtomicU64::new(0),
            for_visible: Waiters::default(),
            for_durable: Waiters::default(),
            for_synced: Waiters::default(),
            for_replicated: Waiters::over_with(Over::not_replicated()),
            lookout: None,
            calls,
            process: Process::current(),
        }
    }

    /// As [`new`](Self::new), where another process writes.
    pub(crate) fn of_another(gate: Arc<SequenceGate>, durable: Sequence, calls: Calls) -> Self {
        Self {
            lookout: Some(Lookout::default()),
            ..Self::new(gate, durable, calls)
        }
    }

    /// Exclusive upper bound of the durable sequences.
    pub(crate) fn durable(&self) -> Sequence {
        Sequence::new(self.durable.load(Ordering::Acquire))
    }

    /// Notes that everything below `end`, which is visible, is durable. [`moved`](Self::moved) follows, once
    /// no lock of the caller's is held that need not be.
    pub(crate) fn set_durable(&self, end: Sequence) {
        self.durable.store(end.get(), Ordering::Release);
    }

    /// Exclusive upper bound of the sequences that are on the disk, visible or not.
    pub(crate) fn synced(&self) -> Sequence {
        Sequence::new(self.synced.load(Ordering::Acquire))
    }

    /// Notes that everything below `end` is on the disk, after what of it is published was noted.
    pub(crate) fn set_synced(&self, end: Sequence) {
        self.synced.store(end.get(), Ordering::Release);
    }

    /// Exclusive upper bound of the sequences that are replicated.
    pub(crate) fn replicated(&self) -> Sequence {
        Sequence::new(self.replicated.load(Ordering::Acquire))
    }

    /// Notes that everything below `end`, which is published, is replicated.
    /// [`replication_moved`](Self::replication_moved) follows.
    pub(crate) fn set_replicated(&self, end: Sequence) {
        self.replicated.store(end.get(), Ordering::Release);
    }

    /// There is a replication, and with that something to wait for.
    pub(crate) fn begin_replication(&self) {
        self.for_replicated.begin();
    }

    /// There is no replication any more: gives those who are to be told.
    pub(crate) fn end_replication(&self, over: &Over) -> Told {
        Told(self.for_replicated.end(over))
    }

    /// Wakes those who are to be told that something is over.
    pub(crate) fn wake_told(&self, told: Told) {
        self.wake(told.0);
    }

    /// Exclusive upper bound of the sequences that are there, as far as that.
    pub(crate) fn watermark(&self, mark: Mark) -> Sequence {
        match mark {
            Mark::Visible => self.gate.visible(),
            Mark::Durable => self.durable(),
            Mark::Synced => self.synced(),
            Mark::Replicated => self.replicated(),
        }
    }

    const fn waiters(&self, mark: Mark) -> &Waiters {
        match mark {
            Mark::Visible => &self.for_visible,
            Mark::Durable => &self.for_durable,
            Mark::Synced => &self.for_synced,
            Mark::Replicated => &self.for_replicated,
        }
    }

    /// What looks for events where another process writes them.
    pub(crate) const fn lookout(&self) -> Option<&Lookout> {
        self.lookout.as_ref()
    }

    fn ask_lookout(&self) {
        if let Some(lookout) = &self.lookout {
            lookout.ask();
        }
    }

    /// Makes sure that tasks can be woken.
    pub(crate) fn start_calls(&self) -> std::io::Result<()> {
        self.calls.start()
    }

    /// Whether anybody waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.for_visible.has_any() || self.for_durable.has_any()
    }

    /// Whether anybody waits until something below `end` is replicated.
    pub(crate) fn awaits_replicated(&self, end: Sequence) -> bool {
        self.for_replicated.has_passed(end)
    }

    /// Whether nobody waits any more, for good.
    pub(crate) fn is_over(&self) -> bool {
        self.for_visible.over().is_some()
    }

    /// Whether the store is closed, and nothing more is read through it.
    pub(crate) fn is_closed(&self) -> bool {
        self.for_visible.is_closed()
    }

    /// Wakes those for whom a watermark has come far enough. Called by whoever has moved one, after it: two
    /// loads and a fence if nobody is to be woken.
    pub(crate) fn moved(&self) {
        self.wake_passed([Mark::Visible, Mark::Durable]);
    }

    /// As [`moved`](Self::moved), after more was synced.
    pub(crate) fn sync_moved(&self) {
        self.wake_passed([Mark::Synced]);
    }

    /// As [`moved`](Self::moved), after more was replicated.
    pub(crate) fn replication_moved(&self) {
        self.wake_passed([Mark::Replicated]);
    }

    #[inline]
    fn wake_passed<const MARKS: usize>(&self, marks: [Mark; MARKS]) {
        // Partner of the fence in `Waiters::enter`: either this sees who has entered, or that sees the
        // watermark.
        fence(Ordering::SeqCst);
        for mark in marks {
            let now = self.watermark(mark);
            if self.waiters(mark).has_passed(now) {
                self.wake(self.waiters(mark).take_passed(now));
            }
        }
    }

    /// Wakes everyone for good: nothing more comes. The first reason stays until the store is closed.
    pub(crate) fn end(&self, over: &Over) {
        for mark in [Mark::Visible, Mark::Durable, Mark::Synced, Mark::Replicated] {
            self.wake(self.waiters(mark).end(over));
        }
        self.ask_lookout();
    }

    /// Tells everyone who waits now that the look for news has failed.
    pub(crate) fn fail(&self, over: &Over) {
        for mark in [Mark::Visible, Mark::Durable] {
            self.wake(self.waiters(mark).fail(over));
        }
    }

    fn wake(&self, waiters: Vec<Waiter>) {
        let (mut threads, mut tasks) = (Vec::new(), Vec::new());
        for waiter in waiters {
            match waiter {
                Waiter::Thread(sleeper) => threads.push(sleeper),
                Waiter::Own(parker) => parker.unpark(),
                Waiter::Task(waker) => tasks.push(waker),
            }
        }
        Sleeper::wake_all(threads);
        self.calls.wake(tasks);
    }

    /// Returns when the watermark is past `sequence`, which need not be given yet, or after `timeout`: with
    /// the watermark then.
    pub(crate) fn wait(
        &self,
        mark: Mark,
        sequence: Sequence,
        timeout: Duration,
    ) -> Result<Option<Sequence>, Over> {
        self.check_process()?;
        let now = self.watermark(mark);
        if now > sequence {
            return Ok(Some(now));
        }
        if timeout.is_zero() {
            let Some(over) = self.waiters(mark).over() else {
                return Ok(None);
            };
            // What came before the end is not kept back because of it.
            let now = self.watermark(mark);
            return match now > sequence {
                true => Ok(Some(now)),
                false => Err(over),
            };
        }
        let clock = SystemClock::default();
        let sleeper = Arc::new(Sleeper::default());
        let mut key = None;
        loop {
            let waiter = Waiter::Thread(sleeper.clone());
            let watermark = || self.watermark(mark);
            let waiters = self.waiters(mark);
            let entered = waiters.enter(&mut key, sequence, waiter, watermark);
            if let Entered::Ready(ready, ..) = entered {
                return ready.map(Some);
            }
            self.ask_lookout();
            let left = timeout.saturating_sub(clock.elapsed());
            if !left.is_zero() && sleeper.sleep(left) {
                continue;
            }
            if key.is_none_or(|key| waiters.leave(key).is_some()) {
                return Ok(None);
            }
            // Whoever took it out has it woken, and with it others.
            sleeper.finish();
        }
    }

    pub(crate) fn check_process(&self) -> Result<(), Over> {
        if self.is_in_this_process() {
            return Ok(());
        }
        Err(Over::fork())
    }

    pub(crate) fn is_in_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// Whether the watermark is past `sequence`. If not, the waiter under `key` is woken when it is, or when it
    /// will not be. A waker is made and dropped without the lock.
    pub(super) fn poll(
        &self,
        mark: Mark,
        sequence: Sequence,
        key: &mut Option<WaiterKey>,
        waiter: impl FnOnce() -> Waiter,
    ) -> Poll<Result<Sequence, Over>> {
        if let Err(over) = self.check_process() {
            return Poll::Ready(Err(over));
        }
        let now = self.watermark(mark);
        if now > sequence {
            return Poll::Ready(Ok(now));
        }
        let watermark = || self.watermark(mark);
        let entered = self.waiters(mark).enter(key, sequence, waiter(), watermark);
        let (poll, unused) = match entered {
            Entered::Waits(before) => {
                self.ask_lookout();
                (Poll::Pending, [before, None])
            }
            Entered::Ready(ready, own, before) => (Poll::Ready(ready), [Some(own), before]),
        };
        for waiter in unused {
            self.drop_waiter(waiter);
        }
        poll
    }

    /// Forgets one that no longer waits.
    pub(super) fn forget(&self, mark: Mark, key: WaiterKey) {
        let waiter = self.waiters(mark).leave(key);
        self.drop_waiter(waiter);
    }

    /// Drops a waker on the thread of its task, which may be panicking: nothing is thrown on.
    fn drop_waiter(&self, waiter: Option<Waiter>) {
        self.calls.catch("a waker, dropped", || drop(waiter));
    }
}
