//! The third level of durability at the edges: a store that is closed or left by its events while somebody copies,
//! and a task that meets the end of a segment.

use crate::harness::{at, bounded, event, open, options, texts};
use crate::hostile_callers::{block_on, waker};
use crate::replicated::{a, acknowledge, asking, replicated, submit};
use crate::waiting::{AT_ONCE, sequence};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;
use std::thread;
use strandline::fs::MemFs;
use strandline::maintenance::{Retention, compact};
use strandline::{AppendCondition, Batch, Durability, ErrorKind, EventId, Region};

#[test]
fn a_closed_store_can_be_opened_at_once_whoever_copies_it() {
    let fs = MemFs::new();
    for _ in 0..40 {
        let store = open(&fs);
        store.append(&a(), event("x")).unwrap();
        let replication = store.replication().unwrap();
        let has_begun = AtomicBool::new(false);
        thread::scope(|scope| {
            let copier = scope.spawn(|| {
                loop {
                    // Until the store is closed.
                    if let Err(error) = replication.manifest() {
                        break error.kind();
                    }
                    has_begun.store(true, Ordering::Release);
                    if let Err(error) = replication.durable_end() {
                        break error.kind();
                    }
                }
            });
            while !has_begun.load(Ordering::Acquire) {
                thread::yield_now();
            }
            store.close().unwrap();
            drop(open(&fs));
            assert_eq!(copier.join().unwrap(), ErrorKind::Closed);
        });
    }
}

#[test]
fn the_end_to_copy_is_known_where_the_last_synced_events_were_removed() {
    let fs = MemFs::new();
    let store = options(&fs)
        .no_background_sync()
        .open(crate::harness::DIR)
        .unwrap();
    let replication = store.replication().unwrap();
    for _ in 0..20 {
        store.append(&at("gone", "s"), event("x")).unwrap();
    }
    let rules = Retention::new().drop_entity("gone");
    compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(store.snapshot().is_empty());
    let synced = replication.durable_end().unwrap();
    assert_eq!(synced.sequence, sequence(20));
    store
        .append_with(&a(), event("y"), asking(Durability::Written))
        .unwrap();
    assert!(replication.durable_end().unwrap().is_same_place(&synced));
    store.sync().unwrap();
    assert_eq!(replication.durable_end().unwrap().sequence, sequence(21));
}

#[test]
fn a_reader_has_no_replication_to_wait_for() {
    let fs = MemFs::new();
    drop(open(&fs));
    let reader = options(&fs).read_only().open(crate::harness::DIR).unwrap();
    let told = reader.wait_replicated_past(sequence(0), AT_ONCE);
    assert_eq!(told.unwrap_err().kind(), ErrorKind::ReadOnly);
    let told = block_on(reader.replicated_past(sequence(0)));
    assert_eq!(told.unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn a_task_at_the_end_of_a_segment_holds_no_thread_until_what_is_in_it_is_replicated() {
    bounded(|| {
        let store = options(&MemFs::new())
            .segment_bytes_max(64 << 10)
            .durability(Durability::Replicated)
            .open(crate::harness::DIR)
            .unwrap();
        let replication = store.replication().unwrap();
        let payload = "x".repeat(20 << 10);
        let tickets: Vec<_> = (0..3).map(|_| submit(&store, &payload)).collect();
        store.sync().unwrap();
        // The thread that polls is the one that would copy.
        let (wake, woken) = std::sync::mpsc::channel();
        let wakes = waker(move || wake.send(()).unwrap_or_default());
        let mut next = Box::pin(store.submit_async_with(&a(), event(&payload), replicated()));
        let mut context = Context::from_waker(&wakes);
        assert!(next.as_mut().poll(&mut context).is_pending());
        let refused = store.try_submit(&a(), event(&payload));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Busy);
        acknowledge(&replication);
        woken.recv().unwrap();
        let ticket = block_on(next).unwrap();
        for ticket in tickets {
            assert!(ticket.wait().unwrap().replicated);
        }
        store.sync().unwrap();
        acknowledge(&replication);
        assert!(ticket.wait().unwrap().replicated);
        assert_eq!(store.snapshot().query(Region::all()).count(), 4);
        assert_eq!(store.stats().unwrap().segments, 2);
    });
}

#[test]
fn a_batch_some_of_which_was_written_waits_for_its_segment_without_the_commit_lock() {
    bounded(|| {
        let store = options(&MemFs::new())
            .segment_bytes_max(64 << 10)
            .open(crate::harness::DIR)
            .unwrap();
        let replication = store.replication().unwrap();
        let payload = "x".repeat(20 << 10);
        let own = |id: u128| event(&payload).with_id(EventId::from_u128(id));
        let first: Vec<_> = (1..4)
            .map(|id| store.submit_with(&a(), own(id), replicated()).unwrap())
            .collect();
        store.sync().unwrap();
        // All of it fits in no segment; what is new of it fits in the next.
        let batch = (1..6).fold(Batch::new(), |batch, id| batch.push(&a(), own(id)));
        let mut rest = Box::pin(store.submit_batch_async_with(batch, replicated()));
        let waker = waker(|| {});
        let mut context = Context::from_waker(&waker);
        assert!(rest.as_mut().poll(&mut context).is_pending());
        acknowledge(&replication);
        let rest = block_on(rest).unwrap();
        store.sync().unwrap();
        acknowledge(&replication);
        assert_eq!(rest.wait().unwrap().len(), 5);
        drop(first);
        assert_eq!(store.snapshot().len(), 5);
    });
}

#[test]
fn who_waits_for_room_is_not_refused_as_the_replication_of_others_ends() {
    for _ in 0..20 {
        let store = options(&MemFs::new())
            .in_flight_max(1)
            .open(crate::harness::DIR)
            .unwrap();
        let replication = store.replication().unwrap();
        let first = submit(&store, "1");
        store.sync().unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| store.submit(&a(), event("2")));
            // Mostly it waits by then.
            for _ in 0..1000 {
                thread::yield_now();
            }
            drop(replication);
            second.join().unwrap().unwrap().wait().unwrap();
        });
        assert_eq!(first.wait().unwrap_err().kind(), ErrorKind::Unknown);
        assert_eq!(store.snapshot().len(), 2);
    }
}

#[test]
fn who_is_refused_because_of_an_event_sees_it_though_its_replication_has_ended() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    let first = submit(&store, "1");
    store.sync().unwrap();
    drop(replication);
    assert_eq!(first.wait().unwrap_err().kind(), ErrorKind::Unknown);
    assert!(store.snapshot().is_empty());
    let condition = AppendCondition::since(sequence(0)).none_in(Region::all());
    for durability in [Durability::Synced, Durability::Written] {
        let asked = asking(durability).condition(&condition);
        let refused = store.append_with(&a(), event("2"), asked);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConditionFailed);
        assert_eq!(texts(&store), ["1"]);
        let refused = store.submit_with(&a(), event("2"), asked);
        let refused = refused.and_then(strandline::Ticket::wait).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
    }
}

#[test]
fn an_erasure_goes_on_though_nobody_acknowledges_and_after_the_replication_has_ended() {
    for ends in [false, true] {
        bounded(move || {
            let store = open(&MemFs::new());
            let replication = store.replication().unwrap();
            store.append(&at("gone", "s"), event("x")).unwrap();
            let hidden = submit(&store, "hidden");
            store.sync().unwrap();
            let replication = (!ends).then_some(replication);
            assert_eq!(texts(&store), ["x"]);
            let rules = Retention::new().drop_entity("gone");
            compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
            // It is shown as if something had been appended that asks for no replication.
            assert_eq!(texts(&store), ["hidden"]);
            assert!(store.verify().unwrap().is_intact());
            if let Some(replication) = replication {
                acknowledge(&replication);
                assert!(hidden.wait().unwrap().replicated);
            }
        });
    }
}
