//! `Rows`: the events of a query, whatever is asked. Finds none itself.

use super::asked::{One, Several};
use super::direction::Direction;
use super::rows::Walk;
use crate::reader::{RowView, Snapshot};
use std::fmt;
use std::iter::FusedIterator;
use strandline_core::Query;

/// The events of a query: in sequence order from the front, in reverse from the back.
///
/// Each step costs what it passes over; nothing is collected, and no lock is held between steps.
/// A part is looked at when the iterator comes to it. [`count`](Iterator::count) is O(keys · log
/// rows) for each part whose plan is exact. Resume elsewhere with
/// [`Query::after`](strandline_core::Query::after) the last event's sequence, or
/// [`before`](strandline_core::Query::before) it.
pub struct Rows<'s>(Answer<'s>);

#[expect(
    clippy::large_enum_variant,
    reason = "one region is the common case, and allocates nothing for what is walked"
)]
enum Answer<'s> {
    Region(Walk<'s, One>),
    Query(Box<QueryRows<'s>>),
}

/// What is more than one region without a limit.
struct QueryRows<'s> {
    rows: Walk<'s, Several>,
    /// How many may be given from now on.
    left: usize,
}

impl<'s> Rows<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, query: Query) -> Self {
        Self(match query.into_region() {
            Ok(region) => Answer::Region(Walk::new(snapshot, One::new(region))),
            Err(query) => {
                let left = query.events_max().unwrap_or(usize::MAX);
                let rows = Walk::new(snapshot, Several::new(query.into_regions()));
                Answer::Query(Box::new(QueryRows { rows, left }))
            }
        })
    }

    #[inline]
    fn step(&mut self, direction: Direction) -> Option<RowView<'s>> {
        match &mut self.0 {
            Answer::Region(rows) => rows.step(direction),
            Answer::Query(query) => query.step(direction),
        }
    }
}

impl<'s> QueryRows<'s> {
    fn step(&mut self, direction: Direction) -> Option<RowView<'s>> {
        self.left = self.left.checked_sub(1)?;
        self.rows.step(direction)
    }
}

impl<'s> Iterator for Rows<'s> {
    type Item = RowView<'s>;

    #[inline]
    fn next(&mut self) -> Option<RowView<'s>> {
        self.step(Direction::Forward)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let most = match &self.0 {
            Answer::Region(rows) => rows.most(),
            Answer::Query(query) => query.rows.most().min(query.left),
        };
        (0, Some(most))
    }

    fn count(self) -> usize {
        match self.0 {
            Answer::Region(rows) => rows.count(),
            Answer::Query(query) => query.rows.count().min(query.left),
        }
    }
}

impl DoubleEndedIterator for Rows<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(Direction::Backward)
    }
}

impl FusedIterator for Rows<'_> {}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Rows");
        match &self.0 {
            Answer::Region(rows) => shown.field("region", &rows.asked().region),
            Answer::Query(query) => {
                let regions: Vec<_> = query.rows.asked().regions().collect();
                shown.field("regions", &regions).field("left", &query.left)
            }
        };
        shown.finish_non_exhaustive()
    }
}
