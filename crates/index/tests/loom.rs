//! Models of the index under loom, on the types that ship: run with `--cfg strandline_loom`.
//!
//! Each keeps to three threads. A chunk has 2 rows here, so that growth is part of every model.

#![cfg(strandline_loom)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a model fails by panicking, and its numbers are small"
)]

use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::sync::thread;
use strandline_core::{Coordinate, EventId, EventKind, Region, Sequence};
use strandline_index::{
    CoordinateId, IndexReader, IndexWriter, Row, SequenceGate, Snapshot, channel,
};

const KIND: EventKind = EventKind::new(1, 1);
const ENTITY: &str = "e";

/// Runs every interleaving with at most three preemptions.
fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(body);
}

/// The row of event `number`, whose every column follows from the number.
fn row(coordinate: CoordinateId, number: u64) -> Row {
    let id = EventId::from_u128(u128::from(number + 1) << 64 | u128::from(number + 1));
    Row {
        sequence: Sequence::new(number),
        id,
        coordinate,
        kind: KIND,
        wall_ms: number + 100,
        clock: number as u32,
        position: number + 200,
        correlation: id,
        causation: None,
        hash: None,
    }
}

/// A writer with `rows` visible rows of one entity.
fn index(rows: u64) -> (IndexWriter, IndexReader, CoordinateId) {
    let (mut writer, reader) = channel();
    let coordinate = Coordinate::new(ENTITY, "s").unwrap();
    let coordinate = writer.intern(&coordinate).unwrap();
    append(&mut writer, coordinate, 0..rows);
    (writer, reader, coordinate)
}

/// Inserts rows and publishes them at once.
fn append(writer: &mut IndexWriter, coordinate: CoordinateId, numbers: std::ops::Range<u64>) {
    writer.reserve(numbers.end - numbers.start).unwrap();
    for number in numbers {
        writer.insert(&row(coordinate, number)).unwrap();
    }
    writer.publish(writer.gate().allocated());
}

/// Checks that a snapshot holds exactly the rows below its watermark, with the right columns.
fn check(snapshot: &Snapshot) {
    assert_eq!(snapshot.len(), snapshot.visible().get());
    for number in 0..snapshot.visible().get() {
        let found = snapshot.row_at(Sequence::new(number)).unwrap();
        let expected = row(found.coordinate_id(), number);
        assert_eq!(found.id(), expected.id);
        assert_eq!(found.coordinate_id().get(), 0);
        assert_eq!(found.kind(), expected.kind);
        assert_eq!(found.wall_ms(), expected.wall_ms);
        assert_eq!(found.clock(), expected.clock);
        assert_eq!(found.position(), expected.position);
    }
}

/// Runs a writer beside a reader, each of them once in the first thread.
///
/// loom remembers only the last access to an atomic. A load is so forgotten once the other thread
/// has loaded before it writes, and the orders that this load would call for are not tried. With
/// the roles exchanged they are.
fn race(rows: u64, write: fn(&mut IndexWriter, CoordinateId), read: fn(&IndexReader)) {
    model(move || {
        let (mut writer, reader, coordinate) = index(rows);
        let reading = thread::spawn(move || read(&reader));
        write(&mut writer, coordinate);
        reading.join().unwrap();
    });
    model(move || {
        let (mut writer, reader, coordinate) = index(rows);
        let writing = thread::spawn(move || write(&mut writer, coordinate));
        read(&reader);
        writing.join().unwrap();
        read(&reader);
    });
}

#[test]
fn a_reader_finds_every_row_below_the_watermark() {
    let write = |writer: &mut IndexWriter, coordinate| {
        append(writer, coordinate, 0..1);
        append(writer, coordinate, 1..2);
    };
    race(0, write, |reader| check(&reader.snapshot()));
}

#[test]
fn columns_are_ordered_by_the_gate_across_chunk_growth() {
    let write = |writer: &mut IndexWriter, coordinate| append(writer, coordinate, 1..3);
    race(1, write, |reader| check(&reader.snapshot()));
}

#[test]
fn a_batch_of_two_is_never_seen_half() {
    let write = |writer: &mut IndexWriter, coordinate| append(writer, coordinate, 0..2);
    race(0, write, |reader| {
        let snapshot = reader.snapshot();
        let walked = snapshot
            .query(&Region::all().kind(KIND))
            .rev()
            .fold(0, |n, _| n + 1);
        let counts = [
            snapshot.len() as usize,
            snapshot.stream(ENTITY).count(),
            walked,
        ];
        assert!(counts == [0; 3] || counts == [2; 3], "{counts:?}");
    });
}

#[test]
fn latest_is_never_none_once_there_is_one() {
    let write = |writer: &mut IndexWriter, coordinate| append(writer, coordinate, 1..3);
    race(1, write, |reader| {
        for _ in 0..2 {
            let snapshot = reader.snapshot();
            let latest = snapshot.latest(ENTITY).unwrap();
            assert_eq!(u64::from(latest.clock()) + 1, snapshot.visible().get());
        }
    });
}

#[test]
fn an_id_is_found_once_its_event_is_visible() {
    let write = |writer: &mut IndexWriter, coordinate| append(writer, coordinate, 1..3);
    race(1, write, |reader| {
        let snapshot = reader.snapshot();
        for number in 0..3 {
            let expected =
                EventId::from_u128(u128::from(number + 1) << 64 | u128::from(number + 1));
            let found = snapshot.get(expected).map(|found| found.sequence());
            let visible = Sequence::new(number) < snapshot.visible();
            assert_eq!(found, visible.then_some(Sequence::new(number)));
        }
    });
}

#[test]
fn an_id_that_does_not_ascend_is_found_once_its_event_is_visible() {
    let id = |number: u64| EventId::from_u128(100 - u128::from(number));
    let write = move |writer: &mut IndexWriter, coordinate| {
        for number in 1..3 {
            writer.reserve(1).unwrap();
            writer
                .insert(&Row {
                    id: id(number),
                    ..row(coordinate, number)
                })
                .unwrap();
            writer.publish(writer.gate().allocated());
        }
    };
    // The first row has a greater id than the table ever holds.
    let read = move |reader: &IndexReader| {
        let snapshot = reader.snapshot();
        for number in 1..3 {
            let found = snapshot.get(id(number)).map(|found| found.sequence());
            let visible = Sequence::new(number) < snapshot.visible();
            assert_eq!(found, visible.then_some(Sequence::new(number)));
        }
    };
    model(move || {
        let (mut writer, reader) = channel();
        let coordinate = Coordinate::new(ENTITY, "s").unwrap();
        let coordinate = writer.intern(&coordinate).unwrap();
        writer.reserve(1).unwrap();
        let first = Row {
            id: id(0),
            ..row(coordinate, 0)
        };
        writer.insert(&first).unwrap();
        writer.publish(Sequence::new(1));
        let reading = thread::spawn(move || read(&reader));
        write(&mut writer, coordinate);
        reading.join().unwrap();
    });
}

#[test]
fn a_gap_is_never_counted_into_the_run_before_it() {
    // Sequences 1 and 2 are burned.
    let write = |writer: &mut IndexWriter, coordinate| {
        writer.reserve(2).unwrap();
        writer.publish(Sequence::new(3));
        writer.reserve(1).unwrap();
        writer.insert(&row(coordinate, 3)).unwrap();
        writer.publish(Sequence::new(4));
    };
    race(1, write, |reader| {
        let snapshot = reader.snapshot();
        let expected = if snapshot.visible().get() == 4 { 2 } else { 1 };
        assert_eq!(snapshot.len(), expected);
        assert_eq!(snapshot.stream(ENTITY).count() as u64, expected);
    });
}

#[test]
fn an_aborted_replay_is_never_seen() {
    // Sequences 1 and 2 are burned, so that rows and watermark differ.
    let write = |writer: &mut IndexWriter, coordinate| {
        writer.reserve(2).unwrap();
        writer.publish(Sequence::new(3));
        let mut cursor = writer.replay();
        cursor.insert(&row(coordinate, 3)).unwrap();
        cursor.abort();
    };
    race(1, write, |reader| {
        let snapshot = reader.snapshot();
        assert_eq!(snapshot.len(), 1);
        assert_eq!(snapshot.latest(ENTITY).unwrap().clock(), 0);
    });
}

#[test]
fn snapshots_never_go_back_in_any_thread() {
    model(|| {
        let (mut writer, reader, coordinate) = index(0);
        let reading = thread::spawn(move || {
            let first = reader.snapshot();
            let (handed, other) = (first.clone(), reader.clone());
            let reading = thread::spawn(move || {
                check(&handed);
                let later = other.snapshot();
                assert!(later.visible() >= handed.visible());
                check(&later);
            });
            assert!(reader.snapshot().visible() >= first.visible());
            reading.join().unwrap();
            check(&first);
        });
        append(&mut writer, coordinate, 0..1);
        reading.join().unwrap();
    });
}

#[test]
fn a_frozen_gate_never_moves_though_an_advance_races() {
    model(|| {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(2).unwrap();
        let threads = [1, 2].map(|up_to| {
            let gate = gate.clone();
            thread::spawn(move || {
                let up_to = Sequence::new(up_to);
                let moved = gate.advance_to(up_to);
                assert!(!moved || gate.visible() >= up_to);
                moved
            })
        });
        gate.freeze();
        let frozen_at = gate.visible();
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(gate.visible(), frozen_at);
        assert!(!first || frozen_at.get() >= 1);
        assert_eq!(second, frozen_at.get() == 2);
    });
}

#[test]
fn advances_by_maximum_carry_what_was_filled() {
    model(|| {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(2).unwrap();
        let cells = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let reading = {
            let (gate, cells) = (gate.clone(), cells.clone());
            thread::spawn(move || {
                let visible = gate.visible();
                for cell in cells.iter().take(visible.get() as usize) {
                    assert_eq!(cell.load(Ordering::Relaxed), 1);
                }
            })
        };
        for (cell, up_to) in cells.iter().zip(1..) {
            cell.store(1, Ordering::Relaxed);
            gate.advance_to(Sequence::new(up_to));
        }
        reading.join().unwrap();
    });
}
