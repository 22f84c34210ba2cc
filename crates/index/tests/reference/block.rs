//! Rules of a block: what it restores, and what is refused.

use crate::*;
use std::error::Error;
use strandline_index::BlockError;

#[test]
fn a_block_restores_rows_links_and_heads() {
    let (mut writer, reader) = index(&[("e", "s"), ("f", "s"), ("e", "t")]);
    let heads = ["e", "f"].map(|name| writer.lookup_entity(name).unwrap());
    for entity in heads {
        writer.set_head_hash(entity, Hash::of(b"head"));
    }
    let (mut copy, copied) = channel();
    let mut cursor = copy.replay();
    let export = |range| reader.snapshot().export(range);
    assert_eq!(cursor.import(&export(sequence(3)..sequence(9))), Ok(0));
    assert_eq!(cursor.import(&export(Sequence::ZERO..sequence(2))), Ok(2));
    assert_eq!(cursor.import(&export(sequence(2)..sequence(3))), Ok(1));
    cursor.commit(sequence(3));
    for (name, entity) in ["e", "f"].into_iter().zip(heads) {
        let restored = copy.head(copy.lookup_entity(name).unwrap());
        assert_eq!(restored, writer.head(entity));
    }
    assert_eq!(copied.snapshot().export(ALL), export(ALL));
}

#[test]
fn a_block_knows_a_head_only_at_the_end_of_its_range() {
    let (mut writer, reader) = index(&[("e", "s"), ("e", "s")]);
    let entity = writer.lookup_entity("e").unwrap();
    writer.set_head_hash(entity, Hash::of(b"1"));
    let (mut copy, _) = channel();
    let mut cursor = copy.replay();
    let block = reader.snapshot().export(Sequence::ZERO..sequence(1));
    cursor.import(&block).unwrap();
    cursor.commit(Sequence::ZERO);
    let head = copy.head(copy.lookup_entity("e").unwrap()).unwrap();
    assert_eq!((head.clock, head.hash), (0, None));
}

#[test]
fn a_block_that_cannot_follow_changes_nothing() {
    let (_writer, reader) = index(&[("e", "s"), ("new", "s")]);
    let block = reader.snapshot().export(sequence(1)..sequence(2));
    let all = reader.snapshot().export(ALL);
    let check = |existing: u64, taken: u64, entity: &str, block: &[u8], expected: &str| {
        let (mut writer, copied) = channel();
        let row = Row {
            id: id(taken),
            clock: 0,
            ..row(&mut writer, existing, entity, "s")
        };
        let mut cursor = writer.replay();
        cursor.insert(&row).unwrap();
        let error = cursor.import(block).unwrap_err();
        assert!(matches!(error, BlockError::Row(_)), "{error:?}");
        assert!(error.source().unwrap().to_string().contains(expected));
        assert_eq!(cursor.synthesize_next(), sequence(existing + 1));
        cursor.commit(Sequence::ZERO);
        assert_eq!(copied.snapshot().len(), 1);
        let known = writer.lookup_entity("new").is_some();
        assert_eq!(known, entity == "new", "no name is left behind");
    };
    check(1, 50, "e", &block, "is below 2");
    check(0, 1, "e", &block, "is in the index already, at row 0");
    check(0, 50, "new", &block, "clock 0 is not after 0");
    check(0, 50, "e", &all, "is below 1");
}

#[test]
fn bytes_that_are_no_block_are_refused() {
    let (mut writer, _) = channel();
    let mut cursor = writer.replay();
    assert!(matches!(cursor.import(&[]), Err(BlockError::Malformed(_))));
    let error = cursor.import(b"something else entirely").unwrap_err();
    assert!(matches!(error, BlockError::NotABlock { .. }), "{error}");
    let error = cursor.import(b"STBK\x02\0\0\0").unwrap_err();
    assert_eq!(error, BlockError::UnsupportedVersion { found: 2 });
    cursor.abort();
}

/// A checksum does not make bytes trusted: every count and number is checked for itself.
#[test]
fn a_forged_block_is_refused_or_harmless() {
    let (mut writer, reader) = index(&[("e", "s"), ("f", "t"), ("e", "s")]);
    writer.reserve(2).unwrap();
    publish(&writer);
    let entity = writer.lookup_entity("e").unwrap();
    insert(&mut writer, "e", "t");
    publish(&writer);
    writer.set_head_hash(entity, Hash::of(b"head"));
    let block = reader.snapshot().export(ALL);
    let body = block.len() - 8;
    for at in 8..body {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut forged = block[..body].to_vec();
            forged[at] = value;
            let checksum = strandline_core::Salt::NONE.checksum(0, &forged);
            forged.extend(checksum.0.to_le_bytes());
            let (mut other, copied) = channel();
            let mut cursor = other.replay();
            if cursor.import(&forged).is_ok() {
                cursor.commit(Sequence::ZERO);
                let snapshot = copied.snapshot();
                assert_eq!(snapshot.query(&Region::all()).count(), 4, "byte {at}");
                assert_eq!(snapshot.export(ALL).len(), forged.len(), "byte {at}");
            } else {
                assert_eq!(cursor.synthesize_next(), Sequence::ZERO);
                cursor.abort();
            }
        }
    }
}
