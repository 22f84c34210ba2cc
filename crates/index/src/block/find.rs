//! Finding rows of a block by id and by links.

use super::rows::{id_at, partition};
use super::{Block, Section};
use std::cmp::Ordering;
use strandline_core::{EventId, Hlc};

impl Block {
    /// Whether an id is between the least and the greatest of the block.
    pub(crate) fn may_have(&self, id: EventId) -> bool {
        let (least, greatest) = self.header.ids;
        self.header.rows > 0 && least <= id && id <= greatest
    }

    /// The row with this id among the first `bound`. A few cache lines where ids grow with time,
    /// O(log rows) at worst; a miss costs what a hit does.
    pub(crate) fn find(&self, id: EventId, bound: u32) -> Option<u32> {
        if !self.may_have(id) {
            return None;
        }
        let ids = self.section(Section::Ids);
        let row = if self.header.place(Section::IdOrder).bytes == 0 {
            self.search(id, |at| (at, id_at(ids, at as usize)))
        } else {
            let order = self.numbers(Section::IdOrder);
            self.search(id, |at| {
                let row = order.get_u32(at as usize);
                (row, id_at(ids, row as usize))
            })
        };
        row.filter(|row| *row < bound)
    }

    /// Guesses by interpolation (Peterson, 1957) on the upper half of ids, which is time, and by the
    /// counter of ids of one millisecond; doubles its steps from there (Bentley and Yao, 1976), and
    /// halves what is left.
    fn search(&self, id: EventId, at: impl Fn(u32) -> (u32, EventId)) -> Option<u32> {
        let rows = self.header.rows;
        let (least, greatest) = self.header.ids;
        let last = rows.checked_sub(1)?;
        let counter = id.hlc().map_or(0, Hlc::counter);
        let guess = share(id, least, greatest, last);
        let guess = guess.saturating_add(counter).min(last);
        let (mut low, mut high) = (0, rows);
        let mut step = 1_u32;
        let mut next = guess;
        let mut ascends = None;
        while low < high {
            let (row, found) = at(next);
            let is_below = match found.cmp(&id) {
                Ordering::Equal => return Some(row),
                Ordering::Less => true,
                Ordering::Greater => false,
            };
            if is_below {
                low = next + 1;
            } else {
                high = next;
            }
            // Once it has been passed on both sides, what is left is halved.
            if *ascends.get_or_insert(is_below) == is_below && step > 0 {
                next = if is_below {
                    low.saturating_add(step).min(high.saturating_sub(1))
                } else {
                    high.saturating_sub(step).max(low)
                };
                step = step.saturating_mul(2);
            } else {
                step = 0;
                next = low + (high.saturating_sub(low)) / 2;
            }
        }
        None
    }

    /// The rows below `bound` that belong to `correlation`, ascending; the event with that id is one
    /// if it belongs to itself. O(rows found + log links).
    pub(crate) fn correlated(&self, correlation: EventId, bound: u32) -> Vec<u32> {
        let order = self.numbers(Section::ByCorrelation);
        let ids = self.section(Section::Correlations);
        self.linked(correlation, bound, self.header.links, |at| {
            let place = order.get_u32(at);
            (place, id_at(ids, place as usize))
        })
    }

    /// The rows below `bound` that `cause` caused, ascending. O(rows found + log links).
    pub(crate) fn caused_by(&self, cause: EventId, bound: u32) -> Vec<u32> {
        let order = self.numbers(Section::ByCausation);
        let ids = self.section(Section::Causations);
        self.linked(cause, bound, self.header.caused, |at| {
            let place = order.get_u32(at);
            (place, id_at(ids, place as usize))
        })
    }

    fn linked(
        &self,
        id: EventId,
        bound: u32,
        count: u32,
        at: impl Fn(usize) -> (u32, EventId),
    ) -> Vec<u32> {
        let rows = self.numbers(Section::LinkRows);
        let first = partition(count, |place| at(place).1 < id);
        let mut found: Vec<u32> = (first..count)
            .map(|place| at(place as usize))
            .take_while(|(_, found)| *found == id)
            .map(|(place, _)| rows.get_u32(place as usize))
            .filter(|row| *row < bound)
            .collect();
        found.dedup();
        found
    }
}

/// Where between `least` and `greatest` an id is, as a share of `steps`.
fn share(id: EventId, least: EventId, greatest: EventId, steps: u32) -> u32 {
    let upper = |id: EventId| u64::try_from(id.as_u128() >> 64).unwrap_or(u64::MAX);
    let (id, least, greatest) = (upper(id), upper(least), upper(greatest));
    let span = u128::from(greatest.saturating_sub(least)).max(1);
    let share = u128::from(id.saturating_sub(least)) * u128::from(steps) / span;
    u32::try_from(share).map_or(steps, |share| share.min(steps))
}
