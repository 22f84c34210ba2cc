//! Finding names in a block: by its table of fingerprints where it has one, else in their order; one
//! name, or many at once. What is listed under a name is read elsewhere.
//!
//! A lookup waits for memory, not for the processor: so many at once go in steps, each for all of them
//! before the next, and none waits for another.

use super::format::{Packed, Section, TableShape, name_hash};
use super::open::Block;
use crate::model::NameSort;

/// A name that is looked up in several blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashedName<'n> {
    pub(crate) name: &'n str,
    hash: u64,
}

impl<'n> HashedName<'n> {
    pub(crate) fn new(name: &'n str) -> Self {
        Self {
            name,
            hash: name_hash(name),
        }
    }
}

impl Block {
    /// The table of a section, if there is one.
    pub(super) fn table(&self, section: Section) -> Option<(TableShape, Packed<'_>)> {
        if self.header.place(section).bytes == 0 {
            return None;
        }
        let entries = self.header.counts.entries(section)?;
        Some((TableShape::of(entries), self.numbers(section)))
    }

    fn name_table(&self, sort: NameSort) -> Option<(TableShape, Packed<'_>)> {
        self.table(Section::table_of(sort)?)
    }

    /// The place of a name. Expected O(1) with a table, O(log names) without.
    pub(crate) fn place_of(&self, sort: NameSort, name: &str) -> Option<u32> {
        self.place_of_hashed(sort, &HashedName::new(name))
    }

    /// As [`place_of`](Self::place_of), of a name that is looked up in several blocks.
    pub(crate) fn place_of_hashed(&self, sort: NameSort, wanted: &HashedName<'_>) -> Option<u32> {
        let Some((shape, table)) = self.name_table(sort) else {
            return self.names(sort).find(wanted.name);
        };
        let mut places = shape.candidates(wanted.hash, |at| table.get(at));
        places.find(|place| {
            let names = self.names(sort);
            names.bytes_in(names.range(*place)) == Some(wanted.name.as_bytes())
        })
    }

    /// The place of each of these names that there is, with where it stands among them: ascending.
    pub(crate) fn find_names(
        &self,
        sort: NameSort,
        wanted: &[HashedName<'_>],
    ) -> Vec<(usize, u32)> {
        let Some((shape, table)) = self.name_table(sort) else {
            let names = self.names(sort);
            let found = wanted.iter().enumerate();
            let found = found.filter_map(|(at, wanted)| Some((at, names.find(wanted.name)?)));
            return found.collect();
        };
        let mut found = Vec::new();
        for (at, wanted) in wanted.iter().enumerate() {
            let places = shape.candidates(wanted.hash, |at| table.get(at));
            found.extend(places.map(|place| (at, place)));
        }
        if found.is_empty() {
            return found;
        }
        let names = self.names(sort);
        let ranges: Vec<_> = found.iter().map(|(_, place)| names.range(*place)).collect();
        let mut ranges = ranges.into_iter();
        found.retain(|(at, _)| {
            let wanted = wanted.get(*at).map(|wanted| wanted.name.as_bytes());
            let range = ranges.next();
            wanted.is_some() && range.and_then(|range| names.bytes_in(range)) == wanted
        });
        found
    }
}
