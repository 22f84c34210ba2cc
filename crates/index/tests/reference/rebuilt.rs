//! Rules of a block that was made anew, or forged.

use crate::forge::{self, FIXED_BYTES, SECTION_BYTES};
use crate::*;
use std::sync::Arc;
use strandline_index::{Block, RebuildBlock};

fn length(block: &[u8], section: usize) -> usize {
    forge::sections(block)[section].len()
}

fn start(block: &[u8], section: usize) -> usize {
    forge::sections(block)[section].start
}

fn attached(block: Block) -> (IndexWriter, IndexReader) {
    let (mut writer, reader) = channel();
    let mut cursor = writer.replay();
    cursor.attach(Arc::new(block)).unwrap();
    cursor.commit(Sequence::ZERO);
    (writer, reader)
}

/// Whether a hash is known and the hash are two sections, and what is made anew may know more: the
/// zeros of the old one are no hash.
#[test]
fn a_head_is_not_known_by_halves() {
    let block = |known: bool| {
        let (mut writer, reader) = channel();
        for (number, entity) in (0..).zip(["e", "f"]) {
            writer.reserve(1).unwrap();
            let hash = (known || entity == "f").then(|| Hash::of(entity.as_bytes()));
            let row = Row {
                hash,
                ..row(&mut writer, number, entity, "s")
            };
            writer.insert(&row).unwrap();
        }
        publish(&writer);
        reader.snapshot().export(ALL).unwrap()
    };
    const HEAD_KNOWN: usize = 28;
    let mut damaged = block(false);
    assert_eq!(length(&damaged, HEAD_KNOWN), 8);
    let at = start(&damaged, HEAD_KNOWN);
    damaged[at] ^= 0x80;
    let rebuild: RebuildBlock = Box::new(move |_| Ok(Arc::new(block(true))));
    let (writer, _reader) = attached(Block::open(Arc::new(damaged), Some(rebuild)).unwrap());
    let head = |entity| writer.sealed_head(entity).unwrap().hash;
    assert_eq!(head("f"), Some(Hash::of(b"f")));
    assert_ne!(head("e"), Some(Hash::ZERO));
    assert!(writer.damage().is_none());
}

/// Counts that agree with each other, and with no rows.
#[test]
fn a_forged_count_of_tagged_rows_is_refused() {
    let (mut writer, reader) = channel();
    let mut cursor = writer.replay();
    let coordinate = cursor.intern(&coordinate("e", "s")).unwrap();
    let only = Row {
        sequence: sequence(0),
        id: id(0),
        coordinate,
        kind: KIND,
        wall_ms: 0,
        clock: 0,
        position: 0,
        correlation: id(0),
        causation: None,
        hash: None,
    };
    cursor.insert_tagged(&only, &["t"]).unwrap();
    cursor.commit(Sequence::ZERO);
    const TAGGED: usize = 44;
    const TAG_ROW_ENDS: usize = 33;
    let good = reader.snapshot().export(ALL).unwrap();
    for count in [2_u32, 16, 17, 200_000_000] {
        let mut forged = good.clone();
        forged[TAGGED..TAGGED + 4].copy_from_slice(&count.to_le_bytes());
        let base = FIXED_BYTES + SECTION_BYTES * TAG_ROW_ENDS + 16;
        forged[base..base + 8].copy_from_slice(&u64::from(count).to_le_bytes());
        forge::forge(&mut forged);
        let Ok(block) = Block::from_vec(forged) else {
            continue;
        };
        assert!(count <= 16, "at most 16 tags a row");
        let (_writer, reader) = attached(block);
        let snapshot = reader.snapshot();
        assert!(snapshot.query(Region::all().tag("t")).count() <= 1);
        assert!(snapshot.query(Region::all().any_tag(["t", "u"])).count() <= 1);
    }
}
