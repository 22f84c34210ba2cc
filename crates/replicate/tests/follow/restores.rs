//! Stores made of a bucket, as of now or earlier.

use super::shipped::{Shipper, append, buckets, shown, synced};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::maintenance::{Existing, Progress, Restored};
use strandline::{Sequence, Store};
use strandline_core::fs::{Fs, OsFs};
use strandline_replicate::{Bucket, BucketOptions, FollowError, Until, restore};

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn run(bucket: &Bucket, dir: &Path, until: Until) -> Result<Restored, FollowError> {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    restore(bucket, &fs, dir, until, Existing::Refuse, &mut go_on)
}

fn assert_restored(bucket: &Bucket, dir: &Path, until: Until, of: &Store, end: u64) {
    let restored = run(bucket, dir, until).unwrap();
    assert_eq!(restored.end, Sequence::new(end));
    let store = synced().open(dir).unwrap();
    let whole = shown(of);
    assert_eq!(shown(&store), whole[..end as usize]);
    assert_ne!(store.epoch(), of.epoch());
    let report = store.verify().unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
    append(&store, 1);
    let left = OsFs.list(dir.parent().unwrap()).unwrap();
    assert!(left.iter().all(|entry| !entry.name.ends_with(".fetched")));
}

#[test]
fn a_log_is_restored_up_to_its_end_a_sequence_or_a_time() {
    let dir = tempfile::tempdir().unwrap();
    for (at, bucket) in buckets(dir.path()).iter().enumerate() {
        let place = dir.path().join(at.to_string());
        let store = synced().open(place.join("source")).unwrap();
        append(&store, 45);
        let mut shipper = Shipper::begin(bucket, store.dir(), 1, None);
        append(&store, 20);
        shipper.ship(3);
        shipper.list();
        append(&store, 7);
        shipper.ship(2);
        let target = |name: &str| place.join(name);
        assert_restored(bucket, &target("end"), Until::End, &store, 72);
        for end in [0, 1, 19, 20, 21, 40, 44, 60, 71, 72] {
            let name = format!("to-{end}");
            assert_restored(
                bucket,
                &target(&name),
                Until::Sequence(Sequence::new(end)),
                &store,
                end,
            );
        }
        let snapshot = store.snapshot();
        let all = snapshot.query(strandline::Region::all());
        let times: Vec<u64> = all.map(|event| event.unwrap().hlc.wall_ms()).collect();
        for time in [times[0] - 1, times[30], times[71], u64::MAX] {
            let end = times.iter().filter(|at| **at <= time).count() as u64;
            let name = format!("at-{time}");
            assert_restored(bucket, &target(&name), Until::TimeMs(time), &store, end);
        }
        let refused = run(bucket, &target("far"), Until::Sequence(Sequence::new(73)));
        assert!(
            matches!(refused, Err(FollowError::NotReached { end: 72 })),
            "{refused:?}"
        );
        assert!(OsFs.list(&target("far")).is_err());
    }
}

#[test]
fn what_is_there_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let target = dir.path().join("target");
    let empty = run(&bucket, &target, Until::End);
    assert!(matches!(empty, Err(FollowError::Empty)), "{empty:?}");
    let store = synced().open(dir.path().join("source")).unwrap();
    append(&store, 5);
    Shipper::begin(&bucket, store.dir(), 1, None);
    // A store in the place, and then one in the place of what is fetched.
    let own = synced().open(&target).unwrap();
    append(&own, 2);
    own.close().unwrap();
    let refused = run(&bucket, &target, Until::End);
    assert!(matches!(refused, Err(FollowError::Store(_))), "{refused:?}");
    assert_eq!(shown(&synced().open(&target).unwrap()).len(), 2);
    let other = dir.path().join("other");
    let beside = dir.path().join("other.fetched");
    let own = synced().open(&beside).unwrap();
    append(&own, 3);
    own.close().unwrap();
    let refused = run(&bucket, &other, Until::End);
    assert!(
        matches!(refused, Err(FollowError::Io { .. })),
        "{refused:?}"
    );
    assert_eq!(shown(&synced().open(&beside).unwrap()).len(), 3);
    // What was fetched by the call that was refused is gone on with.
    OsFs.rename(&target, &dir.path().join("away")).unwrap();
    run(&bucket, &target, Until::End).unwrap();
    assert_eq!(shown(&synced().open(&target).unwrap()), shown(&store));
}
