//! Tags: names that rows have beside their coordinate, any number of them, each with its rows.

use crate::list::List;
use crate::live::list::RowList;
use crate::part::Part;
use crate::writer::{LiveWriter, number_of};
use crate::{IndexError, Names, Snapshot, part::NameSort};
use std::sync::Arc;

impl Snapshot {
    /// The tags that start with `prefix`, in order, each with how many events it has.
    #[must_use]
    pub fn tags(&self, prefix: &str) -> Names<'_> {
        Names::new(self, NameSort::Tag, prefix)
    }
}

impl LiveWriter {
    /// The row lists of tags, which are new if no row of the part has had them.
    pub(crate) fn tag_lists(&mut self, tags: &[&str]) -> Result<Vec<Arc<RowList>>, IndexError> {
        tags.iter()
            .map(|tag| {
                let number = number_of(&self.live.tags, &mut self.tags, tag)?;
                let named = self.tags.get(number as usize);
                named
                    .map(|named| named.rows.clone())
                    .ok_or(IndexError::NamesExhausted)
            })
            .collect()
    }

    /// Forgets that rows from `kept` on have tags.
    pub(crate) fn truncate_tags(&self, kept: u32) {
        for named in &self.tags {
            named.rows.truncate(kept, None, |_| 0);
        }
    }
}

/// Enters a row in the lists of its tags, once in each.
pub(crate) fn push_row(lists: &[Arc<RowList>], row: u32) {
    for list in lists {
        if list.head().is_none_or(|head| head.row != row) {
            list.push_row(row);
        }
    }
}

impl Part {
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
            Self::Block(block) => {
                let names = block.names(NameSort::Tag);
                let rows = |place| List::Block(block.rows_of(NameSort::Tag, place));
                let places = names.with_prefix("");
                places
                    .map(|place| (Arc::from(names.get(place)), rows(place)))
                    .collect()
            }
        }
    }
}

impl List {
    /// Whether a row is one of the list. O(log rows).
    pub(crate) fn has(&self, row: u32) -> bool {
        !self.positions(&(row..row.saturating_add(1))).is_empty()
    }
}
