//! `Caches`: what the caches of a store may hold together, and hold. What is in them is elsewhere.

use crate::model::{CacheStats, HeadCacheStats};
use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_index::CacheShare;

/// The caches of a store. Each has a share of the one limit for itself, so that none takes what another one
/// lives of.
#[derive(Debug)]
pub(crate) struct Caches {
    bytes_max: usize,
    /// Of heads of streams, for the writer.
    pub(crate) heads: Arc<HeadShare>,
    /// Of coordinates, for readers: of all blocks together.
    pub(crate) coordinates: Arc<CacheShare>,
    /// Of names of segments, for the writer.
    pub(crate) names: Arc<CacheShare>,
}

impl Caches {
    /// Caches that hold `bytes_max` bytes together: five eighths heads, a quarter coordinates, an eighth
    /// names.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let eighth = bytes_max / 8;
        Self {
            bytes_max,
            heads: Arc::new(HeadShare::new(eighth.saturating_mul(5))),
            coordinates: Arc::new(CacheShare::new(eighth.saturating_mul(2))),
            names: Arc::new(CacheShare::new(eighth)),
        }
    }

    /// What is held now, beside so much of the tree. Takes no lock.
    pub(crate) fn stats(&self, tree_bytes: u64) -> CacheStats {
        let HeadShare {
            bytes,
            hits,
            misses,
            ..
        } = &*self.heads;
        // Relaxed: each number is one for itself.
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CacheStats {
            bytes_max: self.bytes_max as u64,
            heads: HeadCacheStats {
                bytes: now(bytes),
                hits: now(hits),
                misses: now(misses),
            },
            coordinates_bytes: self.coordinates.bytes() as u64,
            names_bytes: self.names.bytes() as u64,
            tree_bytes,
        }
    }
}

/// The share of the heads, and what the holder of the commit lock tells of them.
#[derive(Debug)]
pub(crate) struct HeadShare {
    pub(crate) bytes_max: usize,
    pub(crate) bytes: AtomicU64,
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
}

impl HeadShare {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }
}
