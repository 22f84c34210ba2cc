//! `Walk`: the rows of what is asked, from both ends, one part after the other. Within a part they are
//! walked elsewhere.

use super::asked::{Asked, PartAnswer, parts_of};
use super::direction::Direction;
use super::part_rows::PartRows;
use super::tags::TagNames;
use crate::reader::{RowView, Snapshot};
use std::ops::Range;
use strandline_core::{Region, Sequence};

/// The rows of what is asked that neither end has passed. A part is looked at when an end comes to it.
pub(super) struct Walk<'s, A: Asked> {
    snapshot: &'s Snapshot,
    asked: A,
    /// The parts that neither end has left behind.
    first: usize,
    end: usize,
    front: Option<A::Rows<'s>>,
    back: Option<A::Rows<'s>>,
}

/// The first row of a region from the sequence `since` on that is wanted. Copies nothing of the region, and where a
/// part has none of its names makes nothing at all: what asks for many regions at once wants that.
pub(super) fn find_since<'s>(
    snapshot: &'s Snapshot,
    region: &Region,
    since: Sequence,
    wanted: impl Fn(RowView<'s>) -> bool,
) -> Option<RowView<'s>> {
    let since = since.get();
    let tags = TagNames::of(region);
    parts_of(snapshot, region, since).find_map(|at| {
        let mut rows = PartRows::since(snapshot, at, region, &tags, since);
        let next = || rows.step(Direction::Forward);
        std::iter::from_fn(next)
            .map(|row| snapshot.view(at, row))
            .find(|row| wanted(*row))
    })
}

impl<'s, A: Asked> Walk<'s, A> {
    #[inline]
    pub(super) fn new(snapshot: &'s Snapshot, asked: A) -> Self {
        let Range { start: first, end } = asked.parts(snapshot);
        Self {
            snapshot,
            asked,
            first,
            end,
            front: None,
            back: None,
        }
    }

    /// The rows of part `at`, which one end has come to; the other may be there already.
    fn part(&mut self, at: usize, direction: Direction) -> &mut A::Rows<'s> {
        let is_at = |rows: &Option<A::Rows<'s>>| rows.as_ref().is_some_and(|rows| rows.at() == at);
        let (in_front, in_back) = (is_at(&self.front), is_at(&self.back));
        let slot = match direction {
            _ if in_front => &mut self.front,
            _ if in_back => &mut self.back,
            Direction::Forward => &mut self.front,
            Direction::Backward => &mut self.back,
        };
        if !(in_front || in_back) {
            *slot = None;
        }
        slot.get_or_insert_with(|| self.asked.rows(self.snapshot, at))
    }

    #[inline]
    pub(super) fn step(&mut self, direction: Direction) -> Option<RowView<'s>> {
        let begun = match direction {
            Direction::Forward => &mut self.front,
            Direction::Backward => &mut self.back,
        };
        if let Some(rows) = begun
            && let Some(row) = rows.ready(direction)
        {
            return Some(rows.view(row));
        }
        self.walk(direction)
    }

    /// A step to where nothing is ready.
    #[inline(never)]
    fn walk(&mut self, direction: Direction) -> Option<RowView<'s>> {
        while self.first < self.end {
            let at = match direction {
                Direction::Forward => self.first,
                Direction::Backward => self.end - 1,
            };
            let row = self.part(at, direction).step(direction);
            if let Some(row) = row {
                return Some(self.snapshot.view(at, row));
            }
            match direction {
                Direction::Forward => self.first += 1,
                Direction::Backward => self.end -= 1,
            }
        }
        None
    }

    /// The parts that are left, each compiled.
    fn left(mut self) -> impl Iterator<Item = A::Rows<'s>> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            if at >= self.end {
                return None;
            }
            let begun = [&mut self.front, &mut self.back]
                .into_iter()
                .find_map(|slot| slot.take_if(|rows| rows.at() == at));
            let rows = begun.unwrap_or_else(|| self.asked.rows(self.snapshot, at));
            at += 1;
            Some(rows)
        })
    }

    /// How many rows are left at most.
    pub(super) fn most(&self) -> usize {
        (self.first..self.end)
            .map(|at| {
                let begun = [&self.front, &self.back].into_iter().flatten();
                let begun = begun.into_iter().find(|rows| rows.at() == at);
                begun.map_or(self.snapshot.bound_of(at) as usize, PartAnswer::most)
            })
            .sum()
    }

    /// How many rows are left.
    pub(super) fn count(self) -> usize {
        self.left().map(PartAnswer::count).sum()
    }

    pub(super) const fn asked(&self) -> &A {
        &self.asked
    }
}
