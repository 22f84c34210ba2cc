//! Indexes full of rows: those that the benchmarks of the index, and of its single functions, read.

use strandline_core::{Coordinate, EventId, EventKind, Hlc, Sequence};
use strandline_index::{CoordinateId, IndexLayout, IndexReader, IndexWriter, Row, channel_with};

const SCOPES: u32 = 10;
const KINDS: u32 = 16;
/// Every so many rows one is of the rare kind.
const RARE_EVERY: u32 = 10_000;
/// The rare kind.
pub(crate) const RARE: EventKind = EventKind::new(2, 1);
/// When the first event happens.
pub(crate) const WALL_MS: u64 = 1_700_000_000_000;
/// Events in a millisecond.
const PER_MS: u32 = 400;

/// An index of `rows` rows that go round `entities` entities, all visible.
pub(crate) fn index(
    layout: IndexLayout,
    rows: u32,
    entities: u32,
    id: fn(u32) -> EventId,
) -> (IndexWriter, IndexReader) {
    let (mut writer, reader) = channel_with(layout);
    let coordinates = intern(&mut writer, entities);
    writer.reserve(u64::from(rows)).expect("there is room");
    for number in 0..rows {
        let row = row(number, id(number), &coordinates);
        writer.insert(&row).expect("as reserved");
    }
    writer.publish(writer.gate().allocated());
    (writer, reader)
}

/// A coordinate by number, as those of the other benchmarks.
pub(crate) fn coordinate(number: u32) -> Coordinate {
    let entity = format!("order:{number:06}");
    Coordinate::new(entity, format!("region-{}", number % SCOPES)).expect("names")
}

/// Interns so many coordinates.
pub(crate) fn intern(writer: &mut IndexWriter, entities: u32) -> Vec<CoordinateId> {
    let names = (0..entities).map(coordinate);
    names
        .map(|name| writer.intern(&name).expect("there is room"))
        .collect()
}

/// Row `number` of events that go round the entities.
pub(crate) fn row(number: u32, id: EventId, coordinates: &[CoordinateId]) -> Row {
    let entities = coordinates.len() as u32;
    let kind = if number % RARE_EVERY == RARE_EVERY / 2 {
        RARE
    } else {
        // In no order, as kinds come: no tile of 64 rows is without one for long.
        EventKind::new(
            1,
            (number.wrapping_mul(0x9E37_79B1) >> 16) as u16 % KINDS as u16,
        )
    };
    Row {
        sequence: Sequence::new(u64::from(number)),
        id,
        coordinate: coordinates[(number % entities) as usize],
        kind,
        wall_ms: WALL_MS + u64::from(number / PER_MS),
        clock: number / entities,
        position: u64::from(number) * 300,
        correlation: id,
        causation: None,
        hash: None,
    }
}

/// An id as a busy store gives it: several hundred in a millisecond, told apart by the counter.
pub(crate) fn ascending_id(number: u32) -> EventId {
    let wall_ms = WALL_MS + u64::from(number / PER_MS);
    let hlc = Hlc::new(wall_ms, number % PER_MS).expect("within range");
    EventId::from_hlc(hlc, 6)
}

/// Odd, so that no two numbers have the same id, and an even one is none.
pub(crate) fn random_id(number: u32) -> EventId {
    let odd = u128::from(number) << 1 | 1;
    EventId::from_u128(odd.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

/// Numbers below `end`, far from each other, so that a cache does not answer for them.
pub(crate) fn scattered(end: u32) -> impl Iterator<Item = u32> {
    (0_u32..).map(move |n| n.wrapping_mul(0x9E37_79B1) % end)
}
