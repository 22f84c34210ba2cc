//! `Dictionary`: names of one sort, by hash and in order, each with its rows.
//!
//! Only the writer adds names, and none is ever removed. What adding costs is a hash and a place: they
//! are put in order when somebody asks for them so.

use super::by_id::IdHasher;
use super::chunk::NAMES_MAX;
use super::hashed::Hashed;
use super::list::RowList;
use super::order::Order;
use super::shelf::{Kept, Shelf};
use crate::model::{IndexError, PIECE_NAMES};
use std::hash::BuildHasher;
use std::sync::Arc;
use strandline_core::Coordinate;

/// A name's number, and its rows.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) number: u32,
    pub(crate) rows: Kept<RowList>,
}

/// A name, kept with the coordinate that it came in where there is one.
pub(crate) enum Name {
    EntityOf(Coordinate),
    ScopeOf(Coordinate),
    Alone(Arc<str>),
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::EntityOf(coordinate) => coordinate.entity(),
            Self::ScopeOf(coordinate) => coordinate.scope(),
            Self::Alone(name) => name,
        }
    }

    fn to_arc(&self) -> Arc<str> {
        match self {
            Self::Alone(name) => name.clone(),
            Self::EntityOf(_) | Self::ScopeOf(_) => self.as_str().into(),
        }
    }
}

/// Names with their entries.
pub(crate) struct Dictionary {
    hasher: IdHasher,
    by_hash: Hashed,
    names: Shelf<Name>,
    /// By the number of the name. A name is there once its list is.
    lists: Shelf<RowList>,
    order: Order,
}

impl Dictionary {
    pub(crate) fn new(hasher: IdHasher) -> Self {
        Self {
            hasher,
            by_hash: Hashed::new(),
            names: Shelf::new(),
            lists: Shelf::new(),
            order: Order::new(),
        }
    }

    /// The hash by which a name is found.
    pub(crate) fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }

    /// The entry of `name`. Expected O(1).
    pub(crate) fn get(&self, name: &str) -> Option<Entry> {
        let number = self.number(name, self.hash(name))?;
        let rows = self.lists.kept(number)?;
        Some(Entry { number, rows })
    }

    /// The number of a name with this hash. Expected O(1).
    pub(crate) fn number(&self, name: &str, hash: u64) -> Option<u32> {
        self.by_hash.find(hash, |number| self.name(number) == name)
    }

    /// The name with a number; empty if there is none.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.names.get(number).map_or("", Name::as_str)
    }

    /// The rows of the name with a number. O(1).
    #[inline]
    pub(crate) fn rows(&self, number: u32) -> Option<&RowList> {
        self.lists.get(number)
    }

    /// The rows of the name with a number, to keep. O(1).
    pub(crate) fn kept_rows(&self, number: u32) -> Option<Kept<RowList>> {
        self.lists.kept(number)
    }

    /// The rows of every name.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = &RowList> {
        (0..self.lists.len()).map_while(|number| self.lists.get(number))
    }

    /// Adds a name with this hash, which is not there, and gives its number. Expected O(1). Only the
    /// writer calls it.
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`].
    pub(crate) fn add(&self, name: Name, hash: u64) -> Result<u32, IndexError> {
        let number = self
            .lists
            .push(RowList::new(), NAMES_MAX)
            .and_then(|_| self.names.push(name, NAMES_MAX))
            .ok_or(IndexError::NamesExhausted)?;
        self.by_hash.insert(hash, number);
        Ok(number)
    }

    /// Up to 256 names that start with `prefix`, in order, from the one after `after` on.
    ///
    /// O(log² names) and what is given, and what [`Order::runs`] takes for names that came since it was
    /// asked the last time.
    pub(crate) fn piece(&self, prefix: &str, after: Option<&str>) -> Vec<(Arc<str>, Entry)> {
        // A name before the prefix leaves nothing out.
        let after = after.filter(|after| *after >= prefix);
        let is_before = |name: &str| after.map_or(name < prefix, |after| name <= after);
        let runs = self
            .order
            .runs(self.names.len(), |number| self.name(number));
        let mut rest: Vec<(&str, &[u32])> = runs
            .iter()
            .filter_map(|run| {
                let start = run.partition_point(|number| is_before(self.name(*number)));
                self.first(run.get(start..)?)
            })
            .collect();
        let mut piece = Vec::new();
        while piece.len() < PIECE_NAMES as usize
            && let Some(at) = least(&rest)
            && let Some((name, run)) = rest.get_mut(at)
            && name.starts_with(prefix)
            && let Some((number, after)) = run.split_first()
        {
            if let Some(rows) = self.lists.kept(*number)
                && let Some(name) = self.names.get(*number)
            {
                let number = *number;
                piece.push((name.to_arc(), Entry { number, rows }));
            }
            match self.first(after) {
                Some(next) => (*name, *run) = next,
                None => drop(rest.swap_remove(at)),
            }
        }
        piece
    }

    /// A run that is not empty, after its first name.
    fn first<'s>(&'s self, run: &'s [u32]) -> Option<(&'s str, &'s [u32])> {
        Some((self.name(*run.first()?), run))
    }
}

/// Where the first name is.
fn least(runs: &[(&str, &[u32])]) -> Option<usize> {
    let least = runs.iter().enumerate().min_by_key(|(_, (name, _))| name)?;
    Some(least.0)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn names_are_found_and_listed_in_order_while_more_are_added(
            steps in proptest::collection::vec(("[a-c]{1,3}", "[a-c]{0,2}", any::<bool>()), 1..300),
        ) {
            let dictionary = Dictionary::new(IdHasher::default());
            let mut numbers = BTreeMap::new();
            for (name, prefix, is_listed) in steps {
                let hash = dictionary.hash(&name);
                let known = dictionary.number(&name, hash);
                prop_assert_eq!(known, numbers.get(&name).copied());
                if known.is_none() {
                    let number = dictionary.add(Name::Alone(name.as_str().into()), hash).unwrap();
                    prop_assert_eq!(number as usize, numbers.len());
                    numbers.insert(name.clone(), number);
                }
                if is_listed {
                    for after in [None, Some(name.as_str())] {
                        let piece = dictionary.piece(&prefix, after);
                        let found: Vec<_> = piece
                            .iter()
                            .map(|(name, entry)| (&**name, entry.number))
                            .collect();
                        let expected: Vec<_> = numbers
                            .iter()
                            .map(|(name, number)| (name.as_str(), *number))
                            .filter(|(name, _)| name.starts_with(&prefix))
                            .filter(|(name, _)| after.is_none_or(|after| *name > after))
                            .collect();
                        prop_assert_eq!(found, expected);
                    }
                }
            }
        }
    }

    #[test]
    fn more_names_than_a_piece_are_listed_piece_by_piece() {
        let dictionary = Dictionary::new(IdHasher::default());
        let mut names = BTreeSet::new();
        let mut listed = Vec::new();
        let mut last: Option<Arc<str>> = None;
        for number in 0..2000_u32 {
            let name = format!("order:{:05}", number.wrapping_mul(0x9E37_79B1) % 100_000);
            if names.insert(name.clone()) {
                let hash = dictionary.hash(&name);
                dictionary
                    .add(Name::Alone(name.as_str().into()), hash)
                    .unwrap();
            }
        }
        loop {
            let piece = dictionary.piece("order:", last.as_deref());
            let Some((name, _)) = piece.last() else {
                break;
            };
            assert!(piece.len() <= PIECE_NAMES as usize);
            last = Some(name.clone());
            listed.extend(piece.into_iter().map(|(name, _)| name.to_string()));
            // Before what was listed: no later piece has it.
            let name = format!("order: {}", listed.len());
            let hash = dictionary.hash(&name);
            dictionary
                .add(Name::Alone(name.as_str().into()), hash)
                .unwrap();
        }
        assert!(listed.into_iter().eq(names));
    }
}
