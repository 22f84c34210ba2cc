//! Tables of fingerprints that have a place twice.

use super::{
    ALL, Arc, Block, Coordinate, EventKind, IndexLayout, IndexWriter, Region, Row, Sequence,
    block_bytes, channel_with, forge, id, with_block,
};

/// Two blocks, in each of which every entity has an event; `change` is made to the bytes of the newer one.
fn with_heads(entities: u32, change: impl Fn(&mut [u8])) -> IndexWriter {
    let (mut writer, _) = channel_with(IndexLayout::Postings);
    let mut cursor = writer.replay();
    for clock in 0..2 {
        let (mut own, reader) = channel_with(IndexLayout::Postings);
        let mut rows = own.replay();
        for entity in 0..entities {
            let number = u64::from(clock * entities + entity);
            let coordinate = Coordinate::new(format!("e:{entity}"), "s").unwrap();
            let coordinate = rows.intern(&coordinate).unwrap();
            rows.insert(&Row {
                sequence: Sequence::new(number),
                id: id(number),
                coordinate,
                kind: EventKind::new(1, 7),
                wall_ms: 0,
                clock,
                position: number,
                correlation: id(number),
                causation: None,
                hash: None,
            })
            .unwrap();
        }
        rows.commit(Sequence::ZERO);
        let mut bytes = reader.snapshot().export(ALL).unwrap();
        if clock == 1 {
            change(&mut bytes);
            forge(&mut bytes);
        }
        let block = Block::from_vec(bytes).unwrap();
        cursor.attach(Arc::new(block)).unwrap();
    }
    cursor.commit(Sequence::ZERO);
    writer
}

/// Fills each empty slot of a table with what stands in the one before it.
fn double_slots(bytes: &mut [u8], section: usize, entries: u32) {
    let width = 12 + (u32::BITS - entries.leading_zeros()) as usize;
    let range = forge::sections(bytes)[section].clone();
    let table = &mut bytes[range];
    let slot = |table: &[u8], at: usize| -> Vec<u8> {
        let bits = at * width..(at + 1) * width;
        bits.map(|bit| table[bit / 8] >> (bit % 8) & 1).collect()
    };
    let slots = (entries + entries / 2) as usize + 64;
    let before: Vec<_> = (0..slots).map(|at| slot(table, at)).collect();
    for at in 1..slots {
        if before[at].iter().all(|bit| *bit == 0) {
            for (bit, set) in (at * width..).zip(&before[at - 1]) {
                table[bit / 8] |= set << (bit % 8);
            }
        }
    }
}

/// A table that has a place twice gives each entity the head that it has, and others theirs.
#[test]
fn an_entity_that_a_table_has_twice_is_found_once() {
    const ENTITY_TABLE: usize = 35;
    const ENTITIES: u32 = 7;
    let writer = with_heads(ENTITIES, |bytes| {
        double_slots(bytes, ENTITY_TABLE, ENTITIES);
    });
    let names: Vec<_> = (0..ENTITIES).map(|entity| format!("e:{entity}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let heads = writer.sealed_heads(&names);
    for (at, head) in heads.into_iter().enumerate() {
        let head = head.unwrap().head;
        let position = u64::from(ENTITIES) + at as u64;
        assert_eq!((head.clock, head.position), (1, position));
        assert_eq!(writer.sealed_head(names[at]), Some(head));
    }
}

/// No event that lacks a tag is found by it because another tag is found twice.
#[test]
fn a_tag_that_a_table_has_twice_stands_for_no_other() {
    const TAG_TABLE: usize = 36;
    let mut bytes = block_bytes(IndexLayout::Postings, 20);
    double_slots(&mut bytes, TAG_TABLE, 2);
    forge(&mut bytes);
    let (_, snapshot) = with_block(Block::from_vec(bytes).unwrap());
    let found = |tags: &[&str]| {
        let region = Region::all();
        let region = tags.iter().fold(region, |region, tag| region.tag(*tag));
        snapshot.query(&region).count()
    };
    assert_eq!(found(&["t:1", "t:2"]), 6);
    for tag in ["t:1", "t:2"] {
        for other in ["t:0", "t:3"] {
            assert_eq!(found(&[tag, other]), 0, "{tag} and {other}");
        }
    }
}
