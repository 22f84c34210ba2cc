//! `Census`: what kinds of events there are, and when they came. Reads the index alone.

use crate::maintenance::progress::{Meter, OnProgress};
use crate::{Error, EventKind, Region, Snapshot};
use std::collections::BTreeMap;

/// What an index says of all events of a snapshot. Reads no event from disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// How many events there are.
    pub events: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<EventKind, u64>,
    /// Time of the oldest and the newest event, in milliseconds since 1970; `None` without events.
    pub wall_ms: Option<(u64, u64)>,
    /// Events in each of equal parts of that time, in order.
    pub activity: Vec<u64>,
}

impl Census {
    /// Counts the events of a snapshot, with their times in `parts` parts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn take(
        snapshot: &Snapshot,
        parts: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Self, Error> {
        let mut meter = Meter::events(Some(snapshot.len()), on_progress);
        let all = Region::all();
        // Times never go back in the commit order.
        let first = snapshot.rows(&all).next().map(|row| row.wall_ms());
        let last = snapshot.rows(&all).next_back().map(|row| row.wall_ms());
        let wall_ms = first.zip(last);
        let mut census = Self {
            events: 0,
            kinds: BTreeMap::new(),
            wall_ms,
            activity: vec![0; parts],
        };
        for row in snapshot.rows(&all) {
            census.events += 1;
            *census.kinds.entry(row.kind()).or_default() += 1;
            if let Some(count) = wall_ms
                .map(|(first, last)| part_of(row.wall_ms(), first, last, parts))
                .and_then(|part| census.activity.get_mut(part))
            {
                *count += 1;
            }
            meter.add(1)?;
        }
        meter.report()?;
        Ok(census)
    }
}

/// Which of `parts` equal parts of `first..=last` a time falls in.
fn part_of(time: u64, first: u64, last: u64, parts: usize) -> usize {
    let span = u128::from(last.saturating_sub(first)) + 1;
    let place = u128::from(time.saturating_sub(first)) * parts as u128 / span;
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal_and_have_both_ends() {
        let places: Vec<_> = (10..20).map(|time| part_of(time, 10, 19, 5)).collect();
        assert_eq!(places, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(part_of(7, 7, 7, 3), 0);
        assert_eq!(part_of(u64::MAX, 0, u64::MAX, 3), 2);
    }
}
