//! How far sources were gone through.

use super::Store;
#[cfg(doc)]
use crate::AppendOptions;
use crate::Tracked;

impl Store {
    /// The last position in a source that was appended ([`AppendOptions::tracking`]) with events that are visible:
    /// from where on whoever makes events of that source goes on. In a store opened to read only, as of the last
    /// [`refresh`](Self::refresh). Looks at no event.
    #[must_use]
    pub fn tracked(&self, source: &str) -> Option<Tracked> {
        let shared = self.shared();
        shared
            .sources
            .seen(source, || shared.index.gate().visible())
    }

    /// The sources that have a position, by their names. O(sources).
    ///
    /// ```
    /// use strandline::{AppendOptions, Coordinate, Event, EventKind, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("invoices.strand"))?;
    /// let invoice = Coordinate::new("invoice:1042", "eu")?;
    /// for (source, position) in [("payments", 3), ("orders", 7), ("payments", 4)] {
    ///     let tracking = AppendOptions::new().tracking(source, position);
    ///     store.append_with(&invoice, Event::json(EventKind::new(1, 1), &())?, tracking)?;
    /// }
    /// let all: Vec<_> = store.tracked_sources();
    /// let all: Vec<_> = all.iter().map(|at| (&*at.source, at.position)).collect();
    /// assert_eq!(all, [("orders", 7), ("payments", 4)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn tracked_sources(&self) -> Vec<Tracked> {
        let shared = self.shared();
        shared.sources.all_seen(|| shared.index.gate().visible())
    }
}
