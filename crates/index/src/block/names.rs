//! `NameList`: sorted names, read and searched where they are. What is named is not here.

use super::column::{Bytes, Column};
use super::format::Section;
use super::open::Block;
use crate::model::NameSort;
use crate::search::partition;
use std::ops::Range;
use strandline_core::{NAME_BYTES_MAX, check_name};

/// Names in the order of their bytes, each looked at before it is given: no other is given than an
/// allowed one. Whether they are in order is not looked at, so that of names in none some may not be
/// found.
#[derive(Clone)]
pub(crate) struct NameList<'a> {
    ends: Column<'a>,
    names: Bytes<'a>,
    count: u32,
}

impl Block {
    /// The names of a sort; none if they are lost.
    pub(crate) fn names(&self, sort: NameSort) -> NameList<'_> {
        let (ends, names) = Section::names_of(sort);
        NameList {
            ends: self.column(ends),
            names: self.bytes_at(names),
            count: self.header.counts.names(sort),
        }
    }

    /// The first `count` names of a sort as they were given, intact or not.
    pub(super) fn raw_names(&self, sort: NameSort, count: u32) -> NameList<'_> {
        let (ends, names) = Section::names_of(sort);
        NameList {
            ends: Column::unchecked(self, ends),
            names: Bytes::unchecked(self, names),
            count,
        }
    }
}

impl<'a> NameList<'a> {
    #[inline]
    fn end(&mut self, at: usize) -> usize {
        let end = self.ends.get(at).unwrap_or(0);
        usize::try_from(end).unwrap_or(usize::MAX)
    }

    /// Where the name at `at` is among the bytes.
    #[inline]
    fn place(&mut self, at: usize) -> Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.end(before));
        start..self.end(at)
    }

    /// The bytes of the name at `at`; none past the end.
    #[inline]
    pub(super) fn bytes(&mut self, at: usize) -> &'a [u8] {
        let place = self.place(at);
        // An end that lies does not make all bytes be looked at.
        if place.len() > NAME_BYTES_MAX {
            return &[];
        }
        self.names.get(place).unwrap_or_default()
    }

    /// Where the name at `at` is; nowhere past the end.
    #[inline]
    pub(super) fn range(&mut self, at: u32) -> Range<usize> {
        if at < self.count {
            self.place(at as usize)
        } else {
            usize::MAX..usize::MAX
        }
    }

    /// Whether a name is at a range that [`range`](Self::range) gave.
    #[inline]
    pub(super) fn is_at(&mut self, range: Range<usize>, name: &str) -> bool {
        range.len() == name.len() && self.names.get(range) == Some(name.as_bytes())
    }

    /// The name at `at`; empty past the end, and where no allowed name is.
    pub(crate) fn get(&self, at: u32) -> &'a str {
        if at >= self.count {
            return "";
        }
        let name = std::str::from_utf8(self.clone().bytes(at as usize)).unwrap_or_default();
        match check_name("name", name) {
            Ok(()) => name,
            Err(_) => "",
        }
    }

    /// The names at `places` after `after`, each with its place: those that ascend, so that whoever goes
    /// on after the last comes to an end.
    pub(crate) fn ascending(
        &self,
        places: Range<u32>,
        after: Option<&str>,
    ) -> impl Iterator<Item = (u32, &'a str)> {
        let mut last = after.unwrap_or_default().to_owned();
        places.filter_map(move |place| {
            let name = self.get(place);
            (name > last.as_str()).then(|| {
                name.clone_into(&mut last);
                (place, name)
            })
        })
    }

    /// Where `name` is. O(log names).
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let mut names = self.clone();
        let at = names.partition(|bytes| bytes < name.as_bytes());
        (at < self.count && names.bytes(at as usize) == name.as_bytes()).then_some(at)
    }

    /// The names that start with `prefix`. O(log names).
    pub(crate) fn with_prefix(&self, prefix: &str) -> Range<u32> {
        let prefix = prefix.as_bytes();
        let mut names = self.clone();
        let start = names.partition(|bytes| bytes < prefix);
        let end = names.partition(|bytes| bytes < prefix || bytes.starts_with(prefix));
        start..end.max(start)
    }

    /// The first name after `name`. O(log names).
    pub(crate) fn after(&self, name: &str) -> u32 {
        self.clone().partition(|bytes| bytes <= name.as_bytes())
    }

    fn partition(&mut self, before: impl Fn(&[u8]) -> bool) -> u32 {
        partition(self.count, |at| before(self.bytes(at)))
    }
}
