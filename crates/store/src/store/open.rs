//! Opening a store, and closing it.

use super::Store;
#[cfg(doc)]
use crate::ErrorKind;
use crate::open::open;
use crate::trace;
use crate::upkeep::Running;
use crate::{Error, StoreOptions};
use std::path::Path;
use tracing::Level;

impl StoreOptions {
    /// Opens the store in directory `dir`, making it if it is missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Locked`] if another holder writes it, [`ErrorKind::NotFound`] if it is missing
    /// and may not be made, [`ErrorKind::Corrupt`] or [`ErrorKind::LogBehindCheckpoint`] if what is
    /// there cannot be believed, [`ErrorKind::UnsupportedVersion`] if a later version wrote it,
    /// [`ErrorKind::InvalidInput`] for an option out of range, or a directory whose sealed segments are in a bucket that the
    /// file system does not know, or [`ErrorKind::Io`].
    pub fn open(self, dir: impl AsRef<Path>) -> Result<Store, Error> {
        let dir = dir.as_ref();
        let _span = trace::span(
            Level::INFO,
            || tracing::info_span!("open", dir = %dir.display()),
        );
        let (shared, without_footer) = open(dir, self)?;
        let running = Running::start(shared, &without_footer)?;
        Ok(Store { running })
    }
}

impl Store {
    /// Opens the store in directory `dir` with the default options, making it if it is missing.
    ///
    /// # Errors
    ///
    /// As [`StoreOptions::open`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        StoreOptions::new().open(dir)
    }

    /// The store opened anew, with every segment, if all of it cannot be read in this one: if it was opened
    /// to read only, and another process has rewritten a segment before that was looked into. Else every
    /// segment is open or mapped from now on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LogBehindCheckpoint`] if what is in the directory is another store; as
    /// [`StoreOptions::open`].
    pub(crate) fn anew_if_replaced(&self) -> Result<Option<Self>, Error> {
        let shared = self.shared();
        if shared.follower.is_none() {
            return Ok(None);
        }
        // The files of another store are none that were replaced.
        shared.check_course()?;
        if shared.log.keep_all().is_ok() {
            return Ok(None);
        }
        let anew = shared.options.clone().keep_segments().open(&shared.dir)?;
        // It may have been put there meanwhile.
        shared.check_course()?;
        Ok(Some(anew))
    }

    /// Syncs, saves a checkpoint if anything changed, and releases the store.
    ///
    /// Where a waker that the store calls does that, the store is released a moment later: its other threads
    /// end by themselves.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint). The store is released in any case.
    pub fn close(mut self) -> Result<(), Error> {
        self.running.close()
    }
}
