//! Models of the index under loom, on the types that ship: run with `--cfg strandline_loom`.
//!
//! Each keeps to three threads. A chunk has 2 rows here, so that growth is part of every model.

#![cfg(strandline_loom)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a model fails by panicking, and its numbers are small"
)]

mod gate;
mod parts;
mod rows;

use std::ops::Range;
use strandline_core::sync::thread;
use strandline_core::{Coordinate, EventId, EventKind, Sequence};
use strandline_index::{CoordinateId, IndexReader, IndexWriter, Row, Snapshot, channel};

const KIND: EventKind = EventKind::new(1, 1);
const ENTITY: &str = "e";
const SCOPE: &str = "s";

/// Runs every interleaving with at most three preemptions.
fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(body);
}

/// The id of event `number`.
fn id(number: u64) -> EventId {
    EventId::from_u128(u128::from(number + 1) << 64 | u128::from(number + 1))
}

/// The row of event `number`, whose every column follows from the number.
fn row(coordinate: CoordinateId, number: u64) -> Row {
    Row {
        sequence: Sequence::new(number),
        id: id(number),
        coordinate,
        kind: KIND,
        wall_ms: number + 100,
        clock: number as u32,
        position: number + 200,
        correlation: id(number),
        causation: None,
        hash: None,
    }
}

/// The number of the one coordinate in the part that grows.
fn intern(writer: &mut IndexWriter) -> CoordinateId {
    let coordinate = Coordinate::new(ENTITY, SCOPE).unwrap();
    writer.intern(&coordinate).unwrap()
}

/// A writer with `rows` visible rows of one entity.
fn index(rows: u64) -> (IndexWriter, IndexReader, CoordinateId) {
    let (mut writer, reader) = channel();
    let coordinate = intern(&mut writer);
    append(&mut writer, coordinate, 0..rows);
    (writer, reader, coordinate)
}

/// Inserts rows and publishes them at once.
fn append(writer: &mut IndexWriter, coordinate: CoordinateId, numbers: Range<u64>) {
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
        let coordinate = found.coordinate();
        assert_eq!((coordinate.entity(), coordinate.scope()), (ENTITY, SCOPE));
        assert_eq!(found.id(), id(number));
        assert_eq!(found.kind(), KIND);
        assert_eq!(found.wall_ms(), number + 100);
        assert_eq!(found.clock() as u64, number);
        assert_eq!(found.position(), number + 200);
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
