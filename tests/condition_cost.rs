//! What a condition costs: its own caller and nobody else, within limits.

use crate::condition::append_if;
use crate::harness::{CREATED, at, event, open, until, written};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, AppendOptions, Batch, CONDITION_REGIONS_MAX, CONDITION_TAGS_MAX, ErrorKind,
    Event, EventId, Region, Sequence, Store,
};

/// A store of many small segments, each with its own entities and tags.
fn many_segments() -> Store {
    let small = written(&MemFs::new()).segment_bytes_max(64 << 10);
    let store = small.open("/store").unwrap();
    for number in 0..3_000 {
        let coordinate = at(&format!("entity:{number}"), "s");
        let large = Event::bytes(CREATED, vec![0; 1 << 10]).tagged(format!("tag:{number}"));
        store.append(&coordinate, large).unwrap();
    }
    store
}

fn of_many_regions(count: usize) -> AppendCondition {
    let none = AppendCondition::since(Sequence::ZERO);
    (0..count).fold(none, |condition, number| {
        condition.none_in(Region::all().tag(format!("nobody:{number}")))
    })
}

/// Conditions were looked up under the commit lock, so that one of many regions held up everybody
/// for as long as that took.
#[test]
fn a_condition_that_takes_long_holds_up_no_other_append() {
    let store = many_segments();
    let tags =
        |region: usize| (0..CONDITION_TAGS_MAX / 100).map(move |tag| format!("{region}:{tag}"));
    let none = AppendCondition::since(Sequence::ZERO);
    let condition = (0..100).fold(none, |condition, region| {
        condition.none_in(Region::all().any_tag(tags(region)))
    });
    // More than once, since a machine that is busy elsewhere may stop the one thread or the other.
    until("a condition that is looked up holds up no others", || {
        appends_in_the_middle_of(&store, &condition) >= 10
    });
}

/// How many appends begin and end in the middle half of the time that one on a condition takes.
#[expect(
    clippy::disallowed_methods,
    reason = "what happens when is what is tested"
)]
fn appends_in_the_middle_of(store: &Store, condition: &AppendCondition) -> usize {
    let is_checked = AtomicBool::new(false);
    let mut beside = Vec::new();
    let (begun, took) = std::thread::scope(|scope| {
        let checked = scope.spawn(|| {
            let begun = Instant::now();
            append_if(store, &at("long", "s"), event("long"), condition).unwrap();
            is_checked.store(true, Ordering::Release);
            (begun, begun.elapsed())
        });
        while !is_checked.load(Ordering::Acquire) {
            let begun = Instant::now();
            store.append(&at("beside", "s"), event("beside")).unwrap();
            beside.push((begun, Instant::now()));
        }
        checked.join().unwrap()
    });
    let middle = begun + took / 4..begun + took * 3 / 4;
    beside.retain(|(begun, ended)| middle.contains(begun) && middle.contains(ended));
    beside.len()
}

#[test]
fn a_condition_has_a_limit_on_regions_and_on_tags() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let tags = |count: usize| (0..count).map(|number| format!("tag:{number}"));
    let any =
        |count| AppendCondition::since(Sequence::ZERO).none_in(Region::all().any_tag(tags(count)));
    let region = Region::all()
        .tag("one")
        .any_tag(tags(CONDITION_TAGS_MAX / 2 - 1));
    let two = AppendCondition::since(Sequence::ZERO)
        .none_in(region.clone())
        .none_in(region);
    for allowed in [
        of_many_regions(CONDITION_REGIONS_MAX),
        any(CONDITION_TAGS_MAX),
        two.clone(),
    ] {
        append_if(&store, &a, event("1"), &allowed).unwrap();
    }
    for (refused, limit) in [
        (
            of_many_regions(CONDITION_REGIONS_MAX + 1),
            "1001 regions, the limit is 1000 (CONDITION_REGIONS_MAX)",
        ),
        (
            any(CONDITION_TAGS_MAX + 1),
            "10001 tags, the limit is 10000 (CONDITION_TAGS_MAX)",
        ),
        (
            two.none_in(Region::all().tag("more")),
            "10001 tags, the limit is 10000 (CONDITION_TAGS_MAX)",
        ),
    ] {
        let options = AppendOptions::new().condition(&refused);
        for error in [
            append_if(&store, &a, event("2"), &refused).unwrap_err(),
            store.submit_with(&a, event("2"), options).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            assert!(error.to_string().contains(limit), "{error}");
        }
    }
    assert_eq!(store.snapshot().len(), 3);
}

/// What is looked up before the lock must say the same as what is looked up under it.
#[test]
fn a_condition_among_many_appends_fails_if_one_of_them_is_excluded() {
    let store = many_segments();
    for excluded in [0, 1_499, 2_999, 3_000] {
        let tag = |number: u64| Region::all().tag(format!("tag:{number}"));
        let none = AppendCondition::since(Sequence::ZERO).none_in(Region::all().tag("nobody"));
        let condition = none.none_in(tag(excluded));
        if excluded == 3_000 {
            append_if(&store, &at("a", "s"), event("a"), &condition).unwrap();
            continue;
        }
        let error = append_if(&store, &at("a", "s"), event("a"), &condition).unwrap_err();
        let conflict = error.condition_conflict().unwrap();
        assert_eq!((conflict.region, conflict.sequence.get()), (1, excluded));
        let later = AppendCondition::since(Sequence::new(excluded + 1)).none_in(tag(excluded));
        append_if(&store, &at("b", "s"), event("b"), &later).unwrap();
    }
}

/// For each of its own events that an append repeated, all tags of a region were looked up anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "what takes long is measured")]
fn what_an_append_repeats_is_gone_past_once() {
    let store = written(&MemFs::new()).open("/store").unwrap();
    let own = |number: u128| {
        let id = EventId::from_u128(1 + number);
        event("own").with_id(id).tagged(format!("tag:{number}"))
    };
    let add = |batch: Batch, number| batch.push(&at("e", "s"), own(number));
    let batch = (0..8_000).fold(Batch::new(), add);
    store.append_batch(batch.clone()).unwrap();
    let tags = (0..CONDITION_TAGS_MAX).map(|number| format!("tag:{number}"));
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all().any_tag(tags));
    let repeat = || {
        let begun = Instant::now();
        let receipts = store
            .append_batch_with(batch.clone(), AppendOptions::new().condition(&condition))
            .unwrap();
        assert!(receipts.iter().all(|receipt| receipt.repeated));
        begun.elapsed()
    };
    // It was a minute, and is part of a second where nobody else has the processor.
    assert!((0..5).any(|_| repeat().as_secs() < 20));
}
