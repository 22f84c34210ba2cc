//! `BlockList`: the rows of one key in a block, by the key's place. Names are looked up elsewhere.

use super::format::Section;
use super::open::Block;
use crate::model::NameSort;
use std::ops::Range;
use std::sync::Arc;

/// The rows of an entity, a scope or a kind, ascending.
#[derive(Clone)]
pub(crate) struct BlockList {
    block: Arc<Block>,
    rows: Section,
    start: usize,
    len: usize,
}

impl BlockList {
    /// The rows of a key, where all keys together have `most`.
    fn new(block: &Arc<Block>, (ends, rows): (Section, Section), key: u32, most: u64) -> Self {
        let mut numbers = block.column(ends);
        let mut end = |at: u32| numbers.get(at as usize).unwrap_or(0).min(most);
        let start = key.checked_sub(1).map_or(0, &mut end);
        // No row is in a list twice.
        let len = end(key).saturating_sub(start).min(u64::from(block.rows()));
        Self {
            block: block.clone(),
            rows,
            start: usize::try_from(start).unwrap_or(0),
            len: usize::try_from(len).unwrap_or(0),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The first of `positions` for which `before` does not hold. O(log rows).
    pub(crate) fn partition(
        &self,
        positions: &Range<usize>,
        before: impl Fn(u32) -> bool,
    ) -> usize {
        let mut numbers = self.block.column(self.rows);
        let last = self.block.rows().saturating_sub(1);
        let (mut low, mut high) = (positions.start, positions.end.min(self.len));
        while low < high {
            let middle = low + (high - low) / 2;
            // Never a row that the block does not have.
            if before(numbers.get_u32(self.start + middle).min(last)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The rows at `positions`.
    pub(crate) fn rows(&self, positions: &Range<usize>) -> impl DoubleEndedIterator<Item = u32> {
        let mut numbers = self.block.column(self.rows);
        let last = self.block.rows().saturating_sub(1);
        let (first, end) = (self.start, positions.end.min(self.len));
        (positions.start..end).map(move |at| numbers.get_u32(first + at).min(last))
    }
}

impl Block {
    /// The rows of the name at a place; those of a scope in the layout of postings alone.
    pub(crate) fn rows_of(self: &Arc<Self>, sort: NameSort, place: u32) -> BlockList {
        let most = u64::from(self.header.counts.rows_by_name(sort));
        BlockList::new(self, Section::rows_of(sort), place, most)
    }

    /// The rows of the kind at a place, in the layout of postings.
    pub(crate) fn kind_rows(self: &Arc<Self>, kind: u32) -> BlockList {
        let sections = (Section::KindRowEnds, Section::KindRows);
        BlockList::new(self, sections, kind, u64::from(self.rows()))
    }
}
