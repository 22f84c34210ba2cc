//! `Part`: consecutive rows of an index, live or as a block, asked in one way. Its names in order are
//! listed elsewhere.

use super::list::List;
use super::view::View;
use crate::block::{Block, HashedName};
use crate::live::LiveRows;
use crate::model::{IndexLayout, Link, NameSort, TileMask};
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, KindRange, KindSet, Sequence};

/// Rows with ascending sequences, numbered from 0.
///
/// A snapshot may hold fewer of them than there are: what asks about more than one row takes the
/// number of rows to look at as `bound`.
#[derive(Clone)]
pub(crate) enum Part {
    Live(LiveRows),
    Block(View),
}

macro_rules! of_row {
    ($($(#[$doc:meta])* $name:ident -> $result:ty;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name(&self, row: u32) -> $result {
            match self {
                Self::Live(live) => live.cell(row).$name(),
                Self::Block(view) => view.$name(row),
            }
        }
    )*};
}

impl Part {
    of_row! {
        id -> EventId;
        kind -> EventKind;
        wall_ms -> u64;
        clock -> u32;
        position -> u64;
        link -> Option<Link>;
    }

    /// The block, if it is one.
    pub(crate) const fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Self::Live(_) => None,
            Self::Block(view) => Some(&view.block),
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u32 {
        match self {
            Self::Live(live) => live.rows,
            Self::Block(view) => view.rows(),
        }
    }

    /// The number of a row's coordinate in the part.
    #[inline]
    pub(crate) fn coordinate_number(&self, row: u32) -> u32 {
        match self {
            Self::Live(live) => live.cell(row).coordinate(),
            Self::Block(view) => view.coordinate_number(row),
        }
    }

    /// How many coordinates have a number.
    pub(crate) fn coordinate_count(&self) -> usize {
        match self {
            Self::Live(live) => live.live.coordinates.len() as usize,
            Self::Block(view) => view.block.coordinate_count() as usize,
        }
    }

    /// The coordinate with a number; none only in a damaged block.
    pub(crate) fn coordinate(&self, number: u32) -> Option<Coordinate> {
        match self {
            Self::Live(live) => live.live.coordinates.get(number).cloned(),
            Self::Block(view) => view.block.coordinate(number),
        }
    }

    /// What `read` makes of the names of the coordinate with a number: entity and scope.
    pub(crate) fn with_names<T>(
        &self,
        number: u32,
        read: impl FnOnce(&str, &str) -> T,
    ) -> Option<T> {
        match self {
            Self::Live(live) => {
                let coordinate = live.live.coordinates.get(number)?;
                Some(read(coordinate.entity(), coordinate.scope()))
            }
            Self::Block(view) => {
                let (entity, scope) = view.block.names_at(number);
                Some(read(entity, scope))
            }
        }
    }

    /// The sequence of a row. O(log gaps in the sequences).
    #[inline]
    pub(crate) fn sequence_of(&self, row: u32) -> Sequence {
        match self {
            Self::Live(live) => live.sequence_of(row),
            Self::Block(view) => view.sequence_of(row),
        }
    }

    /// The sequence after that of the last row; 0 if there is no row.
    pub(crate) fn end(&self) -> Sequence {
        match self {
            Self::Block(view) => view.sequences().end,
            Self::Live(live) => match live.rows.checked_sub(1) {
                Some(last) => Sequence::new(live.sequence_of(last).get() + 1),
                None => Sequence::ZERO,
            },
        }
    }

    /// The first of `bound` rows whose sequence is `sequence` or later; `bound` if there is none.
    #[inline]
    pub(crate) fn first_row_from(&self, sequence: u64, bound: u32) -> u32 {
        match self {
            Self::Live(live) => live.first_row_from(sequence, bound),
            Self::Block(view) => view.first_row_from(sequence, bound),
        }
    }

    /// The first row after `row` whose sequence does not follow from those before it.
    pub(crate) fn run_end(&self, row: u32) -> u32 {
        match self {
            Self::Live(live) => live.run_end(row),
            Self::Block(view) => view.run_end(row),
        }
    }

    /// The row with this id.
    #[inline]
    pub(crate) fn find(&self, id: EventId, bound: u32) -> Option<u32> {
        match self {
            Self::Live(live) => live.find(id, bound),
            Self::Block(view) => view.find(id, bound),
        }
    }

    /// The linked rows that belong to `correlation`, ascending.
    pub(crate) fn correlated(&self, correlation: EventId, bound: u32) -> Vec<u32> {
        let mut rows = match self {
            Self::Live(live) => live.live.linked.read().correlated(correlation, bound),
            Self::Block(view) => view.correlated(correlation, bound),
        };
        // The event that the others belong to need not have a link: it belongs to itself.
        if let Some(own) = self.find(correlation, bound)
            && self
                .link(own)
                .is_none_or(|link| link.correlation == correlation)
            && let Err(at) = rows.binary_search(&own)
        {
            rows.insert(at, own);
        }
        rows
    }

    /// The rows that `cause` caused, ascending.
    pub(crate) fn caused_by(&self, cause: EventId, bound: u32) -> Vec<u32> {
        match self {
            Self::Live(live) => live.live.linked.read().caused_by(cause, bound),
            Self::Block(view) => view.caused_by(cause, bound),
        }
    }

    /// The rows of an entity.
    #[inline]
    pub(crate) fn entity(&self, name: &str) -> Option<List> {
        self.rows_of(NameSort::Entity, name)
    }

    /// The rows of a scope, in the layout of postings.
    pub(crate) fn scope(&self, name: &str) -> Option<List> {
        self.rows_of(NameSort::Scope, name)
    }

    /// The rows of those of these tags that there are, in the order of the tags.
    pub(crate) fn tagged(&self, tags: &[HashedName<'_>]) -> Vec<List> {
        match self {
            Self::Live(live) => {
                let names = live.live.names(NameSort::Tag);
                let found = tags.iter().filter_map(|tag| names.get(tag.name));
                found.map(|entry| List::Live(entry.rows)).collect()
            }
            Self::Block(view) => {
                let found = view.block.find_names(NameSort::Tag, tags).into_iter();
                found
                    .map(|(_, place)| view.rows_of(NameSort::Tag, place))
                    .collect()
            }
        }
    }

    /// The rows of a name.
    #[inline]
    fn rows_of(&self, sort: NameSort, name: &str) -> Option<List> {
        match self {
            Self::Live(live) => Some(List::Live(live.live.names(sort).get(name)?.rows)),
            Self::Block(view) => {
                let place = view.block.place_of(sort, name)?;
                Some(view.rows_of(sort, place))
            }
        }
    }

    /// The number of a scope in the part.
    pub(crate) fn scope_number(&self, name: &str) -> Option<u32> {
        match self {
            Self::Live(live) => Some(live.live.names(NameSort::Scope).get(name)?.number),
            Self::Block(view) => view.block.place_of(NameSort::Scope, name),
        }
    }

    /// The rows of each of these kinds, in the layout of postings.
    pub(crate) fn kinds(&self, KindRange { first, last }: KindRange) -> Vec<List> {
        match self {
            Self::Live(live) => {
                let kinds = live.live.kinds.read();
                let lists = kinds.range(first..=last);
                lists
                    .map(|(_, kind)| List::Live(kind.rows.clone()))
                    .collect()
            }
            Self::Block(view) => view.kinds(first, last),
        }
    }

    /// The bits that these kinds have in the summary of a tile, in the layout of tiles.
    pub(crate) fn kind_bits(&self, KindRange { first, last }: KindRange) -> u64 {
        match self {
            Self::Live(live) => {
                let kinds = live.live.kinds.read();
                let kinds = kinds.range(first..=last);
                kinds.fold(0, |word, (_, kind)| word | TileMask::bit(kind.number))
            }
            Self::Block(view) => view
                .block
                .kinds_within(first, last)
                .fold(0, |word, place| word | TileMask::bit(place)),
        }
    }

    /// Keeps the rows whose kind is one of a set.
    pub(crate) fn retain_kinds(&self, rows: &mut Vec<u32>, wanted: &KindSet) {
        match self {
            Self::Block(view) => view.retain_kinds(rows, wanted),
            Self::Live(_) => rows.retain(|row| wanted.contains(self.kind(*row))),
        }
    }

    /// Whether some row may be of these kinds, by what is known without looking at rows.
    pub(crate) fn may_have_kinds(&self, kinds: KindRange) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Block(view) => !view.block.kinds_within(kinds.first, kinds.last).is_empty(),
        }
    }

    /// Whether some row may be of this time, by what is known without looking at rows.
    pub(crate) fn may_have_times(&self, first: u64, last: u64) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Block(view) => view.block.meets_times(first, last),
        }
    }

    pub(crate) fn layout(&self) -> IndexLayout {
        match self {
            Self::Live(live) => live.live.layout,
            Self::Block(view) => view.block.layout(),
        }
    }

    /// What the tile of 64 rows has.
    pub(crate) fn tile(&self, tile: u32) -> TileMask {
        match self {
            Self::Live(live) => live.tile(tile),
            Self::Block(view) => view.tile(tile),
        }
    }
}
