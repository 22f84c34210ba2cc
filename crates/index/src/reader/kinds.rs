//! The kinds of a snapshot, each with how many events it has, but not which.

use super::snapshot::Snapshot;
use std::collections::BTreeMap;
use strandline_core::EventKind;

impl Snapshot {
    /// The kinds of which there are events, ascending, each with how many. O(kinds × parts × log events) in the
    /// layout of postings, else O(events).
    #[must_use]
    pub fn kinds(&self) -> Vec<(EventKind, u64)> {
        let mut counts = BTreeMap::new();
        for (part, bound) in self.bounded_parts() {
            part.count_kinds(bound, &mut counts);
        }
        counts.into_iter().collect()
    }
}
