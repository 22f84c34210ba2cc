//! Replicas of a bucket.

use super::shipped::{Shipper, append, buckets, options, shown, synced, take};
use super::takeovers::s3;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::maintenance::{CopyMode, Redaction, backup, redact};
use strandline::{Sequence, Store};
use strandline_core::fs::{Fs, OsFs, read_file, replace_file};
use strandline_replicate::{
    Bucket, BucketErrorKind, BucketOptions, FollowError, Replica, ReplicaActivity, ReplicaOptions,
};
use strandline_segment::LogError;
use strandline_test_s3::{Fault, TestS3, When};

/// Long enough for any machine; nothing is waited for as long that comes.
const LONG: Duration = Duration::from_secs(300);

fn replica_options() -> ReplicaOptions {
    ReplicaOptions::new().poll_interval(Duration::from_millis(1))
}

fn open(bucket: &Bucket, dir: &Path) -> Replica {
    Replica::open(bucket.clone(), dir, replica_options()).unwrap()
}

fn back_up(from: &Path, to: &Path) {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    backup(&fs, from, to, CopyMode::Copy, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
}

/// Waits until a replica has all that a store has, and compares.
fn assert_shows(replica: &Replica, store: &Store) {
    let visible = store.snapshot().visible();
    if let Some(last) = visible.get().checked_sub(1) {
        assert!(replica.wait_past(Sequence::new(last), LONG).unwrap());
    }
    assert_eq!(shown(&replica.store()), shown(store));
}

/// Waits until the replica says something.
fn wait_until(replica: &Replica, mut is: impl FnMut(&ReplicaActivity) -> bool) {
    while !is(&replica.status().activity) {
        std::thread::yield_now();
    }
}

#[test]
fn a_replica_shows_what_comes_over_rotations_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    for (at, bucket) in buckets(dir.path()).iter().enumerate() {
        let (source, copy) = (
            dir.path().join(format!("source-{at}")),
            dir.path().join(format!("copy-{at}")),
        );
        let store = synced().open(&source).unwrap();
        append(&store, 25);
        let mut shipper = Shipper::begin(bucket, &source, 1, None);
        let replica = open(bucket, &copy);
        assert_shows(&replica, &store);
        for round in 0..6 {
            append(&store, 15);
            shipper.ship(4);
            if round % 3 == 2 {
                shipper.list();
                shipper.sweep();
            }
            assert_shows(&replica, &store);
        }
        wait_until(&replica, |activity| {
            matches!(activity, ReplicaActivity::Reached)
        });
        assert!(replica.status().reached_ago.is_some());
        drop(replica);
        // While it was away, all that it would ask for next was swept.
        append(&store, 30);
        shipper.ship(3);
        shipper.list();
        shipper.sweep();
        append(&store, 3);
        shipper.ship(3);
        let replica = open(bucket, &copy);
        assert_shows(&replica, &store);
        let report = replica.store().verify().unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
        // A second one, in a directory of its own.
        let other = open(bucket, &dir.path().join(format!("other-{at}")));
        assert_shows(&other, &store);
        store.close().unwrap();
    }
}

#[test]
fn a_replica_goes_on_in_a_later_term_and_waits_for_one_that_has_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let store = synced().open(&source).unwrap();
    append(&store, 30);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    append(&store, 5);
    shipper.ship(2);
    let replica = open(&bucket, &copy);
    assert_shows(&replica, &store);
    let identity = *strandline_segment::Manifest::read(&strandline_core::fs::OsFs, &source)
        .unwrap()
        .unwrap()
        .identity();
    // A term that is taken and never begins.
    take(&bucket, 2, identity);
    append(&store, 1);
    shipper.ship(2);
    // A new replica says the same whom it waits for.
    let new = || Replica::open(bucket.clone(), dir.path().join("new"), replica_options());
    let waits = new().unwrap_err();
    assert!(
        waits.is_passing() && waits.to_string().contains("host-2"),
        "{waits}"
    );
    wait_until(&replica, |activity| match activity {
        ReplicaActivity::WaitingFor { term, record } => {
            term.get() == 2
                && record
                    .as_ref()
                    .is_some_and(|record| record.host == "host-2")
        }
        _ => false,
    });
    assert_eq!(replica.store().snapshot().visible(), Sequence::new(35));
    // The next one begins, after the process of the writer was killed and its tail carried.
    store.close().unwrap();
    let store = options().open(&source).unwrap();
    append(&store, 2);
    let mut later = Shipper::begin(&bucket, &source, 3, Some(&shipper));
    assert_shows(&replica, &store);
    assert_shows(&new().unwrap(), &store);
    append(&store, 40);
    later.ship(6);
    assert_shows(&replica, &store);
    assert_eq!(
        replica.status().term.map(strandline_replicate::Term::get),
        Some(3)
    );
}

#[test]
fn a_replica_that_is_refused_for_a_while_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let bucket = s3(&server);
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let store = synced().open(&source).unwrap();
    append(&store, 10);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    let replica = open(&bucket, &copy);
    assert_shows(&replica, &store);
    // Credentials expire, and are renewed.
    server.inject(Fault::denied(), When::Always, |_| true);
    wait_until(&replica, |activity| match activity {
        ReplicaActivity::Retrying(error) => match &**error {
            FollowError::Bucket(error) => error.kind() == BucketErrorKind::Denied,
            _ => false,
        },
        ReplicaActivity::Failed(error) => panic!("{error}"),
        _ => false,
    });
    assert_shows(&replica, &store);
    server.heal();
    append(&store, 5);
    shipper.ship(2);
    assert_shows(&replica, &store);
    store.close().unwrap();
}

#[test]
fn a_later_term_that_has_not_what_was_shown_is_said_and_what_was_shown_stays() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, other) = (dir.path().join("source"), dir.path().join("other"));
    let store = synced().open(&source).unwrap();
    append(&store, 30);
    // A backup that goes on otherwise.
    store.sync().unwrap();
    back_up(&source, &other);
    append(&store, 2);
    let shipper = Shipper::begin(&bucket, &source, 1, None);
    let copy = dir.path().join("copy");
    let replica = open(&bucket, &copy);
    assert_shows(&replica, &store);
    let before = shown(&replica.store());
    let wrong = synced().open(&other).unwrap();
    append(&wrong, 1);
    Shipper::begin(&bucket, &other, 2, Some(&shipper));
    wait_until(&replica, |activity| {
        matches!(activity, ReplicaActivity::Failed(_))
    });
    let error = replica.wait_past(Sequence::new(1000), LONG).unwrap_err();
    assert!(matches!(*error, FollowError::Diverged { .. }), "{error}");
    assert_eq!(shown(&replica.store()), before);
    drop(replica);
    // After a restart too, and if the other log is longer.
    append(&wrong, 20);
    Shipper::begin(&bucket, &other, 3, Some(&shipper));
    let replica = open(&bucket, &copy);
    wait_until(&replica, |activity| {
        matches!(activity, ReplicaActivity::Failed(_))
    });
    let error = replica.wait_past(Sequence::new(1000), LONG).unwrap_err();
    assert!(matches!(*error, FollowError::Diverged { .. }), "{error}");
    assert_eq!(shown(&replica.store()), before);
}

#[test]
fn what_is_compacted_reaches_a_replica() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let store = synced().open(&source).unwrap();
    append(&store, 70);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    let replica = open(&bucket, &copy);
    assert_shows(&replica, &store);
    let event = store
        .snapshot()
        .query(strandline::Region::all())
        .next()
        .unwrap()
        .unwrap();
    let redaction = Redaction::new().event(event.id);
    redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
    append(&store, 1);
    shipper.list();
    shipper.sweep();
    assert!(replica.wait_past(Sequence::new(70), LONG).unwrap());
    // Told by the chunk after it.
    append(&store, 1);
    shipper.ship(1);
    assert!(replica.wait_past(Sequence::new(71), LONG).unwrap());
    let id = event.id;
    let seen = replica.store().snapshot().get(id).unwrap().unwrap();
    assert!(seen.is_redacted());
    assert_shows(&replica, &store);
}

#[test]
fn a_replica_that_was_killed_after_a_redaction_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let store = synced().open(&source).unwrap();
    append(&store, 30);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    let seldom = replica_options().sync_interval(LONG);
    let replica = Replica::open(bucket.clone(), &copy, seldom).unwrap();
    append(&store, 10);
    shipper.ship(4);
    assert_shows(&replica, &store);
    // Of a segment that came in chunks, which are there for a while yet.
    let snapshot = store.snapshot();
    let events = snapshot.query(strandline::Region::all());
    let event = events.map(Result::unwrap).nth(32).unwrap();
    let redaction = Redaction::new().event(event.id);
    append(&store, 1);
    redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
    shipper.list();
    append(&store, 1);
    shipper.ship(1);
    assert_shows(&replica, &store);
    // What a killed process leaves: nothing was synced since the chunks came.
    let killed = dir.path().join("killed");
    std::fs::create_dir(&killed).unwrap();
    for entry in OsFs.list(&copy).unwrap() {
        std::fs::copy(copy.join(&entry.name), killed.join(&entry.name)).unwrap();
    }
    append(&store, 1);
    shipper.ship(1);
    let replica = open(&bucket, &killed);
    assert_shows(&replica, &store);
    let seen = replica.store().snapshot().get(event.id).unwrap().unwrap();
    assert!(seen.is_redacted());
}

#[test]
fn a_bucket_that_has_not_the_term_that_was_followed_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let copy = dir.path().join("copy");
    let stores = ["one", "two"].map(|name| synced().open(dir.path().join(name)).unwrap());
    append(&stores[0], 3);
    append(&stores[1], 3);
    Shipper::begin(&bucket, stores[0].dir(), 1, None);
    drop(open(&bucket, &copy));
    let failed = |bucket: &Bucket| {
        let replica = open(bucket, &copy);
        let error = replica.wait_past(Sequence::new(1000), LONG).unwrap_err();
        assert!(replica.status().reached_ago.is_none(), "it has not");
        error
    };
    let other = Bucket::open("memory:", BucketOptions::new()).unwrap();
    Shipper::begin(&other, stores[1].dir(), 1, None);
    let error = failed(&other);
    assert!(matches!(*error, FollowError::OtherLog { .. }), "{error}");
    let empty = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let error = failed(&empty);
    assert!(matches!(*error, FollowError::Diverged { .. }), "{error}");
}

#[test]
fn a_bucket_without_a_log_and_one_of_another_log_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let copy = dir.path().join("copy");
    let empty = Replica::open(bucket.clone(), &copy, replica_options());
    assert!(matches!(empty, Err(FollowError::Empty)), "{empty:?}");
    let stores = ["one", "two"].map(|name| synced().open(dir.path().join(name)).unwrap());
    append(&stores[0], 3);
    append(&stores[1], 3);
    Shipper::begin(&bucket, stores[0].dir(), 1, None);
    drop(open(&bucket, &copy));
    let other = Bucket::open("memory:", BucketOptions::new()).unwrap();
    Shipper::begin(&other, stores[1].dir(), 1, None);
    let replica = open(&other, &copy);
    // The chunk that it looks for next may come, from another log.
    take(&other, 2, [1; 16]);
    Shipper::begin(&other, stores[1].dir(), 3, None);
    wait_until(&replica, |activity| {
        matches!(activity, ReplicaActivity::Failed(_))
    });
    let error = replica.wait_past(Sequence::new(1000), LONG).unwrap_err();
    assert!(matches!(*error, FollowError::OtherLog { .. }), "{error}");
}

#[test]
fn a_directory_is_filled_by_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let store = synced().open(&source).unwrap();
    append(&store, 90);
    Shipper::begin(&bucket, &source, 1, None);
    // Another one is at it.
    std::fs::create_dir(&copy).unwrap();
    let lock = OsFs.try_lock(&copy.join("FILLING")).unwrap().unwrap();
    let refused = Replica::open(bucket.clone(), &copy, replica_options());
    let is_refused = matches!(
        refused,
        Err(FollowError::Log(LogError::BeingWritten { .. }))
    );
    assert!(is_refused, "{refused:?}");
    drop(lock);
    drop(open(&bucket, &copy));
    assert!(!copy.join("FILLING").exists());
    std::fs::remove_dir_all(&copy).unwrap();
    for _ in 0..10 {
        let open = || Replica::open(bucket.clone(), &copy, replica_options());
        std::thread::scope(|scope| {
            let all = [(); 3].map(|()| scope.spawn(open));
            let all = all.map(|one| one.join().unwrap());
            let mut opened = 0;
            for one in &all {
                match one {
                    Ok(replica) => {
                        opened += 1;
                        assert_shows(replica, &store);
                    }
                    Err(FollowError::Log(LogError::BeingWritten { .. })) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(opened, 1);
        });
        std::fs::remove_dir_all(&copy).unwrap();
    }
}

/// What was fetched in part when the power was cut is not taken for the file, nor kept.
#[test]
fn half_of_a_file_that_was_left_is_not_taken_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let store = synced().open(&source).unwrap();
    append(&store, 45);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    drop(open(&bucket, &copy));
    for (file, kept) in [("segment-0000000001", 300), ("segment-0000000003", 200)] {
        let names = OsFs.list_names(&copy).unwrap();
        let name = names.iter().find(|one| one.name.starts_with(file)).unwrap();
        let mut bytes = read_file(&OsFs, &copy.join(&name.name), 1 << 30).unwrap();
        bytes.truncate(kept);
        let half = copy.join(format!("{}.tmp", name.name));
        replace_file(&OsFs, &half, &bytes).unwrap();
    }
    let replica = open(&bucket, &copy);
    append(&store, 3);
    shipper.list();
    append(&store, 2);
    shipper.ship(1);
    assert_shows(&replica, &store);
    shipper.list();
    append(&store, 1);
    shipper.ship(1);
    assert_shows(&replica, &store);
    let report = replica.store().verify().unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
    let names = OsFs.list_names(&copy).unwrap();
    assert!(
        !names.iter().any(|one| one.name.ends_with(".tmp")),
        "{names:?}"
    );
}
