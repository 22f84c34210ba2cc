//! The third level of durability, with a replication that a test holds and acknowledges by hand: what is seen,
//! who is told what, and when.

use crate::harness::{at, event, open, options, texts};
use crate::hostile_callers::{block_on, waker};
use crate::waiting::{AT_ONCE, EVER, Task, sequence};
use std::sync::mpsc::channel;
use std::task::Context;
use std::thread;
use strandline::fs::MemFs;
use strandline::{
    AppendOptions, Coordinate, Delivery, Durability, ErrorClass, ErrorKind, EventId, Receipt,
    Region, Replication, Start, Store, Ticket,
};

pub(crate) fn asking(durability: Durability) -> AppendOptions<'static> {
    AppendOptions::new().durability(durability)
}

pub(crate) fn replicated() -> AppendOptions<'static> {
    asking(Durability::Replicated)
}

pub(crate) fn a() -> Coordinate {
    at("a", "s")
}

pub(crate) fn submit(store: &Store, text: &str) -> Ticket {
    store.submit_with(&a(), event(text), replicated()).unwrap()
}

/// Acknowledges everything that is on the disk.
pub(crate) fn acknowledge(replication: &Replication) {
    let end = replication.durable_end().unwrap();
    replication.replicated(end.sequence);
}

/// Polls once a ticket that waits.
pub(crate) fn assert_pending(ticket: &mut std::pin::Pin<Box<Ticket>>) {
    let waker = waker(|| {});
    assert!(
        ticket
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
}

#[test]
fn without_a_replication_nothing_is_written() {
    let fs = MemFs::new();
    let store = open(&fs);
    let refused = |error: strandline::Error| {
        assert_eq!(error.kind(), ErrorKind::NotReplicated);
        assert_eq!(error.class(), ErrorClass::NotWritten);
    };
    refused(
        store
            .append_with(&a(), event("1"), replicated())
            .unwrap_err(),
    );
    refused(
        store
            .submit_with(&a(), event("1"), replicated())
            .unwrap_err(),
    );
    assert_eq!(store.stats().unwrap().written, sequence(0));
    let receipt = store.append(&a(), event("1")).unwrap();
    assert!(!receipt.replicated);
    refused(store.wait_replicated(&receipt).unwrap_err());
    refused(
        store
            .wait_replicated_past(receipt.sequence, AT_ONCE)
            .unwrap_err(),
    );
    refused(
        store
            .wait_replicated_past(receipt.sequence, EVER)
            .unwrap_err(),
    );
    refused(block_on(store.replicated_past(receipt.sequence)).unwrap_err());
    let stats = store.stats().unwrap();
    assert_eq!((stats.replicated, stats.replicated_lag), (None, 0));
}

#[test]
fn there_is_one_replication_at_a_time() {
    let fs = MemFs::new();
    let store = open(&fs);
    let first = store.replication().unwrap();
    assert_eq!(store.replication().unwrap_err().kind(), ErrorKind::Busy);
    store.append(&a(), event("1")).unwrap();
    acknowledge(&first);
    assert_eq!(first.acknowledged(), sequence(1));
    drop(first);
    let second = store.replication().unwrap();
    assert_eq!(second.acknowledged(), sequence(0), "it knows of nothing");
    store.close().unwrap();
    assert_eq!(second.durable_end().unwrap_err().kind(), ErrorKind::Closed);
    second.replicated(sequence(1));
    second.fence("too late");
    let reader = options(&fs).read_only().open(crate::harness::DIR).unwrap();
    assert_eq!(
        reader.replication().unwrap_err().kind(),
        ErrorKind::ReadOnly
    );
    // The handle does not hold the store.
    drop((reader, open(&fs), second));
}

#[test]
fn an_append_returns_and_is_seen_once_it_is_replicated() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let start = replication.durable_end().unwrap();
    thread::scope(|scope| {
        let append = scope.spawn(|| store.append_with(&a(), event("1"), replicated()));
        assert!(replication.wait_durable(start, EVER).unwrap());
        let end = replication.durable_end().unwrap();
        assert_eq!(end.sequence, sequence(1));
        assert!(
            store.snapshot().is_empty(),
            "it is on the disk, and not replicated"
        );
        let stats = store.stats().unwrap();
        assert_eq!((stats.durable, stats.visible), (sequence(1), sequence(0)));
        assert_eq!(
            (stats.replicated, stats.replicated_lag),
            (Some(sequence(0)), 1)
        );
        replication.replicated(end.sequence);
        let receipt = append.join().unwrap().unwrap();
        assert!(receipt.durable && receipt.replicated);
        assert_eq!(texts(&store), ["1"]);
        store.wait_replicated(&receipt).unwrap();
        assert!(
            store
                .wait_replicated_past(receipt.sequence, AT_ONCE)
                .unwrap()
        );
        assert_eq!(store.stats().unwrap().replicated_lag, 0);
    });
    // More than there is on the disk is not believed.
    replication.replicated(sequence(9));
    assert_eq!(replication.acknowledged(), sequence(1));
    replication.replicated(sequence(0));
    assert_eq!(replication.acknowledged(), sequence(1));
}

#[test]
fn many_submits_are_in_flight_until_they_are_replicated() {
    let store = options(&MemFs::new())
        .in_flight_max(64)
        .open(crate::harness::DIR)
        .unwrap();
    let replication = store.replication().unwrap();
    let mut tickets: Vec<_> = (0..64).map(|at| submit(&store, &at.to_string())).collect();
    store.sync().unwrap();
    assert_eq!(store.stats().unwrap().in_flight, 64);
    let full = store.try_submit(&a(), event("full")).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Busy);
    replication.replicated(sequence(32));
    assert_eq!(store.stats().unwrap().in_flight, 32);
    assert_eq!(store.snapshot().len(), 32);
    let later = tickets.split_off(32);
    for (at, ticket) in tickets.into_iter().enumerate() {
        let receipt = ticket.wait().unwrap();
        assert_eq!(receipt.sequence, sequence(at as u64));
        assert!(receipt.replicated && receipt.durable);
    }
    thread::scope(|scope| {
        let rest = scope.spawn(|| {
            let awaited = later.into_iter().map(block_on);
            awaited.collect::<Result<Vec<Receipt>, _>>()
        });
        acknowledge(&replication);
        let rest = rest.join().unwrap().unwrap();
        assert!(rest.iter().all(|receipt| receipt.replicated));
    });
    assert_eq!(store.snapshot().len(), 64);
}

#[test]
fn a_task_that_finds_no_room_goes_on_once_something_is_replicated() {
    let store = options(&MemFs::new())
        .in_flight_max(1)
        .open(crate::harness::DIR)
        .unwrap();
    let replication = store.replication().unwrap();
    let first = submit(&store, "1");
    let mut second = Box::pin(store.submit_async_with(&a(), event("2"), replicated()));
    let (wake, woken) = channel();
    let wakes = waker(move || wake.send(()).unwrap_or_default());
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&wakes))
            .is_pending()
    );
    store.sync().unwrap();
    acknowledge(&replication);
    first.wait().unwrap();
    woken.recv().unwrap();
    let second = block_on(second).unwrap();
    store.sync().unwrap();
    acknowledge(&replication);
    assert!(second.wait().unwrap().replicated);
}

#[test]
fn who_waits_when_another_takes_over_is_told_that_the_fate_is_unknown() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    store.append(&a(), event("shown")).unwrap();
    let start = replication.durable_end().unwrap();
    let id = EventId::from_u128(7);
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let own = event("thread").with_id(id);
            store.append_with(&a(), own, replicated())
        });
        assert!(replication.wait_durable(start, EVER).unwrap());
        let (threads, tasks) = (submit(&store, "ticket"), submit(&store, "task"));
        let task = scope.spawn(|| block_on(tasks));
        let past = store.replicated_past(sequence(3));
        let past = Task::waits(past);
        replication.fence("term 8 was taken by host-b at noon");
        let told = thread.join().unwrap().unwrap_err();
        assert_eq!((told.kind(), told.ids()), (ErrorKind::Unknown, &[id][..]));
        assert!(told.to_string().contains("host-b"), "{told}");
        for told in [
            threads.wait().unwrap_err(),
            task.join().unwrap().unwrap_err(),
        ] {
            assert_eq!((told.kind(), told.ids().len()), (ErrorKind::Unknown, 1));
        }
        assert_eq!(past.ready().unwrap_err().kind(), ErrorKind::Fenced);
    });
    for durability in [
        Durability::Replicated,
        Durability::Synced,
        Durability::Written,
    ] {
        let refused = store.append_with(&a(), event("x"), asking(durability));
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Fenced);
        assert_eq!(refused.class(), ErrorClass::NotWritten);
        assert!(refused.to_string().contains("term 8"), "{refused}");
    }
    replication.replicated(sequence(4));
    assert_eq!(
        texts(&store),
        ["shown"],
        "what is not replicated stays hidden"
    );
    assert!(store.stats().unwrap().poisoned.unwrap().contains("host-b"));
    drop(replication);
    assert_eq!(store.replication().unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(store.close().unwrap_err().kind(), ErrorKind::Fenced);
}

#[test]
fn who_waits_when_the_replication_ends_is_told_and_a_weaker_append_shows_it() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let start = replication.durable_end().unwrap();
    let id = EventId::from_u128(7);
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let own = event("1").with_id(id);
            store.append_with(&a(), own, replicated())
        });
        assert!(replication.wait_durable(start, EVER).unwrap());
        let past = Task::waits(store.replicated_past(sequence(0)));
        let mut ticket = Box::pin(submit(&store, "2"));
        assert_pending(&mut ticket);
        let through = scope.spawn(|| store.wait_replicated_through(sequence(1)));
        store.sync().unwrap();
        drop(replication);
        let told = thread.join().unwrap().unwrap_err();
        assert_eq!((told.kind(), told.ids()), (ErrorKind::Unknown, &[id][..]));
        assert_eq!(block_on(ticket).unwrap_err().kind(), ErrorKind::Unknown);
        assert_eq!(past.ready().unwrap_err().kind(), ErrorKind::NotReplicated);
        let told = through.join().unwrap().unwrap_err();
        assert_eq!(told.kind(), ErrorKind::NotReplicated);
    });
    assert_eq!(store.stats().unwrap().in_flight, 0);
    assert!(store.snapshot().is_empty());
    // Of what waits for what nobody brings any more, nobody is left waiting.
    let repeat = store.append(&a(), event("1").with_id(id)).unwrap_err();
    assert_eq!(repeat.kind(), ErrorKind::Unknown);
    store.append(&a(), event("3")).unwrap();
    assert_eq!(texts(&store), ["1", "2", "3"]);
    assert!(store.append(&a(), event("1").with_id(id)).unwrap().repeated);
}

#[test]
fn a_replication_knows_whether_somebody_waits_for_it() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let receipt = store.append(&a(), event("1")).unwrap();
    assert!(!replication.is_awaited(), "it is seen, and nobody asks");
    let later = Task::waits(store.replicated_past(sequence(1)));
    assert!(!replication.is_awaited(), "what is awaited is not there");
    let task = Task::waits(store.replicated_past(receipt.sequence));
    assert!(replication.is_awaited());
    acknowledge(&replication);
    task.ready().unwrap();
    assert!(!replication.is_awaited());

    // A thread.
    let receipt = store.append(&a(), event("2")).unwrap();
    assert!(replication.is_awaited(), "what was awaited has come");
    drop(later);
    assert!(!replication.is_awaited());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| store.wait_replicated(&receipt));
        while !replication.is_awaited() {
            thread::yield_now();
        }
        acknowledge(&replication);
        waiting.join().unwrap().unwrap();
    });
    assert!(!replication.is_awaited());

    // A ticket whose events a weaker append has shown.
    let mut strong = Box::pin(submit(&store, "3"));
    assert_pending(&mut strong);
    store.append(&a(), event("4")).unwrap();
    store.sync().unwrap();
    assert_eq!(store.snapshot().len(), 4);
    assert!(replication.is_awaited());
    acknowledge(&replication);
    assert!(block_on(strong).unwrap().replicated);
    assert!(!replication.is_awaited());
}

#[test]
fn what_one_replication_left_the_next_may_show() {
    let store = open(&MemFs::new());
    let first = store.replication().unwrap();
    let ticket = submit(&store, "1");
    store.sync().unwrap();
    drop(first);
    assert_eq!(ticket.wait().unwrap_err().kind(), ErrorKind::Unknown);
    let second = store.replication().unwrap();
    let ticket = submit(&store, "2");
    store.sync().unwrap();
    second.replicated(sequence(1));
    assert_eq!(texts(&store), ["1"]);
    acknowledge(&second);
    assert!(ticket.wait().unwrap().replicated);
}

#[test]
fn a_repeat_waits_until_what_it_repeats_is_seen() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let own = || event("1").with_id(EventId::from_u128(7));
    let first = store.submit_with(&a(), own(), replicated()).unwrap();
    let again = |durability| store.submit_with(&a(), own(), asking(durability)).unwrap();
    let mut repeats: Vec<_> = [
        Durability::Replicated,
        Durability::Synced,
        Durability::Written,
    ]
    .map(|durability| Box::pin(again(durability)))
    .into();
    let other = event("other").with_id(EventId::from_u128(7));
    let mut refused = Box::pin(store.submit(&a(), other).unwrap());
    store.sync().unwrap();
    for ticket in &mut repeats {
        assert_pending(ticket);
    }
    assert_pending(&mut refused);
    acknowledge(&replication);
    let first = first.wait().unwrap();
    for ticket in repeats {
        let repeat = block_on(ticket).unwrap();
        assert!(repeat.repeated && repeat.replicated);
        assert_eq!(repeat.sequence, first.sequence);
    }
    assert_eq!(block_on(refused).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_repeat_of_what_is_seen_waits_until_it_is_replicated_if_it_asks_so() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let own = || event("1").with_id(EventId::from_u128(7));
    assert!(!store.append(&a(), own()).unwrap().replicated);
    let mut repeat = Box::pin(store.submit_with(&a(), own(), replicated()).unwrap());
    assert_pending(&mut repeat);
    acknowledge(&replication);
    let repeat = block_on(repeat).unwrap();
    assert!(repeat.repeated && repeat.replicated);
}

#[test]
fn a_weaker_append_shows_what_came_before_and_nobody_is_promised_more() {
    for weaker in [Durability::Synced, Durability::Written] {
        let store = open(&MemFs::new());
        let replication = store.replication().unwrap();
        let mut strong = Box::pin(submit(&store, "1"));
        let own = event("1").with_id(EventId::from_u128(7));
        let mut other = Box::pin(store.submit_with(&a(), own.clone(), replicated()).unwrap());
        store.sync().unwrap();
        let repeat = store.submit(&a(), own).unwrap();
        let receipt = store.append_with(&a(), event("2"), asking(weaker)).unwrap();
        assert!(!receipt.replicated);
        assert_eq!(store.snapshot().len(), 3);
        assert!(repeat.wait().unwrap().repeated, "it is seen now");
        assert_pending(&mut strong);
        assert_pending(&mut other);
        store.sync().unwrap();
        acknowledge(&replication);
        assert!(block_on(strong).unwrap().replicated);
        store.wait_replicated(&receipt).unwrap();
    }
}

#[test]
fn a_cursor_at_what_is_durable_is_never_ahead_of_what_is_visible() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let follow = || store.follow(Region::all(), Start::Beginning).unwrap();
    let mut cursors = [follow(), follow().at(Delivery::Durable)];
    let ticket = submit(&store, "1");
    store.sync().unwrap();
    assert!(!store.wait_durable_past(sequence(0), AT_ONCE).unwrap());
    for cursor in &mut cursors {
        assert!(cursor.try_next().unwrap().is_none());
    }
    acknowledge(&replication);
    ticket.wait().unwrap();
    for cursor in &mut cursors {
        assert_eq!(cursor.try_next().unwrap().unwrap().sequence, sequence(0));
    }
    assert!(store.wait_durable_past(sequence(0), AT_ONCE).unwrap());
}

#[test]
fn a_close_answers_what_is_not_replicated_and_the_next_opening_shows_it() {
    let fs = MemFs::new();
    let store = open(&fs);
    let replication = store.replication().unwrap();
    let [first, second] = ["1", "2"].map(|text| submit(&store, text));
    let mut second = Box::pin(second);
    assert_pending(&mut second);
    store.close().unwrap();
    assert_eq!(first.wait().unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(block_on(second).unwrap_err().kind(), ErrorKind::Unknown);
    drop(replication);
    let store = open(&fs);
    assert_eq!(texts(&store), ["1", "2"]);
    assert_eq!(
        store.open_report().events_from_log,
        0,
        "the checkpoint has them"
    );
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_store_that_is_dropped_leaves_nobody_waiting() {
    let fs = MemFs::new();
    let store = open(&fs);
    let replication = store.replication().unwrap();
    let start = replication.durable_end().unwrap();
    let ticket = submit(&store, "1");
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            loop {
                // Until the store is gone.
                if let Err(error) = replication.wait_durable(start, EVER) {
                    break error.kind();
                }
            }
        });
        drop(store);
        assert_eq!(waits.join().unwrap(), ErrorKind::Closed);
    });
    assert_eq!(ticket.wait().unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(texts(&open(&fs)), ["1"]);
}
