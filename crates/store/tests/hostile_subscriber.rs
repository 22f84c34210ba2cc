//! Subscribers that panic, that append to the store, and that block: appends, durability and the end of the
//! store go on. A process of its own, since a subscriber is the process's.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::maintenance::{Retention, compact};
use strandline::{
    AppendOptions, Clock, Coordinate, Durability, Event, EventKind, Store, StoreOptions,
    SystemClock,
};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// What it does each time that it is called.
type Hostility = Arc<dyn Fn(&str) + Send + Sync>;

#[derive(Clone)]
struct Hostile(Arc<Mutex<Hostility>>);

impl Hostile {
    fn act(&self, name: &str) {
        thread_local! {
            static WITHIN: Cell<bool> = const { Cell::new(false) };
        }
        // As every subscriber must, or it would call itself without end.
        if WITHIN.replace(true) {
            return;
        }
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                WITHIN.set(false);
            }
        }
        let _leave = Leave;
        let act = self.0.lock().unwrap().clone();
        act(name);
    }
}

impl Subscriber for Hostile {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("strandline")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.act(span.metadata().name());
        Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        self.act(event.metadata().target());
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {
        self.act("enter");
    }

    fn exit(&self, _: &Id) {
        self.act("exit");
    }
}

/// How long something may take that has to happen: only what stands still takes as long.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a case on a thread of its own, and fails if it does not end in time.
fn bounded(name: &str, case: impl FnOnce() + Send + 'static) {
    let (ended, end) = channel();
    let thread = thread::spawn(move || {
        case();
        ended.send(()).unwrap();
    });
    if end.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
        panic!("{name}: it stands still");
    }
    thread.join().unwrap();
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let clock = SystemClock::default();
    while !holds() {
        assert!(clock.elapsed() < LIMIT, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn options() -> StoreOptions {
    let options = StoreOptions::new().fs(Arc::new(MemFs::new()));
    options.segment_bytes_max(64 << 10)
}

fn at(name: &str) -> Coordinate {
    Coordinate::new(name, "s").unwrap()
}

fn event(bytes: usize) -> Event {
    Event::bytes(EventKind::new(1, 1), vec![7; bytes])
}

/// Everything that tells something: appends of each kind, rotations, footers, checkpoints, a compaction.
fn work(store: &Store) {
    let lazy = AppendOptions::new().durability(Durability::Written);
    thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(move || {
                let a = at(&format!("thread:{number}"));
                for _ in 0..10 {
                    store.append(&a, event(9_000)).unwrap();
                    store.submit(&a, event(10)).unwrap().wait().unwrap();
                    store.append_with(&a, event(10), lazy).unwrap();
                }
            });
        }
    });
    until("what is written becomes durable by itself", || {
        store.stats().unwrap().durable_lag == 0
    });
    store.checkpoint().unwrap();
    let rules = Retention::new().keep_newest(20);
    compact(store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(store.stats().unwrap().poisoned, None);
    assert!(store.stats().unwrap().segments > 3);
}

/// Whether the store holds what was appended to it, and opens again.
fn end(options: StoreOptions, store: Store) {
    assert!(store.verify().unwrap().is_intact());
    let now = store.snapshot().visible();
    store.close().unwrap();
    let reopened = options.open("/store").unwrap();
    assert!(reopened.snapshot().visible() >= now);
    assert!(reopened.verify().unwrap().is_intact());
}

#[test]
fn whatever_a_subscriber_does_the_store_goes_on() {
    let hostile = Hostile(Arc::new(Mutex::new(Arc::new(|_: &str| {}))));
    tracing::subscriber::set_global_default(hostile.clone()).unwrap();
    let set = |act: Hostility| *hostile.0.lock().unwrap() = act;

    set(Arc::new(|_| panic!("a hostile subscriber")));
    bounded("panics", || {
        let options = options();
        let store = options.clone().open("/store").unwrap();
        work(&store);
        until("panics are counted", || {
            store.stats().unwrap().subscriber_panics > 0
        });
        end(options, store);
    });

    set(Arc::new(|_| {}));
    let options = options();
    let store = Arc::new(options.clone().open("/store").unwrap());
    let (appends, count) = (Arc::downgrade(&store), Arc::new(AtomicUsize::new(0)));
    let counts = count.clone();
    set(Arc::new(move |_| {
        if let Some(store) = appends.upgrade() {
            store.append(&at("subscriber"), event(10)).unwrap();
            store.checkpoint().unwrap();
            counts.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let worked = store.clone();
    bounded("appends", move || work(&worked));
    until("it appends", || count.load(Ordering::SeqCst) > 50);
    set(Arc::new(|_| {}));
    until("the subscriber lets go", || Arc::strong_count(&store) == 1);
    let own = Arc::into_inner(store).unwrap();
    bounded("appended", move || end(options, own));

    bounded("blocks", {
        let set = hostile.0.clone();
        move || blocks(&set)
    });
}

/// Blocks a subscriber on a thread of the store's: nobody waits for it.
fn blocks(set: &Mutex<Hostility>) {
    let options = options();
    let store = options.clone().open("/store").unwrap();
    let (open, opened) = channel::<()>();
    let (open, opened) = (Mutex::new(Some(open)), Arc::new(Mutex::new(opened)));
    let blocked = Arc::new(AtomicUsize::new(0));
    let counts = blocked.clone();
    *set.lock().unwrap() = Arc::new(move |_| {
        let of_store = thread::current()
            .name()
            .is_some_and(|name| name.starts_with("strandline"));
        if of_store && counts.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = opened.lock().unwrap().recv();
        }
    });
    work(&store);
    until("it was called", || blocked.load(Ordering::SeqCst) > 0);
    end(options, store);
    drop(open.lock().unwrap().take());
    *set.lock().unwrap() = Arc::new(|_| {});
}
