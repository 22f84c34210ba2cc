//! What the example `prometheus` serves, fetched over loopback as Prometheus does.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use strandline::Store;

#[path = "../examples/prometheus.rs"]
#[expect(dead_code, reason = "the example runs by itself too")]
mod example;

#[test]
fn prometheus_is_given_what_was_counted() {
    let address = example::free_address().unwrap();
    example::serve(address).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path().join("shop.strand")).unwrap());
    let live = example::work(&store, 20).unwrap();
    example::report(&live).unwrap();
    let answer = example::fetch(address).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let label = format!("store=\"{}\"", store.dir().display());
    for line in [
        format!("strandline_append_events_total{{{label}}} 20"),
        format!("strandline_events{{{label}}} 20"),
        format!("strandline_durable_sequence{{{label}}} 20"),
        format!("strandline_consumer_lag_events{{{label},consumer=\"mailer\"}} 0"),
        format!("strandline_consumer_handled_events_total{{{label},consumer=\"mailer\"}} 20"),
        format!("strandline_maintenance_failures_total{{{label},run=\"checkpoint\"}} 0"),
        "# TYPE strandline_sync_seconds histogram".to_owned(),
        "# HELP strandline_disk_bytes bytes of all files in the directory of the store".to_owned(),
    ] {
        assert!(
            answer.lines().any(|told| told == line),
            "{line} in {answer}"
        );
    }
    let buckets = format!("strandline_sync_seconds_bucket{{{label},le=\"+Inf\"}} ");
    assert!(answer.contains(&buckets), "{answer}");
}
