//! `Lists`: the rows of each key of an input, of the sections that have them or made of a column. Which
//! keys, it does not know.

use crate::block::format::{Packed, Section};
use crate::block::open::Block;
use std::ops::Range;

/// The rows of each key.
pub(super) struct Lists<'b> {
    ends: Numbers<'b>,
    rows: Numbers<'b>,
    /// Most rows that all keys have together.
    most: usize,
    /// The rows of the block that are merged, and how many are before them.
    own: Range<u32>,
    before: u32,
    /// Whether the lists have no others.
    is_whole: bool,
}

/// Numbers of a section, or in memory.
enum Numbers<'b> {
    Packed(Packed<'b>),
    Made(Vec<u32>),
}

impl Numbers<'_> {
    #[inline]
    fn get(&self, at: usize) -> u32 {
        match self {
            Self::Packed(numbers) => numbers.get_u32(at),
            Self::Made(numbers) => numbers.get(at).copied().unwrap_or_default(),
        }
    }
}

impl<'b> Lists<'b> {
    /// Those of two sections, which list `most` rows at most; of them the rows `own`.
    pub(super) fn of(
        block: &'b Block,
        (ends, rows): (Section, Section),
        most: u32,
        own: Range<u32>,
        before: u32,
    ) -> Self {
        Self {
            ends: Numbers::Packed(block.numbers(ends)),
            rows: Numbers::Packed(block.numbers(rows)),
            most: most as usize,
            is_whole: own.len() == block.rows() as usize,
            own,
            before,
        }
    }

    /// Those of `keys` keys, where `of_rows` gives the key of each of the rows `own`.
    pub(super) fn made(
        keys: u32,
        of_rows: impl Iterator<Item = u32> + Clone,
        own: Range<u32>,
        before: u32,
    ) -> Self {
        let mut ends = vec![0_u32; keys as usize];
        for key in of_rows.clone() {
            if let Some(count) = ends.get_mut(key as usize) {
                *count += 1;
            }
        }
        let mut next = 0;
        for end in &mut ends {
            (*end, next) = (next, next + *end);
        }
        let mut rows = vec![0; next as usize];
        for (row, key) in own.clone().zip(of_rows) {
            if let Some(next) = ends.get_mut(key as usize) {
                if let Some(slot) = rows.get_mut(*next as usize) {
                    *slot = row;
                }
                *next += 1;
            }
        }
        Self {
            most: rows.len(),
            ends: Numbers::Made(ends),
            rows: Numbers::Made(rows),
            is_whole: true,
            own,
            before,
        }
    }

    fn end(&self, key: u32) -> usize {
        (self.ends.get(key as usize) as usize).min(self.most)
    }

    /// Where all rows of a key are, merged or not.
    #[inline]
    fn all(&self, key: u32) -> Range<usize> {
        let end = self.end(key);
        let start = key.checked_sub(1).map_or(0, |before| self.end(before));
        start.min(end)..end
    }

    /// Where the rows of a key are that are merged.
    #[inline]
    pub(super) fn positions(&self, key: u32) -> Range<usize> {
        let all = self.all(key);
        if self.is_whole {
            return all;
        }
        let end = self.first_from(all.clone(), self.own.end);
        self.first_from(all.start..end, self.own.start)..end
    }

    /// The first of some positions whose row is `row` or a later one.
    fn first_from(&self, positions: Range<usize>, row: u32) -> usize {
        let (mut low, mut high) = (positions.start, positions.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.rows.get(middle) < row {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The merged rows of a key, as they are numbered among all.
    #[inline]
    pub(super) fn rows(&self, key: u32) -> impl Iterator<Item = u64> {
        let start = self.own.start;
        let last = self.own.end.saturating_sub(start).saturating_sub(1);
        self.positions(key).map(move |at| {
            // Never one that is not there, whatever a block says.
            let row = self.rows.get(at).wrapping_sub(start).min(last);
            u64::from(row) + u64::from(self.before)
        })
    }

    /// The last merged row of a key, as the block numbers it, and whether the key has no later one.
    #[inline]
    pub(super) fn last(&self, key: u32) -> Option<(u32, bool)> {
        let mut own = self.positions(key);
        let is_last = own.end == self.all(key).end;
        let at = own.next_back()?;
        Some((self.rows.get(at), is_last))
    }
}
