//! Finding ids by their order: most events have an id above that of every earlier event.
//!
//! Such a row is *ascending*. Ids made by one clock are all so, and need no table: among ascending
//! rows an id is found by search in its column. The others are marked in their chunk and found
//! through [`IdTable`](super::by_id::IdTable).

use super::chunk::{CHUNK_ROWS, Chunk};
use crate::search::search;
use std::cmp::Ordering;
use std::ops::Range;
use strandline_core::EventId;

/// The ascending row with this id among the first `rows`. O(log rows), and a few cache lines where
/// ids grow with time; but a run of rows that do not ascend is stepped through, 64 at a time, at most
/// to the start of its chunk.
pub(crate) fn find(chunks: &[Chunk], rows: u32, id: EventId) -> Option<u32> {
    let used = (rows as usize).div_ceil(CHUNK_ROWS);
    let chunks = chunks.get(..used)?;
    let after = chunks.partition_point(|chunk| chunk.greatest_before() < Some(id));
    let at = after.checked_sub(1)?;
    let chunk = chunks.get(at)?;
    let start = row(at * CHUNK_ROWS);
    let len = rows.saturating_sub(start).min(row(CHUNK_ROWS));
    let slot = if chunk.has_unordered() {
        find_within(chunk, 0..len, id)
    } else {
        let id_at = |slot| chunk.cell(slot).id();
        let next = chunks.get(after).and_then(Chunk::greatest_before);
        let last = next.unwrap_or_else(|| id_at(len.saturating_sub(1)));
        let first = chunk.greatest_before().unwrap_or_else(|| id_at(0));
        search(id, 0..len, (first, last), id_at)
    };
    slot.map(|slot| start + slot)
}

fn find_within(chunk: &Chunk, slots: Range<u32>, id: EventId) -> Option<u32> {
    let (mut low, mut high) = (slots.start, slots.end);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(at) = last_ascending(chunk, low, middle) else {
            low = middle + 1;
            continue;
        };
        match chunk.cell(at).id().cmp(&id) {
            Ordering::Equal => return Some(at),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = at,
        }
    }
    None
}

/// The greatest id of the first `rows` rows.
pub(crate) fn greatest(chunks: &[Chunk], rows: u32) -> Option<EventId> {
    let last = rows.checked_sub(1)?;
    let chunk = chunks.get(last as usize / CHUNK_ROWS)?;
    match last_ascending(chunk, 0, row(last as usize % CHUNK_ROWS)) {
        Some(slot) => Some(chunk.cell(slot).id()),
        None => chunk.greatest_before(),
    }
}

/// The last ascending slot from `low` to `high`, both included.
fn last_ascending(chunk: &Chunk, low: u32, high: u32) -> Option<u32> {
    if !chunk.has_unordered() {
        return Some(high);
    }
    chunk.last_ascending(high).filter(|slot| *slot >= low)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "chunks end at or after a row number of 32 bits, and are bounded by it"
)]
const fn row(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use crate::IndexLayout;
    use crate::live::chunk::cell;
    use proptest::prelude::*;
    use strandline_core::Hlc;

    /// Chunks whose rows have these ids.
    fn chunks(ids: &[u128]) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let mut greatest = None;
        for (at, id) in ids.iter().enumerate() {
            let id = EventId::from_u128(*id);
            if at % CHUNK_ROWS == 0 {
                chunks.push(Chunk::new(greatest, IndexLayout::Postings));
            }
            cell(&chunks, row(at)).set_id(id, greatest < Some(id));
            greatest = greatest.max(Some(id));
        }
        chunks
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn ids_made_by_a_clock_are_found_however_unevenly_it_was_read(
            bursts in proptest::collection::vec((1..20_u64, 1..3_000_u32), 1..12),
        ) {
            let mut wall_ms = 1_700_000_000_000;
            let mut ids = Vec::new();
            for (step, count) in bursts {
                wall_ms += step;
                ids.extend((0..count).map(|counter| {
                    let hlc = Hlc::new(wall_ms, counter).unwrap();
                    EventId::from_hlc(hlc, u64::from(counter)).as_u128()
                }));
            }
            let chunks = chunks(&ids);
            for (at, id) in ids.iter().enumerate() {
                let found = find(&chunks, row(ids.len()), EventId::from_u128(*id));
                prop_assert_eq!(found, Some(row(at)));
                let missing = find(&chunks, row(ids.len()), EventId::from_u128(id + 1));
                prop_assert_eq!(missing, None);
            }
        }

        #[test]
        fn exactly_the_ascending_rows_are_found(
            steps in proptest::collection::vec((0..10_u32, 1..50_u64), 1..3 * CHUNK_ROWS),
            calm in 0..10_u32,
        ) {
            let mut greatest = 0_u128;
            let ids: Vec<u128> = steps
                .iter()
                .map(|(turn, step)| {
                    // An id goes up, or back to where no other is: ascending ids are even.
                    if *turn >= calm {
                        greatest += u128::from(*step) * 2;
                        greatest
                    } else {
                        greatest.saturating_sub(u128::from(*step) * 2) | 1
                    }
                })
                .collect();
            let chunks = chunks(&ids);
            let mut before = None;
            for (at, id) in ids.iter().enumerate() {
                let ascends = before < Some(*id);
                before = before.max(Some(*id));
                let found = find(&chunks, row(ids.len()), EventId::from_u128(*id));
                if ascends {
                    prop_assert_eq!(found, Some(row(at)));
                    let short = find(&chunks, row(at), EventId::from_u128(*id));
                    prop_assert_eq!(short, None, "beyond the rows");
                }
                let known = EventId::from_u128(before.unwrap());
                prop_assert_eq!(super::greatest(&chunks, row(at + 1)), Some(known));
                prop_assert_eq!(find(&chunks, row(at), EventId::from_u128(u128::MAX)), None);
            }
        }
    }
}
