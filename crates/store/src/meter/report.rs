//! Telling the recorder how a store is now.

use super::recorded::Metrics;
use super::table::{
    CACHE_BYTES, CACHE_BYTES_MAX, DISK_BYTES, DURABLE, DURABLE_LAG, EVENTS, HEAD_HITS, HEAD_MISSES,
    IN_FLIGHT, INDEX_BYTES, INDEX_DAMAGED, INDEX_PARTS, PANICS, POISONED, REPLICATED,
    REPLICATED_LAG, SEGMENT_PROBLEMS, SEGMENTS, VISIBLE, VISIBLE_LAG, WRITTEN,
};
use crate::Stats;
use crate::trace;

impl Metrics {
    /// Tells counts, watermarks and sizes. Under no lock.
    pub(crate) fn report(&self, stats: &Stats, index_bytes: u64) {
        let Some(handles) = self.handles() else {
            return;
        };
        let store = &handles.store;
        trace::guarded(|| {
            let counts = [
                (HEAD_HITS, stats.caches.heads.hits),
                (HEAD_MISSES, stats.caches.heads.misses),
                (PANICS, stats.panics_caught),
            ];
            for (name, value) in counts {
                ::metrics::counter!(name, "store" => store.clone()).absolute(value);
            }
            for (name, value) in gauges(stats, index_bytes) {
                ::metrics::gauge!(name, "store" => store.clone()).set(float(value));
            }
            let caches = [
                ("coordinates", stats.caches.coordinates_bytes),
                ("heads", stats.caches.heads.bytes),
                ("names", stats.caches.names_bytes),
                ("tree", stats.caches.tree_bytes),
            ];
            for (cache, bytes) in caches {
                ::metrics::gauge!(CACHE_BYTES, "store" => store.clone(), "cache" => cache)
                    .set(float(bytes));
            }
        });
    }
}

fn gauges(stats: &Stats, index_bytes: u64) -> [(&'static str, u64); 17] {
    let replicated = stats.replicated.map_or(0, |replicated| replicated.get());
    [
        (EVENTS, stats.events),
        (WRITTEN, stats.written.get()),
        (VISIBLE, stats.visible.get()),
        (DURABLE, stats.durable.get()),
        (REPLICATED, replicated),
        (VISIBLE_LAG, stats.visible_lag),
        (DURABLE_LAG, stats.durable_lag),
        (REPLICATED_LAG, stats.replicated_lag),
        (IN_FLIGHT, stats.in_flight as u64),
        (SEGMENTS, stats.segments as u64),
        (SEGMENT_PROBLEMS, stats.segment_problems.len() as u64),
        (DISK_BYTES, stats.bytes_on_disk),
        (INDEX_PARTS, stats.index_parts as u64),
        (INDEX_DAMAGED, stats.index_damaged as u64),
        (INDEX_BYTES, index_bytes),
        (CACHE_BYTES_MAX, stats.caches.bytes_max),
        (POISONED, u64::from(stats.poisoned.is_some())),
    ]
}

/// Exact below 2⁵³, as all that is told here is.
#[expect(clippy::cast_precision_loss, reason = "a recorder takes no integers")]
const fn float(value: u64) -> f64 {
    value as f64
}
