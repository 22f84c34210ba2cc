//! Rules of a replay: sequences, commit, abort.

use crate::*;
use strandline_index::IndexError;

#[test]
fn replay_keeps_sequences_and_refuses_disorder() {
    let (mut writer, reader) = channel();
    let [first, second] = [5, 9].map(|number| {
        let clock = u32::try_from(number).unwrap();
        Row {
            clock,
            ..row(&mut writer, number, "e", "s")
        }
    });
    let mut cursor = writer.replay();
    cursor.insert(&first).unwrap();
    cursor.insert(&second).unwrap();
    for number in [5, 7, 9] {
        let row = Row {
            sequence: sequence(number),
            id: id(99),
            clock: 50,
            ..first.clone()
        };
        let error = cursor.insert(&row).unwrap_err();
        assert!(matches!(error, IndexError::SequenceOutOfOrder { .. }));
    }
    cursor.commit(Sequence::ZERO);
    assert_eq!(found(&reader, &Region::all()), [5, 9]);
    assert_eq!(writer.gate().allocated(), sequence(10));
}

#[test]
fn synthesize_next_is_after_the_highest_and_inserts_nothing() {
    let (mut writer, reader) = channel();
    let first = row(&mut writer, 5, "e", "s");
    let mut cursor = writer.replay();
    assert_eq!(cursor.synthesize_next(), Sequence::ZERO);
    cursor.insert(&first).unwrap();
    assert_eq!(cursor.synthesize_next(), sequence(6));
    assert_eq!(cursor.synthesize_next(), sequence(6));
    cursor.commit(Sequence::ZERO);
    assert_eq!(reader.snapshot().len(), 1);
}

#[test]
fn commit_takes_the_larger_of_hint_and_highest() {
    for (hint, expected) in [(0, 6), (6, 6), (8, 8)] {
        let (mut writer, reader) = channel();
        let first = row(&mut writer, 5, "e", "s");
        let mut cursor = writer.replay();
        cursor.insert(&first).unwrap();
        assert_eq!(cursor.commit(sequence(hint)), sequence(expected));
        assert_eq!(reader.gate().visible(), sequence(expected));
        assert_eq!(writer.reserve(1), Ok(sequence(expected)));
    }
}

#[test]
fn commit_without_rows_takes_the_hint_and_never_goes_back() {
    let (mut writer, reader) = channel();
    assert_eq!(writer.replay().commit(sequence(7)), sequence(7));
    assert_eq!(writer.replay().commit(sequence(3)), sequence(7));
    assert_eq!(reader.snapshot().visible(), sequence(7));
}

#[test]
fn abort_leaves_nothing_and_restores_heads() {
    let (mut writer, reader) = channel();
    insert_hashed(&mut writer, "e", "s", b"head");
    insert(&mut writer, "f", "s");
    publish(&writer);
    let entity = writer.lookup_entity("e").unwrap();
    let head = writer.head(entity);
    assert_eq!(head.unwrap().hash, Some(Hash::of(b"head")));
    let block = {
        let (_writer, reader) = index(&[("x", "s"), ("x", "s"), ("x", "s"), ("y", "z")]);
        block(&reader, sequence(2)..sequence(4))
    };
    let added = Row {
        hash: Some(Hash::of(b"2")),
        id: id(70),
        ..row(&mut writer, 2, "e", "t")
    };
    let again = Row {
        sequence: sequence(6),
        id: id(71),
        clock: 9,
        ..added.clone()
    };
    for _ in 0..2 {
        let mut cursor = writer.replay();
        cursor
            .insert(&Row {
                sequence: sequence(2),
                ..added.clone()
            })
            .unwrap();
        cursor
            .insert(&Row {
                causation: Some(id(0)),
                ..again.clone()
            })
            .unwrap();
        assert!(
            cursor.attach(block.clone()).is_err(),
            "its sequences are taken"
        );
        cursor.abort();
        assert_eq!(writer.gate().allocated(), sequence(2));
        assert_eq!(writer.head(entity), head);
        assert!(!writer.contains(id(70)));
        assert_eq!(reader.snapshot().len(), 2);
    }
    insert(&mut writer, "e", "s");
    publish(&writer);
    let snapshot = reader.snapshot();
    assert_eq!(found(&reader, &Region::all().entity("e")), [0, 2]);
    assert_eq!(found(&reader, &Region::all().kind(KIND)), [0, 1, 2]);
    assert_eq!(found(&reader, &Region::all().scope("t")), [0; 0]);
    assert!(snapshot.latest("e").unwrap().is_root_cause());
    assert_eq!(found(&reader, &Region::all().caused_by(id(0))), [0; 0]);
    assert_eq!(
        snapshot.scopes("").collect::<Vec<_>>(),
        [("s".to_owned(), 3)]
    );
}

#[test]
fn a_replay_that_is_dropped_is_undone() {
    let (mut writer, reader) = channel();
    let first = row(&mut writer, 5, "e", "s");
    let mut cursor = writer.replay();
    cursor.insert(&first).unwrap();
    drop(cursor);
    assert!(!writer.contains(first.id));
    assert!(reader.snapshot().is_empty());
}
