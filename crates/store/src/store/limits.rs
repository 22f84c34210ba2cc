//! What an append through a store is held to, for whoever prepares appends: who may write, which times are
//! taken, and how much fits in a commit. Appends nothing.

use super::Store;
#[cfg(doc)]
use crate::ErrorKind;
use crate::append::check_event;
use crate::engine::writer::no_segment_has_room;
use crate::{Durability, Error, Event};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::EXTENSION_HEAD_BYTES;
use strandline_core::fs::Fs;
use strandline_core::record::record_bytes_max;
use strandline_core::{Clock, Coordinate, Hlc};

impl Store {
    /// Fails where every append through this handle would be refused because of how the store was opened
    /// or in which process this is: to be asked before work whose outcome is to be appended.
    ///
    /// Takes no lock and reads nothing. An append may be refused all the same, by a full disk say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`]; [`ErrorKind::LockLost`]
    /// in a fork of the process that opened it.
    pub fn check_writable(&self) -> Result<(), Error> {
        self.shared().writer().map(drop)
    }

    /// As [`check_writable`](Self::check_writable), and looks whether the directory is the one that this handle has the lock
    /// of, as every change of the store does: to be asked before something of a program's is put into that directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`], [`ErrorKind::LockLost`], [`ErrorKind::Poisoned`].
    pub fn check_held(&self) -> Result<(), Error> {
        self.check_writable()?;
        self.shared().check_poison()?;
        self.shared().check_ours()
    }

    /// The clock that appends take their times from; see [`StoreOptions::clock`](crate::StoreOptions::clock).
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared().options.clock
    }

    /// The file system that the store is on: the one that was given with
    /// [`StoreOptions::fs`](crate::StoreOptions::fs), or the system's. For files beside a store that belong to it, such
    /// as positions of readers, so that they fail, are simulated and are in memory where it is.
    ///
    /// What is written through it is not the store's: nothing looks whether the directory was moved meanwhile, and
    /// nothing is to be made, changed or removed in the store's own directory.
    #[must_use]
    pub fn fs(&self) -> &Arc<dyn Fs> {
        let shared = self.shared();
        match &shared.ours {
            Some(ours) => ours.beneath(),
            None => &shared.options.fs,
        }
    }

    /// The durability of appends that do not ask for one; see [`StoreOptions::durability`](crate::StoreOptions::durability).
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.shared().options.durability
    }

    /// How far a time that is supplied may be ahead of the clock; see
    /// [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max).
    #[must_use]
    pub fn clock_drift_max(&self) -> Duration {
        self.shared().options.clock_drift_max
    }

    /// The time after which that of the next event must be: the newest that the store has given or observed,
    /// also where the event that had it was removed. None in a store that has had no events.
    ///
    /// Waits for an append that is being written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LockLost`] in a fork of the process that opened it to write.
    pub fn newest_time(&self) -> Result<Option<Hlc>, Error> {
        self.shared().newest_time()
    }

    /// Most bytes that the record of an event can take in a commit, for [`commit_fits`](Self::commit_fits); that of
    /// the first takes [`AppendOptions::record_bytes`](crate::AppendOptions::record_bytes) more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] or
    /// [`ErrorKind::TooLarge`] if an append of the event alone would be refused
    /// with that, whatever else is in the store.
    pub fn record_bytes_max(&self, coordinate: &Coordinate, event: &Event) -> Result<usize, Error> {
        let options = &self.shared().options;
        let extensions = check_event(event, options.payload_bytes_max)?;
        let name = match &event.kind_name {
            Some(name) => name.len(),
            None => {
                let known = self.shared().kinds.name(event.kind);
                known.map_or(0, |name| name.len())
            }
        };
        let name = if name > 0 {
            EXTENSION_HEAD_BYTES + name
        } else {
            0
        };
        let bytes = record_bytes_max(coordinate, &extensions, event.payload.len()) + name;
        match self.commit_fits(bytes, 1) {
            true => Ok(bytes),
            false => Err(no_segment_has_room(bytes, options.log.segment_bytes())),
        }
    }

    /// Whether so many events, whose records take at most so many bytes together, fit in one commit: within
    /// [`BATCH_EVENTS_MAX`](crate::BATCH_EVENTS_MAX), [`BATCH_BYTES_MAX`](crate::BATCH_BYTES_MAX), and the
    /// length of a segment of this store.
    ///
    /// ```
    /// use strandline::{Batch, Coordinate, Event, EventKind, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// let (mut batch, mut bytes) = (Batch::new(), 0);
    /// for line in 0..10_000 {
    ///     let event = Event::json(EventKind::new(1, 1), &line)?;
    ///     let more = store.record_bytes_max(&order, &event)?;
    ///     if !store.commit_fits(bytes + more, batch.len() + 1) {
    ///         store.append_batch(std::mem::take(&mut batch))?;
    ///         bytes = 0;
    ///     }
    ///     batch.add(&order, event);
    ///     bytes += more;
    /// }
    /// store.append_batch(batch)?;
    /// assert_eq!(store.snapshot().len(), 10_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn commit_fits(&self, record_bytes: usize, events: usize) -> bool {
        self.shared().options.log.fits_empty(record_bytes, events)
    }
}
