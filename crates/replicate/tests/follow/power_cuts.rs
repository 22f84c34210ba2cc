//! Power cuts while a bucket is followed, at every step on the disk.

use super::shipped::{Shipper, append, shown, synced};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::maintenance::{Redaction, redact};
use strandline::{EventId, Region, Sequence, Store};
use strandline_core::fs::{Fill, Keep, Loss, SimDisk, SimFs};
use strandline_replicate::{
    Bucket, BucketOptions, RemoteOptions, Replica, ReplicaActivity, ReplicaOptions,
};

const LONG: Duration = Duration::from_secs(300);
const COPY: &str = "/copy";

/// How much stays in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Lazy,
}

fn open(bucket: &Bucket, fs: &SimFs, kind: Kind) -> Replica {
    let mut options = ReplicaOptions::new()
        .poll_interval(Duration::from_millis(1))
        // Each step is synced, so that there are many.
        .sync_interval(Duration::ZERO)
        .fs(Arc::new(fs.clone()));
    if kind == Kind::Lazy {
        options = options.lazy(RemoteOptions::default().block_bytes(4 << 10));
    }
    Replica::open(bucket.clone(), Path::new(COPY), options).unwrap()
}

/// Closes and opens a store, so that its sealed segments have footers.
fn reopened(store: Store, dir: &Path) -> Store {
    store.close().unwrap();
    synced().open(dir).unwrap()
}

fn assert_catches_up(bucket: &Bucket, fs: &SimFs, store: &Store, kind: Kind) {
    let replica = open(bucket, fs, kind);
    let last = Sequence::new(store.snapshot().visible().get() - 1);
    assert!(replica.wait_past(last, LONG).unwrap());
    assert_eq!(shown(&replica.store()), shown(store));
}

#[test]
fn a_replica_goes_on_after_a_power_cut_at_any_step() {
    goes_on_after_a_power_cut(Kind::Whole);
}

#[test]
fn a_lazy_replica_goes_on_after_a_power_cut_at_any_step() {
    goes_on_after_a_power_cut(Kind::Lazy);
}

fn goes_on_after_a_power_cut(kind: Kind) {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = synced().open(&source).unwrap();
    append(&store, 25);
    let store = reopened(store, &source);
    let mut shipper = Shipper::begin(&bucket, store.dir(), 1, None);
    append(&store, 30);
    shipper.ship(7);
    let fs = SimFs::new(SimDisk::new());
    assert_catches_up(&bucket, &fs, &store, kind);
    append(&store, 3);
    let store = reopened(store, &source);
    shipper.list();
    append(&store, 2);
    shipper.ship(1);
    assert_catches_up(&bucket, &fs, &store, kind);
    let later = Shipper::begin(&bucket, store.dir(), 2, Some(&shipper));
    assert_catches_up(&bucket, &fs, &store, kind);
    drop(later);
    let steps = fs.take_steps();
    let mut disk = SimDisk::new();
    for (at, step) in steps.iter().enumerate() {
        let seed = at as u64;
        let keep = [Keep::None, Keep::Any, Keep::All, Keep::Prefix][at % 4];
        let fill = [Fill::Old, Fill::Random, Fill::Zeros][at % 3];
        let mut cut = disk.clone();
        cut.apply_partly(step, seed);
        let cut = SimFs::new(cut.crash(&Loss { keep, fill, seed }));
        assert_catches_up(&bucket, &cut, &store, kind);
        disk.apply(step);
    }
    assert!(steps.len() > 80, "{}", steps.len());
}

/// Has a replica look for all that there is, and checks that an event is redacted in it.
fn assert_redacted(bucket: &Bucket, fs: &SimFs, event: EventId, kind: Kind) {
    let replica = open(bucket, fs, kind);
    while !matches!(replica.status().activity, ReplicaActivity::Reached) {
        std::thread::yield_now();
    }
    let seen = replica.store().snapshot().get(event).unwrap().unwrap();
    assert!(seen.is_redacted());
}

/// Nothing is shipped after it, so nothing else tells of it.
#[test]
fn a_redaction_reaches_a_replica_after_a_power_cut_at_any_step() {
    reaches_a_replica_after_a_power_cut(Kind::Whole);
}

#[test]
fn a_redaction_reaches_a_lazy_replica_after_a_power_cut_at_any_step() {
    reaches_a_replica_after_a_power_cut(Kind::Lazy);
}

fn reaches_a_replica_after_a_power_cut(kind: Kind) {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = synced().open(&source).unwrap();
    append(&store, 5);
    let mut shipper = Shipper::begin(&bucket, store.dir(), 1, None);
    append(&store, 20);
    shipper.ship(20);
    let store = reopened(store, &source);
    append(&store, 1);
    shipper.list();
    let fs = SimFs::new(SimDisk::new());
    assert_catches_up(&bucket, &fs, &store, kind);
    let snapshot = store.snapshot();
    let event = snapshot.query(Region::all()).next();
    let event = event.unwrap().unwrap().id;
    let redaction = Redaction::new().event(event);
    redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut disk = SimDisk::new();
    fs.take_steps().iter().for_each(|step| disk.apply(step));
    shipper.list();
    assert_redacted(&bucket, &fs, event, kind);
    let steps = fs.take_steps();
    for (at, step) in steps.iter().enumerate() {
        let seed = at as u64;
        let keep = [Keep::None, Keep::All, Keep::Any][at % 3];
        let cut = disk.crash(&Loss {
            keep,
            fill: Fill::Old,
            seed,
        });
        assert_redacted(&bucket, &SimFs::new(cut), event, kind);
        disk.apply(step);
    }
    assert!(steps.len() > 10, "{}", steps.len());
}
