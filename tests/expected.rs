//! Expected versions: what they allow, what they say, and that of two writers one alone wins.

use crate::harness::{at, event, open, options, texts, written};
use proptest::prelude::*;
use std::sync::Barrier;
use strandline::ExpectedVersion::{Any, Exactly, NoStream, StreamExists};
use strandline::fs::MemFs;
use strandline::{Batch, ErrorClass, ErrorKind, EventId, ExpectedVersion, Store};

/// Checks whether a stream whose newest clock is `actual` may be appended to.
fn check(expected: ExpectedVersion, actual: Option<u32>, allowed: bool) {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    store.append(&at("b", "s"), event("of another")).unwrap();
    for _ in 0..actual.map_or(0, |clock| clock + 1) {
        store.append(&a, event("x")).unwrap();
    }
    let before = store.snapshot().len();
    match store.append(&a, event("y").expecting(expected)) {
        Ok(receipt) => {
            assert!(allowed, "{expected:?} on {actual:?}");
            assert_eq!(receipt.clock, actual.map_or(0, |clock| clock + 1));
        }
        Err(error) => {
            assert!(!allowed, "{expected:?} on {actual:?}: {error}");
            assert_eq!(error.kind(), ErrorKind::WrongExpectedVersion);
            assert_eq!(error.class(), ErrorClass::NotWritten);
            let conflict = error.version_conflict().unwrap();
            assert_eq!(conflict.entity, "a");
            assert_eq!((conflict.expected, conflict.actual), (expected, actual));
            assert_eq!(store.snapshot().len(), before);
        }
    }
}

#[test]
fn each_expectation_allows_what_it_says() {
    for (expected, of_none, of_0, of_2) in [
        (Any, true, true, true),
        (NoStream, true, false, false),
        (StreamExists, false, true, true),
        (Exactly(0), false, true, false),
        (Exactly(2), false, false, true),
        (Exactly(3), false, false, false),
        (Exactly(u32::MAX), false, false, false),
    ] {
        check(expected, None, of_none);
        check(expected, Some(0), of_0);
        check(expected, Some(2), of_2);
    }
}

#[test]
fn the_error_says_what_was_expected_and_what_is_there() {
    let store = open(&MemFs::new());
    let a = at("account:1", "s");
    store.append(&a, event("x")).unwrap();
    let error = store
        .append(&a, event("y").expecting(Exactly(4)))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "account:1 was expected to have clock 4 and has clock 0; nothing was written"
    );
}

#[test]
fn a_member_of_a_batch_sees_the_members_before_it() {
    let store = open(&MemFs::new());
    let (a, b) = (at("a", "s"), at("b", "s"));
    let batch = Batch::new()
        .push(&a, event("1").expecting(NoStream))
        .push(&b, event("2").expecting(NoStream))
        .push(&at("a", "another scope"), event("3").expecting(Exactly(0)))
        .push(&b, event("4").expecting(StreamExists));
    store.append_batch(batch).unwrap();
    let batch = Batch::new()
        .push(&a, event("5").expecting(Exactly(1)))
        .push(&b, event("6"))
        .push(&b, event("7").expecting(Exactly(1)));
    let error = store.append_batch(batch).unwrap_err();
    let conflict = error.version_conflict().unwrap();
    assert_eq!((conflict.entity.as_str(), conflict.member), ("b", 2));
    assert_eq!(conflict.actual, Some(2), "the member before counts");
    assert_eq!(
        texts(&store),
        ["1", "2", "3", "4"],
        "a refused batch leaves nothing"
    );
}

#[test]
fn an_id_is_looked_at_before_the_version() {
    let fs = MemFs::new();
    let store = open(&fs);
    let a = at("a", "s");
    let first = || {
        event("1")
            .with_id(EventId::from_u128(9))
            .expecting(NoStream)
    };
    let receipt = store.append(&a, first()).unwrap();
    store.append(&a, event("2")).unwrap();
    let again = store.append(&a, first()).unwrap();
    assert!(again.repeated);
    assert_eq!(again.sequence, receipt.sequence);
}

#[test]
fn versions_hold_across_a_reopen_and_a_rotation() {
    let fs = MemFs::new();
    let open = || {
        let small = options(&fs).segment_bytes_max(64 << 10);
        small.open("/store").unwrap()
    };
    let mut store = open();
    let a = at("a", "s");
    let large = vec![b'x'; 20 << 10];
    for clock in 0..10_u32 {
        let expected = ExpectedVersion::of(clock.checked_sub(1));
        let large = strandline::Event::bytes(crate::harness::CREATED, large.clone());
        store.append(&a, large.clone().expecting(expected)).unwrap();
        let error = store.append(&a, large.expecting(expected)).unwrap_err();
        assert_eq!(error.version_conflict().unwrap().actual, Some(clock));
        if clock % 4 == 3 {
            store.close().unwrap();
            store = open();
        }
    }
}

/// Each thread reads the newest clock and appends the next, until the stream has `versions` events.
fn race(store: &Store, threads: usize, versions: u32) -> Vec<Vec<u32>> {
    let a = at("a", "s");
    let start = Barrier::new(threads);
    let race = || {
        start.wait();
        let mut won = Vec::new();
        loop {
            let newest = store.snapshot().latest("a").unwrap();
            let newest = newest.map(|event| event.clock);
            if newest.is_some_and(|clock| clock + 1 >= versions) {
                return won;
            }
            match store.append(&a, event("x").expecting(ExpectedVersion::of(newest))) {
                Ok(receipt) => {
                    assert_eq!(receipt.clock, newest.map_or(0, |clock| clock + 1));
                    won.push(receipt.clock);
                }
                Err(error) => {
                    let conflict = error.version_conflict().unwrap();
                    assert!(conflict.actual > newest);
                    let now = store.snapshot().latest("a").unwrap();
                    let now = now.map(|event| event.clock);
                    assert!(now >= conflict.actual, "who reads again sees why");
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(race)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn of_writers_that_expect_the_same_version_one_wins(
        threads in 2..5_usize,
        versions in 1..30_u32,
        synced: bool,
    ) {
        let fs = MemFs::new();
        let options = if synced { options(&fs) } else { written(&fs) };
        let store = options.open("/store").unwrap();
        let mut won = race(&store, threads, versions).concat();
        won.sort_unstable();
        prop_assert_eq!(won, (0..versions).collect::<Vec<_>>());
        prop_assert_eq!(store.snapshot().len(), u64::from(versions));
    }
}
