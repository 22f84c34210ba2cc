//! Finding rows of a block by id and by links. Names are found in their sorted list.

use super::format::Section;
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

    /// The row with this id among the first `bound`. A few cache lines where ids grow with time,
    /// O(log rows) at worst; a miss costs what a hit does.
    pub(crate) fn find(&self, id: EventId, bound: u32) -> Option<u32> {
        if !self.may_have(id) {
            return None;
        }
        let ids = self.section(Section::Ids);
        let row = if self.header.place(Section::IdOrder).bytes == 0 {
            self.search(id, |at| id_at(ids, at as usize))
        } else {
            let order = self.numbers(Section::IdOrder);
            let row = |at: u32| order.get_u32(at as usize);
            self.search(id, |at| id_at(ids, row(at) as usize)).map(row)
        };
        row.filter(|row| *row < bound)
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
