//! Heads that are signed, kept, and held against stores: honest ones, and those of somebody who has all files.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and copies files behind the seam"
)]

mod bucket;
mod heads;
mod running;
mod witness;
mod witness_server;

use std::path::Path;
use std::sync::Arc;
use strandline::fs::OsFs;
use strandline::{Coordinate, Event, EventKind, Store};
use strandline_anchor::proof::{LogPolicy, SignerKey};
use strandline_anchor::{Anchors, FileSink, FindingKind, HeadsReport, KeptHeads, check};

pub(crate) const ORIGIN: &str = "example.org/orders";

pub(crate) fn key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN.parse().unwrap(), [seed; 32])
}

pub(crate) fn policy() -> LogPolicy {
    LogPolicy::new(key(7).verifier())
}

/// Appends events, each with this text and its number.
pub(crate) fn fill(store: &Store, count: u64, text: &str) {
    for _ in 0..count {
        let number = store.snapshot().visible().get();
        let order = Coordinate::new(format!("order:{}", number % 3), "eu").unwrap();
        let payload = format!("{text} {number}").into_bytes();
        let event = Event::bytes(EventKind::new(1, 1), payload);
        store.append(&order, event).unwrap();
    }
    store.sync().unwrap();
}

pub(crate) fn file(path: &Path) -> FileSink {
    FileSink::new(Arc::new(OsFs), path)
}

pub(crate) fn anchors(heads: &Path) -> Anchors {
    Anchors::new(key(7)).sink(file(heads))
}

pub(crate) fn checked(store: &Store, heads: &Path) -> HeadsReport {
    let kept = KeptHeads::read(&OsFs, heads).unwrap();
    check(&store.snapshot(), &kept, &policy()).unwrap()
}

/// The kinds of findings that say something against the log.
pub(crate) fn against(report: &HeadsReport) -> Vec<FindingKind> {
    let kinds = report.findings.iter().map(|finding| finding.kind);
    kinds.filter(|kind| *kind != FindingKind::Notice).collect()
}
