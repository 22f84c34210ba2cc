//! `BlockList`: the rows of one key in a block, by the key's place. Names are looked up elsewhere.

use super::column::Column;
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
    /// What a row is less, and the greatest that is left: those of a part of the block.
    base: u32,
    last: u32,
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
            base: 0,
            last: block.rows().saturating_sub(1),
        }
    }

    /// The rows within `rows` alone, numbered from its start. O(log rows).
    pub(crate) fn narrowed(self, rows: Range<u32>) -> Self {
        let end = self.partition(&(0..self.len), |row| row < rows.end);
        let start = self.partition(&(0..end), |row| row < rows.start);
        Self {
            start: self.start + start,
            len: end - start,
            base: rows.start,
            last: (rows.end.saturating_sub(1)).saturating_sub(rows.start),
            ..self
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
        let (mut low, mut high) = (positions.start, positions.end.min(self.len));
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.row(&mut numbers, middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The rows at `positions`, for whoever may not read all of them: each is checked before it is given.
    pub(crate) fn some_rows(
        &self,
        positions: &Range<usize>,
    ) -> impl DoubleEndedIterator<Item = u32> {
        let mut numbers = self.block.column(self.rows);
        let (first, end) = (self.start, positions.end.min(self.len));
        let (base, last) = (self.base, self.last);
        (positions.start..end).map(move |at| own(numbers.get_u32(first + at), base, last))
    }

    /// The rows at `positions`, all of which are checked now.
    pub(crate) fn rows(&self, positions: &Range<usize>) -> impl DoubleEndedIterator<Item = u32> {
        let end = positions.end.min(self.len);
        let places = self.start + positions.start.min(end)..self.start + end;
        let numbers = self.block.numbers_at(self.rows, &places);
        let (base, last) = (self.base, self.last);
        places.map(move |at| own(numbers.get_u32(at), base, last))
    }

    #[inline]
    fn row(&self, numbers: &mut Column<'_>, at: usize) -> u32 {
        own(numbers.get_u32(self.start + at), self.base, self.last)
    }
}

/// A row less `base`: never one that is not there, whatever the bytes are.
#[inline]
fn own(row: u32, base: u32, last: u32) -> u32 {
    row.wrapping_sub(base).min(last)
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
