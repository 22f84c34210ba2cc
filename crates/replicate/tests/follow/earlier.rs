//! Restores to points before what was removed or redacted later: that is gone there too, and the store says so.

use super::shipped::{KIND, append, options, shown};
use super::takeovers::{LONG, replicate, taking};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::maintenance::{
    Existing, Progress, Redaction, Removal, RemovalChange, Retention, compact, redact, removals,
};
use strandline::{Batch, Coordinate, Event, Region, Sequence, Store, StoreOptions};
use strandline_core::fs::{Fill, Fs, Keep, Loss, OsFs, SimDisk, SimFs};
use strandline_replicate::{
    Bucket, BucketOptions, FollowError, Replicator, Until, check_removed, restore, take_over,
};

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn memory() -> Bucket {
    Bucket::open("memory:", BucketOptions::new()).unwrap()
}

/// Appends a batch of so many events of an entity.
fn append_batch(store: &Store, entity: &str, count: usize) {
    let mut batch = Batch::new();
    for number in 0..count {
        let coordinate = Coordinate::new(entity, "eu").unwrap();
        batch.add(
            &coordinate,
            Event::bytes(KIND, number.to_string().into_bytes()),
        );
    }
    store.append_batch(batch).unwrap();
}

fn redact_entity(store: &Store, entity: &str) {
    redact(store, &Redaction::new().entity(entity), &mut go_on).unwrap();
}

fn drop_entity(store: &Store, entity: &str) {
    compact(store, &Retention::new().drop_entity(entity), &mut go_on).unwrap();
}

fn ship(store: &Store, bucket: &Bucket) {
    let replicator = Replicator::start(store, bucket.clone(), replicate()).unwrap();
    replicator.stop(LONG).unwrap();
}

/// A log with redactions and compactions between its events, of which a batch of 5 and one of 30, longer than a segment.
fn eventful(dir: &Path) -> Store {
    let store = options().open(dir).unwrap();
    append(&store, 23);
    append_batch(&store, "order:1", 5);
    append(&store, 12);
    redact_entity(&store, "order:2");
    append(&store, 9);
    drop_entity(&store, "order:3");
    // Both in one call: no event between the records.
    redact_entity(&store, "order:5");
    drop_entity(&store, "order:5");
    append_batch(&store, "order:4", 30);
    append(&store, 4);
    // One that is recorded once more, and takes what was redacted.
    let some = Retention::new().keep_newest(4);
    compact(&store, &some, &mut go_on).unwrap();
    append(&store, 3);
    store
}

fn restored(bucket: &Bucket, dir: &Path, until: u64) -> Store {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let until = Until::Sequence(Sequence::new(until));
    restore(bucket, &fs, dir, until, Existing::Refuse, &mut go_on).unwrap();
    options().open(dir).unwrap()
}

fn assert_intact(store: &Store, what: u64) {
    let report = store.verify().unwrap();
    assert!(report.problems.is_empty(), "{what}: {report:?}");
}

/// What the records of a log say of the events below a sequence: change, rule, time, and which.
fn said(store: &Store, below: u64) -> Vec<(RemovalChange, String, u64, Vec<u64>)> {
    let all = removals(store, &mut go_on).unwrap();
    let of = |one: &Removal| {
        let runs = one.sequences.iter();
        let events: Vec<_> = runs
            .flat_map(|run| run.start.get()..run.end.get())
            .filter(|sequence| *sequence < below)
            .collect();
        assert!(one.is_done);
        (one.change, one.rule.clone(), one.wall_ms, events)
    };
    let all = all.iter().map(of);
    all.filter(|(.., events)| !events.is_empty()).collect()
}

#[test]
fn a_point_before_any_removal_is_restored_with_its_records() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = memory();
    let store = eventful(&dir.path().join("source"));
    ship(&store, &bucket);
    let (whole, end) = (shown(&store), store.snapshot().visible().get());
    let (mut were_cut, mut counts) = (0, Vec::new());
    // Of the batches, at 23 and 49, of the records, at 40, 49 and 83, and of segments, the ends and what is beside them.
    let points = [
        0, 1, 19, 20, 22, 23, 25, 27, 28, 39, 40, 41, 48, 49, 50, 60, 78, 79, 82, 83, 84,
    ];
    for until in points.into_iter().chain([end]) {
        let target = dir.path().join(until.to_string());
        let earlier = restored(&bucket, &target, until);
        let reached = earlier.snapshot().visible().get();
        // A batch is there or not.
        assert!(reached <= until);
        were_cut += u64::from(reached < until);
        let expected = whole.iter().filter(|(sequence, ..)| *sequence < reached);
        assert!(shown(&earlier).iter().eq(expected), "{until}");
        assert_intact(&earlier, until);
        // Each record has its rule and time, and of its events those that are there.
        assert_eq!(said(&earlier, u64::MAX), said(&store, reached), "{until}");
        counts.push(removals(&earlier, &mut go_on).unwrap().len());
        append(&earlier, 3);
        redact_entity(&earlier, "order:6");
        drop_entity(&earlier, "order:0");
        append(&earlier, 1);
        assert_intact(&earlier, until);
        earlier.close().unwrap();
        let opened = StoreOptions::new().read_only().open(&target).unwrap();
        assert_intact(&opened, until);
    }
    assert_eq!(were_cut, 2 + 3);
    counts.dedup();
    assert_eq!(counts[0], 0);
    assert!(counts.iter().max() == Some(&5), "{counts:?}");
}

#[test]
fn what_was_restored_is_shipped_checked_and_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = memory();
    let store = eventful(&dir.path().join("source"));
    ship(&store, &bucket);
    for until in [1, 20, 26, 40, 45, 60] {
        let place = dir.path().join(until.to_string());
        let earlier = restored(&bucket, &place.join("restored"), until);
        let gone: u64 = {
            let snapshot = earlier.snapshot();
            let there = snapshot.query(Region::all());
            let there = there.filter(|event| !event.as_ref().unwrap().is_redacted());
            snapshot.visible().get() - there.count() as u64
        };
        let other = memory();
        ship(&earlier, &other);
        let checked = check_removed(&other, &mut go_on).unwrap();
        assert!(checked.is_clean(), "{checked:?}");
        assert_eq!(checked.gone, gone, "{until}");
        append(&earlier, 3);
        let taken = take_over(&other, place.join("taken"), taking()).unwrap();
        assert_intact(&taken.store, until);
        assert_eq!(said(&taken.store, u64::MAX), said(&earlier, u64::MAX));
        // And once more to an earlier point.
        append(&taken.store, 2);
        taken.replicator.stop(LONG).unwrap();
        let again = restored(&other, &place.join("again"), until / 2);
        assert_intact(&again, until);
    }
}

/// The note that says that it is done comes after the event at the point, and those that begin it before.
#[test]
fn the_time_of_an_event_is_a_point_as_its_sequence_is() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = memory();
    let store = eventful(&dir.path().join("source"));
    ship(&store, &bucket);
    let snapshot = store.snapshot();
    let all = snapshot.query(Region::all());
    let times: Vec<_> = all.map(|event| event.unwrap().hlc.wall_ms()).collect();
    for (at, time) in times.iter().enumerate().step_by(7) {
        let fs: Arc<dyn Fs> = Arc::new(OsFs);
        let target = dir.path().join(at.to_string());
        let until = Until::TimeMs(*time);
        restore(&bucket, &fs, &target, until, Existing::Refuse, &mut go_on).unwrap();
        let earlier = options().open(&target).unwrap();
        assert_intact(&earlier, *time);
        let expected = times.iter().filter(|one| *one <= time).count();
        assert_eq!(shown(&earlier).len(), expected);
    }
}

#[test]
fn a_restore_to_an_earlier_point_is_begun_anew_after_a_power_cut_at_any_step() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = memory();
    let store = options().open(dir.path().join("source")).unwrap();
    append(&store, 30);
    redact_entity(&store, "order:2");
    drop_entity(&store, "order:3");
    append(&store, 3);
    ship(&store, &bucket);
    let run = |fs: &SimFs| {
        let until = Until::Sequence(Sequence::new(25));
        let (fs, to): (Arc<dyn Fs>, _) = (Arc::new(fs.clone()), Path::new("/a/store"));
        restore(&bucket, &fs, to, until, Existing::Refuse, &mut go_on)
    };
    let expected = said(&store, 25);
    assert_eq!(expected.len(), 2);
    let assert_restored = |fs: &SimFs, at: usize| {
        match run(fs) {
            Ok(done) => assert_eq!(done.end, Sequence::new(25)),
            // It has its place already.
            Err(FollowError::Store(error)) => assert!(error.to_string().contains("/a/store")),
            Err(error) => panic!("{at}: {error}"),
        }
        let options = options().fs(Arc::new(fs.clone()));
        let restored = options.open("/a/store").unwrap();
        assert_intact(&restored, at as u64);
        assert_eq!(said(&restored, u64::MAX), expected, "{at}");
    };
    let fs = SimFs::new(SimDisk::new());
    run(&fs).unwrap();
    let steps = fs.take_steps();
    let mut disk = SimDisk::new();
    for (at, step) in steps.iter().enumerate() {
        let seed = at as u64;
        let keep = [Keep::None, Keep::Any, Keep::All, Keep::Prefix][at % 4];
        let fill = [Fill::Old, Fill::Random, Fill::Zeros][at % 3];
        let mut cut = disk.clone();
        cut.apply_partly(step, seed);
        let cut = SimFs::new(cut.crash(&Loss { keep, fill, seed }));
        assert_restored(&cut, at);
        disk.apply(step);
    }
    assert!(steps.len() > 60, "{}", steps.len());
}
