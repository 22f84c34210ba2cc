//! Hostile code that the store calls: file systems, clocks, codecs and callbacks that panic, and callbacks
//! that call the store again.

use crate::harness::{HeldFs, Panics, at, bounded, event, open, texts, until};
use crate::hostile_callers::assert_goes_on;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::maintenance::{self, Kept, Redaction, Retention, compact, redact};
use strandline::{
    AppendOptions, Clock, Codec, CodecError, Durability, ErrorKind, Event, EventKind, EventPayload,
    Hlc, PayloadEncoding, Region, Store, StoreOptions,
};

/// Whether it panics.
fn panics<T>(run: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

fn held(fs: &HeldFs) -> Store {
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    options.no_background_sync().open("/store").unwrap()
}

#[test]
fn a_file_system_that_panics_in_a_write_stops_the_store_and_tells_everyone() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = held(&fs);
        let a = at("a", "s");
        store.append(&a, event("kept")).unwrap();
        fs.hold();
        let ticket = store.submit(&a, event("in flight")).unwrap();
        fs.panic_next(Panics::Write);
        assert!(panics(|| store.append(&a, event("x"))));
        assert_eq!(
            store.append(&a, event("x")).unwrap_err().kind(),
            ErrorKind::Poisoned
        );
        assert_eq!(ticket.wait().unwrap_err().kind(), ErrorKind::Unknown);
        fs.release();
        assert!(store.stats().unwrap().poisoned.is_some());
        assert!(store.close().is_err());
        let reopened = held(&fs);
        assert_eq!(texts(&reopened)[0], "kept");
        assert!(reopened.verify().unwrap().is_intact());
    });
}

/// A store with an event, whose next sync waits to panic.
fn hostile_sync(fs: &HeldFs) -> Store {
    let store = held(fs);
    store.append(&at("a", "s"), event("kept")).unwrap();
    fs.hold();
    fs.panic_next(Panics::Sync);
    store
}

fn assert_stopped(fs: &HeldFs, store: Store) {
    let error = store.append(&at("a", "s"), event("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    assert!(store.stats().unwrap().poisoned.is_some());
    assert!(store.close().is_err());
    let reopened = held(fs);
    assert_eq!(texts(&reopened)[0], "kept");
    assert!(reopened.verify().unwrap().is_intact());
}

#[test]
fn a_file_system_that_panics_in_a_sync_stops_the_store_and_tells_everyone() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = hostile_sync(&fs);
        let a = at("a", "s");
        thread::scope(|scope| {
            let leads = scope.spawn(|| panics(|| store.append(&a, event("leads"))));
            fs.until_held(1);
            let waits = scope.spawn(|| store.append(&a, event("waits")));
            // From then on it is told what becomes of what it wrote.
            until("it is written", || {
                store.stats().unwrap().written.get() == 3
            });
            fs.release();
            assert!(leads.join().unwrap());
            let told = waits.join().unwrap().unwrap_err();
            assert_eq!(told.kind(), ErrorKind::Unknown);
        });
        assert_stopped(&fs, store);
    });
}

#[test]
fn a_file_system_that_panics_in_a_sync_of_the_stores_own_is_caught() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = hostile_sync(&fs);
        let ticket = store.submit(&at("a", "s"), event("lost")).unwrap();
        // The driver syncs for it.
        fs.until_held(1);
        fs.release();
        until("it is caught", || store.stats().unwrap().panics_caught == 1);
        assert_eq!(ticket.wait().unwrap_err().kind(), ErrorKind::Unknown);
        assert_stopped(&fs, store);
    });
}

#[test]
fn a_store_that_is_dropped_on_a_thread_of_its_own_is_released() {
    bounded(|| {
        let fs = HeldFs::default();
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let store = Arc::new(options.clone().open("/store").unwrap());
        let a = at("a", "s");
        fs.hold();
        let ticket = store.submit(&a, event("x")).unwrap();
        // Another thread of the store's waits for the same sync.
        let lazy = AppendOptions::new().durability(Durability::Written);
        store.append_with(&a, event("y"), lazy).unwrap();
        fs.until_held(1);
        let last = store.clone();
        drop(store);
        fs.in_next_sync(move || drop(last));
        fs.release();
        assert!(ticket.wait().unwrap().durable);
        until("the lock is let go", || {
            options.clone().open("/store").is_ok()
        });
    });
}

#[test]
fn a_file_system_that_panics_in_the_background_is_caught_and_the_background_goes_on() {
    bounded(|| {
        let fs = HeldFs::default();
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let options = options.segment_bytes_max(64 << 10).no_background_sync();
        let store = options.open("/store").unwrap();
        let lazy = AppendOptions::new().durability(Durability::Written);
        let a = at("a", "s");
        let large = || Event::bytes(EventKind::new(1, 1), vec![7; 25_000]);
        store.append_with(&a, large(), lazy).unwrap();
        fs.hold();
        // The second fills half of the segment: the next one is made ahead, and waits in its sync.
        store.append_with(&a, large(), lazy).unwrap();
        fs.until_held(1);
        fs.panic_next(Panics::Sync);
        fs.release();
        until("it is caught", || store.stats().unwrap().panics_caught == 1);
        assert_eq!(store.stats().unwrap().poisoned, None);
        for _ in 0..5 {
            store.append(&a, large()).unwrap();
        }
        // Waits for the background.
        let rules = Retention::new().keep_newest(3);
        compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(store.verify().unwrap().is_intact());
        store.close().unwrap();
    });
}

/// A clock that panics when it is told to.
#[derive(Debug, Default)]
struct HostileClock(AtomicBool);

impl Clock for HostileClock {
    fn now_ms(&self) -> u64 {
        assert!(!self.0.swap(false, Ordering::SeqCst), "a hostile clock");
        1_700_000_000_000
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_clock_that_panics_stops_nothing() {
    bounded(|| {
        let clock = Arc::new(HostileClock::default());
        let options = StoreOptions::new().fs(Arc::new(MemFs::new()));
        let store = options.clock(clock.clone()).open("/store").unwrap();
        let a = at("a", "s");
        let calls: [&dyn Fn(); 3] = [
            &|| drop(store.append(&a, event("x"))),
            &|| drop(store.submit(&a, event("x"))),
            &|| drop(store.observe(Hlc::default())),
        ];
        for call in calls {
            clock.0.store(true, Ordering::SeqCst);
            assert!(panics(call));
        }
        assert!(store.snapshot().is_empty());
        assert_goes_on(&store);
        store.close().unwrap();
    });
}

struct Hostile;

impl Codec<Hostile> for Hostile {
    const ENCODING: PayloadEncoding = PayloadEncoding::from_code(128);

    fn encode(_: &Hostile) -> Result<Vec<u8>, CodecError> {
        panic!("a hostile codec");
    }

    fn decode(_: &[u8]) -> Result<Hostile, CodecError> {
        panic!("a hostile codec");
    }
}

impl EventPayload for Hostile {
    type Codec = Self;
    const KIND: EventKind = EventKind::new(0x1, 0x009);
    const NAME: &'static str = "hostile";
}

#[test]
fn a_codec_that_panics_stops_nothing() {
    bounded(|| {
        let store = open(&MemFs::new());
        let a = at("a", "s");
        assert!(panics(|| store.append(&a, Event::typed(&Hostile)?)));
        let stored = Event::encoded(Hostile::KIND, Hostile::ENCODING, b"x".to_vec());
        let receipt = store.append(&a, stored).unwrap();
        let now = store.snapshot();
        assert!(panics(|| now
            .get(receipt.id)
            .unwrap()
            .unwrap()
            .decode::<Hostile>()));
        assert!(panics(
            || now.get_with(receipt.id, |_| panic!("a hostile reader"))
        ));
        // Reading calls the store again.
        let again = now.get_with(receipt.id, |event| {
            store.append(
                &a,
                Event::bytes(EventKind::new(1, 1), event.payload().unwrap().to_vec()),
            )
        });
        again.unwrap().unwrap().unwrap();
        assert_goes_on(&store);
    });
}

#[test]
fn a_progress_callback_may_panic_and_may_call_the_store() {
    bounded(|| {
        let store = open(&MemFs::new());
        let a = at("a", "s");
        for number in 0..20 {
            store.append(&a, event(&number.to_string())).unwrap();
        }
        let rules = Retention::new().keep_newest(10);
        let mut hostile = |_| panic!("a hostile callback");
        assert!(panics(|| compact(&store, &rules, &mut hostile)));
        let chosen = Redaction::new().entity("a");
        let mut hostile = |_| panic!("a hostile callback");
        assert!(panics(|| redact(&store, &chosen, &mut hostile)));
        assert_goes_on(&store);
        let mut refused = 0;
        let mut calls = |_| {
            store.append(&at("b", "s"), event("meanwhile")).unwrap();
            store
                .submit(&at("b", "s"), event("x"))
                .unwrap()
                .wait()
                .unwrap();
            store.checkpoint().unwrap();
            store.sync().unwrap();
            assert!(store.verify().unwrap().is_intact());
            let mut never = |_| ControlFlow::Continue(());
            for refusal in [
                compact(&store, &rules, &mut never).map(drop),
                redact(&store, &chosen, &mut never).map(drop),
            ] {
                assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Busy);
                refused += 1;
            }
            ControlFlow::Continue(())
        };
        assert_eq!(compact(&store, &rules, &mut calls).unwrap().events, 10);
        maintenance::verify(&store, &Kept::default(), &mut |_| {
            store.append(&at("b", "s"), event("meanwhile")).unwrap();
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(refused > 0);
        assert_goes_on(&store);
        store.close().unwrap();
    });
}

/// A place to write to that calls the store at each piece it is given, as one that blocks would hold up
/// whoever calls it meanwhile.
struct Calling<'a>(&'a Store, u32);

impl std::fmt::Write for Calling<'_> {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        self.1 += 1;
        // Debug output of a store can be long; a few of its pieces are enough.
        if self.1 % 300 == 1 {
            let receipt = self
                .0
                .append(&at("e", "s"), event("while it is shown"))
                .unwrap();
            let chosen = Redaction::new().event(receipt.id);
            redact(self.0, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
        }
        Ok(())
    }
}

#[test]
fn what_is_shown_for_debugging_is_shown_under_no_lock() {
    use std::fmt::Write as _;
    // It stands still where something is held meanwhile.
    bounded(|| {
        let store = open(&MemFs::new());
        store.append(&at("e", "s"), event("first")).unwrap();
        let snapshot = store.snapshot();
        let region = Region::all();
        let events = snapshot.query(&region);
        let ticket = store.submit(&at("e", "s"), event("submitted")).unwrap();
        write!(Calling(&store, 0), "{store:?}").unwrap();
        write!(Calling(&store, 0), "{snapshot:?}").unwrap();
        write!(Calling(&store, 0), "{events:?}").unwrap();
        write!(Calling(&store, 0), "{ticket:?}").unwrap();
    });
}
