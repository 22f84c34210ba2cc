//! `KindNames`: the names of the kinds of a snapshot, as events are written one after the other.

use std::sync::Arc;
use strandline::{EventKind, Snapshot};

/// Names of kinds, the last one remembered: events of a kind come in runs, and asking takes a lock.
pub(crate) struct KindNames<'s> {
    snapshot: &'s Snapshot,
    last: Option<(EventKind, Option<Arc<str>>)>,
}

impl<'s> KindNames<'s> {
    pub(crate) const fn new(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            last: None,
        }
    }

    /// The name of a kind, if it has one.
    pub(crate) fn name(&mut self, kind: EventKind) -> Option<&str> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != kind) {
            self.last = Some((kind, self.snapshot.kind_name(kind)));
        }
        self.last.as_ref()?.1.as_deref()
    }
}
