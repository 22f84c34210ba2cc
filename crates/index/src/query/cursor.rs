//! `Cursor`: candidate rows in one direction, a piece at a time.

use super::compile::{Keyed, Source};
use super::filter::Filter;
use crate::Snapshot;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Rows in the first piece: a reader that wants one event pays for few.
const PIECE_ROWS_MIN: usize = 16;
/// Rows copied under one hold of a key's lock.
const PIECE_ROWS_MAX: usize = 256;
/// Rows buffered by all lists of a merge together, where there are many.
const MERGE_ROWS: usize = 8192;

/// Which way rows are walked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// Matching rows in one direction. Holds no lock.
pub(crate) struct Cursor {
    direction: Direction,
    feed: Feed,
    piece_rows: usize,
    /// Matching rows, of which those before `at` are taken.
    buffer: Vec<u32>,
    at: usize,
    finished: bool,
}

/// Where candidates come from, and how far they were taken.
enum Feed {
    Scan(Range<u32>),
    List(Keyed),
    Merge(Merge),
}

impl Cursor {
    pub(crate) fn new(source: &Source, rows: &Range<u32>, direction: Direction) -> Self {
        let feed = match source {
            Source::Scan => Feed::Scan(rows.clone()),
            Source::Lists(lists) => match lists.as_slice() {
                [list] => Feed::List(list.clone()),
                lists => Feed::Merge(Merge::new(lists, direction)),
            },
        };
        Self {
            direction,
            feed,
            piece_rows: PIECE_ROWS_MIN,
            buffer: Vec::new(),
            at: 0,
            finished: false,
        }
    }

    /// The next row within `rows`, whose far end the other direction may have moved closer.
    pub(crate) fn next(
        &mut self,
        snapshot: &Snapshot,
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
            self.refill(snapshot, filter, rows);
        }
    }

    fn refill(&mut self, snapshot: &Snapshot, filter: &mut Filter, rows: &Range<u32>) {
        self.buffer.clear();
        self.at = 0;
        match &mut self.feed {
            Feed::Scan(left) => scan(left, self.direction, self.piece_rows, &mut self.buffer),
            Feed::List(list) => list.take(self.direction, self.piece_rows, &mut self.buffer),
            Feed::Merge(merge) => merge.take(self.piece_rows, &mut self.buffer),
        }
        let beyond = self.buffer.last().is_none_or(|row| !rows.contains(row));
        self.finished = beyond || self.buffer.len() < self.piece_rows;
        if beyond {
            self.buffer.retain(|row| rows.contains(row));
        }
        if !filter.is_empty() {
            self.buffer.retain(|row| filter.passes(snapshot, *row));
        }
        self.piece_rows = (self.piece_rows * 2).min(PIECE_ROWS_MAX);
    }
}

/// Takes up to `count` rows off one end of `left`.
fn scan(left: &mut Range<u32>, direction: Direction, count: usize, out: &mut Vec<u32>) {
    match direction {
        Direction::Forward => out.extend(left.by_ref().take(count)),
        Direction::Backward => out.extend(left.by_ref().rev().take(count)),
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

/// Several lists as one, in row order. No row is in two of them.
struct Merge {
    direction: Direction,
    lists: Vec<Buffered>,
    /// The next row of each list that has one, as a rank that is lowest for the row that is next.
    heap: BinaryHeap<Reverse<(u32, usize)>>,
    piece_rows: usize,
}

/// A list, with a piece of it copied.
struct Buffered {
    left: Keyed,
    piece: Vec<u32>,
    at: usize,
}

impl Buffered {
    fn next(&mut self, direction: Direction, piece_rows: usize) -> Option<u32> {
        if self.at == self.piece.len() {
            self.piece.clear();
            self.at = 0;
            self.left.take(direction, piece_rows, &mut self.piece);
        }
        let row = self.piece.get(self.at).copied()?;
        self.at += 1;
        Some(row)
    }
}

/// Turns rows into ranks and back.
const fn rank(direction: Direction, row: u32) -> u32 {
    match direction {
        Direction::Forward => row,
        Direction::Backward => u32::MAX - row,
    }
}

impl Merge {
    fn new(lists: &[Keyed], direction: Direction) -> Self {
        let piece_rows = (MERGE_ROWS / lists.len().max(1)).clamp(4, PIECE_ROWS_MAX);
        let mut lists: Vec<_> = lists
            .iter()
            .map(|list| Buffered {
                left: list.clone(),
                piece: Vec::new(),
                at: 0,
            })
            .collect();
        let heap = lists
            .iter_mut()
            .enumerate()
            .filter_map(|(at, list)| {
                let row = list.next(direction, piece_rows)?;
                Some(Reverse((rank(direction, row), at)))
            })
            .collect();
        Self {
            direction,
            lists,
            heap,
            piece_rows,
        }
    }

    fn take(&mut self, count: usize, out: &mut Vec<u32>) {
        for _ in 0..count {
            let Some(Reverse((next, at))) = self.heap.pop() else {
                return;
            };
            out.push(rank(self.direction, next));
            let list = self.lists.get_mut(at);
            if let Some(row) = list.and_then(|list| list.next(self.direction, self.piece_rows)) {
                self.heap.push(Reverse((rank(self.direction, row), at)));
            }
        }
    }
}
