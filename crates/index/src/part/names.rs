//! The names of a part in order, a page at a time, each with its rows. A name that is known is looked
//! up elsewhere.

use super::list::List;
use super::rows::Part;
use crate::model::{IndexLayout, NameSort, PIECE_NAMES};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

impl Part {
    /// Up to 256 names that start with `prefix`, from the one after `after` on, each with its number
    /// of rows below `bound`; all of them where all are counted at once. And whether more may follow.
    pub(crate) fn names(
        &self,
        sort: NameSort,
        prefix: &str,
        after: Option<&str>,
        bound: u32,
    ) -> (Vec<(Arc<str>, u64)>, bool) {
        if sort == NameSort::Scope && self.layout() != IndexLayout::Postings {
            (self.counted_scopes(prefix, after, bound), false)
        } else {
            let names = self.listed_names(sort, prefix, after, bound);
            let may_follow = !names.is_empty();
            (names, may_follow)
        }
    }

    /// How many entities of a block start with `prefix`; of live rows that is not known, and 0.
    pub(crate) fn prefixed(&self, prefix: &str) -> u64 {
        match self {
            Self::Live(_) => 0,
            Self::Block(view) => {
                let names = view.block.names(NameSort::Entity);
                names.with_prefix(prefix).len() as u64
            }
        }
    }

    /// The lists of the entities that start with `prefix`, from the one after `after` on, at most 256
    /// of them, and the last name.
    pub(crate) fn entities(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> (Vec<List>, Option<Arc<str>>) {
        match self {
            Self::Live(live) => {
                let piece = live.live.names(NameSort::Entity).piece(prefix, after);
                let last = piece.last().map(|(name, _)| name.clone());
                let lists = piece.into_iter().map(|(_, entry)| List::Live(entry.rows));
                (lists.collect(), last)
            }
            Self::Block(view) => {
                let names = view.block.names(NameSort::Entity);
                let places = page(
                    names.with_prefix(prefix),
                    after.map(|name| names.after(name)),
                );
                let last = places.end.checked_sub(1).filter(|_| !places.is_empty());
                let last = last.map(|last| names.get(last));
                // Names in no order must not be gone through for ever.
                let last = last.filter(|last| *last > after.unwrap_or_default());
                let last = last.map(Arc::from);
                let lists = places.map(|place| view.rows_of(NameSort::Entity, place));
                (lists.collect(), last)
            }
        }
    }

    /// Every tag with its rows, in order.
    pub(crate) fn tags(&self) -> Vec<(Arc<str>, List)> {
        match self {
            Self::Live(live) => {
                let mut tags: Vec<(Arc<str>, List)> = Vec::new();
                loop {
                    let last = tags.last().map(|(name, _)| name.clone());
                    let piece = live.live.tags.piece("", last.as_deref());
                    if piece.is_empty() {
                        return tags;
                    }
                    let piece = piece.into_iter();
                    tags.extend(piece.map(|(name, entry)| (name, List::Live(entry.rows))));
                }
            }
            Self::Block(view) => {
                let names = view.block.names(NameSort::Tag);
                let rows = |place| view.rows_of(NameSort::Tag, place);
                let names = names.ascending(names.with_prefix(""), None);
                names
                    .map(|(place, name)| (Arc::from(name), rows(place)))
                    .collect()
            }
        }
    }

    fn listed_names(
        &self,
        sort: NameSort,
        prefix: &str,
        after: Option<&str>,
        bound: u32,
    ) -> Vec<(Arc<str>, u64)> {
        match self {
            Self::Live(live) => {
                let piece = live.live.names(sort).piece(prefix, after).into_iter();
                piece
                    .map(|(name, entry)| (name, entry.rows.count_below(bound) as u64))
                    .collect()
            }
            Self::Block(view) => {
                let names = view.block.names(sort);
                let from = after.map(|name| names.after(name));
                let places = page(names.with_prefix(prefix), from);
                names
                    .ascending(places, after)
                    .map(|(place, name)| {
                        let list = view.rows_of(sort, place);
                        (Arc::from(name), list.count_below(bound) as u64)
                    })
                    .collect()
            }
        }
    }

    /// Counts the rows of all scopes, which have no lists. O(rows).
    fn counted_scopes(
        &self,
        prefix: &str,
        after: Option<&str>,
        bound: u32,
    ) -> Vec<(Arc<str>, u64)> {
        let mut by_coordinate = vec![0_u64; self.coordinate_count()];
        for row in 0..bound {
            let number = self.coordinate_number(row) as usize;
            if let Some(count) = by_coordinate.get_mut(number) {
                *count += 1;
            }
        }
        let mut by_scope: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        for (number, count) in (0..).zip(by_coordinate) {
            self.with_names(number, |_, scope| {
                if count > 0 && scope.starts_with(prefix) && after.is_none_or(|last| scope > last) {
                    *by_scope.entry(Arc::from(scope)).or_default() += count;
                }
            });
        }
        by_scope.into_iter().collect()
    }
}

/// The first 256 of `places` from `from` on.
fn page(places: Range<u32>, from: Option<u32>) -> Range<u32> {
    let start = from.map_or(places.start, |from| from.max(places.start));
    let end = places.end.min(start.saturating_add(PIECE_NAMES));
    start..end.max(start)
}
