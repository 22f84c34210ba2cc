//! What must not take long, however many events there are, and whoever else is there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "time itself is what is measured")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use strandline_core::{Coordinate, EventId, EventKind, Sequence};
use strandline_index::{Block, IndexReader, IndexWriter, Row, channel};

fn append(writer: &mut IndexWriter, clock: u32, scope: &str) {
    let coordinate = Coordinate::new("entity", scope).unwrap();
    let coordinate = writer.intern(&coordinate).unwrap();
    let sequence = writer.reserve(1).unwrap();
    let id = EventId::from_u128(u128::from(clock) + 1);
    writer
        .insert(&Row {
            sequence,
            id,
            coordinate,
            clock,
            kind: EventKind::new(1, 1),
            wall_ms: 0,
            position: 0,
            correlation: id,
            causation: None,
            hash: None,
        })
        .unwrap();
}

/// Makes a block of what was appended since the last.
fn seal(writer: &mut IndexWriter, reader: &IndexReader) {
    writer.publish(writer.gate().allocated());
    let sealed = writer.seal().unwrap().unwrap();
    let block = Block::from_vec(reader.snapshot().export(sealed).unwrap()).unwrap();
    reader.replace(block).unwrap();
}

/// Once of some times: in the others somebody else may have had the processor.
fn assert_takes_less_than(limit: Duration, mut run: impl FnMut() -> Duration) {
    assert!((0..10).any(|_| run() < limit), "ten times {limit:?}");
}

#[test]
fn the_head_of_an_entity_with_many_events_and_scopes_is_found_at_once() {
    let (mut writer, reader) = channel();
    let many = 30_000;
    for clock in 0..many {
        let scope = if clock + 3 > many { "late" } else { "early" };
        append(&mut writer, clock, scope);
    }
    seal(&mut writer, &reader);
    // To go through all events each time would take minutes.
    assert_takes_less_than(Duration::from_secs(10), || {
        let begun = Instant::now();
        for _ in 0..1000 {
            let found = writer.sealed_heads(&["entity"]).pop().unwrap().unwrap();
            assert!(found.claim.is_some());
        }
        begun.elapsed()
    });
}

/// Whoever puts blocks in the place of others may hold the lock that appends wait for.
#[test]
fn a_snapshot_that_is_kept_holds_nobody_up_who_merges_blocks() {
    assert_takes_less_than(Duration::from_secs(1), merge_beside_a_snapshot);
}

/// How long the switch to a merged block takes while a snapshot is kept and all processors are busy.
fn merge_beside_a_snapshot() -> Duration {
    let (mut writer, reader) = channel();
    for clock in 0..2 {
        append(&mut writer, clock, "scope");
        seal(&mut writer, &reader);
    }
    let kept = reader.snapshot();
    let merged = kept.export(Sequence::ZERO..Sequence::new(2)).unwrap();
    let merged = Block::from_vec(merged).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let stop = stop.clone();
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {})
        })
        .collect();
    let begun = Instant::now();
    reader.replace(merged).unwrap();
    let took = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(kept.len(), 2);
    took
}
