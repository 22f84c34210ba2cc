//! `ReadObjects`: what a bucket must be able to do here, and what is said when it did not. Holds no bucket.

use bytes::Bytes;
use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Objects that are read by ranges, from any thread. Objects do not change while they have their keys.
pub trait ReadObjects: Send + Sync + fmt::Debug {
    /// Bytes of an object. Tries again what may go better; blocks meanwhile.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such object, `PermissionDenied` if it may not be read, or what else stands
    /// against it.
    fn read(&self, key: &str, range: Range<u64>) -> io::Result<Bytes>;

    /// What the bucket is called: in errors, and where blocks of it are kept, so that they are taken for no other
    /// bucket's.
    fn name(&self) -> String;
}

/// Bytes of a file could not be had from a bucket. It is in the [`io::Error`] that a read gives.
#[derive(Debug, Clone)]
pub struct NotFetched {
    bucket: String,
    key: Arc<str>,
    range: Range<u64>,
    kind: io::ErrorKind,
    reason: String,
}

impl NotFetched {
    pub(super) fn new(bucket: String, key: Arc<str>, range: Range<u64>, error: &io::Error) -> Self {
        Self {
            bucket,
            key,
            range,
            kind: error.kind(),
            reason: error.to_string(),
        }
    }

    /// What is in an error of a file system, if it came from here.
    #[must_use]
    pub fn in_error(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Key of the object.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the bucket has no such object any more: a newer state of the bucket has the bytes elsewhere.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }

    /// As an error of a read. That an object is gone is not that a file is missing, which means something
    /// else to a store.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match self.kind {
            io::ErrorKind::NotFound => io::ErrorKind::StaleNetworkFileHandle,
            // Whoever is told that a read was interrupted reads again at once.
            io::ErrorKind::Interrupted => io::ErrorKind::Other,
            kind => kind,
        };
        io::Error::new(kind, self)
    }

    const fn advice(&self) -> &'static str {
        match self.kind {
            io::ErrorKind::NotFound => {
                "it was replaced by others since: open the store again, with the newest state of the bucket"
            }
            io::ErrorKind::PermissionDenied => {
                "renew the credentials, or let them read the bucket; then read again"
            }
            io::ErrorKind::InvalidData => {
                "the object is not what the state of the bucket says: verify the bucket"
            }
            _ => "read again once the bucket can be reached",
        }
    }
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bucket,
            key,
            range,
            reason,
            ..
        } = self;
        let Range { start, end } = range;
        write!(
            f,
            "cannot fetch bytes {start} to {end} of {key} from {bucket}: {reason}; {}",
            self.advice()
        )
    }
}

impl Error for NotFetched {}
