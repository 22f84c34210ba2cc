//! `Rows`: the events of a query, from both ends.

use super::compile::{Query, Source};
use super::cursor::{Cursor, Direction};
use crate::{Plan, RowView, Snapshot};
use std::fmt;
use std::iter::FusedIterator;

/// The events of a query: in sequence order from the front, in reverse from the back.
///
/// Each step costs what it passes over; nothing is collected, and no lock is held between steps.
/// [`count`](Iterator::count) is O(keys · log rows) where the plan is exact. Resume elsewhere with
/// [`Region::after`](strandline_core::Region::after) the last event's sequence.
pub struct Rows<'s> {
    snapshot: &'s Snapshot,
    /// Its `rows` are those that neither end has passed.
    query: Query,
    front: Option<Cursor>,
    back: Option<Cursor>,
}

impl<'s> Rows<'s> {
    pub(crate) const fn new(snapshot: &'s Snapshot, query: Query) -> Self {
        Self {
            snapshot,
            query,
            front: None,
            back: None,
        }
    }

    /// How the query goes about it.
    #[must_use]
    pub const fn plan(&self) -> Plan {
        self.query.plan
    }

    fn step(&mut self, direction: Direction) -> Option<u32> {
        let Self {
            snapshot,
            query,
            front,
            back,
        } = self;
        if query.rows.is_empty() {
            return None;
        }
        let cursor = match direction {
            Direction::Forward => front,
            Direction::Backward => back,
        };
        let row = cursor
            .get_or_insert_with(|| Cursor::new(&query.source, &query.rows, direction))
            .next(snapshot, &mut query.filter, &query.rows);
        match (row, direction) {
            (Some(row), Direction::Forward) => query.rows.start = row + 1,
            (Some(row), Direction::Backward) => query.rows.end = row,
            (None, _) => query.rows = 0..0,
        }
        row
    }
}

impl<'s> Iterator for Rows<'s> {
    type Item = RowView<'s>;

    fn next(&mut self) -> Option<RowView<'s>> {
        let row = self.step(Direction::Forward)?;
        Some(RowView::new(self.snapshot, row))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.query.rows.len();
        let candidates = usize::try_from(self.query.plan.candidates).unwrap_or(left);
        (0, Some(left.min(candidates)))
    }

    fn count(self) -> usize {
        let rows = &self.query.rows;
        if !self.query.plan.exact {
            return self.fold(0, |count, _| count + 1);
        }
        match &self.query.source {
            Source::Scan => rows.len(),
            Source::Lists(lists) => lists
                .iter()
                .map(|keyed| {
                    let left = keyed.list.positions(rows);
                    let start = left.start.max(keyed.positions.start);
                    left.end.min(keyed.positions.end).saturating_sub(start)
                })
                .sum(),
        }
    }
}

impl DoubleEndedIterator for Rows<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let row = self.step(Direction::Backward)?;
        Some(RowView::new(self.snapshot, row))
    }
}

impl FusedIterator for Rows<'_> {}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("plan", &self.query.plan)
            .finish_non_exhaustive()
    }
}
