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
    /// [`ErrorKind::InvalidInput`] for an option out of range, or [`ErrorKind::Io`].
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

    /// Syncs, saves a checkpoint if anything changed, and releases the store.
    ///
    /// # Errors
    ///
    /// As [`checkpoint`](Self::checkpoint). The store is released in any case.
    pub fn close(mut self) -> Result<(), Error> {
        self.running.close()
    }
}
