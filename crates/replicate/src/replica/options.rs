//! `ReplicaOptions`: how a bucket is followed.

use crate::follow::{Copy, FollowError};
use crate::remote::RemoteOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Store, StoreOptions};
use strandline_core::fs::{Fs, OsFs};
use strandline_core::{Clock, SystemClock};

/// How a replica follows its bucket.
#[derive(Debug, Clone)]
pub struct ReplicaOptions {
    pub(super) poll_interval: Duration,
    pub(super) sync_interval: Duration,
    pub(super) store: StoreOptions,
    pub(super) fs: Arc<dyn Fs>,
    pub(super) lazy: Option<RemoteOptions>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Default for ReplicaOptions {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(1),
            sync_interval: Duration::from_secs(5),
            store: StoreOptions::new(),
            fs: Arc::new(OsFs),
            lazy: None,
            clock: Arc::new(SystemClock::default()),
        }
    }
}

impl ReplicaOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long to wait before it is looked for more, once there is none. Each look is two requests. 1 s by default.
    #[must_use]
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long what was received stays unsynced at most. After a power cut that much is fetched again. 5 s by
    /// default.
    #[must_use]
    pub const fn sync_interval(mut self, interval: Duration) -> Self {
        self.sync_interval = interval;
        self
    }

    /// How the store of the replica is opened; always to read only.
    #[must_use]
    pub fn store(mut self, options: StoreOptions) -> Self {
        self.store = options;
        self
    }

    /// The file system of the directory. That of the operating system by default.
    #[must_use]
    pub fn fs(mut self, fs: Arc<dyn Fs>) -> Self {
        self.fs = fs;
        self
    }

    /// Has sealed segments and merged files of the index stay in the bucket: they are fetched when they are read, and
    /// kept within these budgets. In the directory is the active segment, and what was sealed a moment ago. By
    /// default all of the log is fetched; but a directory that is such a one stays so, with the default budgets.
    ///
    /// A store is opened in the directory through [`bucket_fs`](crate::bucket_fs), and no other way. Of what is fetched
    /// when it is read, nothing was looked at before but headers and last frames: its checksums are checked when it is
    /// read.
    #[must_use]
    pub fn lazy(mut self, options: RemoteOptions) -> Self {
        self.lazy = Some(options);
        self
    }

    /// Where time comes from, for syncs and the status. That of the operating system by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the store that a copy is, in its directory, to read only.
    pub(super) fn open(&self, copy: &Copy, dir: &Path) -> Result<Store, FollowError> {
        copy.prepare()?;
        let options = self.store.clone().fs(copy.fs().clone()).read_only();
        Ok(options.open(dir)?)
    }
}
