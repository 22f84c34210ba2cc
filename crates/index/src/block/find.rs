//! Finding rows of a block by id and by links. Names are found in their sorted list.

use super::format::{Section, id_hash};
use super::open::Block;
use super::rows::id_at;
use crate::search::{partition, search};
use std::ops::Range;
use strandline_core::EventId;

/// One of so many ids, in their order, is set apart: a page of memory has as many.
const FENCE_ROWS: u32 = 256;

impl Block {
    /// Whether an id is between the least and the greatest of the block.
    fn may_have(&self, id: EventId) -> bool {
        let (least, greatest) = self.header.ids;
        self.header.counts.rows > 0 && least <= id && id <= greatest
    }

    /// The row with this id among the first `bound`. A few cache lines where ids grow with time or
    /// there is a table of them, which tells a miss by one; O(log rows) at worst.
    pub(crate) fn find(&self, id: EventId, bound: u32) -> Option<u32> {
        if !self.may_have(id) {
            return None;
        }
        let ids = self.section(Section::Ids);
        if let Some((shape, table)) = self.table(Section::IdTable) {
            let mut rows = shape.candidates(id_hash(id), |at| table.get(at));
            return rows.find(|row| *row < bound && id_at(ids, *row as usize) == id);
        }
        let row = if self.header.place(Section::IdOrder).bytes == 0 {
            self.search(id, |at| id_at(ids, at as usize))
        } else {
            let order = self.numbers(Section::IdOrder);
            let row = |at: u32| order.get_u32(at as usize);
            self.search(id, |at| id_at(ids, row(at) as usize)).map(row)
        };
        row.filter(|row| *row < bound)
    }

    /// Of these ids those that one of `rows` has, by where they stand among them,
    /// ascending, each with its row. With a table, as [`find`](Self::find), but that no search waits
    /// for another.
    pub(crate) fn find_all(&self, wanted: &[EventId], rows: &Range<u32>) -> Vec<(usize, u32)> {
        let numbered = wanted.iter().enumerate();
        let Some((shape, table)) = self.table(Section::IdTable) else {
            let found = numbered.filter_map(|(at, id)| Some((at, self.find(*id, rows.end)?)));
            let found = found.filter(|(_, row)| *row >= rows.start);
            return found.collect();
        };
        let mut found = Vec::new();
        for (at, id) in numbered {
            if self.may_have(*id) {
                let places = shape.candidates(id_hash(*id), |at| table.get(at));
                found.extend(places.map(|row| (at, row)));
            }
        }
        let ids = self.section(Section::Ids);
        found.retain(|(at, row)| {
            rows.contains(row) && wanted.get(*at) == Some(&id_at(ids, *row as usize))
        });
        // Only in a block of other rows than an index takes there are several.
        found.dedup_by_key(|(at, _)| *at);
        found
    }

    /// Ids in their order, with `at` giving that at a place: first among those that were set apart.
    fn search(&self, id: EventId, at: impl Fn(u32) -> EventId) -> Option<u32> {
        let rows = self.header.counts.rows;
        let fences = self.fences.get_or_init(|| {
            let places = (0..rows).step_by(FENCE_ROWS as usize);
            places.map(&at).collect()
        });
        let after = fences.partition_point(|fence| *fence <= id);
        let fence = after.checked_sub(1)?;
        let start = u32::try_from(fence).ok()?.saturating_mul(FENCE_ROWS);
        let places = start..rows.min(start.saturating_add(FENCE_ROWS));
        let first = fences.get(fence)?;
        let last = fences.get(after).unwrap_or(&self.header.ids.1);
        search(id, places, (*first, *last), at)
    }

    /// The rows within `within` that belong to `correlation`, ascending; the event with that id is one
    /// if it belongs to itself. O(rows found + log links).
    pub(crate) fn correlated(&self, correlation: EventId, within: &Range<u32>) -> Vec<u32> {
        let order = self.numbers(Section::ByCorrelation);
        let ids = self.section(Section::Correlations);
        self.linked(correlation, within, self.header.counts.links, |at| {
            let place = order.get_u32(at);
            (place, id_at(ids, place as usize))
        })
    }

    /// The rows within `within` that `cause` caused, ascending. O(rows found + log links).
    pub(crate) fn caused_by(&self, cause: EventId, within: &Range<u32>) -> Vec<u32> {
        let order = self.numbers(Section::ByCausation);
        let ids = self.section(Section::Causations);
        self.linked(cause, within, self.header.counts.caused, |at| {
            let place = order.get_u32(at);
            (place, id_at(ids, place as usize))
        })
    }

    fn linked(
        &self,
        id: EventId,
        within: &Range<u32>,
        count: u32,
        at: impl Fn(usize) -> (u32, EventId),
    ) -> Vec<u32> {
        let rows = self.numbers(Section::LinkRows);
        let row_at = |place: u32| rows.get_u32(place as usize);
        let first = partition(count, |at_place| {
            let (place, found) = at(at_place);
            found < id || (found == id && row_at(place) < within.start)
        });
        let mut found: Vec<u32> = (first..count)
            .map(|place| at(place as usize))
            .take_while(|(_, found)| *found == id)
            .map(|(place, _)| row_at(place))
            .filter(|row| within.contains(row))
            .collect();
        found.dedup();
        found
    }
}
