//! `Causes`: from an event up to what caused it in the first place. What it caused is a query.

use super::snapshot::Snapshot;
use super::view::RowView;
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

impl Snapshot {
    /// The event `id`, what caused it, what caused that, and so on to an event without a cause, or
    /// one whose cause is not there. Stops at an event that it had before.
    #[must_use]
    pub fn causes(&self, id: EventId) -> Causes<'_> {
        Causes {
            snapshot: self,
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
