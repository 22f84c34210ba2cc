//! Rules of an entry: which facts it holds.

use crate::*;
use strandline_index::{IndexError, Snapshot};

#[test]
fn an_entry_holds_every_fact() {
    let (mut writer, reader) = channel();
    let number = writer.reserve(1).unwrap().get();
    let row = Row {
        wall_ms: u64::MAX,
        clock: u32::MAX,
        position: u64::MAX,
        kind: EventKind::from_bits(0xFFFF),
        correlation: id(50),
        causation: Some(id(51)),
        hash: Some(Hash::of(b"hash")),
        ..row(&mut writer, number, "e", "s")
    };
    writer.insert(&row).unwrap();
    let inserted = writer.inserted();
    holds_every_fact(&inserted, &row);
    assert!(writer.contains(row.id), "before it is visible");
    let head = head(&writer, "e").unwrap();
    assert_eq!((head.sequence, head.hash), (row.sequence, row.hash));
    assert_eq!((head.clock, head.position), (row.clock, row.position));
    publish(&writer);
    holds_every_fact(&reader.snapshot(), &row);
    writer.seal().unwrap();
    holds_every_fact(&reader.snapshot(), &row);
    assert_eq!(writer.sealed_head("e"), Some(head));
    let block = reader.snapshot().export(ALL).unwrap();
    reader.replace(Block::from_vec(block).unwrap()).unwrap();
    assert_eq!(reader.snapshot().blocks().count(), 1);
    holds_every_fact(&reader.snapshot(), &row);
    assert_eq!(writer.sealed_head("e"), Some(head));
}

fn holds_every_fact(snapshot: &Snapshot, row: &Row) {
    let view = snapshot.get(row.id).unwrap();
    assert_eq!((view.id(), view.sequence()), (row.id, row.sequence));
    assert_eq!((view.wall_ms(), view.clock()), (u64::MAX, u32::MAX));
    assert_eq!((view.kind(), view.position()), (row.kind, u64::MAX));
    assert_eq!(view.coordinate(), coordinate("e", "s"));
    assert_eq!(
        (view.correlation(), view.causation()),
        (id(50), Some(id(51)))
    );
}

#[test]
fn an_entry_tells_how_it_is_linked() {
    let (mut writer, reader) = index(&[("e", "s")]);
    let number = writer.reserve(1).unwrap().get();
    let linked = Row {
        correlation: id(0),
        causation: Some(id(0)),
        ..row(&mut writer, number, "e", "s")
    };
    writer.insert(&linked).unwrap();
    publish(&writer);
    let snapshot = reader.snapshot();
    let [first, second] = [0, 1].map(|number| snapshot.row_at(sequence(number)).unwrap());
    assert!(!first.is_correlated() && first.is_root_cause());
    assert!(second.is_correlated() && !second.is_root_cause());
    assert!(second.is_caused_by(id(0)) && !second.is_caused_by(id(1)));
    assert!(first.clock_key() < second.clock_key(), "by time, clock, id");
}

#[test]
fn hashes_are_kept_of_heads_alone() {
    let (mut writer, _) = channel();
    insert_hashed(&mut writer, "e", "s", b"0");
    let first = head(&writer, "e").unwrap();
    assert_eq!(
        (first.sequence, first.hash),
        (sequence(0), Some(Hash::of(b"0")))
    );
    insert(&mut writer, "e", "s");
    let second = head(&writer, "e").unwrap();
    assert_eq!((second.clock, second.hash), (1, None));
    assert_eq!(second.sequence, sequence(1));
    let alone = writer.inserted().export(sequence(0)..sequence(1)).unwrap();
    let (mut copy, _) = channel();
    let mut cursor = copy.replay();
    let block = Block::from_vec(alone).unwrap();
    cursor.attach(Arc::new(block)).unwrap();
    cursor.commit(Sequence::ZERO);
    let first = copy.sealed_head("e").unwrap();
    assert_eq!((first.clock, first.hash), (0, None), "not the head");
}

#[test]
fn what_the_caller_looked_up_is_not_looked_up_again_but_checked() {
    let (mut writer, reader) = index(&[("e", "s"), ("e", "s")]);
    writer.seal().unwrap();
    reader
        .replace(Block::from_vec(reader.snapshot().export(ALL).unwrap()).unwrap())
        .unwrap();
    let heads = writer.sealed_heads(&["none", "e", "e"]);
    let clock = heads[1].as_ref().unwrap().head.clock;
    assert_eq!((&heads[0], &heads[1]), (&None, &heads[2]));
    let number = writer.reserve(3).unwrap().get();
    let first = row(&mut writer, number, "e", "s");
    let early = Row {
        clock,
        ..first.clone()
    };
    let refused = writer.insert_known(&early, &[], Some(clock)).unwrap_err();
    let expected = IndexError::ClockNotAfterHead { clock, head: clock };
    assert_eq!(refused, expected);
    writer.insert_known(&first, &["t"], Some(clock)).unwrap();
    // From here on the head is a live row, whatever is said of sealed ones.
    let again = Row {
        sequence: sequence(number + 1),
        id: id(number + 1),
        ..first.clone()
    };
    let refused = writer.insert_known(&again, &[], None).unwrap_err();
    assert!(matches!(refused, IndexError::ClockNotAfterHead { .. }));
    let taken = Row {
        clock: first.clock + 1,
        id: first.id,
        ..again.clone()
    };
    let refused = writer.insert_known(&taken, &[], None).unwrap_err();
    assert_eq!(
        refused,
        IndexError::DuplicateId {
            id: first.id,
            sequence: first.sequence
        }
    );
    let unreserved = Row {
        sequence: sequence(number + 3),
        ..taken.clone()
    };
    let refused = writer.insert_known(&unreserved, &[], None).unwrap_err();
    assert!(matches!(refused, IndexError::SequenceNotReserved { .. }));
    let next = Row {
        id: id(number + 1),
        ..taken
    };
    writer.insert_known(&next, &[], Some(clock)).unwrap();
    publish(&writer);
    assert_eq!(reader.snapshot().stream("e").count(), 4);
    assert_eq!(reader.snapshot().tags("").count(), 1);
    assert_eq!(
        writer.find_all(&[id(9), first.id, id(0)]),
        [None, Some(first.sequence), Some(sequence(0))]
    );
}

#[test]
fn every_coordinate_of_a_block_is_right_however_many_are_asked_for() {
    // More than a block keeps, so that some share a place.
    const COUNT: u32 = 40_000;
    let (mut writer, reader) = channel();
    writer.reserve(COUNT.into()).unwrap();
    for number in 0..COUNT {
        let row = row(&mut writer, number.into(), &format!("e:{number:05}"), "s");
        writer.insert(&row).unwrap();
    }
    publish(&writer);
    let block = block(&reader, ALL);
    for place in (0..COUNT).chain((0..COUNT).rev()) {
        let coordinate = block.coordinate(place).unwrap();
        assert_eq!(coordinate.entity(), format!("e:{place:05}"));
    }
    assert_eq!(block.coordinate(COUNT), None);
    assert_eq!(block.coordinate(u32::MAX), None);
}
