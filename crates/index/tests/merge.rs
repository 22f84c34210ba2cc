//! A merge takes as much memory as it says, stops when it is told to, takes nothing that does not follow,
//! and does no harm whatever its blocks say. What it writes is held against what is built elsewhere.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "common/forge.rs"]
mod forge;

use proptest::prelude::*;
use proptest::sample::Index;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Region, Sequence};
use strandline_index::{
    Block, BlockBuilder, IndexLayout, MergeError, MergePart, MergeProgress, MergeSink, Row,
    channel_with, merge,
};

/// Counts what each thread has, and the most that it had.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

#[expect(unsafe_code, reason = "an allocator can be counted in no other way")]
// SAFETY: everything is left to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts bytes and keeps none.
struct Counted(u64);

impl MergeSink for Counted {
    fn begin(&mut self, bytes: usize) -> io::Result<()> {
        self.0 = bytes as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert!(bytes.len() <= 1 << 16);
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn write_header_at_start(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

fn id(number: u64, ascend: bool) -> EventId {
    let number = u128::from(number + 1);
    let spread = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
    EventId::from_u128(if ascend {
        number << 64
    } else {
        number.wrapping_mul(spread)
    })
}

/// Blocks of `rows` rows each, of `entities` entities.
fn parts(blocks: u64, rows: u64, entities: u64, ascend: bool) -> Vec<MergePart> {
    let block = |part: u64| {
        let mut builder = BlockBuilder::default();
        for number in part * rows..(part + 1) * rows {
            let coordinate = Coordinate::new(format!("e:{}", number % entities), "s").unwrap();
            let linked = number % 4 == 3;
            let row = Row {
                sequence: Sequence::new(number),
                id: id(number, ascend),
                coordinate: builder.intern(&coordinate).unwrap(),
                kind: EventKind::new(1, u16::try_from(number % 3).unwrap()),
                wall_ms: number,
                clock: u32::try_from(number).unwrap(),
                position: number * 100,
                correlation: id(if linked { number / 2 } else { number }, ascend),
                causation: linked.then(|| id(number - 1, ascend)),
                hash: Some(Hash::of(b"hash")),
            };
            let tags: &[&str] = if number % 5 == 0 { &["t"] } else { &[] };
            builder.push(&row, tags).unwrap();
        }
        let bytes = builder.build(IndexLayout::Postings, Vec::new()).unwrap();
        let block = Block::from_vec(bytes).unwrap();
        MergePart {
            rows: 0..block.rows(),
            block: Arc::new(block),
        }
    };
    (0..blocks).map(block).collect()
}

fn go_on(_: MergeProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The most memory that a merge takes.
fn most_memory(parts: &[MergePart]) -> isize {
    let before = HELD.get();
    MOST.set(before);
    let mut sink = Counted(0);
    let done = merge(parts, IndexLayout::Postings, &mut sink, &mut go_on).unwrap();
    assert_eq!(done.bytes, sink.0);
    MOST.get() - before
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    let few = most_memory(&parts(8, 1_000, 100, true));
    let many = most_memory(&parts(8, 16_000, 100, true));
    // A piece, and a little for each name and block.
    assert!(few < 100_000, "{few}");
    // Checksums of pieces: 8 bytes for 4 KiB, in a vector that doubles.
    assert!(many < few + 32_000, "{many}, of fewer rows {few}");
}

#[test]
fn memory_grows_with_the_names_as_it_is_said() {
    let rows = 4_000;
    let most = most_memory(&parts(8, 4_000, u64::MAX, true));
    let names = 8 * rows;
    // Of each name and coordinate a byte, in vectors that double; of each entry of a table 16 bytes, in
    // one that doubles, and its slot of 28 bits and a half more; of one block 4 bytes a coordinate.
    let said = names * 2 * 3 + names * (16 * 3 + 2 * 8) + rows * 4 + 100_000;
    assert!(most < said, "{most} bytes, {said} said");
}

#[test]
fn a_merge_ends_when_it_is_told_to() {
    let parts = parts(4, 16_000, 100, true);
    let (mut asked, mut last) = (0, 0);
    let mut bytes = Vec::new();
    let mut stop_at = |most: u32| {
        asked = 0;
        let mut go_on = |progress: MergeProgress| {
            asked += 1;
            assert!(progress.bytes >= last || asked == 1);
            last = progress.bytes;
            if asked > most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let done = merge(&parts, IndexLayout::Postings, &mut bytes, &mut go_on);
        (done.map(|done| done.rows), asked)
    };
    let (done, all) = stop_at(u32::MAX);
    assert_eq!(done.unwrap(), 64_000);
    assert!(all > 1, "asked {all} times");
    for most in 0..all {
        let (done, asked) = stop_at(most);
        assert!(matches!(done, Err(MergeError::Cancelled)), "{done:?}");
        assert_eq!(asked, most + 1);
    }
}

#[test]
fn what_does_not_follow_is_refused() {
    let mut parts = parts(3, 10, 5, true);
    let refused = |parts: &[MergePart]| {
        let merged = merge(parts, IndexLayout::Postings, &mut Counted(0), &mut go_on);
        matches!(merged, Err(MergeError::Parts))
    };
    assert!(!refused(&parts));
    assert!(!refused(&[]));
    let rows = |at: usize, rows| MergePart {
        rows,
        ..parts[at].clone()
    };
    assert!(!refused(&[rows(0, 0..5), rows(0, 5..10)]));
    assert!(refused(&[rows(0, 0..5), rows(0, 4..10)]), "a row twice");
    let single = |row| rows(0, row..row + 1);
    let many: Vec<_> = (0..7).map(single).collect();
    assert!(!refused(&many));
    let large = self::parts(1, 65, 5, true);
    let many: Vec<_> = (0..65)
        .map(|row| MergePart {
            rows: row..row + 1,
            ..large[0].clone()
        })
        .collect();
    assert!(!refused(&many[1..]));
    assert!(refused(&many), "more than 64");
    parts.swap(0, 1);
    assert!(refused(&parts));
}

#[test]
fn a_damaged_block_is_not_merged() {
    let good = parts(1, 2_000, 50, false);
    let mut sink = Vec::new();
    merge(&good, IndexLayout::Postings, &mut sink, &mut go_on).unwrap();
    for section in forge::sections(&sink) {
        if section.is_empty() {
            continue;
        }
        let mut bytes = sink.clone();
        bytes[section.start] ^= 1;
        let block = Arc::new(Block::open(Arc::new(bytes), None).unwrap());
        let part = MergePart {
            rows: 0..block.rows(),
            block,
        };
        let mut again = Vec::new();
        match merge(&[part], IndexLayout::Postings, &mut again, &mut go_on) {
            // Tables, fences and checksums are made anew.
            Ok(_) => assert!(again == sink, "section at {}", section.start),
            Err(error) => assert!(matches!(error, MergeError::Block(_)), "{error:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_block_that_lies_is_merged_without_harm(
        lies in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
        ascend in any::<bool>(),
    ) {
        let good = parts(2, 300, 40, ascend);
        let mut bytes = Vec::new();
        merge(&good[..1], IndexLayout::Postings, &mut bytes, &mut go_on).unwrap();
        let sections: Vec<_> = forge::sections(&bytes)
            .into_iter()
            .filter(|section| !section.is_empty())
            .collect();
        for (section, at, lie) in &lies {
            let section = section.get(&sections);
            bytes[section.start + at.index(section.len())] = *lie;
        }
        forge::forge(&mut bytes);
        if let Ok(block) = Block::open(Arc::new(bytes), None) {
            let from = u32::try_from(cut.index(300)).unwrap();
            let part = MergePart { rows: from..block.rows(), block: Arc::new(block) };
            for layout in [IndexLayout::Postings, IndexLayout::Tiles] {
                let mut sink = Counted(0);
                let merged = merge(&[part.clone(), good[1].clone()], layout, &mut sink, &mut go_on);
                prop_assert!(sink.0 < 1 << 20, "{merged:?}");
            }
        }
    }
}

#[test]
fn tiles_of_a_view_that_begins_within_one_miss_no_row() {
    let (mut writer, reader) = channel_with(IndexLayout::Tiles);
    let mut builder = BlockBuilder::default();
    // A kind for each of the tiles of 64 rows.
    let kind = |number: u64| EventKind::new(1, u16::try_from(number / 64).unwrap());
    for number in 0..256 {
        let coordinate = Coordinate::new("e", format!("s{}", number / 64)).unwrap();
        let row = Row {
            sequence: Sequence::new(number),
            id: id(number, true),
            coordinate: builder.intern(&coordinate).unwrap(),
            kind: kind(number),
            wall_ms: 0,
            clock: u32::try_from(number).unwrap(),
            position: 0,
            correlation: id(number, true),
            causation: None,
            hash: None,
        };
        builder.push(&row, &[]).unwrap();
    }
    let bytes = builder.build(IndexLayout::Tiles, Vec::new()).unwrap();
    let mut cursor = writer.replay();
    cursor
        .attach_view(Arc::new(Block::from_vec(bytes).unwrap()), 30..200)
        .unwrap();
    cursor.commit(Sequence::ZERO);
    let snapshot = reader.snapshot();
    for (tile, rows) in [(0, 34), (1, 64), (2, 64), (3, 8)] {
        let region = Region::all().kind(kind(tile * 64));
        assert_eq!(snapshot.query(&region).count(), rows, "kind {tile}");
        let region = Region::all().scope(format!("s{tile}"));
        assert_eq!(snapshot.query(&region).rev().count(), rows, "scope {tile}");
    }
}
