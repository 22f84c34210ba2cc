//! Names, units and descriptions of what a store counts: the table of `docs/metrics.md`, and what a recorder is told.

use ::metrics::Unit;

/// What a metric is: how its value moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Counter,
    Gauge,
    Histogram,
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) unit: Unit,
    pub(super) says: &'static str,
}

impl Metric {
    const fn counter(name: &'static str, says: &'static str) -> Self {
        Self::new(name, Shape::Counter, Unit::Count, says)
    }

    const fn gauge(name: &'static str, says: &'static str) -> Self {
        Self::new(name, Shape::Gauge, Unit::Count, says)
    }

    const fn histogram(name: &'static str, unit: Unit, says: &'static str) -> Self {
        Self::new(name, Shape::Histogram, unit, says)
    }

    const fn bytes(self) -> Self {
        Self::new(self.name, self.shape, Unit::Bytes, self.says)
    }

    const fn new(name: &'static str, shape: Shape, unit: Unit, says: &'static str) -> Self {
        Self {
            name,
            shape,
            unit,
            says,
        }
    }
}

pub(super) const APPENDS: &str = "strandline_appends_total";
pub(super) const BATCHES: &str = "strandline_append_batches_total";
pub(super) const EVENTS_APPENDED: &str = "strandline_append_events_total";
pub(super) const BYTES_APPENDED: &str = "strandline_append_payload_bytes_total";
pub(super) const REPEATED: &str = "strandline_append_repeated_events_total";
pub(super) const REFUSED: &str = "strandline_append_errors_total";
pub(super) const SYNC_SECONDS: &str = "strandline_sync_seconds";
pub(super) const SYNC_EVENTS: &str = "strandline_sync_events";
pub(super) const SYNC_FAILURES: &str = "strandline_sync_failures_total";
pub(super) const ROTATIONS: &str = "strandline_rotations_total";
pub(super) const READS: &str = "strandline_reads_total";
pub(super) const EVENTS_READ: &str = "strandline_read_events_total";
pub(super) const RUN_SECONDS: &str = "strandline_maintenance_seconds";
pub(super) const RUN_FAILURES: &str = "strandline_maintenance_failures_total";
pub(super) const EVENTS: &str = "strandline_events";
pub(super) const WRITTEN: &str = "strandline_written_sequence";
pub(super) const VISIBLE: &str = "strandline_visible_sequence";
pub(super) const DURABLE: &str = "strandline_durable_sequence";
pub(super) const REPLICATED: &str = "strandline_replicated_sequence";
pub(super) const VISIBLE_LAG: &str = "strandline_visible_lag_events";
pub(super) const DURABLE_LAG: &str = "strandline_durable_lag_events";
pub(super) const REPLICATED_LAG: &str = "strandline_replicated_lag_events";
pub(super) const IN_FLIGHT: &str = "strandline_in_flight_appends";
pub(super) const SEGMENTS: &str = "strandline_segments";
pub(super) const SEGMENT_PROBLEMS: &str = "strandline_segment_problems";
pub(super) const DISK_BYTES: &str = "strandline_disk_bytes";
pub(super) const INDEX_PARTS: &str = "strandline_index_parts";
pub(super) const INDEX_DAMAGED: &str = "strandline_index_damaged_parts";
pub(super) const INDEX_BYTES: &str = "strandline_index_bytes";
pub(super) const CACHE_BYTES: &str = "strandline_cache_bytes";
pub(super) const CACHE_BYTES_MAX: &str = "strandline_cache_bytes_max";
pub(super) const HEAD_HITS: &str = "strandline_head_cache_hits_total";
pub(super) const HEAD_MISSES: &str = "strandline_head_cache_misses_total";
pub(super) const POISONED: &str = "strandline_poisoned";
pub(super) const PANICS: &str = "strandline_panics_caught_total";

/// Every metric of a store.
pub(super) const TABLE: [Metric; 35] = [
    Metric::counter(APPENDS, "appends that wrote an event, batches too"),
    Metric::counter(BATCHES, "of these, batches of several events"),
    Metric::counter(EVENTS_APPENDED, "events that were written"),
    Metric::counter(BYTES_APPENDED, "bytes of their payloads").bytes(),
    Metric::counter(
        REPEATED,
        "events of appends that were there already, and were not written again",
    ),
    Metric::counter(
        REFUSED,
        "appends that failed, by `ErrorKind` in snake case; `unknown` may have written",
    ),
    Metric::histogram(
        SYNC_SECONDS,
        Unit::Seconds,
        "how long a sync of the active segment took",
    ),
    Metric::histogram(
        SYNC_EVENTS,
        Unit::Count,
        "how many events a sync made durable: the width of the group commit",
    ),
    Metric::counter(
        SYNC_FAILURES,
        "syncs that failed; writing stops at the first",
    ),
    Metric::counter(ROTATIONS, "segments that were sealed, and the next begun"),
    Metric::counter(READS, "calls of a snapshot that read, by method"),
    Metric::counter(
        EVENTS_READ,
        "events that `stream` and `query` gave, told when the iterator is dropped",
    ),
    Metric::histogram(
        RUN_SECONDS,
        Unit::Seconds,
        "how long a work of maintenance took that was done",
    ),
    Metric::counter(
        RUN_FAILURES,
        "works of maintenance that failed, or were stopped",
    ),
    Metric::gauge(EVENTS, "visible events"),
    Metric::gauge(WRITTEN, "sequences below this one are written"),
    Metric::gauge(VISIBLE, "sequences below this one are visible"),
    Metric::gauge(DURABLE, "sequences below this one are on the disk"),
    Metric::gauge(
        REPLICATED,
        "sequences below this one are replicated; 0 without a replication",
    ),
    Metric::gauge(VISIBLE_LAG, "events that are written and not visible"),
    Metric::gauge(DURABLE_LAG, "events that are written and not durable"),
    Metric::gauge(
        REPLICATED_LAG,
        "events that are written and not replicated; 0 without a replication",
    ),
    Metric::gauge(
        IN_FLIGHT,
        "submitted appends that are not as durable as they asked",
    ),
    Metric::gauge(SEGMENTS, "segment files"),
    Metric::gauge(
        SEGMENT_PROBLEMS,
        "segments in which the background found something wrong",
    ),
    Metric::gauge(
        DISK_BYTES,
        "bytes of all files in the directory of the store",
    )
    .bytes(),
    Metric::gauge(INDEX_PARTS, "sealed parts that the index is in"),
    Metric::gauge(
        INDEX_DAMAGED,
        "of these, in which something was found damaged",
    ),
    Metric::gauge(
        INDEX_BYTES,
        "bytes of these, mapped from files where the system maps",
    )
    .bytes(),
    Metric::gauge(CACHE_BYTES, "bytes that the caches hold, by cache").bytes(),
    Metric::gauge(
        CACHE_BYTES_MAX,
        "bytes that they hold together at most, `tree` not among them",
    )
    .bytes(),
    Metric::counter(
        HEAD_HITS,
        "looks for the newest event of an entity that the cache of heads served",
    ),
    Metric::counter(HEAD_MISSES, "those that had to look into sealed segments"),
    Metric::gauge(
        POISONED,
        "1 once a failure has stopped all writing, 0 before",
    ),
    Metric::counter(
        PANICS,
        "panics of wakers and of the work in the background that were caught",
    ),
];
