//! The kinds of a snapshot, and their names.

use super::snapshot::Snapshot;
use std::sync::Arc;
use strandline_core::EventKind;

/// A kind of which there are events: [`Snapshot::kinds`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindCount {
    /// The kind.
    pub kind: EventKind,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// How many events there are of it.
    pub events: u64,
}

impl Snapshot {
    /// The kinds of which there are events, ascending, each with its name and how many there are.
    ///
    /// O(kinds × parts) where the index has lists of the rows of kinds, else O(events).
    ///
    /// ```
    /// use strandline::{Coordinate, Event, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let (placed, paid) = (store.kind("order.placed")?, store.kind("order.paid")?);
    /// let order = Coordinate::new("order:1", "shop")?;
    /// for kind in [placed, placed, paid] {
    ///     store.append(&order, Event::json(kind, &())?)?;
    /// }
    /// let kinds = store.snapshot().kinds();
    /// let counts: Vec<_> = kinds.iter().map(|one| (one.name.as_deref(), one.events)).collect();
    /// assert_eq!(counts, [(Some("order.placed"), 2), (Some("order.paid"), 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn kinds(&self) -> Vec<KindCount> {
        let counts = self.index.kinds().into_iter();
        counts
            .map(|(kind, events)| KindCount {
                kind,
                name: self.reader.kinds.name(kind),
                events,
            })
            .collect()
    }

    /// The kind with a name, if there is one in the store.
    #[must_use]
    pub fn kind_named(&self, name: &str) -> Option<EventKind> {
        self.reader.kinds.kind(name)
    }

    /// The name of a kind, if it has one.
    #[must_use]
    pub fn kind_name(&self, kind: EventKind) -> Option<Arc<str>> {
        self.reader.kinds.name(kind)
    }
}
