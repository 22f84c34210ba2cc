//! `Linked`: the rows of each correlation and of each cause, for the few rows that have any. The links of
//! a row are in its chunk.

use crate::model::Link;
use std::collections::BTreeSet;
use strandline_core::EventId;

/// Rows by what they are linked to. A row without links of its own is not in it.
#[derive(Default)]
pub(crate) struct Linked {
    by_correlation: BTreeSet<(EventId, u32)>,
    by_causation: BTreeSet<(EventId, u32)>,
}

impl Linked {
    pub(crate) fn insert(&mut self, row: u32, link: &Link) {
        self.by_correlation.insert((link.correlation, row));
        if let Some(cause) = link.causation {
            self.by_causation.insert((cause, row));
        }
    }

    pub(crate) fn remove(&mut self, row: u32, link: &Link) {
        self.by_correlation.remove(&(link.correlation, row));
        if let Some(cause) = link.causation {
            self.by_causation.remove(&(cause, row));
        }
    }

    /// The linked rows below `bound` that belong to `correlation`, ascending.
    pub(crate) fn correlated(&self, correlation: EventId, bound: u32) -> Vec<u32> {
        rows(&self.by_correlation, correlation, bound)
    }

    /// The rows below `bound` that `cause` caused, ascending.
    pub(crate) fn caused_by(&self, cause: EventId, bound: u32) -> Vec<u32> {
        rows(&self.by_causation, cause, bound)
    }
}

fn rows(set: &BTreeSet<(EventId, u32)>, id: EventId, bound: u32) -> Vec<u32> {
    set.range((id, 0)..(id, bound))
        .map(|(_, row)| *row)
        .collect()
}
