//! Positions, limits, heads and queries at their edges, both ways.

use crate::{all, event, fresh, is_integrity, item, none_of, query, tracking};
use std::ops::ControlFlow;
use strandline::maintenance::{Retention, compact};
use strandline::{Coordinate, Event, EventKind};
use strandline_dcb::{BATCH_EVENTS_MAX, DcbStore, Places};
use umadb_dcb::{DcbError, DcbEventStoreSync, DcbQuery};

/// The positions of a read, and its head.
fn read(
    store: &DcbStore,
    query: Option<&DcbQuery>,
    start: Option<u64>,
    backwards: bool,
    limit: Option<u32>,
) -> (Vec<u64>, Option<u64>) {
    let read = store.read_with_head(query.cloned(), start, backwards, limit);
    let (events, head) = read.unwrap();
    (events.iter().map(|event| event.position).collect(), head)
}

/// A store with events of the types A, B, A, C at 1 to 4, with tags of their own and `even` at the even ones.
fn four() -> DcbStore {
    let store = fresh();
    for (event_type, tags) in [
        ("A", &["one"][..]),
        ("B", &["two", "even"]),
        ("A", &["three"]),
        ("C", &["even", "four"]),
    ] {
        store
            .append(vec![event(event_type, tags)], None, None)
            .unwrap();
    }
    store
}

#[test]
fn an_empty_store_has_no_head_and_no_events() {
    let store = fresh();
    assert_eq!(store.head().unwrap(), None);
    for backwards in [false, true] {
        for start in [None, Some(0), Some(1), Some(9)] {
            for limit in [None, Some(0), Some(1)] {
                let found = read(&store, None, start, backwards, limit);
                assert_eq!(found, (vec![], None), "{start:?} {backwards} {limit:?}");
            }
        }
    }
    assert_eq!(store.get_tracking_info("orders").unwrap(), None);
}

#[test]
fn positions_begin_at_one_and_an_append_gives_the_last() {
    let store = fresh();
    assert_eq!(store.append(vec![event("A", &[])], None, None).unwrap(), 1);
    assert_eq!(store.head().unwrap(), Some(1));
    let three = vec![event("B", &[]), event("C", &[]), event("D", &[])];
    assert_eq!(store.append(three, None, None).unwrap(), 4);
    assert_eq!(store.head().unwrap(), Some(4));
    assert_eq!(
        read(&store, None, None, false, None),
        (vec![1, 2, 3, 4], Some(4))
    );
}

#[test]
fn the_start_is_the_first_event_of_a_read_both_ways() {
    let store = four();
    let forward = |start| read(&store, None, Some(start), false, None).0;
    assert_eq!(forward(0), [1, 2, 3, 4]);
    assert_eq!(forward(1), [1, 2, 3, 4]);
    assert_eq!(forward(2), [2, 3, 4]);
    assert_eq!(forward(4), [4]);
    assert!(forward(5).is_empty() && forward(u64::MAX).is_empty());
    let backwards = |start| read(&store, None, Some(start), true, None).0;
    assert!(backwards(0).is_empty(), "before all");
    assert_eq!(backwards(1), [1]);
    assert_eq!(backwards(3), [3, 2, 1]);
    assert_eq!(backwards(4), [4, 3, 2, 1]);
    assert_eq!(backwards(u64::MAX), [4, 3, 2, 1]);
}

#[test]
fn the_head_is_that_of_the_store_without_a_limit_and_of_the_read_with_one() {
    let store = four();
    let even = query([item(&[], &["even"])]);
    let nothing = query([item(&["D"], &[])]);
    for backwards in [false, true] {
        assert_eq!(
            read(&store, Some(&nothing), None, backwards, None).1,
            Some(4)
        );
        assert_eq!(
            read(&store, Some(&nothing), None, backwards, Some(5)).1,
            None
        );
        assert_eq!(read(&store, None, None, backwards, Some(0)), (vec![], None));
    }
    assert_eq!(
        read(&store, None, None, false, Some(2)),
        (vec![1, 2], Some(2))
    );
    assert_eq!(
        read(&store, None, None, true, Some(3)),
        (vec![4, 3, 2], Some(2))
    );
    assert_eq!(
        read(&store, None, Some(2), true, Some(9)),
        (vec![2, 1], Some(1))
    );
    assert_eq!(
        read(&store, Some(&even), None, false, Some(1)),
        (vec![2], Some(2))
    );
    assert_eq!(
        read(&store, Some(&even), Some(3), true, Some(1)),
        (vec![2], Some(2))
    );
    assert_eq!(read(&store, None, Some(9), false, Some(1)), (vec![], None));
}

#[test]
fn the_head_of_a_limit_is_known_before_an_event_is_taken() {
    let store = four();
    for (backwards, expected) in [(false, Some(3)), (true, Some(2))] {
        let mut response = store.read(None, None, backwards, Some(3)).unwrap();
        assert_eq!(response.head().unwrap(), expected);
        response.next().unwrap().unwrap();
        assert_eq!(response.head().unwrap(), expected);
        assert_eq!(response.by_ref().count(), 2);
        assert_eq!(response.head().unwrap(), expected);
    }
}

#[test]
fn an_event_matches_any_item_one_of_its_types_and_all_of_its_tags() {
    let store = four();
    let found = |query: DcbQuery| {
        let forward = read(&store, Some(&query), None, false, None).0;
        let mut back = read(&store, Some(&query), None, true, None).0;
        back.reverse();
        assert_eq!(forward, back);
        forward
    };
    assert_eq!(found(DcbQuery::new()), [1, 2, 3, 4], "no item asks for all");
    assert_eq!(
        found(query([item(&[], &[])])),
        [1, 2, 3, 4],
        "so does an empty one"
    );
    assert_eq!(found(query([item(&["A", "C"], &[])])), [1, 3, 4]);
    assert_eq!(found(query([item(&[], &["even"])])), [2, 4]);
    assert_eq!(found(query([item(&[], &["even", "four"])])), [4]);
    assert_eq!(found(query([item(&["B"], &["even"])])), [2]);
    assert_eq!(found(query([item(&["B"], &["four"])])), [0_u64; 0]);
    let both = [item(&["C"], &[]), item(&[], &["one"])];
    assert_eq!(
        found(query(both)),
        [1, 4],
        "in order, whatever that of the items"
    );
    let twice = [
        item(&["A"], &[]),
        item(&[], &["one"]),
        item(&["A"], &["one"]),
    ];
    assert_eq!(found(query(twice)), [1, 3], "each once");
    for no_name in ["", "a\nb", &"x".repeat(300)] {
        assert_eq!(found(query([item(&[no_name], &[])])), [0_u64; 0]);
        assert_eq!(found(query([item(&[], &[no_name])])), [0_u64; 0]);
        assert_eq!(found(query([item(&["A", no_name], &[])])), [1, 3]);
    }
}

#[test]
fn an_append_without_events_gives_zero_and_asks_nothing() {
    let store = four();
    assert_eq!(store.append(vec![], None, None).unwrap(), 0);
    let fails = none_of(DcbQuery::new(), None);
    assert_eq!(store.append(vec![], fails, None).unwrap(), 0);
    // A position that went nowhere would have its input gone through again.
    let refused = store.append(vec![], None, tracking("orders", 7));
    assert!(matches!(refused, Err(DcbError::InvalidArgument(_))));
    assert_eq!(store.get_tracking_info("orders").unwrap(), None);
    assert_eq!(store.head().unwrap(), Some(4));
}

#[test]
fn a_condition_fails_if_an_event_after_its_position_matches() {
    let store = four();
    let try_append = |query: DcbQuery, after| {
        let result = store.append(vec![event("E", &["even"])], none_of(query, after), None);
        assert!(result.is_ok() || is_integrity(&result), "{result:?}");
        result.is_ok()
    };
    let even = || query([item(&[], &["even"])]);
    for after in [None, Some(0), Some(2), Some(3)] {
        assert!(!try_append(even(), after), "{after:?}");
        assert!(!try_append(DcbQuery::new(), after), "{after:?}");
    }
    assert!(!try_append(query([item(&["A"], &["one"])]), Some(0)));
    assert_eq!(store.head().unwrap(), Some(4));
    assert!(try_append(query([item(&["A"], &["one"])]), Some(1)), "5");
    assert!(try_append(query([item(&["A"], &["even"])]), None), "6");
    assert!(!try_append(even(), Some(4)));
    assert!(!try_append(even(), Some(5)));
    assert!(try_append(even(), Some(6)), "7");
    assert!(try_append(DcbQuery::new(), Some(7)), "8");
    assert!(
        try_append(DcbQuery::new(), Some(100)),
        "9, before what is there"
    );
    assert!(try_append(DcbQuery::new(), Some(u64::MAX)), "10");
    assert_eq!(store.head().unwrap(), Some(10));
}

/// A name that no kind has yet may become one before the condition is looked at again.
#[test]
fn a_condition_counts_types_of_which_there_was_no_event() {
    let store = fresh();
    let claimed = || none_of(query([item(&["Claimed"], &[])]), Some(0));
    store
        .append(vec![event("Other", &[])], claimed(), None)
        .unwrap();
    store
        .append(vec![event("Claimed", &[])], claimed(), None)
        .unwrap();
    let again = store.append(vec![event("Claimed", &[])], claimed(), None);
    assert!(is_integrity(&again));
}

#[test]
fn a_refusal_says_condition_and_event() {
    let store = four();
    let condition = none_of(query([item(&["C"], &["even"])]), Some(1));
    let refused = store.append(vec![event("E", &[])], condition, None);
    let text = refused.unwrap_err().to_string();
    for part in [
        "integrity error: condition failed: condition: ",
        "types: [\"C\"]",
        "after: Some(1)",
        " matched: event 4, type \"C\", tags [\"even\", \"four\"]",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_read_is_of_one_moment() {
    let store = four();
    let mut response = store.read(None, None, false, None).unwrap();
    response.next().unwrap().unwrap();
    store.append(vec![event("E", &[])], None, None).unwrap();
    assert_eq!(response.by_ref().count(), 3);
    assert_eq!(response.head().unwrap(), Some(4));
    let (rest, head) = response.collect_with_head().unwrap();
    assert!(rest.is_empty() && head == Some(4));
}

#[test]
fn batches_have_a_thousand_events_or_four_mebibytes() {
    let store = fresh();
    let many = (0..2_500).map(|_| event("A", &[])).collect();
    assert_eq!(store.append(many, None, None).unwrap(), 2_500);
    for (backwards, limit, expected) in [
        (false, None, &[1_024, 1_024, 452, 0][..]),
        (true, None, &[1_024, 1_024, 452, 0]),
        (false, Some(1_500), &[1_024, 476, 0]),
        (true, Some(10), &[10, 0]),
    ] {
        let mut response = store.read(None, None, backwards, limit).unwrap();
        let mut last = None;
        for length in expected {
            let batch = response.next_batch().unwrap();
            assert_eq!(batch.len(), *length);
            for event in &batch {
                let next = last.map_or(event.position, |last: u64| match backwards {
                    false => last + 1,
                    true => last - 1,
                });
                assert_eq!(event.position, next);
                last = Some(event.position);
            }
        }
        assert!(response.next().is_none());
    }
    assert_eq!(BATCH_EVENTS_MAX, 1_024);
    // One by one and in batches by turns.
    let mut response = store.read(None, None, false, None).unwrap();
    response.next().unwrap().unwrap();
    let rest = response.next_batch().unwrap();
    assert_eq!(rest.first().unwrap().position, 2);
    let after = response.next_batch().unwrap();
    assert_eq!(
        after.first().unwrap().position,
        rest.last().unwrap().position + 1
    );

    let store = fresh();
    let long = || event("A", &[]).data(vec![0; 3 << 20]);
    store
        .append(vec![long(), long(), long()], None, None)
        .unwrap();
    let mut response = store.read(None, None, false, None).unwrap();
    let lengths: Vec<_> = (0..3)
        .map(|_| response.next_batch().unwrap().len())
        .collect();
    assert_eq!(lengths, [2, 1, 0]);
}

#[test]
fn a_cancelled_read_gives_nothing_more() {
    let store = four();
    let mut response = store.read(None, None, false, None).unwrap();
    response.next().unwrap().unwrap();
    response.cancel();
    assert!(response.next().is_none() && response.next_batch().unwrap().is_empty());
    let mut response = store.read(None, None, false, None).unwrap();
    let handle = response.cancel_handle().unwrap();
    response.next().unwrap().unwrap();
    std::thread::spawn(move || handle.cancel()).join().unwrap();
    assert!(response.next().is_none() && response.next_batch().unwrap().is_empty());
}

/// A position that was given stays that of its event, and the head does not go back.
#[test]
fn what_a_compaction_removes_leaves_gaps() {
    let coordinate = Coordinate::new("untagged", "school").unwrap();
    let store = fresh().places(Places::FirstTag(coordinate));
    for tag in ["stays", "goes", "stays", "goes"] {
        store.append(vec![event("A", &[tag])], None, None).unwrap();
    }
    let rules = Retention::new().drop_entity("goes");
    let mut go_on = |_| ControlFlow::Continue(());
    compact(store.store(), &rules, &mut go_on).unwrap();
    assert_eq!(read(&store, None, None, false, None), (vec![1, 3], Some(4)));
    assert_eq!(read(&store, None, Some(2), true, None), (vec![1], Some(4)));
    assert_eq!(read(&store, None, None, true, Some(1)), (vec![3], Some(3)));
    assert_eq!(store.head().unwrap(), Some(4));
    assert_eq!(store.append(vec![event("A", &[])], None, None).unwrap(), 5);
}

#[test]
fn what_is_appended_otherwise_is_there_too() {
    let store = four();
    let order = Coordinate::new("order:1", "shop").unwrap();
    let unnamed = EventKind::new(0x1, 0x002);
    let native = Event::bytes(unnamed, *b"x").tagged("even");
    let receipt = store.store().append(&order, native).unwrap();
    let read_one = &all(&store)[4];
    assert_eq!(read_one.position, 5);
    assert_eq!(read_one.event.event_type, "strandline.kind.0x1002");
    assert_eq!(read_one.event.data, b"x");
    let uuid = read_one.event.uuid.unwrap();
    assert_eq!(uuid.as_u128(), receipt.id.as_u128());
    let by_number = query([item(&["strandline.kind.0x1002", "B"], &["even"])]);
    assert_eq!(read(&store, Some(&by_number), None, false, None).0, [2, 5]);
    let refused = store.append(
        vec![event("E", &[])],
        none_of(query([item(&["strandline.kind.0x1002"], &[])]), Some(4)),
        None,
    );
    assert!(is_integrity(&refused));
    // An import may have brought a name that looks like the number of another kind.
    let named = Event::bytes(EventKind::new(0x1, 0x003), *b"y").tagged("even");
    let named = named.with_kind_name("strandline.kind.0x1002");
    store.store().append(&order, named).unwrap();
    assert_eq!(
        read(&store, Some(&by_number), None, false, None).0,
        [2, 5, 6]
    );
    store.store().name_kind(unnamed, "order.paid").unwrap();
    assert_eq!(all(&store)[4].event.event_type, "order.paid");
}
