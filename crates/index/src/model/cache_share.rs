//! `CacheShare`: how many bytes caches may hold together, and hold. What they hold, it does not know.

use std::fmt;
use strandline_core::sync::atomic::{AtomicUsize, Ordering};

/// A limit of bytes for caches that share it, and how much of it is taken.
pub struct CacheShare {
    bytes_max: usize,
    bytes: AtomicUsize,
}

impl CacheShare {
    /// A share of `bytes_max` bytes, of which none is taken.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: AtomicUsize::new(0),
        }
    }

    /// Bytes that may be taken.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Bytes that are taken.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Relaxed: nothing is read by what it says.
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, if there are as many; says whether there were.
    #[must_use]
    pub fn take(&self, bytes: usize) -> bool {
        let taken = |held: usize| {
            held.checked_add(bytes)
                .filter(|held| *held <= self.bytes_max)
        };
        // Relaxed: the number orders nothing.
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .is_ok()
    }

    /// Gives back `bytes` that were taken.
    pub fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for CacheShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheShare")
            .field("bytes_max", &self.bytes_max)
            .field("bytes", &self.bytes())
            .finish()
    }
}
