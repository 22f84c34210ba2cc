//! Searching for an id among ids that ascend, most of which were made by one clock. Keeps no ids.

use std::cmp::Ordering;
use std::ops::Range;
use strandline_core::EventId;

/// Where `id` is among `places`, whose ids `at` gives and ascend; none if it is not there.
///
/// `first` is the id at the first place, `last` that at the end of the places, or less. Ids that
/// count on from there are found at once, those that grow with time in a few looks, and none takes
/// more than O(log places); whatever `at` gives, it ends.
pub(crate) fn search(
    id: EventId,
    places: Range<u32>,
    (first, last): (EventId, EventId),
    mut at: impl FnMut(u32) -> EventId,
) -> Option<u32> {
    let Range {
        start: mut low,
        end: mut high,
    } = places;
    let mut next = guess(id, &(low..high), first, last).min(high.saturating_sub(1));
    let mut hops = true;
    let mut step = 1_u32;
    let mut ascends = None;
    while low < high {
        let found = at(next);
        let is_below = match found.cmp(&id) {
            Ordering::Equal => return Some(next),
            Ordering::Less => true,
            Ordering::Greater => false,
        };
        let counted = if hops { counted(found, next, id) } else { None };
        hops = false;
        if is_below {
            low = next + 1;
        } else {
            high = next;
        }
        next = if let Some(place) = counted.filter(|place| (low..high).contains(place)) {
            // Once: from there on the steps double (Bentley and Yao, 1976).
            place
        } else if *ascends.get_or_insert(is_below) == is_below && step > 0 {
            let next = if is_below {
                low.saturating_add(step - 1).min(high.saturating_sub(1))
            } else {
                high.saturating_sub(step).max(low)
            };
            step = step.saturating_mul(2);
            next
        } else {
            // It has been passed on both sides, so what is left is halved.
            step = 0;
            low + (high.saturating_sub(low)) / 2
        };
    }
    None
}

/// Where `id` is, by how far its counter is from that of an id of the same millisecond.
fn counted(found: EventId, place: u32, id: EventId) -> Option<u32> {
    let (found, id) = (found.hlc()?, id.hlc()?);
    if found.wall_ms() != id.wall_ms() {
        return None;
    }
    let distance = i64::from(id.counter()) - i64::from(found.counter());
    u32::try_from(i64::from(place) + distance).ok()
}

/// Where `id` is likely to be: by its clock reading where that says a place, else by
/// interpolation.
fn guess(id: EventId, places: &Range<u32>, first: EventId, last: EventId) -> u32 {
    by_clock(id, places, first, last).unwrap_or_else(|| {
        let steps = places.end.saturating_sub(places.start);
        places.start.saturating_add(share(id, first, last, steps))
    })
}

/// Where `id` is if the ids of a millisecond count on from 0, and those in between go evenly over the
/// milliseconds; none where that is not among the places, as with ids made elsewhere, whose counters
/// are random.
fn by_clock(id: EventId, places: &Range<u32>, first: EventId, last: EventId) -> Option<u32> {
    let (id, first, last) = (id.hlc()?, first.hlc()?, last.hlc()?);
    // Where the milliseconds of the ends begin.
    let begin = i64::from(places.start) - i64::from(first.counter());
    let end = i64::from(places.end) - i64::from(last.counter());
    let span = last.wall_ms().checked_sub(first.wall_ms())?;
    let offset = id.wall_ms().checked_sub(first.wall_ms())?.min(span);
    let share = match span {
        0 => 0,
        _ => scaled(offset, span, end.checked_sub(begin)?.unsigned_abs())?,
    };
    let share = if end < begin { -share } else { share };
    let place = begin + share + i64::from(id.counter());
    u32::try_from(place)
        .ok()
        .filter(|place| places.contains(place))
}

/// Where `id` is by interpolation (Peterson, 1957) on the upper halves, as a share of `steps`.
fn share(id: EventId, first: EventId, last: EventId, steps: u32) -> u32 {
    let upper = |id: EventId| u64::try_from(id.as_u128() >> 64).unwrap_or(u64::MAX);
    let span = upper(last).saturating_sub(upper(first));
    let offset = upper(id).saturating_sub(upper(first)).min(span);
    let share = scaled(offset, span, u64::from(steps));
    share
        .and_then(|share| u32::try_from(share).ok())
        .unwrap_or(0)
}

/// `steps * offset / span`, roughly, for at most 2^34 steps: a division of 128 bits takes longer than
/// all else here.
fn scaled(offset: u64, span: u64, steps: u64) -> Option<i64> {
    let shift = (u64::BITS - span.leading_zeros()).saturating_sub(28);
    let product = (offset >> shift).checked_mul(steps)?;
    i64::try_from(product.checked_div(span >> shift)?).ok()
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use strandline_core::Hlc;

    /// Where `id` is found among `ids`, and how many of them were looked at.
    fn find(ids: &[EventId], id: EventId) -> (Option<u32>, u32) {
        let looks = Cell::new(0);
        let places = 0..u32::try_from(ids.len()).unwrap();
        let ends = (ids[0], ids[ids.len() - 1]);
        let found = search(id, places, ends, |at| {
            looks.set(looks.get() + 1);
            ids[at as usize]
        });
        (found, looks.get())
    }

    fn made(wall_ms: u64, counter: u32) -> EventId {
        EventId::from_hlc(Hlc::new(wall_ms, counter).unwrap(), u64::from(counter))
    }

    fn check(ids: &[EventId]) {
        let most = 2 * ids.len().ilog2() + 5;
        for (at, id) in (0..).zip(ids) {
            let (found, looks) = find(ids, *id);
            assert_eq!(found, Some(at));
            assert!(looks <= most, "{looks} of {}", ids.len());
            for beside in [id.as_u128().wrapping_add(1), id.as_u128().wrapping_sub(1)] {
                let beside = EventId::from_u128(beside);
                let (found, looks) = find(ids, beside);
                let expected = ids.binary_search(&beside).ok();
                assert_eq!(found.map(|at| at as usize), expected);
                assert!(looks <= most, "{looks} of {}", ids.len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn ids_of_a_clock_are_found_however_unevenly_it_was_read(
            bursts in proptest::collection::vec((1..20_u64, 1..300_u32, 0..3_u32), 1..12),
        ) {
            let mut wall_ms = 1_700_000_000_000;
            let mut ids = Vec::new();
            for (step, count, skip) in bursts {
                wall_ms += step;
                ids.extend((0..count).map(|place| made(wall_ms, place * (skip + 1))));
            }
            check(&ids);
        }

        #[test]
        fn ids_of_any_kind_are_found(
            ids in proptest::collection::btree_set(any::<u128>(), 1..300),
            version_7 in any::<bool>(),
            crowded in 0..128_u32,
        ) {
            let ids = ids.iter().map(|id| {
                let id = id >> crowded;
                let layout = if version_7 { 7 << 76 | 2 << 62 } else { 0 };
                let free = if version_7 { !(0xF << 76 | 3 << 62) } else { u128::MAX };
                EventId::from_u128(id & free | layout)
            });
            let mut ids: Vec<_> = ids.collect();
            ids.sort_unstable();
            ids.dedup();
            check(&ids);
        }
    }

    #[test]
    fn an_id_that_counts_on_from_either_end_is_found_at_once() {
        // 60 of the first millisecond from the fifth on, and 40 of the second.
        let of_first = (5..65).map(|counter| made(7, counter));
        let ids: Vec<_> = of_first
            .chain((0..40).map(|counter| made(8, counter)))
            .collect();
        let last = made(8, 40);
        for (at, id) in (0..).zip(&ids) {
            let looks = Cell::new(0);
            let found = search(*id, 0..100, (ids[0], last), |at| {
                looks.set(looks.get() + 1);
                ids[at as usize]
            });
            assert_eq!(found, Some(at));
            assert_eq!(looks.get(), 1, "{at}");
        }
    }
}
