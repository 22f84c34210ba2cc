//! The newest rows of entities in a block, or in some of its rows: of one entity, or of many at once.
//! Which place an entity has is found elsewhere.

use super::format::Section;
use super::open::Block;
use crate::model::{Head, NameSort};
use crate::search::partition;
use std::hint::black_box;
use std::ops::Range;
use strandline_core::Hash;

/// The newest row of an entity, as the block numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockHead {
    pub(crate) row: u32,
    pub(crate) head: Head,
}

impl Block {
    /// The newest event of the entity at a place among `rows`, if it has any there. A few cache lines;
    /// O(log events) where events of it come after those rows.
    pub(crate) fn head(&self, entity: u32, rows: &Range<u32>) -> Option<BlockHead> {
        let listed = self.listed(entity);
        let (row, is_newest) = self.last_within(&listed, rows)?;
        let head = self.head_of(entity, row, is_newest);
        Some(BlockHead { row, head })
    }

    /// The last row of the entity at a place among `rows`, as [`head`](Self::head).
    pub(crate) fn last_row(&self, entity: u32, rows: &Range<u32>) -> Option<u32> {
        let listed = self.listed(entity);
        self.last_within(&listed, rows).map(|(row, _)| row)
    }

    /// As [`head`](Self::head), of the entities at many places, in their order.
    pub(crate) fn heads(&self, entities: &[u32], rows: &Range<u32>) -> Vec<Option<BlockHead>> {
        let listed: Vec<_> = entities.iter().map(|place| self.listed(*place)).collect();
        let last: Vec<_> = listed
            .iter()
            .map(|listed| self.last_within(listed, rows))
            .collect();
        for (entity, last) in entities.iter().zip(&last) {
            if let Some((row, _)) = last {
                self.ask_for_head(*entity, *row);
            }
        }
        let both = entities.iter().zip(last);
        let heads = both.map(|(entity, last)| {
            let (row, is_newest) = last?;
            let head = self.head_of(*entity, row, is_newest);
            Some(BlockHead { row, head })
        });
        heads.collect()
    }

    /// Brings into the cache of the processor what is read of the head of an entity, and waits for nothing.
    #[inline]
    fn ask_for_head(&self, entity: u32, row: u32) {
        let (entity, row) = (entity as usize, row as usize);
        let hashes = self.bytes_of(Section::HeadHashes);
        black_box(hashes.get(entity.saturating_mul(Hash::BYTES)).copied());
        black_box(self.raw_numbers(Section::Positions).get(row));
    }

    /// Where the rows of an entity are listed.
    #[inline]
    fn listed(&self, entity: u32) -> Range<u32> {
        let (ends, _) = Section::rows_of(NameSort::Entity);
        let most = self.header.counts.rows;
        let end = |at: u32| self.number_u32(ends, at as usize).min(most);
        let start = entity.checked_sub(1).map_or(0, end);
        start..end(entity)
    }

    /// The last of the listed rows within `rows`, and whether it is the last of all.
    #[inline]
    fn last_within(&self, listed: &Range<u32>, rows: &Range<u32>) -> Option<(u32, bool)> {
        let (_, list) = Section::rows_of(NameSort::Entity);
        let first = listed.start as usize;
        let row = |at: usize| self.number_u32(list, first + at);
        let before_last = listed.end.checked_sub(listed.start)?.checked_sub(1)?;
        let last = row(before_last as usize);
        if last < rows.end {
            return (last >= rows.start).then_some((last, true));
        }
        let below = partition(before_last, |at| row(at) < rows.end);
        let row = row(below.checked_sub(1)? as usize);
        rows.contains(&row).then_some((row, false))
    }

    /// The event of a row of an entity, and whether that is the newest of the block.
    #[inline]
    fn head_of(&self, entity: u32, row: u32, is_newest: bool) -> Head {
        let clock = if is_newest && self.header.has(Section::HeadClocks) {
            self.number_u32(Section::HeadClocks, entity as usize)
        } else {
            self.clock(row)
        };
        Head {
            sequence: self.sequence_of(row),
            clock,
            position: self.position(row),
            hash: self.head_hash(entity).filter(|_| is_newest),
        }
    }
}
