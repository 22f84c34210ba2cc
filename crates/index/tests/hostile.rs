//! Blocks are hostile bytes: what is damaged is found before it is used, and whatever the bytes are,
//! nothing panics, hangs, or takes memory out of proportion.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "common/forge.rs"]
mod forge;
#[path = "common/tables.rs"]
mod tables;

use forge::{CHECKSUM_AT, FIXED_BYTES, HEADER_BYTES, SECTION_BYTES, forge};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use strandline_core::{Coordinate, EventId, EventKind, Hash, Region, Salt, Sequence};
use strandline_index::{
    Block, BlockError, IndexLayout, IndexWriter, RebuildBlock, Row, Snapshot, channel_with,
};

const ALL: std::ops::Range<Sequence> = Sequence::ZERO..Sequence::new(u64::MAX);
const LAYOUTS: [IndexLayout; 3] = [
    IndexLayout::Postings,
    IndexLayout::Columns,
    IndexLayout::Tiles,
];

/// An id of the events below: in no order, so that the block needs a list by id.
fn id(number: u64) -> EventId {
    EventId::from_u128(u128::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 << 60 | 1))
}

/// A block of `rows` rows with gaps, links, hashes, several names and kinds.
fn block_bytes(layout: IndexLayout, rows: u64) -> Vec<u8> {
    let (mut writer, reader) = channel_with(layout);
    let mut cursor = writer.replay();
    for number in 0..rows {
        let names = (format!("e:{}", number % 5), format!("s{}", number % 3));
        let coordinate = Coordinate::new(names.0, names.1).unwrap();
        let coordinate = cursor.intern(&coordinate).unwrap();
        let linked = number % 4 == 3;
        let row = Row {
            sequence: Sequence::new(number + number / 10),
            id: id(number),
            coordinate,
            kind: EventKind::new(1 + u8::try_from(number % 2).unwrap(), 7),
            wall_ms: 1000 + number * 3,
            clock: u32::try_from(number).unwrap(),
            position: number * 300,
            correlation: if linked { id(number / 2) } else { id(number) },
            causation: linked.then(|| id(number - 1)),
            hash: (number % 5 != 2).then(|| Hash::of(&number.to_le_bytes())),
        };
        let tags: &[&str] = match number % 3 {
            0 => &[],
            1 => &["t:1"],
            _ => &["t:1", "t:2"],
        };
        cursor.insert_tagged(&row, tags).unwrap();
    }
    cursor.commit(Sequence::ZERO);
    reader.snapshot().export(ALL).unwrap()
}

/// An index with one block, and a row after it.
fn with_block(block: Block) -> (IndexWriter, Snapshot) {
    let layout = IndexLayout::Postings;
    let (mut writer, reader) = channel_with(layout);
    let mut cursor = writer.replay();
    cursor.attach(Arc::new(block)).unwrap();
    cursor.commit(Sequence::ZERO);
    (writer, reader.snapshot())
}

/// Everything that can be asked, as text.
fn answers(writer: &IndexWriter, snapshot: &Snapshot, rows: u64) -> String {
    let mut out = format!("{}\n", snapshot.len());
    let mut add = |answer: &dyn std::fmt::Debug| out.push_str(&format!("{answer:?}\n"));
    for region in regions() {
        let plan = snapshot.explain(&region);
        assert!(plan.candidates() <= rows);
        let count = snapshot.query(&region).count();
        assert!(count as u64 <= rows);
        let forward: Vec<_> = snapshot.query(&region).map(|row| row.sequence()).collect();
        let backward = snapshot.query(&region).rev().take(3);
        let backward: Vec<_> = backward.map(|row| row.sequence()).collect();
        assert!(forward.len() as u64 <= rows);
        add(&(plan.to_string(), count, forward, backward));
    }
    for row in snapshot.query(Region::all()) {
        let links = (row.correlation(), row.causation());
        add(&(row, row.wall_ms(), row.position(), links));
    }
    for number in 0..8 {
        let found = snapshot.get(id(number)).map(|row| row.sequence());
        let at = snapshot.row_at(Sequence::new(number)).map(|row| row.id());
        let causes = snapshot.causes(id(number)).count();
        assert!(causes as u64 <= rows);
        add(&(found, at, causes, writer.contains(id(number))));
    }
    for entity in ["e:0", "e:1", "e:4", "none"] {
        add(&snapshot.latest(entity).map(|row| row.sequence()));
        add(&writer.sealed_head(entity));
    }
    let names: Vec<_> = snapshot.entities("").collect();
    let scopes: Vec<_> = snapshot.scopes("s").after("s0").collect();
    assert!(names.len() as u64 <= rows && scopes.len() as u64 <= rows);
    let tags: Vec<_> = snapshot.tags("").collect();
    add(&(names, scopes, tags));
    let coordinate = Coordinate::new("e:1", "s1").unwrap();
    for block in snapshot.blocks() {
        let place = block.find_coordinate(&coordinate);
        add(&place.map(|place| block.coordinate(place)));
    }
    let exported = snapshot.export(ALL).unwrap();
    let bytes: usize = snapshot.blocks().map(|block| block.bytes()).sum();
    assert!(exported.len() <= bytes * 4 + HEADER_BYTES);
    add(&Salt::NONE.checksum(0, &exported));
    out
}

fn regions() -> [Region; 16] {
    let all = Region::all;
    [
        all(),
        all().entity("e:1"),
        all().entity("e:1").clock(3..9),
        all().entity_prefix("e:"),
        all().entity_prefix("e:2").scope("s1"),
        all().scope("s2"),
        all().scope("s1").wall_ms(1010..1050),
        all().kind(EventKind::new(1, 7)),
        all().category(2),
        all().sequence(3..12),
        all().correlation(id(1)),
        all().caused_by(id(2)),
        all().caused_by(id(2)).kind(EventKind::new(2, 7)),
        all().clock(5..),
        all().tag("t:2").kind(EventKind::new(1, 7)),
        all().any_tag(["t:1", "t:2"]),
    ]
}

/// Where each section is that has bytes.
fn sections(block: &[u8]) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut all: Vec<_> = forge::sections(block).into_iter().enumerate().collect();
    all.retain(|(_, range)| !range.is_empty());
    all
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    for layout in LAYOUTS {
        let block = block_bytes(layout, 20);
        assert!(Block::from_vec(block.clone()).is_ok());
        for cut in 0..block.len() {
            assert!(Block::from_vec(block[..cut].to_vec()).is_err(), "{cut}");
        }
        let mut longer = block.clone();
        longer.extend([0; 8]);
        assert!(Block::from_vec(longer).is_err());
        for at in 0..block.len() {
            for bit in 0..8 {
                let mut damaged = block.clone();
                damaged[at] ^= 1 << bit;
                assert!(Block::from_vec(damaged).is_err(), "{at}, bit {bit}");
            }
        }
    }
}

#[test]
fn what_is_damaged_is_found_before_it_is_used_and_made_anew() {
    for layout in LAYOUTS {
        let intact = block_bytes(layout, 150);
        let (writer, snapshot) = with_block(Block::from_vec(intact.clone()).unwrap());
        let expected = answers(&writer, &snapshot, 150);
        for (section, range) in sections(&intact) {
            for at in [range.start, range.end - 1] {
                let mut damaged = intact.clone();
                damaged[at] ^= 0x10;
                let calls = Arc::new(AtomicUsize::new(0));
                let rebuild: RebuildBlock = {
                    let (intact, calls) = (intact.clone(), calls.clone());
                    Box::new(move |_| {
                        calls.fetch_add(1, Ordering::Relaxed);
                        Ok(Arc::new(intact.clone()))
                    })
                };
                let block = Block::open(Arc::new(damaged), Some(rebuild)).unwrap();
                assert!(block.check_all().is_err());
                let (writer, snapshot) = with_block(block);
                let found = answers(&writer, &snapshot, 150);
                assert_eq!(found, expected, "section {section} of {layout:?}");
                assert_eq!(snapshot.damage(), None);
                assert_eq!(calls.load(Ordering::Relaxed), 1, "section {section}");
            }
        }
    }
}

#[test]
fn what_is_damaged_and_cannot_be_made_anew_is_told() {
    let rebuilds: [fn() -> Option<RebuildBlock>; 4] = [
        || None,
        || Some(Box::new(|_| Err("the log is gone".into()))),
        || Some(Box::new(|layout| Ok(Arc::new(block_bytes(layout, 149))))),
        || Some(Box::new(|_| Ok(Arc::new(vec![7_u8; 100])))),
    ];
    for layout in LAYOUTS {
        let intact = block_bytes(layout, 150);
        for (section, range) in sections(&intact) {
            for rebuild in rebuilds {
                let mut damaged = intact.clone();
                damaged[range.start] ^= 1;
                let block = Block::open(Arc::new(damaged), rebuild()).unwrap();
                assert_eq!(block.damage(), None, "not looked at yet");
                let (writer, snapshot) = with_block(block);
                answers(&writer, &snapshot, 150);
                let damage = snapshot.damage();
                let is_lost = matches!(damage, Some(BlockError::Lost { .. }));
                assert!(is_lost, "section {section} of {layout:?}: {damage:?}");
            }
        }
    }
}

/// A checksum does not make bytes trusted: every count and number is checked for itself.
#[test]
fn a_forged_block_is_refused_or_harmless() {
    let peak_before = peak_memory_kib();
    let mut accepted = 0;
    for layout in LAYOUTS {
        let block = block_bytes(layout, 12);
        for at in (6..block.len()).filter(|at| is_free(*at)) {
            let body: &[u8] = &[0, 0xFF];
            let header = [0, block[at].wrapping_add(1), 0xFF];
            let values = if at < HEADER_BYTES { &header } else { body };
            for value in values {
                accepted += usize::from(ask_forged(&block, &[(at, *value)]).is_some());
            }
        }
    }
    assert!(accepted > 1000, "most numbers can be anything: {accepted}");
    // The stacks and heaps of the threads of tests alone reserve some hundred MiB.
    let grown_kib = peak_memory_kib().saturating_sub(peak_before);
    assert!(grown_kib < 1 << 20, "{grown_kib} KiB");
}

/// Whether a byte is neither part of a checksum nor one of the zeros beside widths.
fn is_free(at: usize) -> bool {
    match at.checked_sub(FIXED_BYTES) {
        Some(at) if at < CHECKSUM_AT - FIXED_BYTES => {
            let at = at % SECTION_BYTES;
            !(8..16).contains(&at) && at <= 24
        }
        _ => !(CHECKSUM_AT..HEADER_BYTES).contains(&at),
    }
}

/// Changes some bytes, makes the checksums right, and asks everything; none if it was refused.
fn ask_forged(block: &[u8], changes: &[(usize, u8)]) -> Option<IndexWriter> {
    let mut forged = block.to_vec();
    for (at, value) in changes {
        forged[*at] = *value;
    }
    forge(&mut forged);
    let Ok(block) = Block::from_vec(forged.clone()) else {
        // Names are checked with their section, so a lazy look may accept what this refuses.
        if let Ok(block) = Block::open(Arc::new(forged), None) {
            let rows = u64::from(block.rows());
            let (writer, snapshot) = with_block(block);
            answers(&writer, &snapshot, rows);
        }
        return None;
    };
    let rows = u64::from(block.rows());
    let (writer, snapshot) = with_block(block);
    answers(&writer, &snapshot, rows);
    Some(writer)
}

/// The index goes on after a block, whatever that says.
fn append_after(writer: &mut IndexWriter) {
    let coordinate = Coordinate::new("e:1", "s1").unwrap();
    let coordinate = writer.intern(&coordinate).unwrap();
    // There may be no sequences left.
    if let Ok(sequence) = writer.reserve(1) {
        let id = EventId::from_u128(5);
        let appended = writer.insert(&Row {
            sequence,
            id,
            coordinate,
            kind: EventKind::new(1, 7),
            wall_ms: 0,
            clock: u32::MAX,
            position: 0,
            correlation: id,
            causation: None,
            hash: None,
        });
        writer.publish(writer.gate().allocated());
        assert_eq!(
            writer.reader().snapshot().get(id).is_some(),
            appended.is_ok()
        );
    }
}

/// Most memory that the process ever had reserved; 0 where the system does not say.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

/// Blocks of version 3, as they were written: of [`block_bytes`] with 40 rows, and of ids that ascend.
const OF_VERSION_3: [(IndexLayout, &[u8]); 3] = [
    (
        IndexLayout::Postings,
        include_bytes!("fixtures/block-3-postings.bin"),
    ),
    (
        IndexLayout::Columns,
        include_bytes!("fixtures/block-3-columns.bin"),
    ),
    (
        IndexLayout::Tiles,
        include_bytes!("fixtures/block-3-tiles.bin"),
    ),
];
/// The number of the section of ids in their order.
const ID_ORDER: usize = 10;
const ASCENDING_OF_VERSION_3: &[u8] = include_bytes!("fixtures/block-3-ascending.bin");

#[test]
fn a_block_of_version_3_answers_as_one_of_this_version() {
    for (layout, old) in OF_VERSION_3 {
        let answers = |bytes: &[u8]| {
            let block = Block::from_vec(bytes.to_vec()).unwrap();
            let (writer, snapshot) = with_block(block);
            answers(&writer, &snapshot, 40)
        };
        let new = block_bytes(layout, 40);
        assert_ne!(old, new);
        assert_eq!(answers(old), answers(&new), "{layout:?}");
        let open = |bytes: &[u8]| Block::open(Arc::new(bytes.to_vec()), None).unwrap();
        assert_eq!(open(old).differences(&open(&new)), []);
        assert_eq!(open(old).differences(&open(old)), []);
        let before = block_bytes(layout, 39);
        assert_ne!(open(old).differences(&open(&before)), []);
    }
}

#[test]
fn ids_that_ascend_are_found_in_a_block_of_version_3() {
    let block = Block::from_vec(ASCENDING_OF_VERSION_3.to_vec()).unwrap();
    let (writer, snapshot) = with_block(block);
    for number in 0..300_u128 {
        let found = snapshot.get(EventId::from_u128(number << 64));
        assert_eq!(
            found.map(|row| u128::from(row.sequence().get())),
            Some(number)
        );
        assert!(!writer.contains(EventId::from_u128(number << 64 | 1)));
    }
}

#[test]
fn every_flipped_bit_of_a_block_of_version_3_is_refused_and_told_of() {
    for (layout, old) in OF_VERSION_3 {
        let new = Block::from_vec(block_bytes(layout, 40)).unwrap();
        for at in 0..old.len() {
            let mut damaged = old.to_vec();
            damaged[at] ^= 1 << (at % 8);
            assert!(Block::from_vec(damaged.clone()).is_err(), "{at}");
            if let Ok(block) = Block::open(Arc::new(damaged), None) {
                assert_ne!(block.differences(&new), [], "{at}");
            }
        }
    }
}

mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn a_block_forged_in_several_places_is_refused_or_harmless(
            layout in prop::sample::select(LAYOUTS.to_vec()),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let block = block_bytes(layout, 70);
            let changes: Vec<_> = changes
                .iter()
                .map(|(at, value)| (8 + at.index(block.len() - 8), *value))
                .collect();
            if let Some(mut writer) = ask_forged(&block, &changes) {
                append_after(&mut writer);
            }
        }
    }
}

#[test]
fn ids_are_found_where_the_order_of_version_3_was_damaged() {
    for (layout, old) in OF_VERSION_3 {
        let length = |at: usize| {
            let entry = FIXED_BYTES + at * SECTION_BYTES;
            usize::try_from(u64::from_le_bytes(
                old[entry..entry + 8].try_into().unwrap(),
            ))
            .unwrap()
        };
        let before: usize = (0..ID_ORDER).map(length).sum();
        assert_ne!(length(ID_ORDER), 0);
        let mut damaged = old.to_vec();
        damaged[FIXED_BYTES + 35 * SECTION_BYTES + 8 + before] ^= 1;
        let rebuild: RebuildBlock = Box::new(move |layout| Ok(Arc::new(block_bytes(layout, 40))));
        let block = Block::open(Arc::new(damaged), Some(rebuild)).unwrap();
        let (writer, snapshot) = with_block(block);
        for number in 0..40 {
            assert!(snapshot.get(id(number)).is_some(), "{layout:?} {number}");
            assert!(writer.contains_any(&[id(100), id(number)]));
        }
    }
}
