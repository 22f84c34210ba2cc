//! Rows of the part that grows, beside readers.

use crate::*;
use strandline_core::Region;

/// An entity that comes after the other by name.
const OTHER: &str = "f";

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
            .query(Region::all().kind(KIND))
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
            let found = snapshot.get(id(number)).map(|found| found.sequence());
            let visible = Sequence::new(number) < snapshot.visible();
            assert_eq!(found, visible.then_some(Sequence::new(number)));
        }
    });
}

#[test]
fn an_id_that_does_not_ascend_is_found_once_its_event_is_visible() {
    fn id(number: u64) -> EventId {
        EventId::from_u128(100 - u128::from(number))
    }
    fn append(writer: &mut IndexWriter, coordinate: CoordinateId, numbers: Range<u64>) {
        for number in numbers {
            writer.reserve(1).unwrap();
            let row = Row {
                id: id(number),
                ..row(coordinate, number)
            };
            writer.insert(&row).unwrap();
            writer.publish(writer.gate().allocated());
        }
    }
    model(|| {
        let (mut writer, reader) = channel();
        let coordinate = intern(&mut writer);
        // The first row has a greater id than the table ever holds, and the third that it holds makes
        // it grow.
        append(&mut writer, coordinate, 0..2);
        let reading = thread::spawn(move || {
            let snapshot = reader.snapshot();
            for number in 1..4 {
                let found = snapshot.get(id(number)).map(|found| found.sequence());
                let visible = Sequence::new(number) < snapshot.visible();
                assert_eq!(found, visible.then_some(Sequence::new(number)));
            }
        });
        append(&mut writer, coordinate, 2..4);
        reading.join().unwrap();
    });
}

#[test]
fn a_name_is_listed_and_found_once_its_event_is_visible_whoever_asked_before() {
    // A new entity in a scope that is known, and names on boards of one.
    let write = |writer: &mut IndexWriter, _| {
        let coordinate = writer
            .intern(&Coordinate::new(OTHER, SCOPE).unwrap())
            .unwrap();
        writer.reserve(1).unwrap();
        writer.insert(&row(coordinate, 1)).unwrap();
        writer.publish(writer.gate().allocated());
    };
    race(1, write, |reader| {
        // What is listed is put in order, and that is kept for who lists later.
        for _ in 0..2 {
            let snapshot = reader.snapshot();
            let is_visible = snapshot.visible().get() == 2;
            let listed: Vec<_> = snapshot.entities("").collect();
            let names: Vec<_> = listed.iter().map(|(name, rows)| (&**name, *rows)).collect();
            let both = [(ENTITY, 1), (OTHER, 1)];
            assert_eq!(names, both[..1 + usize::from(is_visible)]);
            let found = snapshot.latest(OTHER).map(|row| row.coordinate());
            let expected = Coordinate::new(OTHER, SCOPE).unwrap();
            assert_eq!(found, is_visible.then_some(expected));
        }
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
