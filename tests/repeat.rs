//! Idempotency: what is a repeat, what is a conflict and why, after a reopen, a crash, in batches.

use crate::harness::{CHANGED, CREATED, at, event, open, options, written};
use strandline::fs::MemFs;
use strandline::{
    Batch, Coordinate, Difference, ErrorKind, Event, EventId, PayloadEncoding, Receipt, Store,
};

const fn id(number: u128) -> EventId {
    EventId::from_u128(number)
}

fn difference(store: &Store, coordinate: &Coordinate, event: Event) -> Difference {
    let error = store.append(coordinate, event).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    error.id_conflict().unwrap().difference
}

fn same(left: &Receipt, right: &Receipt) -> bool {
    (left.id, left.sequence, left.clock, left.hlc, left.hash)
        == (right.id, right.sequence, right.clock, right.hlc, right.hash)
}

#[test]
fn a_conflict_says_what_differs() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let cause = store.append(&a, event("cause")).unwrap().id;
    let first = || event("x").with_id(id(42)).caused_by(cause);
    let receipt = store.append(&a, first()).unwrap();
    for (coordinate, event, expected) in [
        (at("b", "s"), first(), Difference::Coordinate),
        (at("a", "t"), first(), Difference::Coordinate),
        (
            a.clone(),
            Event::bytes(CHANGED, *b"x")
                .with_id(id(42))
                .caused_by(cause),
            Difference::Kind,
        ),
        (a.clone(), first().caused_by(id(1)), Difference::Causation),
        (a.clone(), event("x").with_id(id(42)), Difference::Causation),
        (
            a.clone(),
            first().correlated_with(cause),
            Difference::Correlation,
        ),
        (a.clone(), first().with_version(2), Difference::Extensions),
        (
            a.clone(),
            event("y").with_id(id(42)).caused_by(cause),
            Difference::Payload,
        ),
        (
            a.clone(),
            Event::encoded(CREATED, PayloadEncoding::JSON, b"x".to_vec())
                .with_id(id(42))
                .caused_by(cause),
            Difference::Payload,
        ),
    ] {
        assert_eq!(difference(&store, &coordinate, event), expected);
    }
    let error = store.append(&a, event("y").with_id(id(42))).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "event id {} is taken by event {}, which has another causation",
            id(42),
            receipt.sequence
        )
    );
    assert!(same(&store.append(&a, first()).unwrap(), &receipt));
    assert_eq!(store.snapshot().len(), 2);
}

#[test]
fn a_batch_is_repeated_whole_and_says_what_differs() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let member = |number: u128| event(&number.to_string()).with_id(id(number));
    let batch = |numbers: &[u128]| {
        let batch = Batch::new();
        let push = |batch: Batch, number: &u128| batch.push(&a, member(*number));
        numbers.iter().fold(batch, push)
    };
    store.append_batch(batch(&[1, 2, 3])).unwrap();
    for (numbers, expected) in [
        (&[1, 2][..], Difference::Batch),
        (&[1, 2, 3, 4], Difference::Batch),
        (&[1, 2, 4], Difference::Batch),
        (&[2, 1, 3], Difference::Batch),
        (&[1, 3, 2], Difference::Order),
    ] {
        let error = store.append_batch(batch(numbers)).unwrap_err();
        let found = error.id_conflict().unwrap().difference;
        assert_eq!(found, expected, "{numbers:?}");
    }
    let no_id = batch(&[1, 2]).push(&a, event("3"));
    let error = store.append_batch(no_id).unwrap_err();
    assert_eq!(error.id_conflict().unwrap().difference, Difference::Batch);
    assert_eq!(store.snapshot().len(), 3);
}

#[test]
fn a_repeat_is_known_after_reopens_rotations_and_without_checkpoint() {
    let fs = MemFs::new();
    let open = || {
        let small = written(&fs).segment_bytes_max(64 << 10);
        small.open("/store").unwrap()
    };
    let large = |number: u128| Event::bytes(CREATED, vec![1; 20 << 10]).with_id(id(number));
    let a = at("a", "s");
    let store = open();
    // Ids that do not ascend, so that none is found by its place.
    let numbers = [50, 3, 99, 7, 60, 1, 98, 2, 61];
    let receipts: Vec<_> = numbers
        .iter()
        .map(|number| store.append(&a, large(*number)).unwrap())
        .collect();
    let check = |store: &Store| {
        for (number, receipt) in numbers.iter().zip(&receipts) {
            let again = store.append(&a, large(*number)).unwrap();
            assert!(again.repeated && same(&again, receipt));
        }
        assert_eq!(store.snapshot().len(), numbers.len() as u64);
    };
    check(&store);
    drop(store);
    check(&open());
    let store = open();
    store.close().unwrap();
    check(&open());
}

#[test]
fn a_repeat_of_a_batch_with_links_between_members_is_known() {
    let fs = MemFs::new();
    let a = at("a", "s");
    let batch = |second| {
        Batch::new()
            .push(&a, event("1").with_id(id(1)))
            .push(&a, second)
    };
    let second = || event("2").with_id(id(2)).caused_by_member(0);
    let store = open(&fs);
    store.append_batch(batch(second())).unwrap();
    store.close().unwrap();
    let store = open(&fs);
    let again = store.append_batch(batch(second())).unwrap();
    assert!(
        again
            .iter()
            .all(|receipt| receipt.repeated && receipt.durable)
    );
    let by_id = event("2").with_id(id(2)).caused_by(id(1));
    assert!(store.append_batch(batch(by_id)).is_ok(), "the same link");
    let other = second().correlated_with_member(0);
    let error = store.append_batch(batch(other)).unwrap_err();
    let found = error.id_conflict().unwrap().difference;
    assert_eq!(found, Difference::Correlation);
}

#[test]
fn of_threads_that_append_the_same_event_one_writes_it() {
    let fs = MemFs::new();
    for options in [options(&fs), written(&fs)] {
        let store = options.open("/store").unwrap();
        let before = store.snapshot().len();
        let first = u128::from(before) + 1;
        let append = || {
            (first..first + 50)
                .map(|number| {
                    let event = event("x").with_id(id(number));
                    let receipt = store.append(&at("a", "s"), event).unwrap();
                    let seen = store.snapshot().get(receipt.id).unwrap();
                    assert!(seen.is_some(), "a repeat is visible too");
                    receipt
                })
                .collect::<Vec<_>>()
        };
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(append));
            threads.map(|thread| thread.join().unwrap()).into()
        });
        assert_eq!(store.snapshot().len(), before + 50);
        for number in 0..50 {
            let receipts: Vec<_> = all.iter().map(|thread| &thread[number]).collect();
            assert!(receipts.iter().all(|receipt| same(receipt, receipts[0])));
            let firsts = receipts.iter().filter(|receipt| !receipt.repeated).count();
            assert_eq!(firsts, 1);
        }
    }
}
