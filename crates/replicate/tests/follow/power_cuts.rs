//! Power cuts while a bucket is followed, at every step on the disk.

use super::shipped::{Shipper, append, shown, synced};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::maintenance::{Redaction, redact};
use strandline::{EventId, Region, Sequence, Store};
use strandline_core::fs::{Fill, Keep, Loss, SimDisk, SimFs};
use strandline_replicate::{Bucket, BucketOptions, Replica, ReplicaActivity, ReplicaOptions};

const LONG: Duration = Duration::from_secs(300);
const COPY: &str = "/copy";

fn open(bucket: &Bucket, fs: &SimFs) -> Replica {
    let options = ReplicaOptions::new()
        .poll_interval(Duration::from_millis(1))
        // Each step is synced, so that there are many.
        .sync_interval(Duration::ZERO)
        .fs(Arc::new(fs.clone()));
    Replica::open(bucket.clone(), Path::new(COPY), options).unwrap()
}

fn assert_catches_up(bucket: &Bucket, fs: &SimFs, store: &Store) {
    let replica = open(bucket, fs);
    let last = Sequence::new(store.snapshot().visible().get() - 1);
    assert!(replica.wait_past(last, LONG).unwrap());
    assert_eq!(shown(&replica.store()), shown(store));
}

#[test]
fn a_replica_goes_on_after_a_power_cut_at_any_step() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = synced().open(dir.path().join("source")).unwrap();
    append(&store, 25);
    let mut shipper = Shipper::begin(&bucket, store.dir(), 1, None);
    append(&store, 30);
    shipper.ship(7);
    let fs = SimFs::new(SimDisk::new());
    assert_catches_up(&bucket, &fs, &store);
    append(&store, 3);
    shipper.list();
    append(&store, 2);
    shipper.ship(1);
    assert_catches_up(&bucket, &fs, &store);
    let later = Shipper::begin(&bucket, store.dir(), 2, Some(&shipper));
    assert_catches_up(&bucket, &fs, &store);
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
        assert_catches_up(&bucket, &cut, &store);
        disk.apply(step);
    }
    assert!(steps.len() > 80, "{}", steps.len());
}

/// Has a replica look for all that there is, and checks that an event is redacted in it.
fn assert_redacted(bucket: &Bucket, fs: &SimFs, event: EventId) {
    let replica = open(bucket, fs);
    while !matches!(replica.status().activity, ReplicaActivity::Reached) {
        std::thread::yield_now();
    }
    let seen = replica.store().snapshot().get(event).unwrap().unwrap();
    assert!(seen.is_redacted());
}

/// Nothing is shipped after it, so nothing else tells of it.
#[test]
fn a_redaction_reaches_a_replica_after_a_power_cut_at_any_step() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = synced().open(dir.path().join("source")).unwrap();
    append(&store, 5);
    let mut shipper = Shipper::begin(&bucket, store.dir(), 1, None);
    append(&store, 20);
    shipper.ship(20);
    let fs = SimFs::new(SimDisk::new());
    assert_catches_up(&bucket, &fs, &store);
    let snapshot = store.snapshot();
    let mut events = snapshot.query(Region::all());
    let event = events.next().unwrap().unwrap().id;
    let redaction = Redaction::new().event(event);
    redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut disk = SimDisk::new();
    fs.take_steps().iter().for_each(|step| disk.apply(step));
    shipper.list();
    assert_redacted(&bucket, &fs, event);
    let steps = fs.take_steps();
    for (at, step) in steps.iter().enumerate() {
        let seed = at as u64;
        let keep = [Keep::None, Keep::All, Keep::Any][at % 3];
        let cut = disk.crash(&Loss {
            keep,
            fill: Fill::Old,
            seed,
        });
        assert_redacted(&bucket, &SimFs::new(cut), event);
        disk.apply(step);
    }
    assert!(steps.len() > 10, "{}", steps.len());
}
