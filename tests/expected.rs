//! Expected versions: what they allow, what they say, and that of two writers one alone wins.

use crate::compact::{copy, cut_footers, run, run_redact, small};
use crate::harness::{at, dir, event, open, options, remove, texts, written};
use proptest::prelude::*;
use std::sync::Barrier;
use strandline::ExpectedVersion::{Any, Exactly, NoStream, StreamExists};
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    AppendCondition, AppendOptions, Batch, ErrorClass, ErrorKind, EventId, ExpectedVersion, Region,
    Sequence, Store,
};

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

/// What may happen to the streams of a few entities.
#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Batch(u8, u8),
    KeepNewest(u32, u8),
    KeepSince(u8),
    Drop(u8),
    DropAll,
    Redact(u8),
    Rotate,
    Close,
    Kill,
    WithoutFooters,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..3_u8;
    let step = prop_oneof![
        6 => who.clone().prop_map(Step::Append),
        2 => (who.clone(), who.clone()).prop_map(|(one, other)| Step::Batch(one, other)),
        1 => (1..4_u32, who.clone()).prop_map(|(count, who)| Step::KeepNewest(count, who)),
        1 => any::<u8>().prop_map(Step::KeepSince),
        3 => who.clone().prop_map(Step::Drop),
        1 => Just(Step::DropAll),
        1 => who.prop_map(Step::Redact),
        1 => Just(Step::Rotate),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => Just(Step::WithoutFooters),
    ];
    prop::collection::vec(step, 1..24)
}

const ENTITIES: [&str; 3] = ["e:0", "e:1", "e:2"];

fn newest(store: &Store, entity: &str) -> Option<u32> {
    let newest = store.snapshot().latest(entity).unwrap();
    newest.map(|event| event.clock)
}

/// Checks that what a reader computes is the only version that a writer accepts.
fn agree(store: &Store, entity: &str) {
    let actual = newest(store, entity);
    let version = ExpectedVersion::of(actual);
    let before = store.snapshot().visible();
    let coordinate = at(entity, "s");
    let clocks = actual.map_or(0, |clock| clock.saturating_sub(3))..;
    let wrong = clocks.take(8).map(Exactly).chain([NoStream, StreamExists]);
    for wrong in wrong.filter(|wrong| !wrong.allows(actual)) {
        let error = store.append(&coordinate, event("x").expecting(wrong));
        let error = error.unwrap_err();
        let conflict = error.version_conflict().unwrap();
        assert_eq!(conflict.actual, actual, "{wrong:?}");
        // As a later member of a batch too.
        let batch = Batch::new()
            .push(&at("other", "s"), event("x"))
            .push(&coordinate, event("y").expecting(wrong));
        let error = store.append_batch(batch).unwrap_err();
        assert_eq!(error.version_conflict().unwrap().actual, actual);
    }
    assert_eq!(store.snapshot().visible(), before);
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all().entity(entity));
    let on_none = AppendOptions::new().condition(&condition);
    let allowed = store.append_with(&at("other", "s"), event("x"), on_none);
    assert_eq!(
        allowed.is_ok(),
        NoStream.allows(actual),
        "the condition and the version agree"
    );
    // Members of a batch see those before them, whose clocks go on after removed ones too.
    let both = |second| {
        Batch::new()
            .push(&coordinate, event("x").expecting(version))
            .push(&coordinate, event("y").expecting(second))
    };
    let error = store.append_batch(both(Exactly(u32::MAX))).unwrap_err();
    let seen = error.version_conflict().unwrap().actual.unwrap();
    let receipts = store.append_batch(both(Exactly(seen))).unwrap();
    let clock = receipts[0].clock;
    assert_eq!(clock, seen, "the clock that the first one was given");
    assert!(actual.is_none_or(|actual| clock == actual + 1));
    let wrong = Batch::new()
        .push(&coordinate, event("z"))
        .push(&coordinate, event("z").expecting(Exactly(clock + 1)));
    let error = store.append_batch(wrong).unwrap_err();
    assert_eq!(error.version_conflict().unwrap().actual, Some(clock + 2));
    assert_eq!(newest(store, entity), Some(clock + 1));
}

/// A writer went by the clock of the newest event that there ever was, so an entity all of whose events
/// were removed had no stream for readers and one for the writer, and its loop of reading and appending
/// never ended.
#[test]
fn an_entity_whose_events_were_removed_has_no_stream() {
    let fs = MemFs::new();
    let store = open(&fs);
    let a = at("account:7", "bank");
    for _ in 0..3 {
        store.append(&a, event("x")).unwrap();
    }
    run(&store, &Retention::new().drop_entity("account:7"));
    store.close().unwrap();
    let store = open(&fs);
    let error = store
        .append(&a, event("y").expecting(StreamExists))
        .unwrap_err();
    assert_eq!(error.version_conflict().unwrap().actual, None);
    assert!(error.to_string().contains("has no stream"), "{error}");
    let receipt = store.append(&a, event("y").expecting(NoStream)).unwrap();
    assert_eq!(receipt.clock, 3, "clocks are never given again");
    assert_eq!(newest(&store, "account:7"), Some(3));
    assert!(store.verify().unwrap().is_intact());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_a_reader_computes_is_what_a_writer_accepts(steps in steps()) {
        let mut fs = MemFs::new();
        let mut store = small(&fs).open(dir()).unwrap();
        let coordinate = |who: u8| at(ENTITIES[usize::from(who)], "s");
        for step in steps {
            match step {
                Step::Append(who) => drop(store.append(&coordinate(who), event("x")).unwrap()),
                Step::Batch(one, other) => {
                    let batch = Batch::new().push(&coordinate(one), event("x"));
                    store.append_batch(batch.push(&coordinate(other), event("y"))).unwrap();
                }
                Step::KeepNewest(count, who) => {
                    let rules = Retention::new().keep_newest(count);
                    run(&store, &rules.within(ENTITIES[usize::from(who)]));
                }
                Step::KeepSince(at) => {
                    let now = store.snapshot();
                    let rows: Vec<_> = now.rows(Region::all()).map(|row| row.wall_ms()).collect();
                    if let Some(place) = usize::from(at).checked_rem(rows.len()) {
                        run(&store, &Retention::new().keep_since(rows[place]));
                    }
                }
                Step::Drop(who) => {
                    let rules = Retention::new().drop_entity(ENTITIES[usize::from(who)]);
                    run(&store, &rules);
                }
                Step::DropAll => drop(run(&store, &Retention::new().drop_entities("e:"))),
                Step::Redact(who) => {
                    let chosen = Redaction::new().entity(ENTITIES[usize::from(who)]);
                    run_redact(&store, &chosen);
                }
                Step::Rotate => {
                    for _ in 0..2 {
                        let filler = strandline::Event::bytes(crate::harness::CHANGED, vec![7; 40_000]);
                        store.append(&at("filler", "s"), filler).unwrap();
                    }
                }
                Step::Close => {
                    store.close().unwrap();
                    store = small(&fs).open(dir()).unwrap();
                }
                Step::Kill | Step::WithoutFooters => {
                    let copied = copy(&fs);
                    drop(store);
                    fs = copied;
                    if matches!(step, Step::WithoutFooters) {
                        cut_footers(&fs);
                        remove(&fs, "checkpoint-");
                    }
                    store = small(&fs).open(dir()).unwrap();
                }
            }
        }
        for entity in ENTITIES {
            agree(&store, entity);
        }
        prop_assert!(store.verify().unwrap().is_intact());
    }
}
