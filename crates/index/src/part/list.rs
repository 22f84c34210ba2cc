//! `List`: the rows of one key in a part, live or of a block, asked in one way. Of which key, it does not
//! know.

use crate::block::BlockList;
use crate::live::list::RowList;
use crate::live::shelf::Kept;
use std::ops::Range;
use std::sync::Arc;

/// The rows of one key in a part, ascending.
#[derive(Clone)]
pub(crate) enum List {
    Live(Kept<RowList>),
    Block(BlockList),
    /// Rows that were looked up.
    Found(Arc<[u32]>),
}

impl List {
    /// The positions of the rows within `rows`. O(log rows).
    pub(crate) fn positions(&self, rows: &Range<u32>) -> Range<usize> {
        match self {
            Self::Live(list) => list.positions(rows),
            Self::Block(list) => {
                let all = 0..list.len();
                let end = list.partition(&all, |row| row < rows.end);
                let start = match rows.start {
                    0 => 0,
                    start => list.partition(&(0..end), |row| row < start),
                };
                start..end
            }
            Self::Found(found) => {
                let below = |row: u32| found.partition_point(|found| *found < row);
                let end = below(rows.end);
                below(rows.start).min(end)..end
            }
        }
    }

    /// The first of `positions` for which `before` does not hold. O(log rows).
    pub(crate) fn partition(
        &self,
        positions: &Range<usize>,
        before: impl Fn(u32) -> bool,
    ) -> usize {
        match self {
            Self::Live(list) => list.partition(positions, before),
            Self::Block(list) => list.partition(positions, before),
            Self::Found(found) => {
                let rows = found.get(positions.clone()).unwrap_or_default();
                positions.start + rows.partition_point(|row| before(*row))
            }
        }
    }

    /// Appends to `out` the rows at `positions`.
    pub(crate) fn copy(&self, positions: &Range<usize>, out: &mut Vec<u32>) {
        match self {
            Self::Live(list) => list.read(positions, |rows| out.extend_from_slice(rows)),
            Self::Block(list) => out.extend(list.rows(positions)),
            Self::Found(found) => {
                out.extend_from_slice(found.get(positions.clone()).unwrap_or_default());
            }
        }
    }

    /// Appends to `out` the first rows at `positions`, as long as they are below `bound`.
    pub(crate) fn copy_below(&self, positions: &Range<usize>, bound: u32, out: &mut Vec<u32>) {
        let is_below = |row: &u32| *row < bound;
        match self {
            Self::Live(list) => list.read(positions, |rows| {
                out.extend(rows.iter().copied().take_while(is_below));
            }),
            Self::Block(list) => out.extend(list.some_rows(positions).take_while(is_below)),
            Self::Found(found) => {
                let rows = found.get(positions.clone()).unwrap_or_default();
                out.extend(rows.iter().copied().take_while(is_below));
            }
        }
    }

    /// Appends to `out` the last rows at `positions`, from the end, as long as they are not below
    /// `bound`.
    pub(crate) fn copy_from(&self, positions: &Range<usize>, bound: u32, out: &mut Vec<u32>) {
        let is_from = |row: &u32| *row >= bound;
        match self {
            Self::Live(list) => list.read(positions, |rows| {
                out.extend(rows.iter().rev().copied().take_while(is_from));
            }),
            Self::Block(list) => out.extend(list.some_rows(positions).rev().take_while(is_from)),
            Self::Found(found) => {
                let rows = found.get(positions.clone()).unwrap_or_default();
                out.extend(rows.iter().rev().copied().take_while(is_from));
            }
        }
    }

    /// How many rows are below `bound`. O(log rows).
    pub(crate) fn count_below(&self, bound: u32) -> usize {
        self.positions(&(0..bound)).len()
    }

    /// The last row below `bound`. O(log rows).
    pub(crate) fn last_below(&self, bound: u32) -> Option<u32> {
        if let Self::Live(list) = self {
            return list.last_below(bound);
        }
        self.at(self.count_below(bound).checked_sub(1)?)
    }

    /// Whether a row is one of the list. O(log rows).
    pub(crate) fn has(&self, row: u32) -> bool {
        !self.positions(&(row..row.saturating_add(1))).is_empty()
    }

    /// The row at a position.
    pub(crate) fn at(&self, position: usize) -> Option<u32> {
        let mut rows = Vec::with_capacity(1);
        self.copy(&(position..position + 1), &mut rows);
        rows.first().copied()
    }
}
