//! The verbs of every day as methods of a [`Store`], for who neither watches them nor stops them. Holds none of them.

use super::backup::{BackedUp, BackupOptions, backup_with};
use super::progress::unwatched;
use super::rewrite::{Compacted, Redacted, Redaction, Retention, compact, redact};
use crate::meter::Run;
use crate::{Error, Store};
use std::path::Path;

/// Maintenance that nobody watches; the functions of [`maintenance`](crate::maintenance) say more of each, tell how far
/// they are, and can be stopped.
impl Store {
    /// Copies the store into the directory `target`, while it is used, or brings an earlier backup there up to date. The
    /// backup shares no file with the store.
    ///
    /// [`backup_with`] says what a backup is, and takes options: links instead of copies, and a verification.
    ///
    /// ```
    /// use strandline::{Coordinate, Event, EventKind, Store, StoreOptions};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("orders.strand"))?;
    /// let order = Coordinate::new("order:1042", "eu/payments")?;
    /// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
    ///
    /// let backup = dir.path().join("orders.backup");
    /// assert_eq!(store.backup_to(&backup)?.end.get(), 1);
    /// assert_eq!(StoreOptions::new().read_only().open(&backup)?.snapshot().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`backup_with`].
    pub fn backup_to(&self, target: impl AsRef<Path>) -> Result<BackedUp, Error> {
        let shared = self.shared();
        let options = BackupOptions::new();
        let (fs, target) = (&shared.options.fs, target.as_ref());
        let run = shared.metrics.running(Run::Backup);
        let done = backup_with(fs, &shared.dir, target, options, &mut unwatched)?;
        run.done();
        Ok(done)
    }

    /// Removes the events that `rules` do not keep, while the store is used: [`compact()`] says more.
    ///
    /// ```
    /// use strandline::maintenance::Retention;
    /// use strandline::{Coordinate, Event, EventKind, Store};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("meters.strand"))?;
    /// let meter = Coordinate::new("meter:7", "eu/grid")?;
    /// for reading in [b"1", b"2", b"3"] {
    ///     store.append(&meter, Event::bytes(EventKind::new(1, 1), *reading))?;
    /// }
    /// store.compact(&Retention::new().keep_newest(1))?;
    /// assert_eq!(store.snapshot().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`compact()`].
    pub fn compact(&self, rules: &Retention) -> Result<Compacted, Error> {
        compact(self, rules, &mut unwatched)
    }

    /// Removes payloads for good, while the store is used: [`redact()`] says more.
    ///
    /// ```
    /// use strandline::maintenance::Redaction;
    /// use strandline::{Coordinate, ErrorKind, Event, EventKind, Store};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let store = Store::open(dir.path().join("users.strand"))?;
    /// let user = Coordinate::new("user:7", "eu")?;
    /// let receipt = store.append(&user, Event::bytes(EventKind::new(1, 1), *b"their address"))?;
    ///
    /// let done = store.redact(&Redaction::new().entity("user:7"))?;
    /// assert!(done.missing.is_empty());
    /// let event = store.snapshot().get(receipt.id)?.ok_or("its header stays")?;
    /// assert_eq!(event.payload().unwrap_err().kind(), ErrorKind::Redacted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`redact()`].
    pub fn redact(&self, redaction: &Redaction) -> Result<Redacted, Error> {
        redact(self, redaction, &mut unwatched)
    }
}
