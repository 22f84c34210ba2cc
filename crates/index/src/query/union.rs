//! `UnionRows`: the rows of several regions in one part, each once, from both ends. Walks no region itself.
//!
//! Each region has a cursor at each end, which is a row ahead. A window of rows begins where the first cursor
//! stands; the rows of all cursors within it are set as bits and read off in order. That costs a step for
//! each row of each region, and a look at each cursor for each window, whose width follows how densely rows
//! lie.

use super::compile::PartQuery;
use super::cursor::Cursor;
use super::direction::Direction;
use crate::part::Part;
use std::ops::Range;

/// Rows of the narrowest window, a word of bits, and of the widest, whose bits stay in the first cache.
const WINDOW_ROWS_MIN: u32 = 1 << 6;
const WINDOW_ROWS_MAX: u32 = 1 << 16;

/// The matching rows of one part that neither end has passed.
pub(super) struct UnionRows<'s> {
    part: &'s Part,
    at: usize,
    queries: Vec<PartQuery>,
    left: Range<u32>,
    front: Option<Merge>,
    back: Option<Merge>,
}

impl<'s> UnionRows<'s> {
    pub(super) fn new(part: &'s Part, at: usize, queries: Vec<PartQuery>) -> Self {
        let start = queries.iter().map(|query| query.rows.start).min();
        let end = queries.iter().map(|query| query.rows.end).max();
        Self {
            part,
            at,
            queries,
            left: start.unwrap_or_default()..end.unwrap_or_default(),
            front: None,
            back: None,
        }
    }

    /// Which part it is.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn step(&mut self, direction: Direction) -> Option<u32> {
        let merge = match direction {
            Direction::Forward => &mut self.front,
            Direction::Backward => &mut self.back,
        };
        let merge =
            merge.get_or_insert_with(|| Merge::new(self.part, &mut self.queries, direction));
        let row = merge.next(self.part, &mut self.queries, &self.left);
        match (row, direction) {
            (Some(row), Direction::Forward) => self.left.start = row + 1,
            (Some(row), Direction::Backward) => self.left.end = row,
            (None, _) => self.left = 0..0,
        }
        row
    }

    /// How many rows are left at most.
    pub(super) fn most(&self) -> usize {
        let candidates: u64 = self.queries.iter().map(|query| query.candidates).sum();
        let candidates = usize::try_from(candidates).unwrap_or(usize::MAX);
        self.left.len().min(candidates)
    }

    /// How many rows are left.
    pub(super) fn count(mut self) -> usize {
        std::iter::from_fn(|| self.step(Direction::Forward)).count()
    }
}

/// The rows of all queries in one direction.
struct Merge {
    direction: Direction,
    /// Those that have a row left.
    heads: Vec<Head>,
    window_rows: u32,
    bits: Vec<u64>,
    /// Rows in order, of which those before `at` are taken.
    buffer: Vec<u32>,
    at: usize,
}

/// A query in one direction, and the row that is its next.
struct Head {
    query: usize,
    cursor: Cursor,
    row: u32,
}

impl Merge {
    fn new(part: &Part, queries: &mut [PartQuery], direction: Direction) -> Self {
        let heads = queries.iter_mut().enumerate().filter_map(|(at, query)| {
            let mut cursor = Cursor::new(&query.source, &query.rows, direction);
            let row = cursor.next(part, &mut query.filter, &query.rows)?;
            Some(Head {
                query: at,
                cursor,
                row,
            })
        });
        Self {
            direction,
            heads: heads.collect(),
            window_rows: WINDOW_ROWS_MIN,
            bits: Vec::new(),
            buffer: Vec::new(),
            at: 0,
        }
    }

    /// The next row within `left`, whose far end the other direction may have moved closer.
    #[inline]
    fn next(&mut self, part: &Part, queries: &mut [PartQuery], left: &Range<u32>) -> Option<u32> {
        loop {
            if let Some(row) = self.buffer.get(self.at).copied() {
                self.at += 1;
                return left.contains(&row).then_some(row);
            }
            let window = self.window(left)?;
            self.set_bits(part, queries, &window);
            self.read_bits(&window);
        }
    }

    /// The next window of rows that has one; none if no row is left.
    fn window(&self, left: &Range<u32>) -> Option<Range<u32>> {
        let rows = self.heads.iter().map(|head| head.row);
        match self.direction {
            Direction::Forward => {
                let first = rows.min().filter(|row| left.contains(row))?;
                Some(first..first.saturating_add(self.window_rows).min(left.end))
            }
            Direction::Backward => {
                let last = rows.max().filter(|row| left.contains(row))?;
                let end = last.saturating_add(1);
                Some(end.saturating_sub(self.window_rows).max(left.start)..end)
            }
        }
    }

    fn set_bits(&mut self, part: &Part, queries: &mut [PartQuery], window: &Range<u32>) {
        self.bits.clear();
        self.bits.resize(window.len().div_ceil(64), 0);
        let bits = &mut self.bits;
        self.heads.retain_mut(|head| {
            let Some(query) = queries.get_mut(head.query) else {
                return false;
            };
            while window.contains(&head.row) {
                let at = head.row.wrapping_sub(window.start) as usize;
                if let Some(word) = bits.get_mut(at / 64) {
                    *word |= 1 << (at % 64);
                }
                let next = head.cursor.next(part, &mut query.filter, &query.rows);
                let Some(next) = next else { return false };
                head.row = next;
            }
            true
        });
    }

    fn read_bits(&mut self, window: &Range<u32>) {
        self.buffer.clear();
        self.at = 0;
        for (start, word) in (window.start..).step_by(64).zip(&self.bits) {
            let mut word = *word;
            while word != 0 {
                self.buffer.push(start + word.trailing_zeros());
                word &= word - 1;
            }
        }
        if self.direction == Direction::Backward {
            self.buffer.reverse();
        }
        // A row for each word is what makes reading the words worth while.
        let is_dense = self.buffer.len() >= self.bits.len();
        let rows = if is_dense {
            self.window_rows * 2
        } else {
            self.window_rows / 2
        };
        self.window_rows = rows.clamp(WINDOW_ROWS_MIN, WINDOW_ROWS_MAX);
    }
}
