//! What is fetched of a log whose sealed segments are in a bucket, to prove something of it.

use super::lazy::{fill, small};
use super::shipped::{Shipper, options};
use super::takeovers::{LONG, replica_options};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strandline::{Sequence, Store};
use strandline_core::fs::OsFs;
use strandline_replicate::{Bucket, BucketOptions, Replica, bucket_fs};

/// What something fetched.
#[derive(Debug)]
struct Fetched {
    requests: u64,
    bytes: u64,
}

fn fetched<T>(bucket: &Bucket, run: impl FnOnce() -> T) -> (T, Fetched) {
    let before = bucket.requests().total();
    let result = run();
    let after = bucket.requests().total();
    let fetched = Fetched {
        requests: after.requests - before.requests,
        bytes: after.bytes_received - before.bytes_received,
    };
    (result, fetched)
}

/// A lazy directory of the bucket, opened to read, once nothing is asked for beside its readers.
#[expect(clippy::disallowed_methods, reason = "bounds how long a test waits")]
fn open(bucket: &Bucket, dir: &Path) -> Store {
    let lazy = replica_options().lazy(small());
    drop(Replica::open(bucket.clone(), dir, lazy).unwrap());
    let fs = bucket_fs(bucket, dir, Arc::new(OsFs), &small()).unwrap();
    let store = options().fs(Arc::new(fs)).read_only().open(dir).unwrap();
    let begun = Instant::now();
    while store.stats().unwrap().segments_unchecked > 0 {
        assert!(begun.elapsed() < LONG, "segments are not looked into");
        std::thread::sleep(Duration::from_millis(2));
    }
    store
}

/// Of each sealed segment the end of its footer is fetched, once, and of the events around one that is proven no more
/// than the blocks that have their digests: here each is in a block of its own.
#[test]
fn proofs_fetch_nodes_and_no_payloads() {
    for events in [100, 800] {
        let dir = tempfile::tempdir().unwrap();
        let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
        let source = dir.path().join("source");
        fill(&source, events);
        Shipper::begin(&bucket, &source, 1, None);
        let store = open(&bucket, &dir.path().join("copy"));
        let snapshot = store.snapshot();
        let segments = store.stats().unwrap().segments as u64;
        let (head, first) = fetched(&bucket, || snapshot.tree_head().unwrap());
        assert_eq!(head.size, events);
        assert!(
            first.requests <= segments,
            "{first:?} of {segments} segments"
        );
        assert!(
            first.bytes <= segments * (4 << 10),
            "{first:?} of {segments} segments"
        );
        let (again, nothing) = fetched(&bucket, || snapshot.tree_head().unwrap());
        assert_eq!((again, nothing.requests), (head, 0));
        let prove = |number| snapshot.prove_sequence(Sequence::new(number)).unwrap();
        let (proof, proved) = fetched(&bucket, || prove(events / 3));
        assert_eq!(proof.head, head);
        proof.verify().unwrap();
        // Whatever the log has: the 64 events of a group, and the nodes of the segments that they are in.
        assert!(proved.requests <= 64, "{proved:?}");
        assert!(proved.bytes <= 80 * (4 << 10), "{proved:?}");
    }
}
