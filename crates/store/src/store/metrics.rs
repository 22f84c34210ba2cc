//! Telling the recorder of metrics how the store is now.

use super::Store;
use super::stats::count;
use crate::Error;
#[cfg(doc)]
use crate::ErrorKind;

impl Store {
    /// Tells the recorder of the crate `metrics` how the store is now: its watermarks, sizes and what its caches hold,
    /// the gauges of `docs/metrics.md`. Call it before what was recorded is fetched, or every few seconds. What the
    /// store does, appends for one, is counted without it.
    ///
    /// The recorder is the one that there was when the store was opened, for what is counted, and the one that there is
    /// now for the gauges: install it first. Lists the directory; O(segments).
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
    /// store.report_metrics()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the directory cannot be listed.
    pub fn report_metrics(&self) -> Result<(), Error> {
        let shared = self.shared();
        let stats = count(shared)?;
        let parts = shared.index.parts();
        let blocks = parts.iter().filter_map(|part| part.block.as_ref());
        let index_bytes = blocks.map(|part| part.block.bytes() as u64).sum();
        shared.metrics.report(&stats, index_bytes);
        Ok(())
    }
}
