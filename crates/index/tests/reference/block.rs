//! Rules of a block: what it restores, what is refused, and how it takes the place of sealed rows.

use crate::*;
use std::error::Error;
use strandline_index::{BlockError, IndexError, PartInfo};

#[test]
fn a_block_restores_rows_links_and_heads() {
    let (mut writer, reader) = index(&[("e", "s")]);
    insert_hashed(&mut writer, "f", "s", b"f");
    insert_hashed(&mut writer, "e", "t", b"e");
    publish(&writer);
    let (mut copy, copied) = channel();
    let mut cursor = copy.replay();
    let blocks = [(3, 9, 0), (0, 2, 2), (2, 3, 1)];
    for (start, end, rows) in blocks {
        let block = block(&reader, sequence(start)..sequence(end));
        assert_eq!(block.rows(), rows);
        cursor.attach(block).unwrap();
    }
    cursor.commit(sequence(3));
    for name in ["e", "f"] {
        let restored = copy.sealed_head(name);
        assert_eq!(restored, head(&writer, name));
        assert_eq!(restored.unwrap().hash, Some(Hash::of(name.as_bytes())));
    }
    assert_eq!(copied.snapshot().blocks().count(), 2, "none without rows");
    assert_eq!(
        copied.snapshot().export(ALL).unwrap(),
        reader.snapshot().export(ALL).unwrap()
    );
}

#[test]
fn a_block_knows_a_head_only_at_the_end_of_its_range() {
    let (mut writer, reader) = channel();
    insert_hashed(&mut writer, "e", "s", b"0");
    insert_hashed(&mut writer, "e", "s", b"1");
    publish(&writer);
    let (mut copy, _) = channel();
    let mut cursor = copy.replay();
    let block = block(&reader, Sequence::ZERO..sequence(1));
    cursor.attach(block).unwrap();
    cursor.commit(Sequence::ZERO);
    let head = copy.sealed_head("e").unwrap();
    assert_eq!((head.clock, head.hash), (0, None));
}

/// Blocks are added to the list itself where no snapshot has it.
#[test]
fn a_block_is_added_beside_snapshots_that_stay_as_they_are() {
    let (_writer, reader) = index(&[("e", "s"), ("f", "s"), ("g", "s")]);
    let [one, two, three] = [0, 1, 2].map(|at| block(&reader, sequence(at)..sequence(at + 1)));
    let (mut copy, copied) = channel();
    let before = copied.snapshot();
    let mut cursor = copy.replay();
    cursor.attach(one).unwrap();
    cursor.attach(two).unwrap();
    let between = copied.snapshot();
    cursor.attach(three).unwrap();
    assert_eq!(between.blocks().count(), 2);
    cursor.commit(sequence(3));
    assert_eq!(before.blocks().count(), 0);
    assert_eq!((between.blocks().count(), between.len()), (2, 0));
    assert_eq!(copied.snapshot().export(ALL), reader.snapshot().export(ALL));
}

#[test]
fn a_block_that_cannot_follow_changes_nothing() {
    let (_writer, reader) = index(&[("e", "s"), ("new", "s")]);
    let second = block(&reader, sequence(1)..sequence(2));
    let all = block(&reader, ALL);
    let check = |existing: u64, block: &Arc<Block>, expected: &str| {
        let (mut writer, copied) = channel();
        let row = row(&mut writer, existing, "e", "s");
        let mut cursor = writer.replay();
        cursor.insert(&row).unwrap();
        let error = cursor.attach(block.clone()).unwrap_err();
        assert!(matches!(error, BlockError::Row(_)), "{error:?}");
        assert!(error.source().unwrap().to_string().contains(expected));
        assert_eq!(cursor.synthesize_next(), sequence(existing + 1));
        cursor.commit(Sequence::ZERO);
        assert_eq!(copied.snapshot().len(), 1);
        assert_eq!(copied.snapshot().blocks().count(), 0);
        assert!(writer.lookup_entity("e").is_some(), "still the same part");
        assert_eq!(copied.snapshot().entities("new").count(), 0);
    };
    check(1, &second, "is below 2");
    check(0, &all, "is below 1");
}

#[test]
fn a_block_below_the_watermark_is_refused() {
    let (_writer, reader) = index(&[("e", "s")]);
    let (mut copy, _) = channel();
    copy.replay().commit(sequence(1));
    let mut cursor = copy.replay();
    let error = cursor.attach(block(&reader, ALL)).unwrap_err();
    let least = sequence(1);
    let expected = IndexError::SequenceOutOfOrder {
        sequence: Sequence::ZERO,
        least,
    };
    assert_eq!(error, BlockError::Row(expected));
    cursor.abort();
}

#[test]
fn bytes_that_are_no_block_are_refused() {
    let error = |bytes: &[u8]| Block::from_vec(bytes.to_vec()).unwrap_err();
    assert!(matches!(error(&[]), BlockError::Malformed(_)));
    let other = error(b"something else entirely");
    assert!(matches!(other, BlockError::NotABlock { .. }), "{other}");
    let version = error(b"STBK\x01\0\0\0");
    assert_eq!(version, BlockError::UnsupportedVersion { found: 1 });
}

/// Blocks took the number of their parts for granted: one that took the place of several made an
/// abort keep parts of the replay.
#[test]
fn an_abort_leaves_nothing_though_blocks_took_the_place_of_parts_meanwhile() {
    let (mut writer, reader) = index(&[("e", "s")]);
    writer.seal().unwrap();
    insert_hashed(&mut writer, "e", "s", b"1");
    publish(&writer);
    writer.seal().unwrap();
    insert_hashed(&mut writer, "e", "t", b"2");
    publish(&writer);
    let next = {
        let (_writer, reader) = index(&[("x", "s"); 5]);
        [3, 4].map(|at| block(&reader, sequence(at)..sequence(at + 1)))
    };
    let joined = || {
        Block::from_vec(
            reader
                .snapshot()
                .export(Sequence::ZERO..sequence(2))
                .unwrap(),
        )
        .unwrap()
    };
    let ended =
        || Block::from_vec(reader.snapshot().export(sequence(2)..sequence(3)).unwrap()).unwrap();
    let before = writer.head(writer.lookup_entity("e").unwrap());
    for _ in 0..2 {
        let mut cursor = writer.replay();
        next.iter()
            .for_each(|next| cursor.attach(next.clone()).unwrap());
        reader.replace(joined()).unwrap();
        reader.replace(ended()).unwrap();
        cursor.abort();
        assert_eq!(found(&reader, &Region::all()), [0, 1, 2]);
        assert_eq!(found(&reader, &Region::all().entity("e")), [0, 1, 2]);
        let entity = writer.lookup_entity("e").unwrap();
        assert_eq!(writer.head(entity), before);
        assert!(!writer.contains(id(3)));
    }
    insert(&mut writer, "e", "s");
    publish(&writer);
    assert_eq!(found(&reader, &Region::all()), [0, 1, 2, 3]);
}

#[test]
fn a_block_takes_the_place_of_visible_rows_alone() {
    let (mut writer, reader) = channel();
    let rows = {
        let (_writer, reader) = index(&[("e", "s")]);
        block(&reader, ALL)
    };
    let copy = || Block::from_vec(writer_free_export(&rows)).unwrap();
    let mut cursor = writer.replay();
    cursor.attach(rows.clone()).unwrap();
    let refused = BlockError::OtherRows {
        first: Sequence::ZERO,
        end: sequence(1),
    };
    assert_eq!(reader.replace(copy()), Err(refused));
    cursor.commit(Sequence::ZERO);
    assert_eq!(reader.replace(copy()), Ok(()));
}

/// The bytes of a block that no index need have.
fn writer_free_export(rows: &Arc<Block>) -> Vec<u8> {
    let (mut writer, reader) = channel();
    let mut cursor = writer.replay();
    cursor.attach(rows.clone()).unwrap();
    cursor.commit(Sequence::ZERO);
    reader.snapshot().export(ALL).unwrap()
}

#[test]
fn a_block_of_other_rows_takes_no_place() {
    let (mut writer, reader) = index(&[("e", "s"), ("f", "s"), ("e", "s")]);
    writer.seal().unwrap();
    insert(&mut writer, "e", "s");
    publish(&writer);
    let check = |start, end| {
        let bytes = reader
            .snapshot()
            .export(sequence(start)..sequence(end))
            .unwrap();
        let error = reader.replace(Block::from_vec(bytes).unwrap());
        let (first, end) = (sequence(start), sequence(end));
        assert_eq!(error, Err(BlockError::OtherRows { first, end }));
        assert_eq!(reader.snapshot().blocks().count(), 0);
    };
    check(0, 2);
    check(1, 3);
    check(0, 4);
    check(3, 4);
    let empty = reader.snapshot().export(sequence(9)..sequence(9)).unwrap();
    assert!(reader.replace(Block::from_vec(empty).unwrap()).is_err());
}

#[test]
fn numbers_of_an_earlier_part_are_refused() {
    let (mut writer, _) = index(&[("e", "s")]);
    let stale = row(&mut writer, 1, "e", "s");
    writer.seal().unwrap();
    writer.intern(&coordinate("f", "s")).unwrap();
    writer.reserve(1).unwrap();
    let unknown = IndexError::UnknownCoordinate { coordinate: 0 };
    assert_eq!(writer.insert(&stale), Err(unknown.clone()));
    assert_eq!(writer.entity_of(stale.coordinate), None);

    // Nor is the number of a part that an abort undid given to the next.
    let (_other, blocks) = index(&[("x", "s"); 4]);
    insert(&mut writer, "f", "s");
    publish(&writer);
    let mut cursor = writer.replay();
    cursor
        .attach(block(&blocks, sequence(3)..sequence(4)))
        .unwrap();
    let undone = cursor.intern(&coordinate("g", "s")).unwrap();
    cursor.abort();
    writer.seal().unwrap();
    writer.intern(&coordinate("h", "s")).unwrap();
    assert_eq!(writer.entity_of(undone), None);
}

#[test]
fn only_visible_rows_are_sealed() {
    let (mut writer, reader) = index(&[("e", "s")]);
    insert(&mut writer, "e", "s");
    let not_visible = IndexError::NotVisible {
        end: sequence(2),
        visible: sequence(1),
    };
    assert_eq!(writer.seal(), Err(not_visible));
    publish(&writer);
    assert_eq!(writer.seal(), Ok(Some(sequence(0)..sequence(2))));
    assert_eq!(writer.seal(), Ok(None), "no rows since");
    assert_eq!(reader.snapshot().len(), 2);
}

#[test]
fn ids_and_clocks_are_checked_against_sealed_rows() {
    for as_block in [false, true] {
        let (mut writer, reader) = index(&[("e", "s"), ("e", "s")]);
        let sealed = writer.seal().unwrap().unwrap();
        if as_block {
            let bytes = reader.snapshot().export(sealed).unwrap();
            reader.replace(Block::from_vec(bytes).unwrap()).unwrap();
        }
        let next = writer.reserve(1).unwrap().get();
        let good = row(&mut writer, next, "e", "s");
        assert_eq!(good.clock, 2, "continues the sealed head");
        let early = Row {
            clock: 1,
            ..good.clone()
        };
        let clock = IndexError::ClockNotAfterHead { clock: 1, head: 1 };
        assert_eq!(writer.insert(&early), Err(clock));
        let again = Row {
            id: id(1),
            ..good.clone()
        };
        let taken = IndexError::DuplicateId {
            id: id(1),
            sequence: sequence(1),
        };
        assert_eq!(writer.insert(&again), Err(taken));
        writer.insert(&good).unwrap();
        publish(&writer);
        assert_eq!(found(&reader, &Region::all().entity("e")), [0, 1, 2]);
    }
}

/// A block of the rows at these places of an index with `total` rows.
fn some(total: u64, kept: &[u64]) -> Block {
    let (mut writer, reader) = channel();
    let mut cursor = writer.replay();
    let coordinate = cursor.intern(&Coordinate::new("e", "s").unwrap()).unwrap();
    for at in kept {
        cursor
            .insert(&Row {
                sequence: sequence(*at),
                id: id(*at),
                coordinate,
                kind: EventKind::new(1, 1),
                wall_ms: 0,
                clock: u32::try_from(*at).unwrap(),
                position: 1000 + at,
                correlation: id(*at),
                causation: None,
                hash: None,
            })
            .unwrap();
    }
    cursor.commit(Sequence::ZERO);
    let bytes = reader.snapshot().export(sequence(0)..sequence(total));
    Block::from_vec(bytes.unwrap()).unwrap()
}

#[test]
fn blocks_of_fewer_rows_take_the_place_of_parts_at_once() {
    let (mut writer, reader) = index(&[("e", "s"); 3]);
    writer.seal().unwrap();
    for _ in 0..4 {
        insert(&mut writer, "e", "s");
    }
    publish(&writer);
    writer.seal().unwrap();
    insert(&mut writer, "e", "s");
    publish(&writer);
    let before = reader.snapshot();
    let (first, second) = (sequence(0)..sequence(3), sequence(3)..sequence(7));
    let both = vec![
        (first.clone(), some(7, &[1])),
        (second.clone(), some(7, &[3, 6])),
    ];
    reader.replace_all(both).unwrap();
    assert_eq!(found(&reader, &Region::all()), [1, 3, 6, 7]);
    let after = reader.snapshot();
    assert_eq!((before.len(), after.len()), (8, 4));
    let position = |at| Some(after.row_at(sequence(at))?.position());
    assert_eq!(position(6), Some(1006));
    assert_eq!(position(4), None);
    assert_eq!(before.query(Region::all()).count(), 8);
    let rows = |parts: Vec<PartInfo>| parts.iter().map(|part| part.rows).collect::<Vec<_>>();
    assert_eq!(rows(before.parts()), [3, 4]);
    assert_eq!(rows(after.parts()), [1, 2]);
    assert_eq!(rows(reader.parts()), [1, 2]);
    assert_eq!(after.latest("e").unwrap().sequence(), sequence(7));
    assert!(!writer.contains(id(2)));

    // All rows of a part.
    reader.replace_all(vec![(second, some(7, &[]))]).unwrap();
    assert_eq!(found(&reader, &Region::all()), [1, 7]);
    assert_eq!(reader.snapshot().len(), 2);
    insert(&mut writer, "e", "s");
    publish(&writer);
    assert_eq!(found(&reader, &Region::all()), [1, 7, 8]);
    assert_eq!(after.query(Region::all()).count(), 4);

    let refused = |range: std::ops::Range<u64>, block| {
        let range = sequence(range.start)..sequence(range.end);
        assert!(reader.replace_all(vec![(range, block)]).is_err());
        assert_eq!(found(&reader, &Region::all()), [1, 7, 8]);
    };
    refused(0..3, some(7, &[0, 1]));
    refused(0..3, some(7, &[5]));
    refused(2..3, some(7, &[2]));
    refused(0..9, some(9, &[]));
}

#[test]
fn what_a_trusted_block_says_is_not_to_be_held_against_the_log() {
    for is_trusted in [false, true] {
        let (mut writer, reader) = index(&[("e", "s"), ("f", "s")]);
        let sealed = writer.seal().unwrap().unwrap();
        assert!(reader.snapshot().is_trusted(ALL), "live rows are");
        let block = Block::from_vec(reader.snapshot().export(sealed).unwrap()).unwrap();
        let block = if is_trusted { block.trusted() } else { block };
        reader.replace(block).unwrap();
        let heads = writer.sealed_heads(&["f", "e"]);
        let claims = heads
            .iter()
            .map(|head| head.as_ref().unwrap().claim.is_some());
        assert_eq!(claims.collect::<Vec<_>>(), [!is_trusted; 2]);
        let snapshot = reader.snapshot();
        assert_eq!(snapshot.latest("e").unwrap().claim().is_some(), !is_trusted);
        assert_eq!(snapshot.is_trusted(ALL), is_trusted);
        assert!(
            snapshot.is_trusted(sequence(2)..sequence(9)),
            "there are none"
        );
    }
}

#[test]
fn blocks_of_an_index_keep_coordinates_within_one_share() {
    let kept = Arc::new(CacheShare::new(24 << 10));
    let (mut writer, reader) = channel_within(IndexLayout::default(), kept.clone());
    for block in 0..4_u32 {
        for number in 0..100_u32 {
            insert(&mut writer, &format!("{block}:{number}"), "s");
        }
        publish(&writer);
        let sealed = writer.seal().unwrap().unwrap();
        let block = Block::from_vec(reader.snapshot().export(sealed).unwrap()).unwrap();
        reader.replace(block).unwrap();
    }
    let read = || {
        let snapshot = reader.snapshot();
        for (number, row) in snapshot.query(Region::all()).enumerate() {
            let name = format!("{}:{}", number / 100, number % 100);
            assert_eq!(row.coordinate().entity(), name);
        }
    };
    read();
    let held = kept.bytes();
    assert!(held > 16 << 10 && held <= 24 << 10, "{held}");
    read();
    assert_eq!(kept.bytes(), held);
    drop((writer, reader));
    assert_eq!(kept.bytes(), 0);
}
