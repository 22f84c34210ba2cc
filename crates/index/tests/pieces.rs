//! Blocks whose sections have several pieces: each is checked before its first use and not before, and
//! what is damaged is made anew under whoever reads.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "common/forge.rs"]
mod forge;

use forge::{FIXED_BYTES, PIECE_BYTES, PIECE_CHECKSUMS, SECTION_BYTES, forge, sections};
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use strandline_core::{Coordinate, EventId, EventKind, Hash, Region, Salt, Sequence};
use strandline_index::{
    Block, BlockError, IndexLayout, IndexWriter, RebuildBlock, Row, Snapshot, channel_with,
};

const ALL: Range<Sequence> = Sequence::ZERO..Sequence::new(u64::MAX);
const ROWS: u64 = 9000;
const ENTITIES: u64 = 2300;
/// Sections by number.
const ENTITY_NAMES: usize = 1;
const IDS: usize = 9;
const ENTITY_ROWS: usize = 17;

fn id(number: u64, ascends: bool) -> EventId {
    let number = u128::from(number + 1);
    EventId::from_u128(match ascends {
        true => number << 64,
        false => number.wrapping_mul(0x9E37_79B9_7F4A_7C15 << 60 | 1),
    })
}

fn entity(number: u64) -> String {
    format!(
        "entity:{:04}:of-which-the-name-is-rather-long",
        number % ENTITIES
    )
}

/// A block of which most sections have several pieces.
fn made(ascends: bool) -> Vec<u8> {
    let (mut writer, reader) = channel_with(IndexLayout::Postings);
    let mut cursor = writer.replay();
    for number in 0..ROWS {
        let coordinate = Coordinate::new(entity(number), format!("s{}", number % 3)).unwrap();
        let coordinate = cursor.intern(&coordinate).unwrap();
        let own = id(number, ascends);
        let row = Row {
            sequence: Sequence::new(number + number / 4000),
            id: own,
            coordinate,
            kind: EventKind::new(1 + u8::try_from(number % 7).unwrap(), 7),
            wall_ms: 1 << 45 | number.wrapping_mul(0x9E37_79B9_7F4A) >> 5,
            clock: u32::try_from(number * 400_000).unwrap(),
            position: number << 40,
            correlation: if number % 2 == 1 {
                id(number / 3, ascends)
            } else {
                own
            },
            causation: (number % 2 == 1).then(|| id(number - 1, ascends)),
            hash: Some(Hash::of(&number.to_le_bytes())),
        };
        let tag = format!("tag:{}", number % 2000);
        cursor.insert_tagged(&row, &[tag.as_str(), "t"]).unwrap();
    }
    cursor.commit(Sequence::ZERO);
    reader.snapshot().export(ALL).unwrap()
}

/// Those blocks, made once.
fn blocks() -> &'static [(Vec<u8>, String); 2] {
    static MADE: OnceLock<[(Vec<u8>, String); 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        [true, false].map(|ascends| {
            let bytes = made(ascends);
            let (writer, snapshot) = with(Block::from_vec(bytes.clone()).unwrap());
            let answers = answers(&writer, &snapshot, ascends);
            (bytes, answers)
        })
    })
}

fn with(block: Block) -> (IndexWriter, Snapshot) {
    let (mut writer, reader) = channel_with(IndexLayout::Postings);
    let mut cursor = writer.replay();
    cursor.attach(Arc::new(block)).unwrap();
    cursor.commit(Sequence::ZERO);
    (writer, reader.snapshot())
}

/// What uses each byte but those of the clocks of heads, as a text to compare.
fn answers(writer: &IndexWriter, snapshot: &Snapshot, ascends: bool) -> String {
    let mut out = String::new();
    let mut add = |answer: &dyn std::fmt::Debug| out.push_str(&format!("{answer:?}\n"));
    for row in snapshot.query(Region::all()) {
        let links = (row.correlation(), row.causation());
        add(&(row, row.wall_ms(), row.position(), links, row.damage()));
    }
    for number in (0..ROWS).step_by(7) {
        let found = snapshot.get(id(number, ascends));
        add(&(
            found.map(|row| row.sequence()),
            writer.contains(id(number, !ascends)),
        ));
    }
    for number in 0..ENTITIES {
        let stream = snapshot.stream(&entity(number)).map(|row| row.sequence());
        add(&(
            stream.collect::<Vec<_>>(),
            writer.sealed_head(&entity(number)),
        ));
    }
    for number in (0..2000).step_by(3) {
        let region = Region::all().tag(format!("tag:{number}"));
        add(&snapshot
            .query(&region)
            .rev()
            .map(|row| row.sequence())
            .collect::<Vec<_>>());
    }
    for number in (0..ROWS).step_by(5) {
        let own = id(number, ascends);
        let of = |region: Region| {
            let rows = snapshot.query(&region);
            rows.map(|row| row.sequence()).collect::<Vec<_>>()
        };
        add(&(
            of(Region::all().correlation(own)),
            of(Region::all().caused_by(own)),
        ));
    }
    for region in [
        Region::all().scope("s1"),
        Region::all().category(3),
        Region::all().entity_prefix("entity:1"),
        Region::all().clock(40_000..),
    ] {
        let rows = snapshot.query(&region).map(|row| row.sequence());
        add(&rows.collect::<Vec<_>>());
    }
    add(&snapshot.entities("").collect::<Vec<_>>());
    add(&snapshot.tags("").collect::<Vec<_>>());
    add(&Salt::NONE.checksum(0, &snapshot.export(ALL).unwrap()));
    out
}

/// A block of damaged bytes that is made anew of intact ones, and how often that was.
fn mended(damaged: Vec<u8>, intact: &'static [u8]) -> (Block, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let rebuild: RebuildBlock = {
        let calls = calls.clone();
        Box::new(move |_| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(Arc::new(intact))
        })
    };
    let block = Block::open(Arc::new(damaged), Some(rebuild)).unwrap();
    (block, calls)
}

#[test]
fn sections_of_these_blocks_have_several_pieces() {
    let pieces = |bytes: &[u8]| {
        let sections = sections(bytes).into_iter();
        sections
            .map(|range| range.len().div_ceil(PIECE_BYTES))
            .collect::<Vec<_>>()
    };
    let several = pieces(&blocks()[0].0)
        .into_iter()
        .filter(|pieces| *pieces > 1);
    assert!(several.count() >= 5, "{:?}", pieces(&blocks()[0].0));
}

/// Asks a block everything in which numbers are not true: of each change the section, the place in it and the value, as
/// which a run of bytes is written, a name or several ends of names.
fn check_forged<S: Fn(usize) -> usize, P: Fn(usize) -> usize>(
    ascends: bool,
    changes: impl Iterator<Item = (S, P, u8)>,
) {
    let mut forged = blocks()[usize::from(!ascends)].0.clone();
    let mut used = sections(&forged);
    used.retain(|range| !range.is_empty());
    for (section, place, value) in changes {
        let section = &used[section(used.len())];
        let at = section.start + place(section.len());
        for byte in &mut forged[at..section.end.min(at + 9)] {
            *byte = value;
        }
    }
    forge(&mut forged);
    let (writer, snapshot) = with(Block::open(Arc::new(forged), None).unwrap());
    answers(&writer, &snapshot, ascends);
}

/// Cause: rows of a tag that do not ascend were sought as if they did, and some that were found came before the first
/// row that was asked for.
#[test]
fn rows_of_a_tag_that_do_not_ascend_are_harmless() {
    let changes = [
        (
            14_859_877_170_488_710_802_u64,
            7_892_192_840_488_387_988_u64,
            46,
        ),
        (4_103_746_234_021_688_456, 2_142_364_734_503_214_030, 97),
    ];
    let place = |part: u64| {
        move |length: usize| {
            usize::try_from((u128::from(part) * length as u128) >> 64).expect("less than length")
        }
    };
    let changes = changes.map(|(section, at, value)| (place(section), place(at), value));
    check_forged(false, changes.into_iter());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn any_byte_that_is_damaged_is_found_before_it_is_used(
        ascends in any::<bool>(),
        section in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let (intact, expected) = &blocks()[usize::from(!ascends)];
        let mut used = sections(intact);
        used.retain(|range| range.len() > PIECE_BYTES);
        used.push(sections(intact)[PIECE_CHECKSUMS].clone());
        let section = section.get(&used);
        let at = section.start + place.index(section.len());
        let mut damaged = intact.clone();
        damaged[at] ^= 1 << bit;
        let (block, calls) = mended(damaged.clone(), intact);
        prop_assert!(block.check_all().is_err());
        prop_assert_eq!(calls.load(Ordering::Relaxed), 0);
        let (writer, snapshot) = with(block);
        let found = answers(&writer, &snapshot, ascends);
        prop_assert!(&found == expected, "byte {} of {:?}", at, section);
        // Of the pieces that no answer needs, too.
        snapshot.blocks().for_each(|block| block.make_whole().unwrap());
        prop_assert_eq!(snapshot.damage(), None);
        prop_assert_eq!(calls.load(Ordering::Relaxed), 1);

        let (writer, snapshot) = with(Block::open(Arc::new(damaged), None).unwrap());
        answers(&writer, &snapshot, ascends);
        snapshot.blocks().for_each(|block| drop(block.make_whole()));
        let is_told = matches!(snapshot.damage(), Some(BlockError::Lost { .. }));
        prop_assert!(is_told);
    }

    /// Checksums do not make numbers true: whatever they are, nothing panics or goes on for ever.
    #[test]
    fn a_piece_that_is_forged_is_harmless(
        ascends in any::<bool>(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()),
            1..6,
        ),
    ) {
        let changes = changes.iter().map(|(section, place, value)| {
            (|sections: usize| section.index(sections), |length: usize| place.index(length), *value)
        });
        check_forged(ascends, changes);
    }
}

#[test]
fn what_is_not_asked_for_is_not_looked_at() {
    let (intact, _) = &blocks()[0];
    let ids = sections(intact)[IDS].clone();
    let mut damaged = intact.clone();
    // The last row's.
    damaged[ids.end - 1] ^= 1;
    let (block, calls) = mended(damaged, intact);
    let (_writer, snapshot) = with(block);
    let last = ROWS - 1;
    for number in [0, 1, 4095, 4096, 8000] {
        assert!(snapshot.get(id(number, true)).is_some());
        let row = snapshot
            .row_at(Sequence::new(number + number / 4000))
            .unwrap();
        assert_eq!(row.id(), id(number, true));
        assert_eq!(row.damage(), None);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let found = snapshot.get(id(last, true)).unwrap();
    assert_eq!(found.sequence().get(), last + last / 4000);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_looked_at_often_is_checked_to_its_end() {
    let (intact, _) = &blocks()[0];
    let row_damaged = |section: usize| {
        let mut damaged = intact.clone();
        damaged[sections(intact)[section].end - 9] ^= 1;
        let (block, calls) = mended(damaged, intact);
        let (_writer, snapshot) = with(block);
        (snapshot, calls)
    };
    // Of ids alone, which take some hundred looks for each piece.
    let (snapshot, calls) = row_damaged(IDS);
    let row = snapshot.row_at(Sequence::ZERO).unwrap();
    let look = |count: usize| (0..count).for_each(|_| assert_eq!(row.id(), id(0, true)));
    look(200);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    look(
        256 * intact[sections(intact)[IDS].clone()]
            .len()
            .div_ceil(PIECE_BYTES),
    );
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    // Of all that says whose a row is, though only the first names are read.
    let (snapshot, calls) = row_damaged(ENTITY_NAMES);
    let row = snapshot.row_at(Sequence::ZERO).unwrap();
    // From now on it is kept, and no name is looked at.
    assert_eq!(row.coordinate().entity(), entity(0));
    assert_eq!(row.damage(), None);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for _ in 0..64 * intact.len().div_ceil(PIECE_BYTES) {
        assert_eq!(row.damage(), None);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn a_read_goes_on_where_the_block_was_made_anew_under_it() {
    let (intact, _) = &blocks()[0];
    let range = sections(intact)[ENTITY_ROWS].clone();
    let mut damaged = intact.clone();
    damaged[range.start + range.len() / 2] ^= 0x40;
    damaged[sections(intact)[IDS].end - 5] ^= 0x40;
    damaged[sections(intact)[ENTITY_NAMES].end - 9] ^= 0x40;
    let (block, calls) = mended(damaged, intact);
    let (_writer, snapshot) = with(block);
    let region = Region::all()
        .entity_prefix("entity:")
        .kind(EventKind::new(2, 7));
    let mut rows = snapshot.query(&region);
    let first = rows.next().unwrap();
    let region = Region::all().tag("t");
    let mut tagged = snapshot.query(&region);
    assert_eq!(tagged.next().unwrap().id(), id(0, true));
    assert_eq!(snapshot.query(Region::all()).count() as u64, ROWS);
    let ids: Vec<_> = snapshot.query(Region::all()).map(|row| row.id()).collect();
    assert!(ids.into_iter().eq((0..ROWS).map(|number| id(number, true))));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let rest = rows.map(|row| row.id());
    let expected = (0..ROWS)
        .filter(|number| number % 7 == 1)
        .map(|number| id(number, true));
    assert!([first.id()].into_iter().chain(rest).eq(expected));
    assert!(
        tagged
            .map(|row| row.id())
            .eq((1..ROWS).map(|number| id(number, true)))
    );
    assert_eq!(snapshot.damage(), None);
}

#[test]
fn a_list_of_checksums_of_another_length_is_refused() {
    let (intact, _) = &blocks()[0];
    let entry = FIXED_BYTES + PIECE_CHECKSUMS * SECTION_BYTES;
    for change in [-8_i64, 8] {
        let mut forged = intact.clone();
        let length = sections(intact)[PIECE_CHECKSUMS].len();
        let other = length.strict_add_signed(isize::try_from(change).unwrap());
        forged[entry..entry + 8].copy_from_slice(&(other as u64).to_le_bytes());
        let whole = forged
            .len()
            .strict_add_signed(isize::try_from(change).unwrap());
        forged.resize(whole, 0);
        forge(&mut forged);
        assert!(Block::open(Arc::new(forged), None).is_err(), "{change}");
    }
}
