//! Telling the recorder of metrics how a shipper or a replica is: the table of `docs/metrics.md`. Measures nothing.

use crate::bucket::RequestCounts;
use crate::ship::{ReplicatorStage, ReplicatorStatus};
use ::metrics::{SharedString, Unit};
use std::path::Path;
use std::time::Duration;
use strandline_core::Sequence;

const LAG_EVENTS: &str = "strandline_replication_lag_events";
const LAG_SECONDS: &str = "strandline_replication_lag_seconds";
const IN_FLIGHT: &str = "strandline_replication_in_flight_bytes";
const FAILING: &str = "strandline_replication_failing";
const FENCED: &str = "strandline_replication_fenced";
const CHUNKS: &str = "strandline_replication_chunks_total";
const REQUESTS: &str = "strandline_replication_requests_total";
const FAILURES: &str = "strandline_replication_failed_requests_total";
const SENT: &str = "strandline_replication_sent_bytes_total";
const RECEIVED: &str = "strandline_replication_received_bytes_total";
const REPLICA_SEQUENCE: &str = "strandline_replica_visible_sequence";
const REPLICA_LAG_EVENTS: &str = "strandline_replica_lag_events";
const REPLICA_LAG_SECONDS: &str = "strandline_replica_lag_seconds";

/// Tells how far a store is shipped.
pub(crate) fn replicator(dir: &Path, status: &ReplicatorStatus) {
    let store = &label(dir);
    let is_failing = status.last_error.is_some();
    let is_fenced = status.stage == ReplicatorStage::Fenced;
    gauge(
        store,
        (
            LAG_EVENTS,
            Unit::Count,
            "events on this disk that are not replicated",
        ),
        float(status.lag_events),
    );
    gauge(
        store,
        (
            LAG_SECONDS,
            Unit::Seconds,
            "for how long the oldest of them is on this disk",
        ),
        Duration::from_millis(status.lag_ms).as_secs_f64(),
    );
    gauge(
        store,
        (IN_FLIGHT, Unit::Bytes, "bytes of chunks that are under way"),
        float(status.in_flight_bytes),
    );
    gauge(
        store,
        (
            FAILING,
            Unit::Count,
            "1 if something went wrong, and nothing was acknowledged since",
        ),
        float(u64::from(is_failing)),
    );
    gauge(
        store,
        (FENCED, Unit::Count, "1 if another writer has the bucket"),
        float(u64::from(is_fenced)),
    );
    counter(
        store,
        (
            CHUNKS,
            Unit::Count,
            "chunks that were acknowledged in this term",
        ),
        status.chunks,
    );
    let requests = &status.requests;
    let kinds = [
        ("delete", requests.delete),
        ("get", requests.get),
        ("head", requests.head),
        ("list", requests.list),
        ("part", requests.part),
        ("put", requests.put),
    ];
    for (request, counts) in kinds {
        asked(store, request, counts);
    }
}

/// Tells how far a replica is: what it shows, what it has beyond that, and how long ago it had all there was.
pub(crate) fn replica(dir: &Path, visible: Sequence, behind: u64, reached_ago: Option<Duration>) {
    let store = &label(dir);
    gauge(
        store,
        (
            REPLICA_SEQUENCE,
            Unit::Count,
            "events below this sequence are shown",
        ),
        float(visible.get()),
    );
    gauge(
        store,
        (
            REPLICA_LAG_EVENTS,
            Unit::Count,
            "events that are received and not shown yet",
        ),
        float(behind),
    );
    let reached = reached_ago.unwrap_or(Duration::MAX).as_secs_f64();
    gauge(
        store,
        (
            REPLICA_LAG_SECONDS,
            Unit::Seconds,
            "how long ago it saw last that there was no more; very many until then",
        ),
        reached,
    );
}

/// Tells what was asked of a bucket, by the kind of request.
fn asked(store: &SharedString, request: &'static str, counts: RequestCounts) {
    let counters = [
        (
            REQUESTS,
            Unit::Count,
            "requests made of the bucket",
            counts.requests,
        ),
        (FAILURES, Unit::Count, "those that failed", counts.failed),
        (
            SENT,
            Unit::Bytes,
            "bytes of objects sent",
            counts.bytes_sent,
        ),
        (
            RECEIVED,
            Unit::Bytes,
            "bytes of objects received",
            counts.bytes_received,
        ),
    ];
    for (name, unit, says, value) in counters {
        ::metrics::describe_counter!(name, unit, says);
        ::metrics::counter!(name, "store" => store.clone(), "request" => request).absolute(value);
    }
}

/// The value of the label `store`, the same that the store has there.
fn label(dir: &Path) -> SharedString {
    dir.to_string_lossy().into_owned().into()
}

fn gauge(store: &SharedString, (name, unit, says): (&'static str, Unit, &'static str), value: f64) {
    ::metrics::describe_gauge!(name, unit, says);
    ::metrics::gauge!(name, "store" => store.clone()).set(value);
}

fn counter(
    store: &SharedString,
    (name, unit, says): (&'static str, Unit, &'static str),
    value: u64,
) {
    ::metrics::describe_counter!(name, unit, says);
    ::metrics::counter!(name, "store" => store.clone()).absolute(value);
}

/// Exact below 2⁵³, as all that is told here is.
#[expect(clippy::cast_precision_loss, reason = "a recorder takes no integers")]
const fn float(value: u64) -> f64 {
    value as f64
}
