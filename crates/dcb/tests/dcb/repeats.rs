//! An event with an uuid is written once, and a position in a source rises.

use crate::{all, event, fresh, is_integrity, item, none_of, query, tracking};
use strandline_dcb::DcbStore;
use umadb_dcb::{DcbError, DcbEvent, DcbEventStoreSync, DcbResult};
use uuid::Uuid;

fn known(event_type: &str, uuid: u128) -> DcbEvent {
    event(event_type, &["a"]).uuid(Uuid::from_u128(uuid))
}

fn is_invalid(result: &DcbResult<u64>) -> bool {
    matches!(result, Err(DcbError::InvalidArgument(_)))
}

fn append(store: &DcbStore, events: &[DcbEvent]) -> DcbResult<u64> {
    store.append(events.to_vec(), None, None)
}

/// Whoever did not learn that an append succeeded may repeat it, whatever it has excluded since.
#[test]
fn an_append_that_is_repeated_gives_its_position_again() {
    let store = fresh();
    let both = [known("A", 1), known("B", 2)];
    let with_condition = || {
        let tagged = query([item(&[], &["a"])]);
        store.append(both.to_vec(), none_of(tagged, Some(0)), None)
    };
    assert_eq!(with_condition().unwrap(), 2);
    assert_eq!(with_condition().unwrap(), 2);
    append(&store, &[event("C", &["a"])]).unwrap();
    assert_eq!(with_condition().unwrap(), 2, "also when others followed");
    assert_eq!(
        append(&store, &both).unwrap(),
        2,
        "also without a condition"
    );
    assert_eq!(append(&store, &both[..1]).unwrap(), 1, "also a part of it");
    assert_eq!(all(&store).len(), 3);
}

#[test]
fn an_event_without_an_uuid_is_another_one_each_time() {
    let store = fresh();
    assert_eq!(append(&store, &[event("A", &[])]).unwrap(), 1);
    assert_eq!(append(&store, &[event("A", &[])]).unwrap(), 2);
    assert!(all(&store).iter().all(|one| one.event.uuid.is_none()));
}

#[test]
fn another_event_under_an_uuid_is_refused() {
    let store = fresh();
    append(&store, &[known("A", 1)]).unwrap();
    for other in [
        known("B", 1),
        known("A", 1).data(*b"x"),
        known("A", 1).metadata([("k", "v")]),
        known("A", 1).tags(["b"]),
    ] {
        let refused = append(&store, &[known("New", 2), other]);
        assert!(is_invalid(&refused), "{refused:?}");
        let text = refused.unwrap_err().to_string();
        assert!(text.contains(&Uuid::from_u128(1).to_string()), "{text}");
    }
    assert_eq!(store.head().unwrap(), Some(1));
}

#[test]
fn of_an_append_that_is_known_in_part_the_rest_is_written() {
    let store = fresh();
    append(&store, &[known("A", 1)]).unwrap();
    append(&store, &[known("B", 2)]).unwrap();
    assert_eq!(append(&store, &[known("A", 1), known("C", 3)]).unwrap(), 3);
    assert_eq!(
        append(&store, &[known("D", 4), known("A", 1)]).unwrap(),
        4,
        "the latest, wherever it is among them"
    );
    let types: Vec<_> = all(&store)
        .into_iter()
        .map(|one| one.event.event_type)
        .collect();
    assert_eq!(types, ["A", "B", "C", "D"]);
    // Of one without it cannot be told whether it is known.
    let refused = append(&store, &[known("A", 1), event("E", &[])]);
    assert!(is_invalid(&refused), "{refused:?}");
    assert_eq!(store.head().unwrap(), Some(4));
}

#[test]
fn a_position_in_a_source_rises_or_nothing_is_written() {
    let store = fresh();
    let append =
        |event: DcbEvent, position| store.append(vec![event], None, tracking("orders", position));
    assert_eq!(append(event("A", &[]), 0).unwrap(), 1, "any is the first");
    assert_eq!(append(event("A", &[]), 7).unwrap(), 2);
    for position in [0, 6, 7] {
        let refused = append(event("A", &[]), position);
        assert!(is_integrity(&refused), "{refused:?}");
        let expected = format!(
            "integrity error: condition failed: non-increasing tracking position for source 'orders': {position} <= 7"
        );
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    assert_eq!(store.head().unwrap(), Some(2));
    let other = store.append(vec![event("A", &[])], None, tracking("payments", 1));
    assert_eq!(other.unwrap(), 3);
    assert_eq!(append(event("A", &[]), 8).unwrap(), 4);
    assert_eq!(store.get_tracking_info("orders").unwrap(), Some(8));
    assert_eq!(store.get_tracking_info("payments").unwrap(), Some(1));
    // A failed condition keeps no position.
    let fails = none_of(query([]), Some(0));
    let refused = store.append(vec![event("A", &[])], fails, tracking("orders", 9));
    assert!(is_integrity(&refused));
    assert_eq!(store.get_tracking_info("orders").unwrap(), Some(8));
}

#[test]
fn a_repeat_is_known_before_its_position_is_looked_at() {
    let store = fresh();
    let both = || vec![known("A", 1), known("B", 2)];
    let append = |position| store.append(both(), None, tracking("orders", position));
    assert_eq!(append(7).unwrap(), 2);
    assert_eq!(append(7).unwrap(), 2);
    assert_eq!(all(&store).len(), 2);
    // Later events of an append have its position in them, so it is a part of what they are.
    let refused = append(9);
    assert!(is_invalid(&refused), "{refused:?}");
    let first = store.append(vec![known("A", 1)], None, tracking("orders", 9));
    assert_eq!(first.unwrap(), 1);
    assert_eq!(store.get_tracking_info("orders").unwrap(), Some(7));
}
