//! The tags of rows as they are inserted and rolled back: names that rows have beside their coordinate,
//! any number of them, each with its rows. Readers find them as they do other names.

use super::live_writer::{LiveWriter, number_of};
use crate::live::dictionary::Name;
use crate::live::list::RowList;
use crate::live::shelf::Kept;
use crate::model::IndexError;

impl LiveWriter {
    /// The row lists of tags, which are new if no row of the part has had them.
    pub(super) fn tag_lists(&mut self, tags: &[&str]) -> Result<Vec<Kept<RowList>>, IndexError> {
        let dictionary = &self.live.tags;
        tags.iter()
            .map(|tag| {
                let number = number_of(dictionary, tag, || Name::Alone((*tag).into()))?;
                let rows = dictionary.kept_rows(number);
                rows.ok_or(IndexError::NamesExhausted)
            })
            .collect()
    }

    /// Forgets that rows from `kept` on have tags.
    pub(super) fn truncate_tags(&self, kept: u32) {
        for rows in self.live.tags.all_rows() {
            rows.truncate(kept, None, |_| 0);
        }
    }
}

/// Enters a row in the lists of its tags, once in each.
pub(super) fn push_row(lists: &[Kept<RowList>], row: u32) {
    for list in lists {
        if list.head().is_none_or(|head| head.row != row) {
            list.push_row(row);
        }
    }
}
