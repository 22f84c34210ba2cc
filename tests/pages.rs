//! Pages, their tokens, and the store as it was earlier: a place that was kept is right after the store was
//! closed, compacted and appended to, and is refused by another store.

use crate::compact::{run, small};
use crate::harness::{CHANGED, CREATED, KINDS, at, cases, contents, dir, fill, open, written};
use crate::restore::go_on;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{CopyMode, Existing, Retention, backup, restore};
use strandline::{
    AppendCondition, AppendOptions, ErrorKind, Event, ManualClock, Order, Page, PageToken, Query,
    Region, Sequence, Snapshot, Store, StoreOptions,
};

fn sequences(page: &Page) -> Vec<u64> {
    page.events
        .iter()
        .map(|event| event.sequence.get())
        .collect()
}

fn query() -> Query {
    Query::any_of([
        Region::all().entity("entity:1"),
        Region::all().entity_prefix("entity:").kinds([CHANGED]),
        Region::all().scope("scope/0").clock(3..),
    ])
}

fn matching(snapshot: &Snapshot, query: &Query) -> Vec<u64> {
    let events = contents(snapshot).into_iter();
    events
        .filter(|event| query.matches(event.header()))
        .map(|event| event.sequence.get())
        .collect()
}

/// What happens between two pages.
#[derive(Debug, Clone)]
enum Between {
    Nothing,
    Append(usize),
    Reopen,
    Compact(u32),
    ReadOnly,
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        2 => Just(Between::Nothing),
        2 => (1..40_usize).prop_map(Between::Append),
        1 => Just(Between::Reopen),
        1 => (1..30_u32).prop_map(Between::Compact),
        1 => Just(Between::ReadOnly),
    ]
}

/// Each page has the next events of the query that are there by now, whatever happened meanwhile.
fn go_through(order: Order, limit: usize, between: &[Between]) {
    let fs = MemFs::new();
    let mut store = small(&fs).open(dir()).unwrap();
    fill(&store, 150);
    let query = query().limit(limit);
    let mut token: Option<PageToken> = None;
    for happens in between {
        match happens {
            Between::Nothing | Between::ReadOnly => {}
            Between::Append(count) => drop(fill(&store, *count)),
            Between::Reopen => {
                store.close().unwrap();
                store = small(&fs).open(dir()).unwrap();
            }
            Between::Compact(keep) => {
                run(&store, &Retention::new().keep_newest(*keep));
            }
        }
        let read_only = matches!(happens, Between::ReadOnly)
            .then(|| small(&fs).read_only().open(dir()).unwrap());
        let now = read_only.as_ref().unwrap_or(&store).snapshot();
        let page = match &token {
            None => now.page(&query, order).unwrap(),
            Some(token) => now.next_page(&query, token).unwrap(),
        };
        let mut expected = matching(&now, &query);
        if order == Order::NewestFirst {
            expected.reverse();
        }
        if let Some(token) = token {
            let last = token.sequence().get();
            expected.retain(|sequence| match order {
                Order::OldestFirst => *sequence > last,
                Order::NewestFirst => *sequence < last,
            });
        }
        let is_cut = expected.len() > limit;
        expected.truncate(limit);
        assert_eq!(sequences(&page), expected);
        assert_eq!(page.next.is_some(), is_cut);
        let Some(next) = page.next else { return };
        assert_eq!(next, now.token(order, next.sequence()));
        assert_eq!(next.order(), order);
        // As it is kept elsewhere.
        token = Some(next.to_string().parse().unwrap());
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn pages_go_on_where_they_ended_whatever_happened_meanwhile(
        newest in any::<bool>(),
        limit in 1..30_usize,
        between in prop::collection::vec(between(), 1..12),
    ) {
        let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
        go_through(order, limit, &between);
    }
}

#[test]
fn a_query_without_a_limit_is_one_page() {
    let store = open(&MemFs::new());
    fill(&store, 20);
    let now = store.snapshot();
    let page = now.page(Region::all(), Order::OldestFirst).unwrap();
    assert_eq!((page.events.len(), page.next), (20, None));
    let none = Query::from(Region::all()).limit(0);
    let page = now.page(none, Order::OldestFirst).unwrap();
    assert_eq!((page.events.len(), page.next), (0, None));
    let page = now.page(Query::none(), Order::NewestFirst).unwrap();
    assert_eq!((page.events.len(), page.next), (0, None));
}

/// A page asked for kinds by their names gave none: names were not looked up there.
#[test]
fn a_page_asks_for_kinds_by_their_names() {
    let store = open(&MemFs::new());
    fill(&store, 20);
    store.name_kind(CHANGED, "changed").unwrap();
    let now = store.snapshot();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let numbers = Query::from(Region::all().kind(CHANGED)).limit(4);
        let names = Query::from(Region::all().kind_named("changed")).limit(4);
        let page = now.page(&names, order).unwrap();
        assert_eq!(page.events.len(), 4);
        assert_eq!(page, now.page(&numbers, order).unwrap());
        let next = page.next.unwrap();
        let rest = now.next_page(&names, &next).unwrap();
        assert_eq!(sequences(&rest).len(), 3);
        assert_eq!(rest, now.next_page(&numbers, &next).unwrap());
    }
}

fn refused(store: &Store, token: &PageToken) {
    let error = store
        .snapshot()
        .next_page(Region::all(), token)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignToken, "{error}");
    assert!(
        error.to_string().contains("begin with the first page"),
        "{error}"
    );
}

#[test]
fn a_token_of_another_store_is_refused() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let options = || StoreOptions::new().fs(fs.clone());
    let [dir, other, copy] = ["store", "other", "backup"].map(|name| Path::new("/d").join(name));
    let store = options().open(&dir).unwrap();
    fill(&store, 10);
    let token = store.snapshot().token(Order::OldestFirst, Sequence::new(3));
    let other = options().open(other).unwrap();
    fill(&other, 10);
    refused(&other, &token);
    // A copy has the same events, until it is put back and goes another way.
    backup(&fs, &dir, &copy, CopyMode::Copy, &mut go_on).unwrap();
    let copied = options().read_only().open(&copy).unwrap();
    let rest = copied.snapshot().next_page(Region::all(), &token).unwrap();
    assert_eq!(sequences(&rest), (4..10).collect::<Vec<_>>());
    store.close().unwrap();
    restore(&fs, &copy, &dir, Existing::MoveAside, &mut go_on).unwrap();
    let restored = options().open(&dir).unwrap();
    refused(&restored, &token);
}

/// A killed machine lost the event that a token was of, and another one took its sequence.
#[test]
fn a_token_of_an_event_that_was_lost_is_refused() {
    let fs = MemFs::new();
    let store = written(&fs).open(dir()).unwrap();
    fill(&store, 10);
    store.sync().unwrap();
    let lost = fs.fork();
    fill(&store, 1);
    let token = store
        .snapshot()
        .token(Order::OldestFirst, Sequence::new(10));
    drop(store);
    let store = written(&lost).random_seed(8).open(dir()).unwrap();
    let page = store.snapshot().next_page(Region::all(), &token).unwrap();
    assert_eq!(sequences(&page), [] as [u64; 0], "it is not there yet");
    fill(&store, 5);
    refused(&store, &token);
}

#[test]
fn a_store_is_shown_as_it_was() {
    let clock = Arc::new(ManualClock::new(1_000));
    let fs = MemFs::new();
    let options = || small(&fs).clock(clock.clone());
    let store = options().open(dir()).unwrap();
    for second in 1..=60_u64 {
        clock.set(second * 1_000);
        fill(&store, 5);
    }
    let check = |store: &Store| {
        let now = store.snapshot();
        for second in [0_u64, 1, 2, 30, 59, 60, 61] {
            for (wall_ms, count) in [
                (second * 1_000, second.min(60) * 5),
                (
                    (second * 1_000).saturating_sub(1),
                    second.saturating_sub(1).min(60) * 5,
                ),
            ] {
                assert_eq!(now.sequence_at(wall_ms).get(), count, "{wall_ms}");
                let then = now.as_of(wall_ms);
                assert_eq!((then.len(), then.visible().get()), (count, count));
                let events = contents(&then);
                assert_eq!(events, contents(&now)[..count as usize]);
                for entity in ["entity:0", "entity:4"] {
                    let last = events
                        .iter()
                        .rfind(|event| event.coordinate.entity() == entity);
                    assert_eq!(then.latest(entity).unwrap().as_ref(), last);
                }
            }
        }
        let cut = now.snapshot_at(Sequence::new(7));
        assert_eq!(contents(&cut), contents(&now)[..7]);
        assert_eq!(now.snapshot_at(Sequence::new(u64::MAX)).len(), now.len());
        let page = cut.page(query().limit(3), Order::NewestFirst).unwrap();
        assert!(page.events.iter().all(|event| event.sequence.get() < 7));
    };
    check(&store);
    store.close().unwrap();
    check(&options().open(dir()).unwrap());
    check(&options().read_only().open(dir()).unwrap());
}

/// What was read to decide is what the append depends on: the two were written apart, and could differ.
#[test]
fn a_decision_and_its_condition_are_one_value() {
    let store = open(&MemFs::new());
    let [course, student] = ["course:3", "student:7"].map(|tag| Region::all().tag(tag));
    let decides = Query::any_of([course.kinds([CREATED, CHANGED]), student]);
    let append = |tags: &[&str], condition: Option<&AppendCondition>| {
        let event = Event::bytes(CREATED, *b"x");
        let event = tags.iter().fold(event, |event, tag| event.tagged(*tag));
        let options = match condition {
            Some(condition) => AppendOptions::new().condition(condition),
            None => AppendOptions::new(),
        };
        store.append_with(&at("courses", "school"), event, options)
    };
    append(&["course:3"], None).unwrap();
    let now = store.snapshot();
    assert_eq!(now.query(&decides).count(), 1);
    // A limit is for reading: a condition looks at all of them.
    let newest = decides.clone().limit(1);
    let condition = AppendCondition::since(now.visible()).none_in(&newest);
    assert_eq!(condition.regions().len(), 2);
    append(&["course:4"], None).unwrap();
    append(&["course:3"], Some(&condition)).unwrap();
    for tag in ["student:7", "course:3"] {
        let condition = AppendCondition::since(store.snapshot().visible()).none_in(&decides);
        append(&[tag], None).unwrap();
        let error = append(&["course:9"], Some(&condition)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    }
    let all = AppendCondition::since(Sequence::ZERO).none_in(Query::none());
    append(&["course:3"], Some(&all)).unwrap();
    let kinds = Region::all().not_kinds(KINDS);
    let others = AppendCondition::since(Sequence::ZERO).none_in([kinds]);
    append(&["course:3"], Some(&others)).unwrap();
}
