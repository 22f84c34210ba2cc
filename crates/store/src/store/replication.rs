//! Beginning a replication.

use super::Store;
#[cfg(doc)]
use crate::{Durability, ErrorKind};
use crate::{Error, Replication};

impl Store {
    /// Begins a replication: gives the handle of whoever copies the log elsewhere, and tells this store what is
    /// there. While it is held, [`Durability::Replicated`] can be asked for.
    ///
    /// There is one at a time. Dropping it ends it, and a next one may begin, which knows of nothing that was
    /// acknowledged before. It does not keep the store open.
    ///
    /// ```
    /// # use strandline::{AppendOptions, Coordinate, Durability, Event, EventKind, Store};
    /// use std::time::Duration;
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("orders.strand"))?;
    /// # let order = Coordinate::new("order:1042", "eu/payments")?;
    /// # let event = Event::bytes(EventKind::new(1, 1), *b"placed");
    /// let replication = store.replication()?;
    /// let from = replication.durable_end()?;
    /// std::thread::scope(|scope| {
    ///     let copier = scope.spawn(|| {
    ///         replication.wait_durable(from, Duration::MAX)?;
    ///         let end = replication.durable_end()?;
    ///         // Copies the bytes of `replication.log()` up to `end`, and then:
    ///         replication.replicated(end.sequence);
    ///         Ok::<_, strandline::Error>(())
    ///     });
    ///     let replicated = AppendOptions::new().durability(Durability::Replicated);
    ///     let receipt = store.append_with(&order, event, replicated)?;
    ///     assert!(receipt.replicated);
    ///     copier.join().unwrap()
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] if there is one already; [`ErrorKind::ReadOnly`], [`ErrorKind::Poisoned`],
    /// [`ErrorKind::Fenced`], [`ErrorKind::LockLost`].
    pub fn replication(&self) -> Result<Replication, Error> {
        Replication::begin(self.shared())
    }
}
