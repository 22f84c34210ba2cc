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
    let walked = snapshot.query(&Region::all().kind(KIND)).rev();
    let walked: Vec<_> = walked.map(|row| row.sequence().get()).collect();
    assert!(walked.into_iter().eq((0..rows).rev()));
    for number in 0..rows {
        let found = snapshot.get(id(number)).unwrap();
        assert_eq!(found.sequence().get(), number);
    }
}

/// A block of all sealed rows.
fn block(reader: &IndexReader, sealed: Range<Sequence>) -> Block {
    Block::from_vec(reader.snapshot().export(sealed)).unwrap()
}

#[test]
fn a_block_takes_the_place_of_rows_under_a_reader() {
    model(|| {
        let (mut writer, reader, _) = index(1);
        let sealed = writer.seal().unwrap().unwrap();
        let block = block(&reader, sealed);
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
