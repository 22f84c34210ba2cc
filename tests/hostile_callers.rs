//! Hostile tasks: wakers that panic, block, poll or drop the store, and executors that sleep as the store
//! might. Whatever they do, the appends of others, durability and the end of the store go on.

use crate::harness::{HeldFs, at, bounded, event, options, texts, until};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::maintenance::{Retention, compact};
use strandline::{AppendOptions, Durability, Event, EventKind, Store, StoreOptions};

/// A waker that calls a function.
struct Calls<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

pub(crate) fn waker(call: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Calls(call)))
}

/// The `block_on` of the documentation of `std::task::Wake`.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let this = thread::current();
    let waker = waker(move || this.unpark());
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

pub(crate) fn held(fs: &HeldFs) -> Store {
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    options.in_flight_max(1 << 20).open("/store").unwrap()
}

/// Opens a store again that one of its own threads has closed: the others end by themselves, and the last
/// one lets go of the lock.
fn held_again(fs: &HeldFs) -> Store {
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    let store = std::cell::Cell::new(None);
    until("the lock is let go", || {
        let opened = options.clone().open("/store");
        let is_open = opened.is_ok();
        store.set(opened.ok());
        is_open
    });
    store.into_inner().unwrap()
}

/// Waits until so many events are written, and their appends wait for a sync or are about to.
fn until_written(store: &Store, events: u64) {
    until("the appends are written", || {
        store.stats().unwrap().written.get() == events
    });
}

/// Submits an event whose task has this waker, while syncs are held.
pub(crate) fn submit_pending(store: &Store, waker: &Waker) -> Pin<Box<strandline::Ticket>> {
    let mut ticket = Box::pin(store.submit(&at("hostile", "s"), event("x")).unwrap());
    let polled = ticket.as_mut().poll(&mut Context::from_waker(waker));
    assert!(polled.is_pending());
    ticket
}

/// What must go on whatever a caller's code did: appends of each kind, durability, and the end.
pub(crate) fn assert_goes_on(store: &Store) {
    let a = at("innocent", "s");
    store.append(&a, event("appended")).unwrap();
    store
        .submit(&a, event("submitted"))
        .unwrap()
        .wait()
        .unwrap();
    assert!(
        block_on(store.submit(&a, event("awaited")).unwrap())
            .unwrap()
            .durable
    );
    let lazy = AppendOptions::new().durability(Durability::Written);
    store.append_with(&a, event("written"), lazy).unwrap();
    until("what is written becomes durable by itself", || {
        store.stats().unwrap().durable_lag == 0
    });
    assert_eq!(store.stats().unwrap().poisoned, None);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_waker_that_panics_ends_no_thread_and_is_counted() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        fs.hold();
        let hostile = waker(|| panic!("a hostile waker"));
        let tickets: Vec<_> = (0..3).map(|_| submit_pending(&store, &hostile)).collect();
        // A thread that leads the sync is not the one that wakes.
        thread::scope(|scope| {
            let appends = scope.spawn(|| store.append(&at("innocent", "s"), event("x")));
            until_written(&store, 4);
            fs.release();
            appends.join().unwrap().unwrap();
        });
        until("each panic is counted", || {
            store.stats().unwrap().panics_caught == 3
        });
        for ticket in tickets {
            block_on(ticket).unwrap();
        }
        assert_goes_on(&store);
        store.close().unwrap();
    });
}

#[test]
fn a_waker_that_panics_at_a_rotation_leaves_the_store_whole() {
    bounded(|| {
        let fs = HeldFs::default();
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let options = options.segment_bytes_max(64 << 10);
        let store = options.clone().open("/store").unwrap();
        let hostile = waker(|| panic!("a hostile waker"));
        let a = at("innocent", "s");
        for _ in 0..10 {
            let large = Event::bytes(EventKind::new(1, 1), vec![7; 20_000]);
            let mut ticket = Box::pin(store.submit(&a, large.clone()).unwrap());
            let _ = ticket.as_mut().poll(&mut Context::from_waker(&hostile));
            store.append(&a, large).unwrap();
        }
        assert_goes_on(&store);
        assert!(store.stats().unwrap().segments > 3);
        store.close().unwrap();
        assert_eq!(options.open("/store").unwrap().snapshot().len(), 24);
    });
}

/// A task that is polled by its own waker, on the thread that wakes.
struct Inline<F> {
    future: Mutex<Option<Pin<Box<F>>>>,
    woken: AtomicBool,
    ended: Mutex<std::sync::mpsc::Sender<()>>,
}

impl<F: Future<Output = ()> + Send + 'static> Inline<F> {
    fn spawn(future: F) -> Receiver<()> {
        let (ended, end) = channel();
        Arc::new(Self {
            future: Mutex::new(Some(Box::pin(future))),
            woken: AtomicBool::new(false),
            ended: Mutex::new(ended),
        })
        .wake();
        end
    }
}

impl<F: Future<Output = ()> + Send + 'static> Wake for Inline<F> {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        while self.woken.load(Ordering::SeqCst) {
            let Ok(mut task) = self.future.try_lock() else {
                // Whoever polls it looks again.
                return;
            };
            self.woken.store(false, Ordering::SeqCst);
            let waker = Waker::from(self.clone());
            if let Some(future) = task.as_mut()
                && future
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_ready()
            {
                *task = None;
                self.ended.lock().unwrap().send(()).unwrap();
            }
        }
    }
}

#[test]
fn a_waker_that_polls_its_task_at_once_stops_nobody() {
    bounded(|| {
        const EVENTS: u64 = 1500;
        // A segment is sealed now and then, and what it made durable is told under the commit lock.
        let options = options(&MemFs::new()).segment_bytes_max(64 << 10);
        let store = Arc::new(options.open("/store").unwrap());
        let tasks: Vec<_> = (0..2)
            .map(|task| {
                let store = store.clone();
                Inline::spawn(async move {
                    let a = at(&format!("task:{task}"), "s");
                    for number in 0..EVENTS {
                        let ticket = store.submit_async(&a, event("x")).await.unwrap();
                        if number % 3 == 0 {
                            store.append(&a, event("within")).unwrap();
                        }
                        ticket.await.unwrap();
                    }
                })
            })
            .collect();
        thread::scope(|scope| {
            for number in 0..2 {
                let store = &store;
                scope.spawn(move || {
                    for _ in 0..EVENTS {
                        store
                            .append(&at(&format!("thread:{number}"), "s"), event("x"))
                            .unwrap();
                    }
                });
            }
        });
        for task in tasks {
            task.recv().unwrap();
        }
        assert_eq!(store.snapshot().len(), 2 * (2 * EVENTS + EVENTS / 3));
        assert_goes_on(&store);
    });
}

#[test]
fn the_last_handle_of_a_store_may_be_dropped_inside_a_waker() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = Arc::new(held(&fs));
        fs.hold();
        let last = Mutex::new(Some(store.clone()));
        let dropped = Arc::new(AtomicBool::new(false));
        let tells = dropped.clone();
        let ticket = submit_pending(
            &store,
            &waker(move || {
                drop(last.lock().unwrap().take());
                tells.store(true, Ordering::SeqCst);
            }),
        );
        drop(store);
        fs.release();
        until("the drop returns", || dropped.load(Ordering::SeqCst));
        drop(ticket);
        // Nothing of the old store is left.
        assert_eq!(texts(&held_again(&fs)), ["x"]);
    });
}

#[test]
fn a_store_may_be_closed_inside_a_waker() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = Arc::new(Mutex::new(Some(held(&fs))));
        let (closed, close) = channel();
        fs.hold();
        let (last, closed) = (store.clone(), Mutex::new(closed));
        let closes = waker(move || {
            let store: Store = last.lock().unwrap().take().unwrap();
            closed.lock().unwrap().send(store.close()).unwrap();
        });
        let ticket = submit_pending(store.lock().unwrap().as_ref().unwrap(), &closes);
        fs.release();
        close.recv().unwrap().unwrap();
        drop(ticket);
        assert_eq!(texts(&held_again(&fs)), ["x"]);
    });
}

#[test]
fn a_waker_that_blocks_delays_no_append_no_sync_and_no_close() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        fs.hold();
        let gate = Arc::new((Mutex::new(true), Condvar::new()));
        let (blocked, ended) = (gate.clone(), Arc::new(AtomicBool::new(false)));
        let ends = ended.clone();
        let blocks = waker(move || {
            let (blocked, opened) = &*blocked;
            drop(
                opened
                    .wait_while(blocked.lock().unwrap(), |is| *is)
                    .unwrap(),
            );
            ends.store(true, Ordering::SeqCst);
        });
        let hostile = submit_pending(&store, &blocks);
        fs.release();
        let a = at("innocent", "s");
        let lazy = AppendOptions::new().durability(Durability::Written);
        for _ in 0..100 {
            store.append(&a, event("x")).unwrap();
            store.submit(&a, event("x")).unwrap().wait().unwrap();
            store.append_with(&a, event("x"), lazy).unwrap();
        }
        until("what is written becomes durable by itself", || {
            store.stats().unwrap().durable_lag == 0
        });
        store.checkpoint().unwrap();
        store.close().unwrap();
        assert!(!ended.load(Ordering::SeqCst), "it blocks still");
        assert_eq!(held(&fs).snapshot().len(), 301);
        *gate.0.lock().unwrap() = false;
        gate.1.notify_all();
        until("it goes on", || ended.load(Ordering::SeqCst));
        drop(hostile);
    });
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_is_caught() {
    struct Drops;

    impl Wake for Drops {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Drops {
        fn drop(&mut self) {
            panic!("a hostile drop");
        }
    }

    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        fs.hold();
        // Dropped with its ticket, replaced by another waker, and after it was woken.
        let hostile = || {
            let waker = Waker::from(Arc::new(Drops));
            let ticket = submit_pending(&store, &waker);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(waker))).is_ok());
            ticket
        };
        drop(hostile());
        let mut replaced = hostile();
        let other = waker(|| {});
        assert!(
            replaced
                .as_mut()
                .poll(&mut Context::from_waker(&other))
                .is_pending()
        );
        let woken = hostile();
        fs.release();
        until("each panic is counted", || {
            store.stats().unwrap().panics_caught == 3
        });
        block_on(woken).unwrap();
        assert_goes_on(&store);
    });
}

/// Leaves a wake-up for this thread, as an executor does, and sees that `call` does not take it: where it
/// did, the thread stands still.
fn assert_keeps_wake_up(call: impl FnOnce()) {
    thread::current().unpark();
    call();
    thread::park();
}

#[test]
fn no_call_takes_the_wake_up_of_an_executor_on_its_thread() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        let a = at("a", "s");
        let large = Event::bytes(EventKind::new(1, 1), vec![7; 300_000]);
        for _ in 0..10 {
            store.append(&a, large.clone()).unwrap();
        }
        thread::scope(|scope| {
            fs.hold();
            scope.spawn(|| store.append(&a, event("leads")).unwrap());
            fs.until_held(1);
            scope.spawn(|| {
                until_written(&store, 12);
                // Most likely it sleeps by then.
                thread::sleep(Duration::from_millis(50));
                fs.release();
            });
            assert_keeps_wake_up(|| assert!(store.append(&a, event("sleeps")).is_ok()));
        });
        assert_keeps_wake_up(|| {
            let rules = Retention::new().keep_newest(5);
            compact(&store, &rules, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
        });
        assert_keeps_wake_up(|| assert!(store.verify().unwrap().is_intact()));
        assert_keeps_wake_up(|| store.close().unwrap());
    });
}

#[test]
fn a_block_on_that_parks_its_thread_is_always_woken() {
    bounded(|| {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        thread::scope(|scope| {
            for number in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    let a = at(&format!("task:{number}"), "s");
                    for _ in 0..150 {
                        block_on(async {
                            let ticket = store.submit(&a, event("x")).unwrap();
                            store.append(&a, event("y")).unwrap();
                            assert!(ticket.await.unwrap().durable);
                        });
                    }
                });
            }
        });
        assert_eq!(store.snapshot().len(), 1200);
        assert_goes_on(&store);
    });
}
