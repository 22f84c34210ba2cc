//! `Names`: the names of a snapshot in order, each with how many events it has.

use crate::dictionary::{Dictionary, Entry};
use std::fmt;
use std::sync::Arc;

/// Names in order, each with how many events of the snapshot it has; never one that has none.
///
/// Reads 256 names at a time, and holds no lock in between.
pub struct Names<'s> {
    dictionary: &'s Dictionary,
    rows: u32,
    prefix: Box<str>,
    piece: std::vec::IntoIter<(Arc<str>, Entry)>,
    last: Option<Arc<str>>,
}

impl<'s> Names<'s> {
    pub(crate) fn new(dictionary: &'s Dictionary, rows: u32, prefix: &str) -> Self {
        Self {
            dictionary,
            rows,
            prefix: prefix.into(),
            piece: dictionary.piece(prefix, None).into_iter(),
            last: None,
        }
    }

    fn entry(&mut self) -> Option<(Arc<str>, Entry)> {
        if self.piece.len() == 0 {
            let last = self.last.take()?;
            let piece = self.dictionary.piece(&self.prefix, Some(&last));
            self.piece = piece.into_iter();
        }
        let (name, entry) = self.piece.next()?;
        self.last = Some(name.clone());
        Some((name, entry))
    }
}

impl Iterator for Names<'_> {
    type Item = (String, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (name, entry) = self.entry()?;
            let count = entry.rows.count_below(self.rows);
            if count > 0 {
                return Some((name.to_string(), count as u64));
            }
        }
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("prefix", &self.prefix)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
