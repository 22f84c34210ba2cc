//! Subscriptions: what is there, and what comes.

use crate::{event, fresh, item, query};
use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use strandline_dcb::{BATCH_EVENTS_MAX, DcbStore, Subscription};
use umadb_dcb::{DcbError, DcbEventStoreSync, DcbSubscriptionSync};

fn append(store: &DcbStore, event_type: &str) -> u64 {
    store
        .append(vec![event(event_type, &[])], None, None)
        .unwrap()
}

/// The positions of what is there.
fn there(events: &mut Subscription) -> Vec<u64> {
    let mut positions = Vec::new();
    loop {
        match events.next_timeout(Duration::ZERO) {
            Some(Ok(event)) => positions.push(event.position),
            Some(Err(DcbError::Timeout())) => return positions,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_subscription_gives_what_is_after_a_position_and_what_comes() {
    let store = fresh();
    let mut from_nothing = store.subscribe(None, None).unwrap();
    for event_type in ["A", "B", "A"] {
        append(&store, event_type);
    }
    let of_a = query([item(&["A"], &[])]);
    let mut only_a = store.subscribe(Some(of_a), Some(1)).unwrap();
    let from = |after| there(&mut store.subscribe(None, Some(after)).unwrap());
    assert_eq!(there(&mut from_nothing), [1, 2, 3]);
    assert_eq!(there(&mut only_a), [3]);
    assert_eq!(from(0), [1, 2, 3]);
    assert_eq!(from(1), [2, 3]);
    assert_eq!(from(3), [0_u64; 0]);
    let mut later = store.subscribe(None, Some(5)).unwrap();
    let mut never = store.subscribe(None, Some(u64::MAX)).unwrap();
    for event_type in ["B", "A", "B"] {
        append(&store, event_type);
    }
    assert_eq!(there(&mut from_nothing), [4, 5, 6]);
    assert_eq!(there(&mut only_a), [5]);
    assert_eq!(
        there(&mut later),
        [6],
        "after a position that was still to come"
    );
    assert_eq!(there(&mut never), [0_u64; 0]);
}

#[test]
fn a_subscription_waits_and_leaves_nothing_out() {
    let store = fresh();
    let (threads, each) = (4_u64, 100);
    let start = Barrier::new(5);
    let mut events = store.subscribe(None, None).unwrap();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                for _ in 0..each {
                    append(&store, "A");
                }
            });
        }
        start.wait();
        for expected in 1..=threads * each {
            assert_eq!(events.next().unwrap().unwrap().position, expected);
        }
    });
}

#[test]
fn batches_of_a_subscription_wait_for_an_event_and_are_bounded() {
    let store = fresh();
    let many = (0..1_500).map(|_| event("A", &["a"])).collect();
    store.append(many, None, None).unwrap();
    let mut events = store.subscribe(None, None).unwrap();
    assert_eq!(events.next_batch().unwrap().len(), BATCH_EVENTS_MAX);
    let rest = events.next_batch_timeout(Duration::ZERO).unwrap();
    assert_eq!(rest.len(), 1_500 - BATCH_EVENTS_MAX);
    assert_eq!(rest.last().unwrap().event.tags, ["a"]);
    let nothing = events.next_batch_timeout(Duration::ZERO);
    assert!(matches!(nothing, Err(DcbError::Timeout())));
    append(&store, "B");
    assert_eq!(events.next_batch().unwrap().len(), 1, "it goes on");
}

#[test]
fn a_cancelled_subscription_says_so() {
    let store = fresh();
    append(&store, "A");
    let mut events = store.subscribe(None, None).unwrap();
    events.cancel();
    let cancelled = events.next();
    assert!(matches!(cancelled, Some(Err(DcbError::CancelledByUser()))));
    assert!(events.next().is_none());
    let cancelled = events.next_batch();
    assert!(matches!(cancelled, Err(DcbError::CancelledByUser())));

    // From another thread, while it waits.
    let mut events = store.subscribe(None, Some(1)).unwrap();
    let handle = events.cancel_handle();
    let (ended, end) = channel();
    thread::spawn(move || ended.send(events.next().unwrap().unwrap_err()));
    handle.cancel();
    assert!(matches!(end.recv().unwrap(), DcbError::CancelledByUser()));
}

#[test]
fn a_subscription_ends_with_its_store_and_does_not_keep_it() {
    let store = fresh();
    append(&store, "A");
    let mut events = store.subscribe(None, Some(1)).unwrap();
    let (ended, end) = channel();
    let waits = thread::spawn(move || {
        let first = events.next().unwrap();
        ended.send(()).unwrap();
        (first, events.next().is_none(), events.next_batch())
    });
    drop(store);
    end.recv().unwrap();
    let (first, is_over, batch) = waits.join().unwrap();
    assert!(matches!(
        first,
        Err(DcbError::Io(error)) if error.kind() == std::io::ErrorKind::NotConnected
    ));
    assert!(is_over && batch.unwrap().is_empty());
}
