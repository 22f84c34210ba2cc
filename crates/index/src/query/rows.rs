//! `Rows`: the events of a query, from both ends, one part after the other. Within a part they are
//! walked elsewhere.

use super::direction::Direction;
use super::part_rows::PartRows;
use super::tags::TagNames;
use crate::reader::{RowView, Snapshot};
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;
use strandline_core::{Region, Sequence};

/// The events of a query: in sequence order from the front, in reverse from the back.
///
/// Each step costs what it passes over; nothing is collected, and no lock is held between steps.
/// A part is looked at when the iterator comes to it. [`count`](Iterator::count) is O(keys · log
/// rows) for each part whose plan is exact. Resume elsewhere with
/// [`Region::after`](strandline_core::Region::after) the last event's sequence.
pub struct Rows<'s> {
    snapshot: &'s Snapshot,
    region: Region,
    tags: TagNames,
    /// The parts that neither end has left behind.
    first: usize,
    end: usize,
    front: Option<PartRows<'s>>,
    back: Option<PartRows<'s>>,
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

impl<'s> Rows<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, region: Region) -> Self {
        let Range { start: first, end } = parts_of(snapshot, &region, 0);
        Self {
            snapshot,
            tags: TagNames::of(&region),
            region,
            first,
            end,
            front: None,
            back: None,
        }
    }

    /// The rows of part `at`, which one end has come to; the other may be there already.
    fn part(&mut self, at: usize, direction: Direction) -> &mut PartRows<'s> {
        let is_at = |rows: &Option<PartRows<'s>>| rows.as_ref().is_some_and(|rows| rows.at() == at);
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
        slot.get_or_insert_with(|| PartRows::new(self.snapshot, at, &self.region, &self.tags))
    }

    #[inline]
    fn step(&mut self, direction: Direction) -> Option<RowView<'s>> {
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
    fn left(mut self) -> impl Iterator<Item = PartRows<'s>> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            if at >= self.end {
                return None;
            }
            let begun = [&mut self.front, &mut self.back]
                .into_iter()
                .find_map(|slot| slot.take_if(|rows| rows.at() == at));
            let rows =
                begun.unwrap_or_else(|| PartRows::new(self.snapshot, at, &self.region, &self.tags));
            at += 1;
            Some(rows)
        })
    }
}

impl<'s> Iterator for Rows<'s> {
    type Item = RowView<'s>;

    #[inline]
    fn next(&mut self) -> Option<RowView<'s>> {
        self.step(Direction::Forward)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let most = (self.first..self.end)
            .map(|at| {
                let begun = [&self.front, &self.back].into_iter().flatten();
                let begun = begun.into_iter().find(|rows| rows.at() == at);
                begun.map_or(self.snapshot.bound_of(at) as usize, PartRows::most)
            })
            .sum();
        (0, Some(most))
    }

    fn count(self) -> usize {
        self.left().map(PartRows::count).sum()
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
        f.debug_struct("Rows")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// The parts that may have rows of a region, from the sequence `since` on.
fn parts_of(snapshot: &Snapshot, region: &Region, since: u64) -> Range<usize> {
    let span = region.sequence_span();
    if span.is_empty() {
        return 0..0;
    }
    let last = snapshot.part_from(span.last).saturating_add(1);
    let end = last.min(snapshot.part_count());
    snapshot.part_from(span.first.max(since)).min(end)..end
}
