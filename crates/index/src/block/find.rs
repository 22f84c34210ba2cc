//! Finding rows of a block by id and by links. Names are found elsewhere.

use super::format::{FENCE_ROWS, Section, Version, id_hash};
use super::open::Block;
use super::places::TOGETHER;
use crate::search::{partition, search};
use std::ops::Range;
use strandline_core::EventId;

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
        let mut ids = self.bytes_at(Section::Ids);
        if let Some((shape, mut table)) = self.table(Section::IdTable) {
            let mut rows = shape.candidates(id_hash(id), |at| table.get(at));
            return rows.find(|row| *row < bound && ids.id(*row as usize) == id);
        }
        let row = if self.header.place(Section::IdOrder).bytes == 0 {
            self.search(id, |at| ids.id(at as usize))
        } else {
            // Made anew, it may have a table instead.
            let (block, _) = self.holder(Section::IdOrder, &(0..1))?;
            if !std::ptr::eq(block, self) {
                return block.find(id, bound);
            }
            let mut order = self.column(Section::IdOrder);
            let place = self.search(id, |at| ids.id(order.get_u32(at as usize) as usize));
            place.map(|place| self.number_u32(Section::IdOrder, place as usize))
        };
        row.filter(|row| *row < bound)
    }

    /// Of these ids those that one of `rows` has, by where they stand among them,
    /// ascending, each with its row. With a table, as [`find`](Self::find), but that no search waits
    /// for another.
    pub(crate) fn find_all(&self, wanted: &[EventId], rows: &Range<u32>) -> Vec<(usize, u32)> {
        let numbered = wanted.iter().enumerate();
        let Some((shape, mut table)) = self.table(Section::IdTable) else {
            let found = numbered.filter_map(|(at, id)| Some((at, self.find(*id, rows.end)?)));
            let found = found.filter(|(_, row)| *row >= rows.start);
            return found.collect();
        };
        let mut found = Vec::new();
        let wanted_here: Vec<_> = numbered
            .filter(|(_, id)| self.may_have(**id))
            .map(|(at, id)| (at, id_hash(*id)))
            .collect();
        for wanted in wanted_here.chunks(TOGETHER) {
            for (_, hash) in wanted {
                self.ask_for_home(Section::IdTable, shape, *hash);
            }
            for (at, hash) in wanted {
                let places = shape.candidates(*hash, |at| table.get(at));
                found.extend(places.map(|row| (*at, row)));
            }
        }
        let mut ids = self.bytes_at(Section::Ids);
        found.retain(|(at, row)| {
            rows.contains(row) && wanted.get(*at) == Some(&ids.id(*row as usize))
        });
        // Only in a block of other rows than an index takes there are several.
        found.dedup_by_key(|(at, _)| *at);
        found
    }

    /// Where an id is among the ids in their order, which `at` gives: first among those that were set
    /// apart.
    fn search(&self, id: EventId, mut at: impl FnMut(u32) -> EventId) -> Option<u32> {
        let (rows, (first, last)) = (self.header.counts.rows, self.header.ids);
        let (fence, ends) = if self.header.version == Version::Whole {
            let fences = self.fences.get_or_init(|| {
                let places = (0..rows).step_by(FENCE_ROWS as usize);
                places.map(&mut at).collect()
            });
            let after = fences.partition_point(|fence| *fence <= id);
            let fence = after.checked_sub(1)?;
            let next = fences.get(after).copied();
            (fence, (*fences.get(fence)?, next.unwrap_or(last)))
        } else if self.header.place(Section::IdFences).bytes > 0 {
            let mut fences = self.bytes_at(Section::IdFences);
            let count = rows.div_ceil(FENCE_ROWS);
            let after = partition(count, |at| fences.id(at) <= id) as usize;
            let fence = after.checked_sub(1)?;
            let next = (after < count as usize).then(|| fences.id(after));
            (fence, (fences.id(fence), next.unwrap_or(last)))
        } else {
            return search(id, 0..rows, (first, last), at);
        };
        let start = u32::try_from(fence).ok()?.saturating_mul(FENCE_ROWS);
        let places = start..rows.min(start.saturating_add(FENCE_ROWS));
        search(id, places, ends, at)
    }

    /// The rows within `within` that belong to `correlation`, ascending; the event with that id is one
    /// if it belongs to itself. O(rows found + log links).
    pub(crate) fn correlated(&self, correlation: EventId, within: &Range<u32>) -> Vec<u32> {
        let mut order = self.column(Section::ByCorrelation);
        let mut ids = self.bytes_at(Section::Correlations);
        self.linked(correlation, within, self.header.counts.links, |at| {
            let place = order.get_u32(at);
            (place, ids.id(place as usize))
        })
    }

    /// The rows within `within` that `cause` caused, ascending. O(rows found + log links).
    pub(crate) fn caused_by(&self, cause: EventId, within: &Range<u32>) -> Vec<u32> {
        let mut order = self.column(Section::ByCausation);
        let mut ids = self.bytes_at(Section::Causations);
        self.linked(cause, within, self.header.counts.caused, |at| {
            let place = order.get_u32(at);
            (place, ids.id(place as usize))
        })
    }

    fn linked(
        &self,
        id: EventId,
        within: &Range<u32>,
        count: u32,
        mut at: impl FnMut(usize) -> (u32, EventId),
    ) -> Vec<u32> {
        let mut rows = self.column(Section::LinkRows);
        let mut row_at = |place: u32| rows.get_u32(place as usize);
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
