//! What was redacted or removed stays gone, whoever goes on with the log.

use super::shipped::{KIND, Shipper, append, options};
use super::takeovers::{LONG, append_some, replica_options, replicate, taking};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::maintenance::{Existing, Progress, Redaction, Retention, compact, redact};
use strandline::{Coordinate, Event, EventId, Sequence, Store};
use strandline_core::fs::{Fs, OsFs, read_file, replace_file};
use strandline_replicate::{
    Bucket, BucketOptions, RemoteOptions, Replica, Replicator, Until, check_removed, restore,
    take_over,
};

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn one(store: &Store, entity: &str) -> EventId {
    let coordinate = Coordinate::new(entity, "eu").unwrap();
    let event = Event::bytes(KIND, entity.as_bytes().to_vec());
    store.append(&coordinate, event).unwrap().id
}

fn assert_gone(store: &Store, redacted: EventId, removed: EventId) {
    let snapshot = store.snapshot();
    assert!(snapshot.get(redacted).unwrap().unwrap().is_redacted());
    assert!(snapshot.get(removed).unwrap().is_none());
    let report = store.verify().unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
}

/// A bucket that has the records of a redaction and a compaction in chunks, and in its state the segments of before.
fn recorded_and_not_rewritten(place: &Path) -> (Bucket, EventId, EventId, u64) {
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = options().open(place.join("source")).unwrap();
    let (redacted, removed) = (one(&store, "redacted"), one(&store, "removed"));
    append(&store, 48);
    let mut shipper = Shipper::begin(&bucket, store.dir(), 1, None);
    redact(&store, &Redaction::new().event(redacted), &mut go_on).unwrap();
    compact(&store, &Retention::new().drop_entity("removed"), &mut go_on).unwrap();
    append(&store, 1);
    shipper.ship(3);
    assert_gone(&store, redacted, removed);
    let end = store.snapshot().visible().get();
    (bucket, redacted, removed, end)
}

#[test]
fn a_takeover_takes_away_again_what_the_log_says_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    for (name, lazy) in [("whole", None), ("lazy", Some(RemoteOptions::default()))] {
        let place = dir.path().join(name);
        let (bucket, redacted, removed, end) = recorded_and_not_rewritten(&place);
        let options = match lazy {
            Some(lazy) => taking().lazy(lazy),
            None => taking(),
        };
        let taken = take_over(&bucket, place.join("taken"), options).unwrap();
        assert_eq!(taken.end, Sequence::new(end));
        assert_gone(&taken.store, redacted, removed);
        taken.replicator.stop(LONG).unwrap();
        let checked = check_removed(&bucket, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(checked.leftovers.is_empty(), "{name}: {checked:?}");
    }
}

/// Whoever was killed once the store was open has the records, and what they say is gone.
#[test]
fn who_was_killed_while_taking_over_takes_it_away_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (bucket, redacted, removed, _) = recorded_and_not_rewritten(dir.path());
    let (taken, copy) = (dir.path().join("taken"), dir.path().join("copy"));
    let replica = Replica::open(bucket.clone(), &copy, replica_options()).unwrap();
    drop(replica);
    // As the directory is then: a replica no more, and the file beside the store says that the records are to be looked at.
    OsFs.create_dir_all(&taken).unwrap();
    let names = OsFs.list_names(&copy).unwrap().into_iter();
    for entry in names.filter(|entry| entry.name != strandline_segment::FOLLOWED_FILE) {
        let bytes = read_file(&OsFs, &copy.join(&entry.name), 1 << 30).unwrap();
        replace_file(&OsFs, &taken.join(&entry.name), &bytes).unwrap();
    }
    let owner = format!("{:02}", 1).repeat(16);
    let file = format!(
        r#"{{"format":"strandline replica owner","version":1,"owners":["{owner}"],"redo_from":0}}"#
    );
    let path = taken.join("replica-owner.json");
    replace_file(&OsFs, &path, file.as_bytes()).unwrap();
    let store = options().open(&taken).unwrap();
    assert!(
        !store
            .snapshot()
            .get(redacted)
            .unwrap()
            .unwrap()
            .is_redacted()
    );
    let replicator = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    assert_gone(&store, redacted, removed);
    assert!(replicator.wait_begun(LONG), "{:?}", replicator.status());
    replicator.stop(LONG).unwrap();
    let file = String::from_utf8(read_file(&OsFs, &path, 1 << 20).unwrap()).unwrap();
    assert!(!file.contains("redo_from"), "{file}");
}

#[test]
fn a_restore_takes_away_again_what_the_log_says_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (bucket, redacted, removed, end) = recorded_and_not_rewritten(dir.path());
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let target = dir.path().join("restored");
    let until = Until::End;
    let done = restore(&bucket, &fs, &target, until, Existing::Refuse, &mut go_on).unwrap();
    assert_eq!(done.end, Sequence::new(end));
    assert_gone(&options().open(&target).unwrap(), redacted, removed);
    assert!(OsFs.list(&dir.path().join("restored.fetched")).is_err());
    let earlier = dir.path().join("earlier");
    let until = Until::Sequence(Sequence::new(30));
    // The record of what is missing stands after it, and nothing of what is gone comes back.
    let done = restore(&bucket, &fs, &earlier, until, Existing::Refuse, &mut go_on).unwrap();
    assert_eq!(done.end, Sequence::new(30));
    assert_gone(&options().open(&earlier).unwrap(), redacted, removed);
}

#[test]
fn a_replica_shows_the_last_redaction_though_nothing_is_appended_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = options().open(dir.path().join("source")).unwrap();
    let replicator = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    let redacted = one(&store, "redacted");
    append_some(&store, 0, 45);
    let lazy = replica_options().lazy(RemoteOptions::default());
    let replicas = [("whole", replica_options()), ("lazy", lazy)].map(|(name, options)| {
        Replica::open(bucket.clone(), dir.path().join(name), options).unwrap()
    });
    redact(&store, &Redaction::new().event(redacted), &mut go_on).unwrap();
    replicator.stop(LONG).unwrap();
    for replica in replicas {
        let mut waited = Duration::ZERO;
        let is_gone = || {
            let found = replica.store().snapshot().get(redacted);
            found.is_ok_and(|found| found.unwrap().is_redacted())
        };
        while !is_gone() {
            std::thread::sleep(Duration::from_millis(2));
            waited += Duration::from_millis(2);
            assert!(waited < LONG, "{:?}", replica.status());
        }
    }
}
