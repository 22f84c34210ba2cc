//! What whoever copies a log is given of it, and how segments are sealed while events wait to be replicated.

use crate::harness::{HeldFs, at, bounded, event, open, options, read, segment, texts, until};
use crate::hostile_callers::held;
use crate::replicated::{a, acknowledge, assert_pending, replicated, submit};
use crate::waiting::{AT_ONCE, EVER, sequence};
use std::ops::ControlFlow;
use std::thread;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, redact};
use strandline::{ErrorKind, Replication};

#[test]
fn the_end_to_copy_is_never_past_a_sync() {
    let fs = HeldFs::default();
    let store = held(&fs);
    let replication = store.replication().unwrap();
    store.append(&a(), event("0")).unwrap();
    let before = replication.durable_end().unwrap();
    fs.hold();
    let tickets: Vec<_> = (0..40).map(|at| submit(&store, &at.to_string())).collect();
    fs.until_held(1);
    assert_eq!(replication.durable_end().unwrap(), before);
    assert!(!replication.wait_durable(before, AT_ONCE).unwrap());
    fs.release();
    assert!(replication.wait_durable(before, EVER).unwrap());
    until("all is synced", || {
        replication.durable_end().unwrap().sequence == sequence(41)
    });
    acknowledge(&replication);
    for ticket in tickets {
        ticket.wait().unwrap();
    }
}

#[test]
fn the_end_to_copy_is_that_of_a_commit_while_others_are_written() {
    let fs = HeldFs::default();
    let store = held(&fs);
    let replication = store.replication().unwrap();
    let mut ends = Vec::new();
    for at in 0..30 {
        store.append(&a(), event(&"x".repeat(at * 7))).unwrap();
        ends.push(replication.durable_end().unwrap());
    }
    // Of what is written behind each of them nothing is synced.
    fs.hold();
    let ticket = submit(&store, "held");
    fs.until_held(1);
    assert_eq!(replication.durable_end().unwrap(), *ends.last().unwrap());
    let log = replication.log().unwrap();
    for end in &ends {
        let last = sequence(end.sequence.get() - 1);
        assert_eq!(log.commit_at(last, None).unwrap().unwrap().after, *end);
    }
    fs.release();
    store.sync().unwrap();
    acknowledge(&replication);
    ticket.wait().unwrap();
}

#[test]
fn the_end_to_copy_is_behind_the_notes_that_follow_a_commit() {
    let fs = HeldFs::default();
    let store = held(&fs);
    store.append(&a(), event("0")).unwrap();
    let commit = store.replication().unwrap().durable_end().unwrap();
    let chosen = Redaction::new().entity("a");
    redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
    let noted = store.replication().unwrap().durable_end().unwrap();
    assert_eq!(noted.sequence, commit.sequence);
    assert!(!noted.is_same_place(&commit));
    // Whoever begins while something is on its way to the disk is not given less.
    let replication = store.replication().unwrap();
    fs.hold();
    let ticket = submit(&store, "held");
    fs.until_held(1);
    assert_eq!(replication.durable_end().unwrap(), noted);
    fs.release();
    store.sync().unwrap();
    acknowledge(&replication);
    ticket.wait().unwrap();
}

#[test]
fn the_bytes_to_copy_are_those_of_the_file() {
    let fs = MemFs::new();
    let store = open(&fs);
    let replication = store.replication().unwrap();
    for at in 0..20 {
        store.append(&a(), event(&at.to_string())).unwrap();
    }
    let end = replication.durable_end().unwrap();
    let manifest = replication.manifest().unwrap();
    assert_eq!(*manifest.identity(), replication.identity().unwrap());
    let file = read(&fs, &segment(&fs));
    let log = replication.log().unwrap();
    let (mut copied, mut buffer) = (Vec::new(), vec![0; 100]);
    loop {
        let from = copied.len() as u32;
        let read = log.read_raw(end.segment, from, &mut buffer).unwrap();
        copied.extend_from_slice(&buffer[..read]);
        if read < buffer.len() {
            break;
        }
    }
    assert_eq!(copied.len() as u32, end.offset);
    assert_eq!(copied, file[..copied.len()]);
    let past = log.read_raw(end.segment, end.offset, &mut buffer).unwrap();
    assert_eq!(past, 0);
    assert!(log.read_raw(end.segment, u32::MAX, &mut buffer).unwrap() == 0);
}

/// Acknowledges what is on the disk until that is so many events.
fn copy_all(replication: &Replication, events: u64) {
    let mut past = replication.durable_end().unwrap();
    while past.sequence < sequence(events) {
        replication.wait_durable(past, EVER).unwrap();
        past = replication.durable_end().unwrap();
        replication.replicated(past.sequence);
    }
}

#[test]
fn segments_are_sealed_once_what_is_in_them_is_replicated() {
    bounded(|| {
        let fs = MemFs::new();
        let options = options(&fs).segment_bytes_max(64 << 10).in_flight_max(16);
        let store = options.open(crate::harness::DIR).unwrap();
        let replication = store.replication().unwrap();
        let payload = "x".repeat(3 << 10);
        thread::scope(|scope| {
            scope.spawn(|| copy_all(&replication, 240));
            let writers = [0, 1].map(|writer| {
                let (store, payload) = (&store, &payload);
                scope.spawn(move || {
                    let place = at(&format!("w{writer}"), "s");
                    for _ in 0..60 {
                        let ticket = store.submit_with(&place, event(payload), replicated());
                        drop(ticket.unwrap());
                        let receipt = store.append_with(&place, event(payload), replicated());
                        let receipt = receipt.unwrap();
                        assert!(receipt.replicated);
                        assert!(store.snapshot().get(receipt.id).unwrap().is_some());
                    }
                })
            });
            for writer in writers {
                writer.join().unwrap();
            }
        });
        assert_eq!(store.snapshot().len(), 240);
        assert!(store.stats().unwrap().segments > 8);
        assert!(store.verify().unwrap().is_intact());
        store.close().unwrap();
        assert_eq!(open(&fs).snapshot().len(), 240);
    });
}

#[test]
fn what_waits_to_be_replicated_does_not_keep_others_from_a_new_segment() {
    bounded(|| {
        let fs = MemFs::new();
        let options = options(&fs).segment_bytes_max(64 << 10);
        let store = options.open(crate::harness::DIR).unwrap();
        let replication = store.replication().unwrap();
        let payload = "x".repeat(3 << 10);
        let mut strong: Vec<_> = (0..10)
            .map(|_| Box::pin(submit(&store, &payload)))
            .collect();
        thread::scope(|scope| {
            // Fills the segment, and has to wait for the next one until all in this is replicated.
            let fills = scope.spawn(|| {
                let more = (0..20).map(|_| submit(&store, &payload));
                more.collect::<Vec<_>>()
            });
            for _ in 0..40 {
                store.append(&a(), event(&payload)).unwrap();
            }
            assert!(store.stats().unwrap().segments > 2);
            for ticket in &mut strong {
                assert_pending(ticket);
            }
            while !fills.is_finished() {
                acknowledge(&replication);
                thread::yield_now();
            }
            let fills = fills.join().unwrap();
            store.sync().unwrap();
            acknowledge(&replication);
            for ticket in fills {
                assert!(ticket.wait().unwrap().replicated);
            }
        });
        assert_eq!(store.snapshot().len(), 70);
        assert!(store.verify().unwrap().is_intact());
    });
}

#[test]
fn a_full_segment_whose_replication_ends_takes_weaker_appends() {
    bounded(|| {
        let fs = MemFs::new();
        let options = options(&fs).segment_bytes_max(64 << 10);
        let store = options.open(crate::harness::DIR).unwrap();
        let replication = store.replication().unwrap();
        let payload = "x".repeat(20 << 10);
        for _ in 0..3 {
            drop(submit(&store, &payload));
        }
        thread::scope(|scope| {
            // It would be the first of the next segment.
            let waits = scope.spawn(|| store.append_with(&a(), event(&payload), replicated()));
            store.sync().unwrap();
            drop(replication);
            let refused = waits.join().unwrap().unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::NotReplicated);
        });
        let stats = store.stats().unwrap();
        assert_eq!((stats.written, stats.segments), (sequence(3), 1));
        store.append(&a(), event(&payload)).unwrap();
        assert_eq!(store.snapshot().len(), 4);
        assert_eq!(store.stats().unwrap().segments, 2);
    });
}

#[test]
fn a_wait_that_is_over_gives_up_its_place() {
    let store = open(&MemFs::new());
    let replication = store.replication().unwrap();
    drop(submit(&store, "1"));
    let mut dropped = Box::pin(submit(&store, "2"));
    assert_pending(&mut dropped);
    drop(dropped);
    store.sync().unwrap();
    acknowledge(&replication);
    assert_eq!(texts(&store), ["1", "2"]);
}

#[test]
fn a_checkpoint_has_what_is_not_seen_yet() {
    let fs = MemFs::new();
    let store = open(&fs);
    let replication = store.replication().unwrap();
    store.append(&a(), event("0")).unwrap();
    let ticket = submit(&store, "1");
    assert_eq!(store.checkpoint().unwrap(), sequence(2));
    assert_eq!(texts(&store), ["0"]);
    acknowledge(&replication);
    assert!(ticket.wait().unwrap().replicated);
    drop((store, replication));
    let store = open(&fs);
    assert_eq!(texts(&store), ["0", "1"]);
    assert_eq!(store.open_report().events_from_log, 0);
}
