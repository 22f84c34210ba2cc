//! Times from elsewhere: imports, observed times, and the bound on how far ahead they may be.

use crate::harness::{at, contents, event, options};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::{Batch, ErrorKind, EventId, Hlc, ManualClock, RefusedTime, Store};

const NOW: u64 = 1_700_000_000_000;

fn hlc(wall_ms: u64, counter: u32) -> Hlc {
    Hlc::new(wall_ms, counter).unwrap()
}

fn open(fs: &MemFs) -> (Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(NOW));
    let store = options(fs).clock(clock.clone()).open("/store").unwrap();
    (store, clock)
}

#[test]
fn an_import_keeps_its_times() {
    let (store, _) = open(&MemFs::new());
    let a = at("a", "s");
    let times = [hlc(5, 7), hlc(5, 9), hlc(1000, 0), hlc(NOW - 1, 3)];
    for time in times {
        let receipt = store.append(&a, event("x").at(time)).unwrap();
        assert_eq!((receipt.hlc, receipt.id.hlc()), (time, Some(time)));
    }
    // Of a source that has milliseconds alone, these are kept.
    let within = store.append(&a, event("x").at(hlc(NOW - 1, 0))).unwrap();
    assert_eq!(within.hlc, hlc(NOW - 1, 4));
    let own = store.append(&a, event("x")).unwrap();
    assert_eq!(own.hlc, hlc(NOW, 0));
    let stored = contents(&store.snapshot());
    assert!(stored.is_sorted_by(|a, b| a.hlc < b.hlc && a.id < b.id));
    assert_eq!(
        store
            .snapshot()
            .rows(strandline::Region::all().wall_ms(..=5))
            .count(),
        2
    );
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_time_that_goes_back_is_refused_and_leaves_nothing() {
    let fs = MemFs::new();
    let (store, _) = open(&fs);
    let a = at("a", "s");
    let last = store.append(&a, event("x")).unwrap().hlc;
    let supplied = hlc(NOW - 1, 0);
    let check = |store: &Store, expected: RefusedTime, batch: Batch| {
        let error = store.append_batch(batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefusedTime);
        assert_eq!(error.refused_time(), Some(&expected));
        assert_eq!(store.snapshot().len(), 1);
    };
    let one = || Batch::new().push(&a, event("y").at(supplied));
    check(&store, RefusedTime::Behind { supplied, last }, one());
    // Within a batch, too.
    let first = hlc(NOW + 10, 0);
    let batch = Batch::new()
        .push(&a, event("y").at(first))
        .push(&a, event("z").at(hlc(NOW + 9, 5)));
    let behind = RefusedTime::Behind {
        supplied: hlc(NOW + 9, 5),
        last: first,
    };
    check(&store, behind, batch);
    store.close().unwrap();
    let (store, _) = open(&fs);
    check(&store, RefusedTime::Behind { supplied, last }, one());
    let next = store.append(&a, event("y")).unwrap();
    assert_eq!(next.hlc, hlc(NOW, 1), "a refused time moves no clock");
}

#[test]
fn a_time_may_be_ahead_only_by_so_much() {
    let fs = MemFs::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let store = options(&fs)
        .clock(clock.clone())
        .clock_drift_max(Duration::from_millis(500))
        .open("/store")
        .unwrap();
    let a = at("a", "s");
    let (allowed, ahead) = (hlc(NOW + 500, 0), hlc(NOW + 501, 0));
    let expected = RefusedTime::Ahead {
        supplied: ahead,
        now_ms: NOW,
        drift_ms_max: 500,
    };
    let error = store.append(&a, event("x").at(ahead)).unwrap_err();
    assert_eq!(error.refused_time(), Some(&expected));
    let error = store.observe(ahead).unwrap_err();
    assert_eq!(error.refused_time(), Some(&expected));
    assert!(
        error.to_string().contains("more than 500 ms ahead"),
        "{error}"
    );
    assert_eq!(store.append(&a, event("x")).unwrap().hlc, hlc(NOW, 0));
    assert_eq!(
        store.append(&a, event("x").at(allowed)).unwrap().hlc,
        allowed
    );
    clock.set(NOW + 1);
    assert_eq!(store.append(&a, event("x").at(ahead)).unwrap().hlc, ahead);
}

#[test]
fn the_default_bound_is_a_minute() {
    let (store, _) = open(&MemFs::new());
    assert!(store.observe(hlc(NOW + 60_000, 0)).is_ok());
    assert!(store.observe(hlc(NOW + 60_001, 0)).is_err());
}

#[test]
fn what_was_observed_is_before_what_comes() {
    let (store, _) = open(&MemFs::new());
    let seen = hlc(NOW + 30_000, 4);
    store.observe(seen).unwrap();
    store.observe(hlc(3, 3)).unwrap();
    let receipt = store.append(&at("a", "s"), event("x")).unwrap();
    assert_eq!(receipt.hlc, hlc(NOW + 30_000, 5));
}

/// The clock was moved when an event was encoded, and stayed there when the disk did not take it, also
/// over a close: earlier times were refused that nothing in the store is later than.
#[test]
fn an_append_that_the_disk_refuses_moves_no_time() {
    let memory = MemFs::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let fs = FaultFs::new(Arc::new(memory.clone()));
    let options = || options(&memory).clock(clock.clone());
    let store = options().fs(Arc::new(fs.clone())).open("/store").unwrap();
    let a = at("a", "s");
    store.append(&a, event("first").at(hlc(1000, 0))).unwrap();
    for partial_bytes in [0, 40] {
        let fault = Fault {
            after: 0,
            times: 1,
            error: std::io::ErrorKind::StorageFull,
            partial_bytes,
        };
        fs.fail(Operation::Write, fault);
        let late = Batch::new()
            .push(&a, event("refused").at(hlc(2000, 0)))
            .push(&a, event("refused").at(hlc(3000, 0)));
        let error = store.append_batch(late).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotWritten);
    }
    let receipt = store.append(&a, event("second").at(hlc(1500, 0))).unwrap();
    assert_eq!(receipt.hlc, hlc(1500, 0));
    let fault = Fault {
        after: 0,
        times: 1,
        error: std::io::ErrorKind::StorageFull,
        partial_bytes: 0,
    };
    fs.fail(Operation::Write, fault);
    store.append(&a, event("now")).unwrap_err();
    store.close().unwrap();
    let store = options().open("/store").unwrap();
    let receipt = store.append(&a, event("third").at(hlc(1600, 0))).unwrap();
    assert_eq!(receipt.hlc, hlc(1600, 0));
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_repeat_is_a_repeat_whatever_its_time() {
    let (store, _) = open(&MemFs::new());
    let a = at("a", "s");
    let event = || event("x").with_id(EventId::from_u128(1));
    let first = store.append(&a, event()).unwrap();
    let again = store.append(&a, event().at(hlc(1, 0))).unwrap();
    assert!(again.repeated);
    assert_eq!(again.hlc, first.hlc);
}
