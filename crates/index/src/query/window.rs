//! `Windows`: several lists as one, in row order, a window of rows at a time.
//!
//! The rows of all lists within a window are set as bits and read off in order, which costs a step
//! for each row and a look at each list for each window, however many lists there are. Windows begin
//! small, for readers that want few rows.

use super::direction::Direction;
use super::source::Keyed;
use std::ops::Range;

/// Rows of the first window.
const WINDOW_ROWS_MIN: u32 = 1 << 10;
/// Rows of a window at most: its bits stay in the first cache.
const WINDOW_ROWS_MAX: u32 = 1 << 16;

/// Several lists. A row that is in two of them is given once.
pub(super) struct Windows {
    direction: Direction,
    lists: Vec<Keyed>,
    left: Range<u32>,
    window_rows: u32,
    bits: Vec<u64>,
    rows: Vec<u32>,
}

impl Windows {
    pub(super) fn new(lists: &[Keyed], rows: &Range<u32>, direction: Direction) -> Self {
        // So many lists that a small window would be mostly looks at them get a larger one.
        let least = u32::try_from(lists.len()).unwrap_or(WINDOW_ROWS_MAX);
        let least = least
            .next_power_of_two()
            .clamp(WINDOW_ROWS_MIN, WINDOW_ROWS_MAX);
        Self {
            direction,
            lists: lists.to_vec(),
            left: rows.clone(),
            window_rows: least,
            bits: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Takes the rows of the next window that has any, and tells whether more are left.
    pub(super) fn take(&mut self, out: &mut Vec<u32>) -> bool {
        while out.is_empty() && !self.left.is_empty() && !self.lists.is_empty() {
            let window = self.next_window();
            self.set_bits(&window);
            self.read_bits(&window, out);
            if out.is_empty() {
                self.pass_gap();
            }
        }
        !self.left.is_empty() && !self.lists.is_empty()
    }

    /// Goes on at the next row of any list, after a window that had none.
    fn pass_gap(&mut self) {
        let next = self
            .lists
            .iter()
            .filter_map(|keyed| keyed.next(self.direction));
        match self.direction {
            Direction::Forward => {
                let next = next.min().unwrap_or(self.left.end);
                self.left.start = next.clamp(self.left.start, self.left.end);
            }
            Direction::Backward => {
                let end = next.max().map_or(self.left.start, |row| row + 1);
                self.left.end = end.clamp(self.left.start, self.left.end);
            }
        }
    }

    fn next_window(&mut self) -> Range<u32> {
        let rows = self.window_rows.min(self.left.end - self.left.start);
        self.window_rows = (self.window_rows * 2).min(WINDOW_ROWS_MAX);
        match self.direction {
            Direction::Forward => {
                let window = self.left.start..self.left.start + rows;
                self.left.start = window.end;
                window
            }
            Direction::Backward => {
                let window = self.left.end - rows..self.left.end;
                self.left.end = window.start;
                window
            }
        }
    }

    fn set_bits(&mut self, window: &Range<u32>) {
        self.bits.clear();
        self.bits.resize((window.len()).div_ceil(64), 0);
        let (bits, rows, direction) = (&mut self.bits, &mut self.rows, self.direction);
        self.lists.retain_mut(|keyed| {
            rows.clear();
            keyed.take_window(direction, window, rows);
            for row in rows.iter() {
                let at = row.wrapping_sub(window.start) as usize;
                if let Some(word) = bits.get_mut(at / 64) {
                    *word |= 1 << (at % 64);
                }
            }
            !keyed.positions.is_empty()
        });
    }

    fn read_bits(&self, window: &Range<u32>, out: &mut Vec<u32>) {
        let rows = (window.start..).step_by(64).zip(&self.bits);
        for (start, word) in rows {
            let mut word = *word;
            while word != 0 {
                out.push(start + word.trailing_zeros());
                word &= word - 1;
            }
        }
        if self.direction == Direction::Backward {
            out.reverse();
        }
    }
}

impl Keyed {
    /// The row that is next from one end.
    fn next(&self, direction: Direction) -> Option<u32> {
        let Range { start, end } = self.positions;
        if start == end {
            return None;
        }
        match direction {
            Direction::Forward => self.list.at(start),
            Direction::Backward => self.list.at(end - 1),
        }
    }

    /// Takes the rows within `window` off one end; all others are beyond it.
    fn take_window(&mut self, direction: Direction, window: &Range<u32>, out: &mut Vec<u32>) {
        let before = out.len();
        match direction {
            Direction::Forward => {
                self.list.copy_below(&self.positions, window.end, out);
                self.positions.start += out.len() - before;
            }
            Direction::Backward => {
                self.list.copy_from(&self.positions, window.start, out);
                self.positions.end -= out.len() - before;
            }
        }
    }
}
