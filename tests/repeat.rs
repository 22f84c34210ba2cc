//! Idempotency: what is a repeat, what is a conflict and why, after a reopen, a crash, in batches.

use crate::harness::{CHANGED, CREATED, at, dir, event, open, options, texts, written};
use std::sync::Arc;
use strandline::fs::{FaultFs, MemFs, Operation};
use strandline::{
    AppendCondition, AppendOptions, Batch, Coordinate, Difference, ErrorKind, Event, EventId,
    ExpectedVersion, PayloadEncoding, Receipt, Region, Sequence, Store,
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

/// Members were looked at as one piece, so that a superset, a part or another order of a batch was
/// refused for good, though each event was there.
#[test]
fn members_of_a_batch_are_looked_at_one_by_one() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let member = |number: u128| event(&number.to_string()).with_id(id(number));
    let batch = |numbers: &[u128]| {
        let batch = Batch::new();
        let push = |batch: Batch, number: &u128| batch.push(&a, member(*number));
        numbers.iter().fold(batch, push)
    };
    let firsts = store.append_batch(batch(&[1, 2, 3])).unwrap();
    let place = |number: u128| usize::try_from(number).unwrap() - 1;
    for numbers in [&[1, 2][..], &[2, 1, 3], &[1, 3, 2], &[3], &[2], &[1, 2, 3]] {
        let receipts = store.append_batch(batch(numbers)).unwrap();
        for (number, receipt) in numbers.iter().zip(&receipts) {
            assert!(receipt.repeated && same(receipt, &firsts[place(*number)]));
        }
        let ticket = store.submit_batch(batch(numbers)).unwrap();
        assert!(
            ticket
                .wait()
                .unwrap()
                .iter()
                .all(|receipt| receipt.repeated)
        );
    }
    assert!(store.append(&a, member(2)).unwrap().repeated);
    assert_eq!(store.snapshot().len(), 3);

    // A superset: what is new is one commit, and every receipt is in its member's place.
    let receipts = store.append_batch(batch(&[5, 2, 4, 1])).unwrap();
    let told: Vec<_> = receipts
        .iter()
        .map(|receipt| (receipt.id, receipt.sequence.get(), receipt.repeated))
        .collect();
    let expected = [(5, 3, false), (2, 1, true), (4, 4, false), (1, 0, true)];
    assert_eq!(
        told,
        expected.map(|(number, at, repeated)| (id(number), at, repeated))
    );
    assert_eq!(texts(&store), ["1", "2", "3", "5", "4"]);
    assert_eq!(receipts[2].clock, 4);
}

#[test]
fn a_batch_with_a_member_that_differs_writes_nothing() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let member = |number: u128| event(&number.to_string()).with_id(id(number));
    store.append(&a, member(1)).unwrap();
    let other = event("other").with_id(id(1));
    for batch in [
        Batch::new().push(&a, member(2)).push(&a, other.clone()),
        Batch::new().push(&a, other.clone()).push(&a, member(2)),
    ] {
        let error = store.append_batch(batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let conflict = error.id_conflict().unwrap();
        assert_eq!(
            (conflict.id, conflict.difference),
            (id(1), Difference::Payload)
        );
    }
    assert_eq!(store.snapshot().len(), 1);
}

/// Whether a member without an id was written the first time cannot be told: to write it might
/// double it, and not to might lose it.
#[test]
fn a_batch_that_repeats_in_part_needs_an_id_for_each_member() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let batch = || {
        Batch::new()
            .push(&a, event("1").with_id(id(1)))
            .push(&a, event("2"))
    };
    store.append_batch(batch()).unwrap();
    let error = store.append_batch(batch()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let conflict = error.id_conflict().unwrap();
    assert_eq!(conflict.difference, Difference::MemberWithoutId);
    assert!(
        error.to_string().contains("give every member an id"),
        "{error}"
    );
    assert_eq!(store.snapshot().len(), 2);
}

/// What a batch expects and what its condition excludes is asked of the events that are written, and
/// the batch's own events that are there already do not count against it.
#[test]
fn expectations_and_conditions_are_those_of_the_members_that_are_new() {
    let store = open(&MemFs::new());
    let (a, b) = (at("a", "s"), at("b", "s"));
    let first = event("1")
        .with_id(id(1))
        .expecting(ExpectedVersion::NoStream);
    let second = event("2")
        .with_id(id(2))
        .expecting(ExpectedVersion::Exactly(0));
    store.append(&a, first.clone()).unwrap();
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all().entity("a"));
    let options = || AppendOptions::new().condition(&condition);
    let both = || {
        Batch::new()
            .push(&a, first.clone())
            .push(&a, second.clone())
    };
    let receipts = store.append_batch_with(both(), options()).unwrap();
    assert_eq!([0, 1].map(|at: usize| receipts[at].repeated), [true, false]);
    // All of it is there: nothing is expected, and nothing excluded.
    store.append(&a, event("3")).unwrap();
    let receipts = store.append_batch_with(both(), options()).unwrap();
    assert!(receipts.iter().all(|receipt| receipt.repeated));
    // What others wrote is excluded, and what a new member expects is asked of the stream as it is.
    let third = event("4").with_id(id(4));
    let more = || both().push(&b, third.clone());
    let error = store.append_batch_with(more(), options()).unwrap_err();
    assert_eq!(
        error.condition_conflict().unwrap().sequence,
        Sequence::new(2)
    );
    let wrong = both().push(&a, third.clone().expecting(ExpectedVersion::Exactly(1)));
    let error = store.append_batch(wrong).unwrap_err();
    let conflict = error.version_conflict().unwrap();
    assert_eq!((conflict.actual, conflict.member), (Some(2), 2));
    assert_eq!(texts(&store), ["1", "2", "3"]);
}

#[test]
fn links_between_members_hold_whether_they_are_new_or_not() {
    let store = open(&MemFs::new());
    let (a, b) = (at("a", "s"), at("b", "s"));
    let cause = || event("1").with_id(id(1));
    let effect = || {
        event("2")
            .with_id(id(2))
            .caused_by_member(0)
            .correlated_with_member(0)
    };
    let last = || event("3").with_id(id(3)).caused_by_member(1);
    let batch = || {
        Batch::new()
            .push(&a, cause())
            .push(&b, effect())
            .push(&a, last())
    };
    // The middle one alone, by id; then the batch, whose links are to new and to repeated members.
    let by_id = event("2")
        .with_id(id(2))
        .caused_by(id(1))
        .correlated_with(id(1));
    store.append(&b, by_id).unwrap();
    let receipts = store.append_batch(batch()).unwrap();
    let repeated: Vec<_> = receipts.iter().map(|receipt| receipt.repeated).collect();
    assert_eq!(repeated, [false, true, false]);
    let now = store.snapshot();
    assert!(now.get(id(3)).unwrap().unwrap().is_caused_by(id(2)));
    assert!(
        store
            .append_batch(batch())
            .unwrap()
            .iter()
            .all(|receipt| receipt.repeated)
    );
    assert!(store.verify().unwrap().is_intact());
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

/// The limit on payloads was looked at before the id, so a retry was refused for good once the store was
/// opened with a lower one.
#[test]
fn a_repeat_is_known_whatever_limits_the_store_has_by_now() {
    let fs = MemFs::new();
    let a = at("a", "s");
    let large = |byte: u8| Event::bytes(CREATED, vec![byte; 2000]).with_id(id(1));
    let receipt = open(&fs).append(&a, large(7)).unwrap();
    let lower = options(&fs).payload_bytes_max(100).open("/store").unwrap();
    let again = lower.append(&a, large(7)).unwrap();
    assert!(again.repeated && same(&again, &receipt));
    let batch = Batch::new()
        .push(&a, large(7))
        .push(&a, event("2").with_id(id(2)));
    let receipts = lower.submit_batch(batch).unwrap().wait().unwrap();
    assert_eq!([0, 1].map(|at: usize| receipts[at].repeated), [true, false]);
    assert_eq!(difference(&lower, &a, large(8)), Difference::Payload);
    for refused in [
        large(7).with_id(id(3)),
        Event::bytes(CREATED, vec![7; 2000]),
    ] {
        let error = lower.append(&a, refused).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

/// Frames of only so many events before were kept, and a batch in another order than theirs looked for them
/// again and again, under the commit lock.
#[test]
fn a_batch_of_repeats_reads_as_much_in_any_order() {
    const EVENTS: u128 = 40 * 25;
    let fs = MemFs::new();
    let place = |number: u128| at(&format!("e:{}", number % 7), "s");
    let given = |number: u128| event("x").with_id(id(1 + number));
    let store = options(&fs).open(dir()).unwrap();
    for first in (0..EVENTS).step_by(25) {
        let add = |batch: Batch, number| batch.push(&place(number), given(number));
        let batch = (first..first + 25).fold(Batch::new(), add);
        store.append_batch(batch).unwrap();
    }
    store.close().unwrap();
    let reads_of = |order: &dyn Fn(u128) -> u128| {
        let counted = Arc::new(FaultFs::new(Arc::new(fs.clone())));
        let unmapped = options(&fs).fs(counted.clone());
        let store = unmapped.open(dir()).unwrap();
        let before = counted.calls(Operation::Read);
        let add = |batch: Batch, number| batch.push(&place(number), given(number));
        let batch = (0..EVENTS).map(order).fold(Batch::new(), add);
        let receipts = store.append_batch(batch).unwrap();
        for (number, receipt) in (0..).zip(receipts) {
            assert!(receipt.repeated);
            assert_eq!(u128::from(receipt.sequence.get()), order(number));
        }
        counted.calls(Operation::Read) - before
    };
    let in_order = reads_of(&|number| number);
    assert!(in_order > u64::try_from(EVENTS).unwrap(), "{in_order}");
    for order in [&|number| EVENTS - 1 - number, &|number| {
        number * 251 % EVENTS
    }] as [&dyn Fn(u128) -> u128; 2]
    {
        assert_eq!(reads_of(order), in_order);
    }
}
