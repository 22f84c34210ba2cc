//! Waiting for events that are not there yet.

use super::Store;
use crate::engine::news::Mark;
use crate::read::{passed, wait_past};
use crate::{Error, Passed};
#[cfg(doc)]
use crate::{ErrorKind, Snapshot};
use std::time::Duration;
use strandline_core::Sequence;

impl Store {
    /// Returns `true` once the watermark of what is visible is past `sequence`, and `false` if it is not
    /// after `timeout`.
    ///
    /// Visibility is a watermark and no set: once this returns `true`, a [`Snapshot`] has every event up to
    /// `sequence` that there is, and none comes later. `sequence` need not be given yet. Zero looks, and
    /// [`Duration::MAX`] waits for ever.
    ///
    /// Whoever appends pays for waiting threads and tasks only once their event is there: a fence and two
    /// loads, one wake-up of a thread, whatever the number, and an entry in a queue for each task. A wait is
    /// entered in O(log n) among those that wait.
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Store};
    /// use std::time::Duration;
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let next = store.snapshot().visible();
    /// assert!(!store.wait_visible_past(next, Duration::from_millis(1))?);
    /// std::thread::scope(|scope| {
    ///     let waits = scope.spawn(|| store.wait_visible_past(next, Duration::MAX));
    ///     store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
    ///     assert!(waits.join().unwrap()?);
    ///     Ok::<_, strandline::Error>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # In a store opened to read only
    ///
    /// It looks once for events of the other process, as [`refresh`](Self::refresh) does. Then a thread of the
    /// store looks for them, one for all who wait and only while anybody does: every millisecond after
    /// something came, and less often, at last every 20 ms, while nothing comes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Poisoned`] or [`ErrorKind::LockLost`] if writing has stopped and `sequence` is not visible;
    /// [`ErrorKind::LockLost`] in a fork of the process that opened the store. In a store opened to read only,
    /// what [`refresh`](Self::refresh) says.
    pub fn wait_visible_past(&self, sequence: Sequence, timeout: Duration) -> Result<bool, Error> {
        wait_past(self.shared(), Mark::Visible, sequence, timeout)
    }

    /// As [`wait_visible_past`](Self::wait_visible_past), for the watermark of what is durable, which is never
    /// past that of what is visible.
    ///
    /// Syncs nothing, but waits for a sync that somebody asks for or that comes by itself:
    /// [`wait_durable`](Self::wait_durable) and [`sync`](Self::sync) make one.
    ///
    /// In a store opened to read only what is durable is what the log proves: each commit says what was
    /// durable before it was written. So the last one counts only once another follows.
    ///
    /// ```
    /// # use strandline::{AppendOptions, Coordinate, Durability, Event, EventKind, Store};
    /// use std::time::Duration;
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("orders.strand"))?;
    /// # let order = Coordinate::new("order:1042", "eu/payments")?;
    /// # let event = Event::bytes(EventKind::new(1, 1), *b"placed");
    /// let written = AppendOptions::new().durability(Durability::Written);
    /// let receipt = store.append_with(&order, event, written)?;
    /// assert!(store.wait_visible_past(receipt.sequence, Duration::ZERO)?);
    /// store.sync()?;
    /// assert!(store.wait_durable_past(receipt.sequence, Duration::ZERO)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`wait_visible_past`](Self::wait_visible_past).
    pub fn wait_durable_past(&self, sequence: Sequence, timeout: Duration) -> Result<bool, Error> {
        wait_past(self.shared(), Mark::Durable, sequence, timeout)
    }

    /// As [`wait_visible_past`](Self::wait_visible_past), for the watermark of what a replication has
    /// acknowledged, which is never past that of what is visible. It begins anew with each replication.
    ///
    /// Syncs nothing, as [`wait_durable_past`](Self::wait_durable_past).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotReplicated`] if there is no replication and `sequence` was not acknowledged, also if it
    /// ends meanwhile; [`ErrorKind::Fenced`] if somebody else has taken over; [`ErrorKind::ReadOnly`]; and as
    /// [`wait_visible_past`](Self::wait_visible_past).
    pub fn wait_replicated_past(
        &self,
        sequence: Sequence,
        timeout: Duration,
    ) -> Result<bool, Error> {
        self.shared().writer()?;
        wait_past(self.shared(), Mark::Replicated, sequence, timeout)
    }

    /// A future that gives the watermark of what is visible once it is past `sequence`, as
    /// [`wait_visible_past`](Self::wait_visible_past) waits for it. In a store opened to read only that
    /// looks for the other process's events on a thread of the store, never on the one that polls: also what
    /// is there already comes a moment later.
    ///
    /// ```
    /// use strandline::{Error, Region, Sequence, Store};
    /// # use strandline::{Coordinate, Event, EventKind};
    ///
    /// /// Every event after `seen`, in order, as they come.
    /// async fn tail(store: &Store, mut seen: Sequence) -> Result<(), Error> {
    ///     while let Some(next) = seen.checked_add(1) {
    ///         let end = store.visible_past(next).await?;
    ///         for event in store.snapshot().snapshot_at(end).query(Region::all().after(seen)) {
    ///             println!("{}", event?.kind);
    ///         }
    ///         // All below the watermark was seen, whatever there is of it.
    ///         seen = Sequence::new(end.get() - 1);
    ///     }
    ///     Ok(())
    /// }
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(dir.path().join("orders.strand"))?;
    /// # let mut run = Box::pin(tail(&store, Sequence::ZERO));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # for _ in 0..3 {
    /// #     assert!(run.as_mut().poll(&mut context).is_pending());
    /// #     store.append(&Coordinate::new("a", "b")?, Event::bytes(EventKind::new(1, 1), *b"x"))?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`wait_visible_past`](Self::wait_visible_past), from the future, and [`ErrorKind::Closed`] once the
    /// store is closed or dropped.
    pub fn visible_past(&self, sequence: Sequence) -> Passed {
        passed(self.shared(), Mark::Visible, sequence)
    }

    /// A future that gives the watermark of what is durable once it is past `sequence`, as
    /// [`wait_durable_past`](Self::wait_durable_past) waits for it.
    ///
    /// # Errors
    ///
    /// As [`visible_past`](Self::visible_past).
    pub fn durable_past(&self, sequence: Sequence) -> Passed {
        passed(self.shared(), Mark::Durable, sequence)
    }

    /// A future that gives the watermark of what a replication has acknowledged once it is past `sequence`, as
    /// [`wait_replicated_past`](Self::wait_replicated_past) waits for it.
    ///
    /// # Errors
    ///
    /// As there, from the future, and [`ErrorKind::Closed`] once the store is closed or dropped.
    pub fn replicated_past(&self, sequence: Sequence) -> Passed {
        passed(self.shared(), Mark::Replicated, sequence)
    }
}
