//! `Cursor`: the rows of a source that pass a filter, in one direction, a piece at a time. Chooses
//! neither.

use super::direction::Direction;
use super::filter::Filter;
use super::source::{Keyed, Source};
use super::window::Windows;
use crate::model::{TILE_ROWS, TileMask};
use crate::part::Part;
use std::ops::Range;

/// Rows in the first piece: a reader that wants one event pays for few.
const PIECE_ROWS_MIN: usize = 16;
/// Rows copied under one hold of a key's lock.
const PIECE_ROWS_MAX: usize = 256;

/// Matching rows in one direction. Holds no lock.
pub(super) struct Cursor {
    feed: Feed,
    piece_rows: usize,
    /// Matching rows, of which those before `at` are taken.
    buffer: Vec<u32>,
    at: usize,
    finished: bool,
}

/// Where candidates come from, and how far they were taken.
enum Feed {
    Scan(Scan),
    List(Keyed, Direction),
    Windows(Windows),
}

impl Cursor {
    pub(super) fn new(source: &Source, rows: &Range<u32>, direction: Direction) -> Self {
        let feed = match source {
            Source::Scan(wanted) => Feed::Scan(Scan {
                left: rows.clone(),
                wanted: *wanted,
                direction,
            }),
            Source::Lists(lists) => match lists.as_slice() {
                [list] => Feed::List(list.clone(), direction),
                lists => Feed::Windows(Windows::new(lists, rows, direction)),
            },
        };
        Self {
            feed,
            piece_rows: PIECE_ROWS_MIN,
            buffer: Vec::new(),
            at: 0,
            finished: false,
        }
    }

    /// The next row, if it was found already and is within `rows`.
    #[inline]
    pub(super) fn ready(&mut self, rows: &Range<u32>) -> Option<u32> {
        let row = self.buffer.get(self.at).copied();
        let row = row.filter(|row| rows.contains(row))?;
        self.at += 1;
        Some(row)
    }

    /// The next row within `rows`, whose far end the other direction may have moved closer.
    pub(super) fn next(
        &mut self,
        part: &Part,
        filter: &mut Filter,
        rows: &Range<u32>,
    ) -> Option<u32> {
        loop {
            if let Some(row) = self.buffer.get(self.at).copied() {
                self.at += 1;
                return rows.contains(&row).then_some(row);
            }
            if self.finished {
                return None;
            }
            self.refill(part, filter, rows);
        }
    }

    fn refill(&mut self, part: &Part, filter: &mut Filter, rows: &Range<u32>) {
        self.buffer.clear();
        self.at = 0;
        let more = match &mut self.feed {
            Feed::Scan(scan) => scan.take(part, self.piece_rows, &mut self.buffer),
            Feed::List(list, direction) => {
                list.take(*direction, self.piece_rows, &mut self.buffer);
                !list.positions.is_empty()
            }
            Feed::Windows(windows) => windows.take(&mut self.buffer),
        };
        let beyond = self.buffer.last().is_some_and(|row| !rows.contains(row));
        self.finished = beyond || !more;
        if beyond {
            self.buffer.retain(|row| rows.contains(row));
        }
        if !filter.is_empty() {
            filter.retain(part, &mut self.buffer);
        }
        self.piece_rows = (self.piece_rows * 2).min(PIECE_ROWS_MAX);
    }
}

/// Rows one after the other, of the tiles that meet a mask.
struct Scan {
    left: Range<u32>,
    wanted: TileMask,
    direction: Direction,
}

impl Scan {
    /// Takes about `count` rows off one end, and tells whether more are left.
    fn take(&mut self, part: &Part, count: usize, out: &mut Vec<u32>) -> bool {
        if self.wanted == TileMask::ANY {
            match self.direction {
                Direction::Forward => out.extend(self.left.by_ref().take(count)),
                Direction::Backward => out.extend(self.left.by_ref().rev().take(count)),
            }
            return !self.left.is_empty();
        }
        while out.len() < count && !self.left.is_empty() {
            let (tile, rows) = self.next_tile();
            if part.tile(tile).meets(self.wanted) {
                match self.direction {
                    Direction::Forward => out.extend(rows),
                    Direction::Backward => out.extend(rows.rev()),
                }
            }
        }
        !self.left.is_empty()
    }

    /// Takes the rows of one tile off one end.
    fn next_tile(&mut self) -> (u32, Range<u32>) {
        match self.direction {
            Direction::Forward => {
                let tile = self.left.start / TILE_ROWS;
                let end = (tile + 1).saturating_mul(TILE_ROWS).min(self.left.end);
                let rows = self.left.start..end;
                self.left.start = end;
                (tile, rows)
            }
            Direction::Backward => {
                let tile = (self.left.end - 1) / TILE_ROWS;
                let start = (tile * TILE_ROWS).max(self.left.start);
                let rows = start..self.left.end;
                self.left.end = start;
                (tile, rows)
            }
        }
    }
}

impl Keyed {
    /// Takes up to `count` rows off one end.
    fn take(&mut self, direction: Direction, count: usize, out: &mut Vec<u32>) {
        let Range { start, end } = self.positions;
        let count = count.min(end - start);
        match direction {
            Direction::Forward => {
                self.list.copy(&(start..start + count), out);
                self.positions.start = start + count;
            }
            Direction::Backward => {
                let copied = out.len();
                self.list.copy(&(end - count..end), out);
                if let Some(copied) = out.get_mut(copied..) {
                    copied.reverse();
                }
                self.positions.end = end - count;
            }
        }
    }
}
