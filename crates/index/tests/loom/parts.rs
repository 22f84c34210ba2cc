//! Sealing, and blocks that take the place of sealed rows, beside readers.

use crate::*;
use strandline_core::Region;
use strandline_index::Block;

/// Everything that a snapshot of `rows` rows answers, whatever holds them.
fn check_answers(snapshot: &Snapshot, rows: u64) {
    assert_eq!(snapshot.visible().get(), rows);
    check(snapshot);
    let latest = snapshot.latest(ENTITY).unwrap();
    assert_eq!(u64::from(latest.clock()) + 1, rows);
    assert_eq!(snapshot.stream(ENTITY).count() as u64, rows);
    let walked = snapshot.query(Region::all().kind(KIND)).rev();
    let walked: Vec<_> = walked.map(|row| row.sequence().get()).collect();
    assert!(walked.into_iter().eq((0..rows).rev()));
    for number in 0..rows {
        let found = snapshot.get(id(number)).unwrap();
        assert_eq!(found.sequence().get(), number);
    }
}

/// A block of all sealed rows.
fn block(reader: &IndexReader, sealed: Range<Sequence>) -> Block {
    Block::from_vec(reader.snapshot().export(sealed).unwrap()).unwrap()
}

/// An index with one sealed row, and the block of it.
fn sealed() -> (IndexWriter, IndexReader, Block) {
    let (mut writer, reader, _) = index(1);
    let sealed = writer.seal().unwrap().unwrap();
    let block = block(&reader, sealed);
    (writer, reader, block)
}

#[test]
fn a_block_takes_the_place_of_rows_under_a_reader() {
    model(|| {
        let (_writer, reader, block) = sealed();
        let replacing = {
            let reader = reader.clone();
            thread::spawn(move || reader.replace(block).unwrap())
        };
        let first = reader.snapshot();
        check_answers(&first, 1);
        check_answers(&reader.snapshot(), 1);
        replacing.join().unwrap();
        assert_eq!(reader.snapshot().blocks().count(), 1);
        check_answers(&first, 1);
        check_answers(&reader.snapshot(), 1);
    });
}

#[test]
fn rows_are_sealed_exported_and_replaced_under_a_reader() {
    let write = |writer: &mut IndexWriter, _| {
        let sealed = writer.seal().unwrap().unwrap();
        let reader = writer.reader();
        reader.replace(block(&reader, sealed)).unwrap();
    };
    race(1, write, |reader| check_answers(&reader.snapshot(), 1));
}

#[test]
fn rows_go_on_after_a_seal_beside_a_reader() {
    let write = |writer: &mut IndexWriter, _| {
        writer.seal().unwrap().unwrap();
        let coordinate = intern(writer);
        append(writer, coordinate, 1..2);
    };
    race(1, write, |reader| {
        let snapshot = reader.snapshot();
        check_answers(&snapshot, snapshot.visible().get());
    });
}

#[test]
fn latest_is_never_none_while_a_block_takes_the_place_of_rows() {
    model(|| {
        let (mut writer, reader, block) = sealed();
        let reading = thread::spawn(move || {
            for _ in 0..2 {
                let snapshot = reader.snapshot();
                let latest = snapshot.latest(ENTITY).unwrap();
                assert_eq!(u64::from(latest.clock()) + 1, snapshot.visible().get());
            }
        });
        writer.reader().replace(block).unwrap();
        let coordinate = intern(&mut writer);
        append(&mut writer, coordinate, 1..2);
        reading.join().unwrap();
    });
}

#[test]
fn a_snapshot_handed_on_across_a_seal_stays_as_it_is() {
    model(|| {
        let (mut writer, reader, _) = index(1);
        let reading = thread::spawn(move || {
            let first = reader.snapshot();
            let visible = first.visible();
            let (handed, other) = (first, reader);
            let reading = thread::spawn(move || {
                check_answers(&handed, visible.get());
                let later = other.snapshot();
                assert!(later.visible() >= visible);
                check(&later);
            });
            reading.join().unwrap();
        });
        writer.seal().unwrap().unwrap();
        let coordinate = intern(&mut writer);
        append(&mut writer, coordinate, 1..2);
        reading.join().unwrap();
    });
}

/// An index with two blocks of a row each, and the block of both.
fn two_blocks() -> (IndexWriter, IndexReader, Block) {
    let (mut writer, reader, _) = index(1);
    let first = writer.seal().unwrap().unwrap();
    let coordinate = intern(&mut writer);
    append(&mut writer, coordinate, 1..2);
    let second = writer.seal().unwrap().unwrap();
    let both = first.start..second.end;
    for sealed in [first, second] {
        reader.replace(block(&reader, sealed)).unwrap();
    }
    let merged = block(&reader, both);
    (writer, reader, merged)
}

#[test]
fn each_row_is_seen_once_while_a_merged_block_takes_the_place_of_parts() {
    model(|| {
        let (_writer, reader, merged) = two_blocks();
        let replacing = {
            let reader = reader.clone();
            thread::spawn(move || reader.replace(merged).unwrap())
        };
        let first = reader.snapshot();
        check_answers(&first, 2);
        replacing.join().unwrap();
        assert_eq!(reader.parts().len(), 1);
        check_answers(&first, 2);
        check_answers(&reader.snapshot(), 2);
    });
}

#[test]
fn each_row_is_seen_once_while_a_rewriting_splits_a_merged_block() {
    model(|| {
        let (_writer, reader, merged) = two_blocks();
        reader.replace(merged).unwrap();
        let second = Sequence::new(1)..Sequence::new(2);
        let rewritten = block(&reader, second.clone());
        let rewriting = {
            let reader = reader.clone();
            thread::spawn(move || reader.replace_all(vec![(second, rewritten)]).unwrap())
        };
        let first = reader.snapshot();
        check_answers(&first, 2);
        check_answers(&reader.snapshot(), 2);
        rewriting.join().unwrap();
        let parts: Vec<_> = reader.parts().iter().map(|part| part.rows).collect();
        assert_eq!(parts, [1, 1]);
        check_answers(&first, 2);
        check_answers(&reader.snapshot(), 2);
    });
}
