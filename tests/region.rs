//! Regions at their edges: empty and reversed ranges, empty lists, prefixes and names, calls that replace
//! each other. Whoever is asked, the answer is that of the standard library's ranges and iterators.

use crate::harness::{CHANGED, CREATED, KINDS, at, cases, contents, dir, written};
use proptest::prelude::*;
use std::ops::{Bound, RangeBounds};
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, AppendOptions, Coordinate, ErrorKind, Event, EventHeader, EventKind, Hlc,
    IndexLayout, KindFilter, Query, Region, Sequence, Snapshot, Store, StoredEvent,
};

pub(crate) type Range = (Bound<u64>, Bound<u64>);

/// A call of the builder.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Entity(&'static str),
    Prefix(&'static str),
    Scope(&'static str),
    Kind(KindFilter),
    Kinds(Vec<KindFilter>),
    NotKinds(Vec<KindFilter>),
    Clock(Range),
    Sequence(Range),
    After(u64),
    Before(u64),
    WallMs(Range),
    Tag(&'static str),
    AnyTag(Vec<&'static str>),
}

/// The same range of other numbers: what is beyond them is as good as no bound.
fn of_32(range: &Range) -> (Bound<u32>, Bound<u32>) {
    let of = |bound: &Bound<u64>| bound.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    (of(&range.0), of(&range.1))
}

pub(crate) fn region(calls: &[Call]) -> Region {
    calls
        .iter()
        .fold(Region::all(), |region, call| match call.clone() {
            Call::Entity(name) => region.entity(name),
            Call::Prefix(prefix) => region.entity_prefix(prefix),
            Call::Scope(name) => region.scope(name),
            Call::Kind(kinds) => region.kind(kinds),
            Call::Kinds(kinds) => region.kinds(kinds),
            Call::NotKinds(kinds) => region.not_kinds(kinds),
            Call::Clock(range) => region.clock(of_32(&range)),
            Call::Sequence(range) => region.sequence(range),
            Call::After(sequence) => region.after(Sequence::new(sequence)),
            Call::Before(sequence) => region.before(Sequence::new(sequence)),
            Call::WallMs(range) => region.wall_ms(range),
            Call::Tag(tag) => region.tag(tag),
            Call::AnyTag(tags) => region.any_tag(tags),
        })
}

/// Whether later calls take the place of this one.
fn is_replaced(call: &Call, later: &[Call]) -> bool {
    later.iter().any(|later| {
        matches!(
            (call, later),
            (
                Call::Entity(_) | Call::Prefix(_),
                Call::Entity(_) | Call::Prefix(_)
            ) | (Call::Scope(_), Call::Scope(_))
                | (
                    Call::Kind(_) | Call::Kinds(_),
                    Call::Kind(_) | Call::Kinds(_)
                )
                | (Call::NotKinds(_), Call::NotKinds(_))
                | (Call::Clock(_), Call::Clock(_))
                | (
                    Call::Sequence(_) | Call::After(_) | Call::Before(_),
                    Call::Sequence(_)
                )
                | (Call::WallMs(_), Call::WallMs(_))
                | (Call::AnyTag(_), Call::AnyTag(_))
        )
    })
}

/// What the calls take, told without a region.
pub(crate) fn takes(calls: &[Call], event: &EventHeader) -> bool {
    let has = |tag: &&str| event.tags().any(|own| own == *tag);
    let is_of = |kinds: &KindFilter| match kinds {
        KindFilter::Any => true,
        KindFilter::Category(category) => event.kind.category() == *category,
        KindFilter::Exact(kind) => event.kind == *kind,
    };
    let passes = |call: &Call| match call {
        Call::Entity(name) => event.coordinate.entity() == *name,
        Call::Prefix(prefix) => event.coordinate.entity().starts_with(prefix),
        Call::Scope(name) => event.coordinate.scope() == *name,
        Call::Kind(kinds) => is_of(kinds),
        Call::Kinds(kinds) => kinds.iter().any(is_of),
        Call::NotKinds(kinds) => !kinds.iter().any(is_of),
        Call::Clock(range) => of_32(range).contains(&event.clock),
        Call::Sequence(range) => range.contains(&event.sequence.get()),
        Call::After(sequence) => event.sequence.get() > *sequence,
        Call::Before(sequence) => event.sequence.get() < *sequence,
        Call::WallMs(range) => range.contains(&event.hlc.wall_ms()),
        Call::Tag(tag) => has(tag),
        Call::AnyTag(tags) => tags.iter().any(has),
    };
    let mut calls = calls.iter().enumerate();
    let all: Vec<_> = calls.by_ref().map(|(_, call)| call.clone()).collect();
    (0..all.len()).all(|at| is_replaced(&all[at], &all[at + 1..]) || passes(&all[at]))
}

pub(crate) fn calls() -> impl Strategy<Value = Vec<Call>> {
    let number = || {
        let edges = [0, 1, 2, 7, 59, 60, 61, 1_000, 1_010, u64::MAX - 1, u64::MAX];
        prop_oneof![0..70_u64, prop::sample::select(edges.to_vec())]
    };
    let bound = move || {
        prop_oneof![
            3 => number().prop_map(Bound::Included),
            3 => number().prop_map(Bound::Excluded),
            1 => Just(Bound::Unbounded),
        ]
    };
    let range = move || (bound(), bound());
    let name = || prop::sample::select(vec!["", "e:", "e:0", "e:1", "s", "t", "x"]);
    let tag = || prop::sample::select(vec!["", "t:0", "t:1", "t:2", "none"]);
    let kinds = || {
        prop_oneof![
            Just(KindFilter::Any),
            (0..18_u8).prop_map(KindFilter::Category),
            prop::sample::select(KINDS.to_vec()).prop_map(KindFilter::Exact),
        ]
    };
    let several = move || prop::collection::vec(kinds(), 0..3);
    let call = prop_oneof![
        name().prop_map(Call::Entity),
        name().prop_map(Call::Prefix),
        name().prop_map(Call::Scope),
        kinds().prop_map(Call::Kind),
        several().prop_map(Call::Kinds),
        several().prop_map(Call::NotKinds),
        range().prop_map(Call::Clock),
        range().prop_map(Call::Sequence),
        number().prop_map(Call::After),
        number().prop_map(Call::Before),
        range().prop_map(Call::WallMs),
        tag().prop_map(Call::Tag),
        prop::collection::vec(tag(), 0..3).prop_map(Call::AnyTag),
    ];
    prop::collection::vec(call, 0..4)
}

/// A store of three segments and some live rows.
fn filled(layout: IndexLayout) -> Store {
    let clock = std::sync::Arc::new(strandline_core::ManualClock::new(1_000));
    let options = written(&MemFs::new()).segment_bytes_max(64 << 10);
    let options = options.index_layout(layout).clock(clock.clone());
    let store = options.open(dir()).unwrap();
    for number in 0..60_u64 {
        clock.set(1_000 + number / 4);
        let kind = if number % 5 == 0 { CHANGED } else { CREATED };
        let (coordinate, event) = numbered(number, kind, 3_000);
        store.append(&coordinate, event).unwrap();
    }
    store
}

/// An event of those that [`calls`] ask for.
pub(crate) fn numbered(number: u64, kind: EventKind, bytes: usize) -> (Coordinate, Event) {
    let scope = if number.is_multiple_of(4) { "s" } else { "t" };
    let event = Event::bytes(kind, vec![7; bytes]);
    let event = match number % 7 {
        0 => event,
        tag => event
            .tagged(format!("t:{}", tag % 2))
            .tagged(format!("t:{}", tag % 3)),
    };
    (at(&format!("e:{}", number % 3), scope), event)
}

/// Whether an append on condition of the regions would be done; it is not.
fn allowed(store: &Store, since: u64, query: impl Into<Query>) -> bool {
    let condition = AppendCondition::since(Sequence::new(since)).none_in(query);
    let options = AppendOptions::new().condition(&condition);
    // What is looked at after the condition.
    let never = Event::bytes(CREATED, *b"").at(Hlc::new(1 << 47, 0).unwrap());
    let error = store
        .append_with(&at("probe", "s"), never, options)
        .unwrap_err();
    match error.kind() {
        ErrorKind::RefusedTime => true,
        ErrorKind::ConditionFailed => false,
        other => panic!("{other:?}: {error}"),
    }
}

/// A store, and what is in it.
struct Filled {
    store: Store,
    now: Snapshot,
    all: Vec<StoredEvent>,
}

fn check(filled: &Filled, calls: &[Call], limit: usize, since: u64) {
    let Filled { store, now, all } = filled;
    let region = region(calls);
    let expected: Vec<_> = all.iter().filter(|event| takes(calls, event)).collect();
    let sequences: Vec<_> = expected.iter().map(|event| event.sequence).collect();
    let matching: Vec<_> = all.iter().filter(|event| region.matches(event)).collect();
    assert_eq!(matching, expected, "Region::matches of {calls:?}");
    let forward = now.query(&region).map(|event| event.unwrap().sequence);
    assert_eq!(forward.collect::<Vec<_>>(), sequences, "query of {calls:?}");
    let back = now
        .query(&region)
        .rev()
        .map(|event| event.unwrap().sequence);
    assert!(
        back.eq(sequences.iter().rev().copied()),
        "query back of {calls:?}"
    );
    let few = now
        .query(&region)
        .take(limit)
        .map(|event| event.unwrap().sequence);
    assert!(
        few.eq(sequences.iter().copied().take(limit)),
        "{limit} of {calls:?}"
    );
    let rows = now.rows(&region).map(|row| row.sequence());
    assert!(rows.eq(sequences.iter().copied()), "rows of {calls:?}");
    let last = now.rows(&region).next_back().map(|row| row.sequence());
    assert_eq!(last, sequences.last().copied(), "last row of {calls:?}");
    assert_eq!(
        now.rows(&region).count(),
        sequences.len(),
        "count of {calls:?}"
    );
    let plan = now.explain(&region);
    assert!(
        plan.candidates() >= sequences.len() as u64,
        "{plan} for {calls:?}"
    );
    assert!(
        !plan.is_exact() || plan.candidates() == sequences.len() as u64,
        "{plan} for {calls:?}"
    );
    let none_since = |since: u64| sequences.iter().all(|sequence| sequence.get() < since);
    assert_eq!(
        allowed(store, 0, &region),
        sequences.is_empty(),
        "condition on {calls:?}"
    );
    assert_eq!(
        allowed(store, since, &region),
        none_since(since),
        "since {since}, on {calls:?}"
    );
}

/// Any of some regions, in every way of asking.
fn check_any(filled: &Filled, calls: &[Vec<Call>], limit: usize, since: u64) {
    let now = &filled.now;
    let query: Query = calls.iter().map(|calls| region(calls)).collect();
    let is_in = |event: &&StoredEvent| calls.iter().any(|calls| takes(calls, event.header()));
    let expected = filled.all.iter().filter(is_in);
    let expected: Vec<_> = expected.map(|event| event.sequence).collect();
    let found = now.rows(&query).map(|row| row.sequence());
    assert!(found.eq(expected.iter().copied()), "{calls:?}");
    let back = now.rows(&query).rev().map(|row| row.sequence());
    assert!(back.eq(expected.iter().rev().copied()), "{calls:?}");
    assert_eq!(now.rows(&query).count(), expected.len(), "{calls:?}");
    let candidates = now.explain(&query).candidates();
    assert!(candidates >= expected.len() as u64, "{calls:?}");
    let few = now.query(query.clone().limit(limit));
    let few = few.map(|event| event.unwrap().sequence);
    assert!(few.eq(expected.iter().copied().take(limit)), "{calls:?}");
    let few = now.query(query.clone().limit(limit)).rev();
    let few = few.map(|event| event.unwrap().sequence);
    assert!(
        few.eq(expected.iter().rev().copied().take(limit)),
        "{limit} of {calls:?}"
    );
    let none_since = expected.iter().all(|sequence| sequence.get() < since);
    assert_eq!(
        allowed(&filled.store, since, &query),
        none_since,
        "{calls:?}"
    );
}

/// An empty list of tags was no filter, for every reader and for conditions too.
#[test]
fn every_answer_about_a_region_is_the_same() {
    let layouts = [
        IndexLayout::Postings,
        IndexLayout::Tiles,
        IndexLayout::Columns,
    ];
    let stores = layouts.map(|layout| {
        let store = filled(layout);
        let now = store.snapshot();
        let all = contents(&now);
        Filled { store, now, all }
    });
    let mut runner = proptest::test_runner::TestRunner::new(cases(600));
    let several = prop::collection::vec(calls(), 1..7);
    let run = runner.run(
        &(several, 0..5_usize, 0..70_u64),
        |(calls, limit, since)| {
            for store in &stores {
                check(store, &calls[0], limit, since);
                check_any(store, &calls, limit, since);
            }
            Ok(())
        },
    );
    run.unwrap();
    for calls in [
        vec![Call::AnyTag(vec![])],
        vec![Call::AnyTag(vec![]), Call::Tag("t:1")],
        vec![Call::AnyTag(vec!["t:1"]), Call::AnyTag(vec![])],
        vec![Call::Sequence((Bound::Included(5), Bound::Excluded(5)))],
        vec![Call::Sequence((Bound::Included(9), Bound::Excluded(3)))],
        vec![Call::Sequence((
            Bound::Unbounded,
            Bound::Included(u64::MAX),
        ))],
        vec![Call::After(u64::MAX)],
    ] {
        for store in &stores {
            check(store, &calls, 2, 1);
        }
    }
}
