//! `View`: some consecutive rows of a block as a part, mostly all of them. Reads no bytes itself.
//!
//! Rows of a view count from 0: the first is `start` in the block. Names, kinds and coordinates keep
//! the numbers that they have in the block, and some may have no row in the view.

use super::list::List;
use crate::block::Block;
use crate::model::{BlockError, Link, NameSort, TILE_ROWS, TileMask};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{EventId, EventKind, KindSet, Sequence};

/// Consecutive rows of a block.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) block: Arc<Block>,
    start: u32,
    rows: u32,
}

macro_rules! of_row {
    ($($name:ident -> $result:ty;)*) => {$(
        #[inline]
        pub(super) fn $name(&self, row: u32) -> $result {
            self.block.$name(self.in_block(row))
        }
    )*};
}

impl View {
    of_row! {
        id -> EventId;
        kind -> EventKind;
        wall_ms -> u64;
        clock -> u32;
        position -> u64;
        link -> Option<Link>;
        coordinate_number -> u32;
        sequence_of -> Sequence;
    }

    /// All rows of a block.
    pub(crate) fn whole(block: Arc<Block>) -> Self {
        Self {
            start: 0,
            rows: block.rows(),
            block,
        }
    }

    /// Those of these rows that the block has.
    pub(crate) fn of(block: Arc<Block>, rows: &Range<u32>) -> Self {
        let end = rows.end.min(block.rows());
        let start = rows.start.min(end);
        Self {
            start,
            rows: end - start,
            block,
        }
    }

    /// The rows of the view before one of them, and those from it on.
    pub(crate) fn split(&self, row: u32) -> (Self, Self) {
        let Range { start, end } = self.range();
        let middle = self.in_block(row).min(end);
        let of = |rows| Self::of(self.block.clone(), &rows);
        (of(start..middle), of(middle..end))
    }

    pub(crate) const fn rows(&self) -> u32 {
        self.rows
    }

    /// The rows of the block that it is.
    pub(crate) const fn range(&self) -> Range<u32> {
        self.start..self.start + self.rows
    }

    fn is_whole(&self) -> bool {
        self.rows == self.block.rows()
    }

    /// The number that a row has in the block.
    #[inline]
    pub(super) const fn in_block(&self, row: u32) -> u32 {
        self.start.wrapping_add(row)
    }

    /// The number in the block of the row after the first `bound`.
    const fn bound_in_block(&self, bound: u32) -> u32 {
        self.start + if bound < self.rows { bound } else { self.rows }
    }

    pub(crate) fn sequences(&self) -> Range<Sequence> {
        if self.is_whole() {
            return self.block.sequences();
        }
        match self.rows.checked_sub(1) {
            Some(last) => {
                let end = self.sequence_of(last).get() + 1;
                self.sequence_of(0)..Sequence::new(end)
            }
            None => Sequence::ZERO..Sequence::ZERO,
        }
    }

    /// What was found damaged and could not be made anew, once what says of a row which event it is, and
    /// whose, was looked at.
    #[inline]
    pub(crate) fn damage_to_row(&self, row: u32) -> Option<&BlockError> {
        self.block.damage_to_row(self.in_block(row))
    }

    #[inline]
    pub(super) fn first_row_from(&self, sequence: u64, bound: u32) -> u32 {
        let bound = self.bound_in_block(bound);
        let row = self.block.first_row_from(sequence, bound);
        row.saturating_sub(self.start)
    }

    pub(super) fn run_end(&self, row: u32) -> u32 {
        let end = self.block.run_end(self.in_block(row));
        end.min(self.range().end).saturating_sub(self.start)
    }

    #[inline]
    pub(super) fn find(&self, id: EventId, bound: u32) -> Option<u32> {
        let row = self.block.find(id, self.bound_in_block(bound))?;
        row.checked_sub(self.start)
    }

    /// Of these ids those that a row has, by where they stand among them, ascending, each with its row.
    pub(super) fn find_all(&self, ids: &[EventId]) -> Vec<(usize, u32)> {
        let mut found = self.block.find_all(ids, &self.range());
        for (_, row) in &mut found {
            *row = row.saturating_sub(self.start);
        }
        found
    }

    pub(super) fn correlated(&self, correlation: EventId, bound: u32) -> Vec<u32> {
        let rows = self.start..self.bound_in_block(bound);
        self.numbered(self.block.correlated(correlation, &rows))
    }

    pub(super) fn caused_by(&self, cause: EventId, bound: u32) -> Vec<u32> {
        let rows = self.start..self.bound_in_block(bound);
        self.numbered(self.block.caused_by(cause, &rows))
    }

    /// Rows as the view numbers them.
    fn numbered(&self, mut rows: Vec<u32>) -> Vec<u32> {
        if self.start > 0 {
            for row in &mut rows {
                *row -= self.start;
            }
        }
        rows
    }

    /// The rows of the name at a place.
    #[inline]
    pub(super) fn rows_of(&self, sort: NameSort, place: u32) -> List {
        let list = self.block.rows_of(sort, place);
        List::Block(if self.is_whole() {
            list
        } else {
            list.narrowed(self.range())
        })
    }

    /// The rows of each kind from `first` to `last`, both included, in the layout of postings.
    pub(super) fn kinds(&self, first: EventKind, last: EventKind) -> Vec<List> {
        let places = self.block.kinds_within(first, last);
        let lists = places.map(|place| {
            let list = self.block.kind_rows(place);
            List::Block(if self.is_whole() {
                list
            } else {
                list.narrowed(self.range())
            })
        });
        lists.collect()
    }

    pub(super) fn retain_kinds(&self, rows: &mut Vec<u32>, wanted: &KindSet) {
        self.block.retain_kinds(rows, self.start, wanted);
    }

    /// What the tile of 64 rows has, or more: where it is not one of the block, what both of those
    /// have that it is in.
    pub(super) fn tile(&self, tile: u32) -> TileMask {
        let first = self.start / TILE_ROWS + tile;
        let own = self.block.tile(first);
        let next = (first + 1).saturating_mul(TILE_ROWS);
        if self.start.is_multiple_of(TILE_ROWS) || next >= self.range().end {
            return own;
        }
        let next = self.block.tile(first + 1);
        TileMask {
            kinds: own.kinds | next.kinds,
            scopes: own.scopes | next.scopes,
        }
    }
}
