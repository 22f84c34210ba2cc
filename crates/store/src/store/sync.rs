//! What is durable, and making it so; and the clock.

use super::Store;
use crate::engine::group_sync::Reach;
use crate::{Error, ErrorKind, Receipt};
use strandline_core::{Hlc, Sequence};

impl Store {
    /// Makes everything appended until now durable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] if a sync fails; nothing is written after that.
    /// [`ErrorKind::ReadOnly`], [`ErrorKind::Poisoned`], [`ErrorKind::LockLost`].
    pub fn sync(&self) -> Result<(), Error> {
        self.shared().writer()?;
        self.shared().check_poison()?;
        let end = self.shared().group.written();
        self.shared().wait_for(Reach::Synced, end)
    }

    /// Moves the store's clock past a time that was seen elsewhere, in another store's receipt say,
    /// so that whatever is appended from now on has a later one. An earlier time changes nothing.
    ///
    /// ```
    /// # use strandline::{Coordinate, Event, EventKind, Store};
    /// # let dir = tempfile::tempdir()?;
    /// # let (here, there) = (Store::open(dir.path().join("a"))?, Store::open(dir.path().join("b"))?);
    /// # let order = Coordinate::new("order:1", "eu")?;
    /// # let event = || Event::bytes(EventKind::new(1, 1), *b"x");
    /// let cause = there.append(&order, event())?;
    /// here.observe(cause.hlc)?;
    /// assert!(here.append(&order, event())?.hlc > cause.hlc);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefusedTime`] if it is further ahead of this machine's clock than
    /// [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max) allows; [`ErrorKind::ReadOnly`].
    pub fn observe(&self, seen: Hlc) -> Result<(), Error> {
        let options = &self.shared().options;
        // Not under the lock: the clock may be the caller's.
        let now_ms = options.clock.now_ms();
        let mut writer = self.shared().writer()?.lock();
        writer.observe(seen, now_ms, options.drift_ms_max())
    }

    /// Returns when the event of a receipt is durable, whatever its append asked for.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync).
    pub fn wait_durable(&self, receipt: &Receipt) -> Result<(), Error> {
        self.wait_durable_through(receipt.sequence)
    }

    /// Returns when the event with this sequence and all before it are durable, whatever their
    /// appends asked for. Syncs, if nobody else does. What waits to be replicated need not be visible then.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if no event was written there yet, and as [`sync`](Self::sync).
    pub fn wait_durable_through(&self, sequence: Sequence) -> Result<(), Error> {
        self.wait_through(Reach::Synced, sequence)
    }

    /// Returns when a replication has acknowledged the event of a receipt, whatever its append asked for.
    ///
    /// # Errors
    ///
    /// As [`wait_replicated_through`](Self::wait_replicated_through).
    pub fn wait_replicated(&self, receipt: &Receipt) -> Result<(), Error> {
        self.wait_replicated_through(receipt.sequence)
    }

    /// Returns when a replication has acknowledged the event with this sequence and all before it, whatever
    /// their appends asked for. Syncs, if nobody else does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotReplicated`] if there is no replication, or it ends meanwhile; [`ErrorKind::Unknown`] if
    /// writing stops meanwhile, as it does where somebody else has taken over; and as
    /// [`wait_durable_through`](Self::wait_durable_through).
    pub fn wait_replicated_through(&self, sequence: Sequence) -> Result<(), Error> {
        self.wait_through(Reach::Replicated, sequence)
    }

    fn wait_through(&self, reach: Reach, sequence: Sequence) -> Result<(), Error> {
        self.shared().writer()?;
        let end = sequence.checked_add(1);
        match end.filter(|end| *end <= self.shared().group.written()) {
            Some(end) => self.shared().wait_for(reach, end),
            None => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("sequence {sequence} was not written by this store"),
            )),
        }
    }

    /// Saves a checkpoint, so that the next opening reads only the log after it. Appends go on.
    ///
    /// Gives the sequence up to which the checkpoint holds the store.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync), or [`ErrorKind::Io`] if it cannot be written; an older checkpoint
    /// then stays. [`ErrorKind::LockLost`].
    pub fn checkpoint(&self) -> Result<Sequence, Error> {
        self.running.checkpoint()
    }
}
