//! `Ahead`: rows of a stream that are taken before they are asked for, so that the memory of several events
//! is waited for at once. Reads no event.

use super::reader::EventCursor;
use strandline_index::{RowView, Rows};

/// How many rows are taken at most.
const MOST: usize = 8;

/// Rows that were taken from the front of a stream and not given yet.
///
/// The events of an entity lie all over the log, so each is a wait for memory, and longer than all else that is
/// done for it. The first is taken alone: often no more is wanted.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    rows: [Option<RowView<'a>>; MOST],
    /// Those from `next` on, before `end`, are left.
    next: usize,
    end: usize,
    /// How many are taken next; one where nothing is to be gained by more.
    reach: usize,
    reach_max: usize,
}

impl<'a> Ahead<'a> {
    /// Takes rows one by one.
    pub(super) const fn nothing() -> Self {
        Self {
            rows: [None; MOST],
            next: 0,
            end: 0,
            reach: 1,
            reach_max: 1,
        }
    }

    /// Takes several rows, after the first.
    pub(super) const fn several() -> Self {
        Self {
            reach_max: MOST,
            ..Self::nothing()
        }
    }

    /// The next row.
    #[inline]
    pub(super) fn next(
        &mut self,
        rows: &mut Rows<'a>,
        cursor: &EventCursor,
    ) -> Option<RowView<'a>> {
        if self.reach_max == 1 {
            return rows.next();
        }
        if self.next == self.end {
            self.fill(rows, cursor);
        }
        let row = self.rows.get(self.next).copied().flatten()?;
        self.next += 1;
        Some(row)
    }

    /// The last row of those that were taken, once there are no others.
    pub(super) fn next_back(&mut self) -> Option<RowView<'a>> {
        if self.next == self.end {
            return None;
        }
        self.end -= 1;
        self.rows.get_mut(self.end)?.take()
    }

    /// How many rows are left of those that were taken.
    pub(super) const fn len(&self) -> usize {
        self.end - self.next
    }

    fn fill(&mut self, rows: &mut Rows<'a>, cursor: &EventCursor) {
        self.next = 0;
        self.end = 0;
        self.rows = [None; MOST];
        for (slot, row) in self.rows.iter_mut().zip(rows.take(self.reach)) {
            *slot = Some(row);
            self.end += 1;
        }
        if self.end > 1 {
            cursor.ask_for(&self.rows);
        }
        self.reach = self.reach_max;
    }
}
