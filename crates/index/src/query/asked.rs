//! `Asked`: what a walk through the parts asks each of them: one region, or several. Walks no parts.

use super::compile::PartQuery;
use super::direction::Direction;
use super::part_rows::PartRows;
use super::tags::TagNames;
use super::union::UnionRows;
use crate::reader::{RowView, Snapshot};
use std::ops::Range;
use strandline_core::Region;

/// What each part is asked.
pub(super) trait Asked {
    /// The rows of one part.
    type Rows<'s>: PartAnswer<'s>;

    /// The parts that may have rows.
    fn parts(&self, snapshot: &Snapshot) -> Range<usize>;

    /// The rows of part `at`.
    fn rows<'s>(&self, snapshot: &'s Snapshot, at: usize) -> Self::Rows<'s>;
}

/// The matching rows of one part that neither end has passed.
pub(super) trait PartAnswer<'s> {
    /// Which part it is.
    fn at(&self) -> usize;

    /// The event of a row.
    fn view(&self, row: u32) -> RowView<'s>;

    /// The next row from an end, if it was found already: what most steps are.
    fn ready(&mut self, direction: Direction) -> Option<u32>;

    /// The next row from an end.
    fn step(&mut self, direction: Direction) -> Option<u32>;

    /// How many rows are left at most.
    fn most(&self) -> usize;

    /// How many rows are left.
    fn count(self) -> usize;
}

/// One region.
pub(super) struct One {
    pub(super) region: Box<Region>,
    tags: TagNames,
}

impl One {
    #[inline]
    pub(super) fn new(region: Box<Region>) -> Self {
        let tags = TagNames::of(&region);
        Self { region, tags }
    }
}

impl Asked for One {
    type Rows<'s> = PartRows<'s>;

    fn parts(&self, snapshot: &Snapshot) -> Range<usize> {
        parts_of(snapshot, &self.region, 0)
    }

    fn rows<'s>(&self, snapshot: &'s Snapshot, at: usize) -> PartRows<'s> {
        PartRows::new(snapshot, at, &self.region, &self.tags)
    }
}

/// Any of several regions.
pub(super) struct Several(Vec<One>);

impl Several {
    pub(super) fn new(regions: Vec<Region>) -> Self {
        let regions = regions.into_iter().map(Box::new);
        Self(regions.map(One::new).collect())
    }

    pub(super) fn regions(&self) -> impl Iterator<Item = &Region> {
        self.0.iter().map(|one| &*one.region)
    }

    /// How each region is asked for in part `at`.
    pub(super) fn queries(
        &self,
        snapshot: &Snapshot,
        at: usize,
    ) -> impl Iterator<Item = PartQuery> {
        let (part, bound) = (snapshot.part(at), snapshot.bound_of(at));
        let regions = self.0.iter();
        regions.map(move |one| PartQuery::compile(part, bound, &one.region, &one.tags))
    }
}

impl Asked for Several {
    type Rows<'s> = SeveralRows<'s>;

    fn parts(&self, snapshot: &Snapshot) -> Range<usize> {
        let parts = self.regions().map(|region| parts_of(snapshot, region, 0));
        let all = parts.filter(|parts| !parts.is_empty());
        all.reduce(|all, parts| all.start.min(parts.start)..all.end.max(parts.end))
            .unwrap_or_default()
    }

    fn rows<'s>(&self, snapshot: &'s Snapshot, at: usize) -> SeveralRows<'s> {
        let mut queries = PartQuery::together(self.queries(snapshot, at));
        let part = snapshot.part(at);
        match queries.pop() {
            // Nothing to merge, so that its rows can be counted too.
            Some(only) if queries.is_empty() => SeveralRows::Single(PartRows::of(part, at, only)),
            last => {
                queries.extend(last);
                SeveralRows::Union(UnionRows::new(part, at, queries))
            }
        }
    }
}

/// The rows that several regions have in a part.
#[expect(
    clippy::large_enum_variant,
    reason = "there are two of them at most, behind one box"
)]
pub(super) enum SeveralRows<'s> {
    /// Only one of them has some, or all go by lists.
    Single(PartRows<'s>),
    Union(UnionRows<'s>),
}

impl<'s> PartAnswer<'s> for PartRows<'s> {
    #[inline]
    fn at(&self) -> usize {
        self.at()
    }

    #[inline]
    fn view(&self, row: u32) -> RowView<'s> {
        self.view(row)
    }

    #[inline]
    fn ready(&mut self, direction: Direction) -> Option<u32> {
        self.ready(direction)
    }

    fn step(&mut self, direction: Direction) -> Option<u32> {
        self.step(direction)
    }

    fn most(&self) -> usize {
        self.most()
    }

    fn count(self) -> usize {
        self.count()
    }
}

impl<'s> PartAnswer<'s> for SeveralRows<'s> {
    fn at(&self) -> usize {
        match self {
            Self::Single(rows) => rows.at(),
            Self::Union(rows) => rows.at(),
        }
    }

    #[inline]
    fn view(&self, row: u32) -> RowView<'s> {
        match self {
            Self::Single(rows) => rows.view(row),
            Self::Union(rows) => rows.view(row),
        }
    }

    #[inline]
    fn ready(&mut self, direction: Direction) -> Option<u32> {
        match self {
            Self::Single(rows) => rows.ready(direction),
            Self::Union(rows) => rows.ready(direction),
        }
    }

    fn step(&mut self, direction: Direction) -> Option<u32> {
        match self {
            Self::Single(rows) => rows.step(direction),
            Self::Union(rows) => rows.step(direction),
        }
    }

    fn most(&self) -> usize {
        match self {
            Self::Single(rows) => rows.most(),
            Self::Union(rows) => rows.most(),
        }
    }

    fn count(self) -> usize {
        match self {
            Self::Single(rows) => rows.count(),
            Self::Union(rows) => rows.count(),
        }
    }
}

/// The parts that may have rows of a region, from the sequence `since` on.
pub(super) fn parts_of(snapshot: &Snapshot, region: &Region, since: u64) -> Range<usize> {
    let span = region.sequence_span();
    if span.is_empty() {
        return 0..0;
    }
    let last = snapshot.part_from(span.last).saturating_add(1);
    let end = last.min(snapshot.part_count());
    snapshot.part_from(span.first.max(since)).min(end)..end
}
