//! How many rows of a part each kind has. Which they are is asked elsewhere.

use super::list::List;
use super::rows::Part;
use crate::model::IndexLayout;
use std::collections::BTreeMap;
use strandline_core::EventKind;

impl Part {
    /// Adds how many of the first `bound` rows each kind has. O(kinds × log rows) in the layout of postings,
    /// else O(rows).
    pub(crate) fn count_kinds(&self, bound: u32, counts: &mut BTreeMap<EventKind, u64>) {
        let mut add = |kind, count: usize| {
            if count > 0 {
                *counts.entry(kind).or_default() += count as u64;
            }
        };
        match self {
            Self::Live(live) if self.layout() == IndexLayout::Postings => {
                let kinds: Vec<_> = {
                    let kinds = live.live.kinds.read();
                    let lists = kinds
                        .iter()
                        .map(|(kind, entry)| (*kind, entry.rows.clone()));
                    lists.collect()
                };
                for (kind, rows) in kinds {
                    add(kind, List::Live(rows).count_below(bound));
                }
            }
            Self::Block(view) if self.layout() == IndexLayout::Postings => {
                for kind in view.block.kinds() {
                    let lists = view.kinds(*kind, *kind).into_iter();
                    add(*kind, lists.map(|list| list.count_below(bound)).sum());
                }
            }
            _ => (0..bound).for_each(|row| add(self.kind(row), 1)),
        }
    }
}
