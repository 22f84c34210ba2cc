//! `KeyFileOptions`: how a file of keys is made and opened. Opens nothing itself.

use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{Fs, OsFs};
use strandline::{Clock, SystemClock};

/// How a file of keys is made and opened.
#[derive(Debug, Clone)]
#[must_use]
pub struct KeyFileOptions {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) look_interval: Duration,
    pub(super) lock_wait_max: Duration,
}

impl Default for KeyFileOptions {
    fn default() -> Self {
        Self {
            fs: Arc::new(OsFs),
            clock: Arc::new(SystemClock::default()),
            look_interval: Duration::from_secs(1),
            lock_wait_max: Duration::from_secs(10),
        }
    }
}

impl KeyFileOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a key that another process forgot may still be used here: after that a use looks whether the file
    /// is another one, which takes some 10 µs. Default: 1 second.
    pub const fn look_interval(mut self, interval: Duration) -> Self {
        self.look_interval = interval;
        self
    }

    /// How long a change waits while another process changes the file, which takes some milliseconds. Default: 10
    /// seconds.
    pub const fn lock_wait_max(mut self, wait: Duration) -> Self {
        self.lock_wait_max = wait;
        self
    }

    /// The file system. Default: the operating system's.
    pub fn fs(mut self, fs: Arc<dyn Fs>) -> Self {
        self.fs = fs;
        self
    }

    /// The clock. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
