//! Replicas and takeovers whose sealed files stay in the bucket.

use super::shipped::{KIND, Shipper, append, buckets, options, shown, synced, take};
use super::takeovers::{LONG, append_some, replica_options, replicate, s3, taking};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{Coordinate, ErrorKind, Event, EventId, Region, Sequence, Store};
use strandline_core::fs::{Fs, OsFs, read_file};
use strandline_replicate::{
    Bucket, BucketOptions, FollowError, RemoteOptions, Replica, Replicator, TakenOver, bucket_fs,
    is_lazy, take_over,
};
use strandline_segment::{LogError, Manifest};
use strandline_test_s3::TestS3;

/// Blocks so small that what is read and what is fetched are about the same.
pub(super) fn small() -> RemoteOptions {
    RemoteOptions::default().block_bytes(4 << 10)
}

/// A closed store of so many events of 4 KiB, all but the last few of which are in sealed segments with footers.
pub(super) fn fill(dir: &Path, count: u64) {
    let store = options().open(dir).unwrap();
    for number in 0..count {
        let coordinate = Coordinate::new(format!("order:{}", number % 7), "eu").unwrap();
        let mut payload = number.to_le_bytes().to_vec();
        payload.resize(4 << 10, number as u8);
        store
            .append(&coordinate, Event::bytes(KIND, payload))
            .unwrap();
    }
    store.close().unwrap();
}

/// Whether a file of a directory has the beginning of the payload with this number.
pub(super) fn has_payload(dir: &Path, number: u64) -> bool {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(64, number as u8);
    OsFs.list_names(dir).unwrap().iter().any(|file| {
        let bytes = read_file(&OsFs, &dir.join(&file.name), u64::MAX).unwrap_or_default();
        bytes.windows(64).any(|window| window == payload)
    })
}

pub(super) fn segments_in(dir: &Path) -> usize {
    let names = OsFs.list_names(dir).unwrap();
    let segments = names.iter().filter(|one| one.name.starts_with("segment-"));
    segments.count()
}

fn open_again(bucket: &Bucket, dir: &Path) -> Store {
    let fs = bucket_fs(bucket, dir, Arc::new(OsFs), &small()).unwrap();
    let options = options().fs(Arc::new(fs)).must_exist();
    options.open(dir).unwrap()
}

pub(super) fn assert_intact(store: &Store) {
    let report = store.verify().unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
}

pub(super) fn go_on(_: strandline::maintenance::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn assert_refused(dir: &Path) {
    for opened in [
        options().open(dir),
        options().must_exist().open(dir),
        options().read_only().open(dir),
    ] {
        let refused = opened.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert!(refused.to_string().contains("in the bucket"), "{refused}");
    }
}

/// Taken over, written to, rewritten, shipped and opened again; nothing sealed is fetched but what is read.
fn take_over_lazily(bucket: &Bucket, place: &Path) {
    let (source, dir) = (place.join("source"), place.join("lazy"));
    fill(&source, 600);
    let store = options().open(&source).unwrap();
    let shipping = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    assert!(shipping.wait_begun(LONG));
    append_some(&store, 0, 5);
    let before = shown(&store);
    let log_bytes = 600 * (4 << 10);

    let received = || bucket.requests().total().bytes_received;
    let begin = received();
    let taken = take_over(bucket, &dir, taking().lazy(small())).unwrap();
    assert!(taken.has_begun, "{:?}", taken.replicator.status());
    assert_eq!(taken.end, Sequence::new(605));
    assert!(segments_in(&dir) <= 3, "the active one, and the last ones");
    append_some(&taken.store, 1, 90);
    let fetched = received() - begin;
    assert!(fetched < log_bytes / 4, "{fetched} of {log_bytes} bytes");
    let TakenOver {
        store, replicator, ..
    } = taken;
    let after = shown(&store);
    assert_eq!(after[..605], before);
    assert_eq!(after.len(), 695);
    assert!(received() - begin > log_bytes, "now all of it was read");
    assert_intact(&store);

    let id = |sequence: usize| -> EventId {
        let event = store.snapshot().query(Region::all()).nth(sequence);
        event.unwrap().unwrap().id
    };
    let redaction = Redaction::new().event(id(45));
    let cache = place.join("lazy.cache");
    assert!(has_payload(&cache, 45), "blocks are kept");
    redact(&store, &redaction, &mut go_on).unwrap();
    assert!(!has_payload(&cache, 45), "what is redacted is not kept");
    assert!(has_payload(&cache, 145));
    let rules = Retention::new().keep_newest(40);
    assert!(compact(&store, &rules, &mut go_on).unwrap().events > 0);
    append_some(&store, 2, 30);
    assert_intact(&store);
    let rewritten = shown(&store);
    replicator.stop(LONG).unwrap();
    store.close().unwrap();

    assert_refused(&dir);
    for number in 3..5 {
        let store = open_again(bucket, &dir);
        assert!(shown(&store).starts_with(&rewritten));
        let replicator = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
        append_some(&store, number, 25);
        assert_intact(&store);
        let whole = place.join(format!("whole-{number}"));
        let whole = Replica::open(bucket.clone(), whole, replica_options()).unwrap();
        let last = store.snapshot().visible().get() - 1;
        assert!(whole.wait_past(Sequence::new(last), LONG).unwrap());
        assert_eq!(shown(&whole.store()), shown(&store));
        replicator.stop(LONG).unwrap();
        store.close().unwrap();
    }
}

#[test]
fn a_lazy_takeover_is_written_rewritten_shipped_and_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    for (at, bucket) in buckets(dir.path()).iter().enumerate() {
        take_over_lazily(bucket, &dir.path().join(at.to_string()));
    }
}

#[test]
fn a_lazy_takeover_from_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    take_over_lazily(&s3(&server), dir.path());
}

#[test]
#[cfg(unix)]
fn the_file_that_says_so_is_the_owner_s_and_names_the_bucket() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    fill(&source, 45);
    Shipper::begin(&bucket, &source, 1, None);
    let lazy = replica_options().lazy(small());
    drop(Replica::open(bucket.clone(), &copy, lazy).unwrap());
    let file = copy.join(strandline_segment::BUCKET_FILE);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(bucket.name()), "{text}");
    assert_refused(&copy);
    // It stays such a one, also where nobody says so, and is taken over so.
    let replica = Replica::open(bucket.clone(), &copy, replica_options()).unwrap();
    assert_eq!(shown(&replica.store()).len(), 45);
    assert_eq!(segments_in(&copy), 1);
    drop(replica);
    let taken = take_over(&bucket, &copy, taking()).unwrap();
    append_some(&taken.store, 0, 30);
    assert_eq!(shown(&taken.store).len(), 75);
    assert!(segments_in(&copy) <= 3);
}

/// A bucket that is another one, or empty, is not taken for that of the directory.
#[test]
fn a_lazy_directory_is_opened_with_its_own_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let (source, other, copy) = ("source", "other", "copy");
    let [source, other, copy] = [source, other, copy].map(|name| dir.path().join(name));
    let [own, strange, empty] =
        [0, 1, 2].map(|_| Bucket::open("memory:", BucketOptions::new()).unwrap());
    for (bucket, source) in [(&own, &source), (&strange, &other)] {
        fill(source, 45);
        Shipper::begin(bucket, source, 1, None);
    }
    let lazy = || replica_options().lazy(small());
    drop(Replica::open(own, &copy, lazy()).unwrap());
    for (bucket, is_empty) in [(strange, false), (empty, true)] {
        for refused in [
            bucket_fs(&bucket, &copy, Arc::new(OsFs), &small()).unwrap_err(),
            Replica::open(bucket.clone(), &copy, lazy()).unwrap_err(),
        ] {
            match is_empty {
                true => assert!(matches!(refused, FollowError::Empty), "{refused:?}"),
                false => assert!(
                    matches!(refused, FollowError::OtherLog { .. }),
                    "{refused:?}"
                ),
            }
        }
    }
}

/// Two that fill a directory take each other's files away, whether they leave some in the bucket or not.
#[test]
fn a_lazy_directory_is_filled_by_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    fill(&source, 90);
    Shipper::begin(&bucket, &source, 1, None);
    let open = |is_lazy: bool| {
        let options = match is_lazy {
            true => replica_options().lazy(small()),
            false => replica_options(),
        };
        Replica::open(bucket.clone(), &copy, options)
    };
    let is_busy = |opened: &Result<Replica, FollowError>| {
        matches!(opened, Err(FollowError::Log(LogError::BeingWritten { .. })))
    };
    std::fs::create_dir(&copy).unwrap();
    let lock = OsFs.try_lock(&copy.join("FILLING")).unwrap().unwrap();
    let refused = open(true);
    assert!(is_busy(&refused), "{refused:?}");
    // What the other makes of it is not said before it is.
    assert!(!is_lazy(&OsFs, &copy));
    drop(lock);
    for _ in 0..10 {
        let kinds = [true, false, true];
        let all = std::thread::scope(|scope| {
            let all = kinds.map(|is_lazy| scope.spawn(move || open(is_lazy)));
            all.map(|one| one.join().unwrap())
        });
        let mut opened = all.iter().zip(kinds).filter(|(one, _)| one.is_ok());
        let (first, was_lazy) = opened.next().unwrap();
        assert!(opened.next().is_none());
        assert!(all.iter().all(|one| one.is_ok() || is_busy(one)), "{all:?}");
        assert_eq!(shown(&first.as_ref().unwrap().store()).len(), 90);
        assert!(!was_lazy || is_lazy(&OsFs, &copy));
        assert!(!copy.join("FILLING").exists());
        drop(all);
        std::fs::remove_dir_all(&copy).unwrap();
    }
}

#[test]
fn a_term_that_has_not_begun_is_waited_for_and_taken_over_lazily() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let [source, copy, next] = ["source", "copy", "next"].map(|name| dir.path().join(name));
    fill(&source, 90);
    Shipper::begin(&bucket, &source, 1, None);
    let manifest = Manifest::read(&OsFs, &source).unwrap().unwrap();
    take(&bucket, 2, *manifest.identity());
    let waits = Replica::open(bucket.clone(), &copy, replica_options().lazy(small()));
    assert!(matches!(waits, Err(FollowError::NotBegun(_))), "{waits:?}");
    assert!(!is_lazy(&OsFs, &copy));
    let taken = take_over(&bucket, &next, taking().lazy(small())).unwrap();
    assert!(taken.is_lazy && taken.has_begun);
    assert_eq!((taken.term.get(), taken.end), (3, Sequence::new(90)));
    assert_eq!(shown(&taken.store).len(), 90);
    assert!(segments_in(&next) <= 2);
}

/// What was redacted is gone from the bucket, and a replica that has listed the files before goes to the newer ones,
/// at work or away.
#[test]
fn a_lazy_replica_follows_a_redaction() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let source = dir.path().join("source");
    fill(&source, 130);
    let store = options().open(&source).unwrap();
    let shipping = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    assert!(shipping.wait_begun(LONG));
    let open = |name: &str| {
        let lazy = replica_options().lazy(small());
        Replica::open(bucket.clone(), dir.path().join(name), lazy).unwrap()
    };
    let replica = open("at-work");
    drop(open("away"));
    let first = store.snapshot().query(Region::all()).next();
    let id = first.unwrap().unwrap().id;
    redact(&store, &Redaction::new().event(id), &mut go_on).unwrap();
    let is_redacted = |store: &Store| {
        let event = store.snapshot().get(id);
        event.is_ok_and(|event| event.is_some_and(|event| event.is_redacted()))
    };
    for number in 1.. {
        if is_redacted(&replica.store()) {
            break;
        }
        append_some(&store, number, 1);
    }
    let away = open("away");
    let last = Sequence::new(store.snapshot().visible().get() - 1);
    for replica in [&replica, &away] {
        assert!(replica.wait_past(last, LONG).unwrap());
        let own = replica.store();
        assert!(is_redacted(&own));
        assert_eq!(shown(&own), shown(&store));
        assert_intact(&own);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    /// Closed and opened, so that all sealed segments have footers.
    Reopen,
    Ship,
    List,
    Sweep,
    Redact(usize),
    /// The same, with a state that no chunk tells of.
    RedactUntold(usize),
    /// The lazy replica is opened again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..50_usize).prop_map(Step::Append),
        2 => Just(Step::Reopen),
        2 => Just(Step::Ship),
        3 => Just(Step::List),
        1 => Just(Step::Sweep),
        1 => any::<usize>().prop_map(Step::Redact),
        1 => any::<usize>().prop_map(Step::RedactUntold),
        2 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..14)
}

/// All that is asked of both.
fn assert_same(lazy: &Store, whole: &Store) {
    assert_eq!(shown(lazy), shown(whole));
    let (lazy, whole) = (lazy.snapshot(), whole.snapshot());
    for number in 0..7 {
        let entity = format!("order:{number}");
        let ids = |snapshot: &strandline::Snapshot| -> Vec<(Sequence, EventId)> {
            let events = snapshot.stream(&entity).map(Result::unwrap);
            events.map(|event| (event.sequence, event.id)).collect()
        };
        let found = ids(&whole);
        assert_eq!(ids(&lazy), found);
        for (sequence, id) in found.into_iter().take(3) {
            let event = lazy.get(id).unwrap().unwrap();
            assert_eq!(event.sequence, sequence);
        }
    }
}

/// A state of all that there is, under a number of its own.
pub(super) fn list(store: &Store, shipper: &mut Shipper) {
    append(store, 1);
    shipper.list();
}

fn run(steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let [source, whole, lazy] = ["source", "whole", "lazy"].map(|name| dir.path().join(name));
    let mut store = synced().open(&source).unwrap();
    append(&store, 30);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    let whole = Replica::open(bucket.clone(), whole, replica_options()).unwrap();
    let open = || {
        let options = replica_options().lazy(small());
        Replica::open(bucket.clone(), &lazy, options).unwrap()
    };
    let mut replica = Some(open());
    let mut shipped = store.snapshot().visible();
    // At the end all is told of.
    for step in steps.into_iter().chain([Step::List]) {
        match step {
            Step::Append(count) => append(&store, count),
            Step::Reopen => {
                store.close().unwrap();
                store = synced().open(&source).unwrap();
            }
            Step::Ship => shipper.ship(3),
            Step::List => list(&store, &mut shipper),
            Step::Sweep => {
                shipper.ship(3);
                shipper.sweep();
            }
            Step::Redact(at) | Step::RedactUntold(at) => {
                // What is not shipped is in no chunk any more once it is rewritten.
                shipper.ship(3);
                let ids: Vec<_> = store.snapshot().query(Region::all()).collect();
                let id = ids[at % ids.len()].as_ref().unwrap().id;
                let redaction = Redaction::new().event(id);
                redact(&store, &redaction, &mut go_on).unwrap();
                match step {
                    Step::Redact(_) => list(&store, &mut shipper),
                    _ => {
                        append(&store, 1);
                        shipper.ship(5);
                        shipper.write_state();
                    }
                }
            }
            Step::Restart => {
                drop(replica.take());
                replica = Some(open());
            }
        }
        if !matches!(step, Step::Append(_) | Step::Reopen | Step::Restart) {
            shipped = store.snapshot().visible();
        }
        let last = Sequence::new(shipped.get() - 1);
        let lazy = replica.as_ref().unwrap();
        for replica in [&whole, lazy] {
            assert!(
                replica.wait_past(last, LONG).unwrap(),
                "{:?}",
                replica.status()
            );
        }
        if matches!(step, Step::Redact(_) | Step::List) {
            // The state comes after the events.
            for replica in [&whole, lazy] {
                while shown(&replica.store()) != shown(&store) {
                    std::thread::yield_now();
                }
            }
        }
        assert_same(&lazy.store(), &whole.store());
    }
    assert_intact(&replica.unwrap().store());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_lazy_replica_answers_as_a_whole_one(steps in steps()) {
        run(steps);
    }
}

/// Cause: files were looked for in the bucket only where the directory was called as it was made absolute.
#[test]
fn a_directory_may_be_called_from_where_the_process_is() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let source = dir.path().join("source");
    fill(&source, 60);
    Shipper::begin(&bucket, &source, 1, None);
    let here = std::env::current_dir().unwrap();
    let up = here.components().skip(1).map(|_| "..");
    let root: std::path::PathBuf = up.collect();
    let copy = dir.path().join("copy");
    let relative = root.join(copy.strip_prefix("/").unwrap());
    for (at, is_new) in [(relative.clone(), true), (relative.join("."), false)] {
        assert!(at.is_relative());
        let lazy = replica_options().lazy(small());
        let replica = Replica::open(bucket.clone(), &at, lazy).unwrap();
        assert_intact(&replica.store());
        assert_eq!(replica.store().snapshot().rows(Region::all()).count(), 60);
        assert!(!is_new || segments_in(&copy) < 2);
    }
}
