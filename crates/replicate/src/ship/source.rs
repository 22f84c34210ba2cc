//! `Source`: the log that is shipped, as the shipper asks for it.

use super::error::ReplicateError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Replication, Store};
use strandline_core::Sequence;
use strandline_core::fs::Fs;
use strandline_core::sync::atomic::{AtomicUsize, Ordering};
use strandline_segment::{LogIdentity, LogPosition, LogView, Manifest};

/// A log that is shipped: what there is of it, and who is told how far it is. Does not keep the store open.
#[derive(Debug)]
pub(crate) struct Source {
    replication: Replication,
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    hurry: Hurry,
}

/// How many wait for what is durable to be shipped, and not by way of the store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hurry(Arc<AtomicUsize>);

impl Hurry {
    /// Does something that waits. Relaxed, here and where it is looked at: nothing is handed over by it.
    pub(crate) fn during<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        let waited = wait();
        self.0.fetch_sub(1, Ordering::Relaxed);
        waited
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Source {
    /// Begins a replication of a store.
    pub(crate) fn of(store: &Store) -> Result<Self, ReplicateError> {
        Ok(Self {
            replication: store.replication()?,
            fs: Arc::clone(store.fs()),
            dir: store.dir().to_owned(),
            hurry: Hurry::default(),
        })
    }

    pub(crate) const fn hurry(&self) -> &Hurry {
        &self.hurry
    }

    pub(crate) fn fs(&self) -> &Arc<dyn Fs> {
        &self.fs
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn identity(&self) -> Result<LogIdentity, ReplicateError> {
        Ok(self.replication.identity()?)
    }

    /// The segments of the log as they are now.
    pub(crate) fn log(&self) -> Result<LogView, ReplicateError> {
        Ok(self.replication.log()?)
    }

    /// The manifest as it is on disk now.
    pub(crate) fn manifest(&self) -> Result<Manifest, ReplicateError> {
        Ok(self.replication.manifest()?)
    }

    /// Up to where the log is on disk.
    pub(crate) fn durable_end(&self) -> Result<LogPosition, ReplicateError> {
        Ok(self.replication.durable_end()?)
    }

    /// Waits until the durable end is another place than `past`; says whether it is.
    pub(crate) fn wait_durable(
        &self,
        past: LogPosition,
        timeout: Duration,
    ) -> Result<bool, ReplicateError> {
        Ok(self.replication.wait_durable(past, timeout)?)
    }

    /// Whether somebody waits until more is replicated.
    pub(crate) fn is_awaited(&self) -> bool {
        self.hurry.is_on() || self.replication.is_awaited()
    }

    /// All below `end` is replicated.
    pub(crate) fn replicated(&self, end: Sequence) {
        self.replication.replicated(end);
    }

    /// Another has taken over.
    pub(crate) fn fence(&self, reason: &str) {
        self.replication.fence(reason);
    }
}
