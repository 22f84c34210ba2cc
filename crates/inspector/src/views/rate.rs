//! `Rate`: how many events there were in each of equal parts of a time. Reads the index alone.

use super::pace::Pace;
use super::walk::sequences;
use crate::asked::Filter;
use crate::site::Budget;
use serde::Serialize;
use strandline::{Region, Sequence, Snapshot};

/// The most parts.
const PARTS_MAX: u64 = 100;

/// How long a part may be, in milliseconds: what people count time in.
const STEPS_MS: [u64; 29] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    2_592_000_000,
    31_536_000_000,
];

/// Events in each of equal parts of a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rate {
    /// Where the first part begins, in milliseconds since 1970.
    pub(crate) from_ms: u64,
    /// How long a part is.
    pub(crate) step_ms: u64,
    /// Events in each.
    pub(crate) counts: Vec<u64>,
    /// Whether all were counted before the time of the request was over; if not, the first parts are 0.
    pub(crate) is_complete: bool,
}

impl Rate {
    /// The events of a filter in the time that it has, as far as there are events; none without any.
    pub(crate) fn of(now: &Snapshot, filter: &Filter, budget: &Budget) -> Option<Self> {
        let all = Region::all();
        let first_ms = now.rows(&all).next()?.wall_ms();
        let last_ms = now.rows(&all).next_back()?.wall_ms();
        let since = filter
            .since_ms
            .map_or(first_ms, |since| since.max(first_ms));
        let until = filter
            .until_ms
            .map_or(last_ms, |until| until.saturating_sub(1).min(last_ms));
        if since > until {
            return None;
        }
        let (from_ms, step_ms, parts) = parts(since, until);
        let (low, high) = sequences(now, &filter.region);
        let end_of = |part: u64| {
            let end_ms = from_ms.saturating_add(step_ms.saturating_mul(part));
            let end = end_ms
                .checked_sub(1)
                .map_or(0, |last| now.sequence_at(last).get());
            end.clamp(low, high.max(low))
        };
        let mut counts = vec![0; usize::try_from(parts).unwrap_or_default()];
        let mut is_complete = true;
        let mut pace = Pace::new(budget);
        let mut end = end_of(parts);
        // The newest first: they are what matters where there is no time for all.
        for (part, count) in counts.iter_mut().enumerate().rev() {
            let part = part as u64;
            let first = end_of(part);
            let counted = match filter.has_no_names {
                true => Some(below(now, end) - below(now, first)),
                false if budget.is_spent() => None,
                false => counted(now, &filter.region, (first, end), &mut pace, budget),
            };
            end = first;
            match counted {
                Some(counted) => *count = counted,
                None => {
                    is_complete = false;
                    break;
                }
            }
        }
        Some(Self {
            from_ms,
            step_ms,
            counts,
            is_complete,
        })
    }

    /// Where the time ends.
    pub(crate) fn to_ms(&self) -> u64 {
        let parts = self.counts.len() as u64;
        self.from_ms
            .saturating_add(self.step_ms.saturating_mul(parts))
    }

    /// How many events there are in it.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// How many events have sequences below one.
fn below(now: &Snapshot, end: u64) -> u64 {
    now.snapshot_at(Sequence::new(end)).len()
}

/// How many events of a region have sequences from one to before another; none if there was no time to count them.
fn counted(
    now: &Snapshot,
    region: &Region,
    (first, end): (u64, u64),
    pace: &mut Pace,
    budget: &Budget,
) -> Option<u64> {
    let mut count = 0;
    let mut low = first;
    while low < end {
        let high = end.min(low.saturating_add(pace.width()));
        count += within(now, region, low, high);
        if !pace.goes_on(high - low, budget) && high < end {
            return None;
        }
        low = high;
    }
    Some(count)
}

/// How many events of a region have sequences from one to before another.
pub(crate) fn within(now: &Snapshot, region: &Region, first: u64, end: u64) -> u64 {
    if first >= end {
        return 0;
    }
    let mut region = region.clone().before(Sequence::new(end));
    if let Some(before) = first.checked_sub(1) {
        region = region.after(Sequence::new(before));
    }
    now.rows(region).count() as u64
}

/// Equal parts that have both times: where the first begins, how long each is, and how many there are.
pub(crate) fn parts(first_ms: u64, last_ms: u64) -> (u64, u64, u64) {
    let of = |step: u64| {
        let from = first_ms - first_ms % step;
        (from, step, ((last_ms - from) / step).saturating_add(1))
    };
    let mut steps = STEPS_MS.iter().map(|step| of(*step));
    steps
        .find(|(_, _, parts)| *parts <= PARTS_MAX)
        .unwrap_or_else(|| {
            let step = (last_ms - first_ms) / PARTS_MAX + 1;
            (first_ms, step, (last_ms - first_ms) / step + 1)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_both_ends_and_are_what_people_count_in() {
        assert_eq!(parts(1_005, 1_005), (1_005, 1, 1));
        assert_eq!(parts(1_005, 61_004), (1_000, 1_000, 61));
        for (first, last) in [(0, u64::MAX), (7, 7 + 86_400_000), (u64::MAX - 5, u64::MAX)] {
            let (from, step, parts) = parts(first, last);
            assert!(from <= first && parts <= PARTS_MAX + 1, "{first} {last}");
            assert!((last - from) / step == parts - 1, "{first} {last}");
        }
    }
}
