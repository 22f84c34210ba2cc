//! `Causes`: from an event up to what caused it in the first place.

use crate::{RowView, Snapshot};
use std::collections::HashSet;
use std::fmt;
use std::iter::FusedIterator;
use strandline_core::EventId;

/// An event, its cause, the cause of that, and so on. Each step is one lookup by id; no payload is
/// read.
///
/// Keeps the ids that it had, so that it ends where causes go round in a circle.
pub struct Causes<'s> {
    snapshot: &'s Snapshot,
    next: Option<EventId>,
    had: HashSet<EventId>,
}

impl<'s> Causes<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, id: EventId) -> Self {
        Self {
            snapshot,
            next: Some(id),
            had: HashSet::new(),
        }
    }
}

impl<'s> Iterator for Causes<'s> {
    type Item = RowView<'s>;

    fn next(&mut self) -> Option<RowView<'s>> {
        let id = self.next.take()?;
        if !self.had.insert(id) {
            return None;
        }
        let row = self.snapshot.get(id)?;
        self.next = row.causation();
        Some(row)
    }
}

impl FusedIterator for Causes<'_> {}

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Causes")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
