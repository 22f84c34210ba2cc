//! `PartRows`: the matching rows of one part, from both ends. Knows no other part.

use super::compile::PartQuery;
use super::cursor::Cursor;
use super::direction::Direction;
use super::source::Source;
use super::tags::TagNames;
use crate::part::Part;
use crate::reader::Snapshot;
use strandline_core::Region;

/// The matching rows of one part that neither end has passed.
pub(super) struct PartRows<'s> {
    part: &'s Part,
    at: usize,
    /// Its `rows` are those that neither end has passed.
    query: PartQuery,
    front: Option<Cursor>,
    back: Option<Cursor>,
}

impl<'s> PartRows<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, at: usize, region: &Region, tags: &TagNames) -> Self {
        Self::since(snapshot, at, region, tags, 0)
    }

    /// Without the rows before the sequence `since`.
    // Once for each part: kept out of what is done for each row, which is inlined where it is used.
    #[inline(never)]
    pub(super) fn since(
        snapshot: &'s Snapshot,
        at: usize,
        region: &Region,
        tags: &TagNames,
        since: u64,
    ) -> Self {
        let (part, bound) = (snapshot.part(at), snapshot.bound_of(at));
        let query = PartQuery::compile_since(part, bound, region, tags, since);
        Self::of(part, at, query)
    }

    /// Which part it is.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The rows of a query of part `at`.
    pub(super) const fn of(part: &'s Part, at: usize, query: PartQuery) -> Self {
        Self {
            part,
            at,
            query,
            front: None,
            back: None,
        }
    }

    #[inline]
    pub(super) fn step(&mut self, direction: Direction) -> Option<u32> {
        let Self {
            part,
            query,
            front,
            back,
            ..
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
            .next(part, &mut query.filter, &query.rows);
        match (row, direction) {
            (Some(row), Direction::Forward) => query.rows.start = row + 1,
            (Some(row), Direction::Backward) => query.rows.end = row,
            (None, _) => query.rows = 0..0,
        }
        row
    }

    /// How many rows are left at most.
    pub(super) fn most(&self) -> usize {
        let candidates = usize::try_from(self.query.candidates).unwrap_or(usize::MAX);
        self.query.rows.len().min(candidates)
    }

    /// How many rows are left.
    pub(super) fn count(mut self) -> usize {
        let rows = self.query.rows.clone();
        if !self.query.is_exact() {
            return std::iter::from_fn(|| self.step(Direction::Forward)).count();
        }
        match &self.query.source {
            Source::Scan(_) => rows.len(),
            Source::Lists(lists) => lists
                .iter()
                .map(|keyed| {
                    let left = keyed.list.positions(&rows);
                    let start = left.start.max(keyed.positions.start);
                    left.end.min(keyed.positions.end).saturating_sub(start)
                })
                .sum(),
        }
    }
}
