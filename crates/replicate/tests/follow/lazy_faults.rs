//! Lazy replicas and takeovers where something is in the way: the cache, the disk, the bucket, who reads beside.

use super::lazy::{assert_intact, fill, go_on, has_payload, list, segments_in, small};
use super::shipped::{KIND, Shipper, append, options, shown, synced, take};
use super::takeovers::{LONG, append_some, replica_options, s3, taking};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{Coordinate, ErrorKind, Event, Region, Sequence, Store};
use strandline_core::fs::{FileIdentity, Fs, FsLayer, OsFs, read_file, replace_file};
use strandline_replicate::{Bucket, BucketOptions, FollowError, Replica, bucket_fs, take_over};
use strandline_test_s3::{Fault, Operation, TestS3, When};

fn paths(dir: &Path, of: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let names = OsFs.list_names(dir).unwrap().into_iter();
    let names = names.filter(|file| of(&file.name));
    names.map(|file| dir.join(file.name)).collect()
}

/// Whatever is in it: it costs requests, and no answer is another one. A merged file that is damaged is fetched again.
#[test]
fn a_cache_that_is_damaged_gives_no_other_answer() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy, cache) = (
        dir.path().join("source"),
        dir.path().join("copy"),
        dir.path().join("copy.cache"),
    );
    fill(&source, 400);
    Shipper::begin(&bucket, &source, 1, None);
    let lazy = || replica_options().lazy(small());
    let replica = Replica::open(bucket.clone(), &copy, lazy()).unwrap();
    let whole = shown(&replica.store());
    assert_eq!(whole.len(), 400);
    drop(replica);
    let merged = paths(&cache, |name| name.starts_with("whole-"));
    assert!(!merged.is_empty());
    let intact = |path: &PathBuf| read_file(&OsFs, path, 1 << 30).unwrap();
    let intact: Vec<_> = merged.iter().map(intact).collect();
    let damage = |bytes: &mut Vec<u8>, turn: usize| match turn {
        0 => bytes.iter_mut().for_each(|byte| *byte = !*byte),
        1 => bytes.truncate(bytes.len() / 2),
        2 => bytes.clear(),
        3 => bytes.extend_from_slice(&[7; 100]),
        4 => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        _ => bytes.fill(0),
    };
    for turn in 0..6 {
        for path in paths(&cache, |name| name != "LOCK") {
            let mut bytes = read_file(&OsFs, &path, 1 << 30).unwrap();
            damage(&mut bytes, turn);
            replace_file(&OsFs, &path, &bytes).unwrap();
        }
        let replica = Replica::open(bucket.clone(), &copy, lazy()).unwrap();
        let store = replica.store();
        assert_eq!(shown(&store), whole, "{turn}");
        for number in 0..7_usize {
            let stream = store.snapshot().stream(&format!("order:{number}")).count();
            assert_eq!(stream, (400 - number).div_ceil(7), "{turn}");
        }
        let report = store.verify().unwrap();
        assert!(report.problems.is_empty(), "{turn}: {report:?}");
        for (path, intact) in merged.iter().zip(&intact) {
            assert!(
                read_file(&OsFs, path, 1 << 30).unwrap() == *intact,
                "{turn}"
            );
        }
    }
}

/// A process that reads beside sees what the replica has listed since, or is told to open it again.
#[test]
fn who_reads_beside_a_lazy_replica_is_told_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let mut store = synced().open(&source).unwrap();
    append(&store, 50);
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    let lazy = replica_options().lazy(small());
    let replica = Replica::open(bucket.clone(), &copy, lazy).unwrap();
    let open_beside = || {
        let fs = bucket_fs(&bucket, &copy, Arc::new(OsFs), &small()).unwrap();
        options().fs(Arc::new(fs)).read_only().open(&copy).unwrap()
    };
    let beside = open_beside();
    assert_eq!(shown(&beside).len(), 50);
    for _ in 0..4 {
        append(&store, 45);
        shipper.ship(3);
        store.close().unwrap();
        store = synced().open(&source).unwrap();
        list(&store, &mut shipper);
        let all = shown(&store);
        let last = Sequence::new(store.snapshot().visible().get() - 1);
        assert!(replica.wait_past(last, LONG).unwrap());
        while segments_in(&copy) > 1 {
            std::thread::yield_now();
        }
        beside.refresh().unwrap();
        assert_eq!(shown(&beside), all);
        assert_intact(&beside);
    }
}

/// A disk that fails when it is asked for the file that says where the segments are.
#[derive(Debug)]
struct Unsaid;

impl FsLayer for Unsaid {
    fn below(&self) -> &dyn Fs {
        &OsFs
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        match path.ends_with(strandline_segment::BUCKET_FILE) {
            true => Err(io::Error::other("the disk fails")),
            false => Fs::identity(&OsFs, path),
        }
    }
}

#[test]
fn a_directory_that_cannot_say_where_its_segments_are_is_not_taken_for_a_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    fill(&source, 45);
    Shipper::begin(&bucket, &source, 1, None);
    let lazy = replica_options().lazy(small());
    drop(Replica::open(bucket.clone(), &copy, lazy).unwrap());
    for opened in [options(), options().must_exist(), options().read_only()] {
        let refused = opened.fs(Arc::new(Unsaid)).open(&copy).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Io, "{refused:?}");
    }
    let options = replica_options().fs(Arc::new(Unsaid));
    let replica = Replica::open(bucket, &copy, options).unwrap();
    assert_eq!(shown(&replica.store()).len(), 45);
    assert_eq!(segments_in(&copy), 1, "it stays what it was");
}

/// Whoever took over lazily is a writer as any: what it does not need of the bucket it does not wait for.
#[test]
fn a_lazy_writer_goes_on_while_the_bucket_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let bucket = s3(&server);
    let source = dir.path().join("source");
    fill(&source, 600);
    Shipper::begin(&bucket, &source, 1, None);
    let budget = small().memory_bytes_max(0).disk_bytes_max(64 << 10);
    let taken = take_over(&bucket, dir.path().join("lazy"), taking().lazy(budget)).unwrap();
    let store = taken.store;
    server.inject(Fault::denied(), When::Always, |seen| {
        matches!(
            seen.operation,
            Operation::Get | Operation::Put | Operation::Create | Operation::List
        )
    });
    // Segments are sealed, given footers and merged with those that are away.
    for number in 0..300_u64 {
        let coordinate = Coordinate::new(format!("new:{}", number % 7), "eu").unwrap();
        let event = Event::bytes(KIND, number.to_le_bytes().to_vec());
        store.append(&coordinate, event).unwrap();
    }
    store.sync().unwrap();
    let snapshot = store.snapshot();
    let own = snapshot.query(Region::all().entity_prefix("new:"));
    assert_eq!(own.filter(Result::is_ok).count(), 300);
    server.heal();
    let last = Sequence::new(899);
    assert!(taken.replicator.wait_replicated(Sequence::new(900), LONG));
    assert_eq!(shown(&store).len(), 900);
    assert_intact(&store);
    assert!(store.snapshot().damage().is_none());
    let whole = Replica::open(bucket, dir.path().join("whole"), replica_options()).unwrap();
    assert!(whole.wait_past(last, LONG).unwrap());
    assert_eq!(shown(&whole.store()), shown(&store));
    taken.replicator.stop(LONG).unwrap();
}

/// What a snapshot has not read of segments that were rewritten goes with them: it is told, and nothing else is shown.
#[test]
fn a_snapshot_of_a_lazy_writer_from_before_a_compaction_is_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let source = dir.path().join("source");
    fill(&source, 300);
    Shipper::begin(&bucket, &source, 1, None);
    let nothing = small().memory_bytes_max(0).disk_bytes_max(0);
    let taken = take_over(&bucket, dir.path().join("lazy"), taking().lazy(nothing)).unwrap();
    let store = &taken.store;
    let before = shown(store);
    let snapshot = store.snapshot();
    let rules = Retention::new().drop_entity("order:3");
    compact(store, &rules, &mut go_on).unwrap();
    append_some(store, 1, 1);
    taken.replicator.stop(LONG).unwrap();
    let mut events = 0;
    for (event, own) in snapshot.query(Region::all()).zip(&before) {
        match event {
            Ok(event) => {
                assert_eq!(event.payload().unwrap(), own.2);
                events += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
                assert!(
                    format!("{error:?}").contains("open the store again"),
                    "{error:?}"
                );
                break;
            }
        }
    }
    println!("{events} of {} were read", before.len());
    assert_intact(store);
    assert_eq!(store.snapshot().len(), 258);
}

#[test]
fn a_lazy_replica_says_whom_it_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    take(&bucket, 1, [1; 16]);
    for options in [replica_options(), replica_options().lazy(small())] {
        let refused = Replica::open(bucket.clone(), dir.path().join("copy"), options);
        let refused = refused.unwrap_err();
        assert!(
            matches!(&refused, FollowError::NotBegun(record) if record.host == "host-1"),
            "{refused:?}"
        );
    }
}

/// The cache is that of whoever came first, and may be a reader's.
#[test]
fn a_redaction_is_gone_from_the_cache_of_who_reads_beside() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    fill(&source, 130);
    let store = synced().open(&source).unwrap();
    let mut shipper = Shipper::begin(&bucket, &source, 1, None);
    let open = || {
        let lazy = replica_options().lazy(small());
        Replica::open(bucket.clone(), &copy, lazy).unwrap()
    };
    drop(open());
    let fs = bucket_fs(&bucket, &copy, Arc::new(OsFs), &small()).unwrap();
    let beside = options().fs(Arc::new(fs.clone())).read_only();
    let beside = beside.open(&copy).unwrap();
    assert!(fs.stats().is_on_disk);
    assert_eq!(shown(&beside).len(), 130);
    let cache = dir.path().join("copy.cache");
    assert!(has_payload(&cache, 45) && has_payload(&cache, 100));
    let replica = open();
    let event = store.snapshot().query(Region::all()).nth(45);
    let id = event.unwrap().unwrap().id;
    redact(&store, &Redaction::new().event(id), &mut go_on).unwrap();
    list(&store, &mut shipper);
    let is_redacted = |store: &Store| {
        let event = store.snapshot().get(id);
        event.is_ok_and(|event| event.is_some_and(|event| event.is_redacted()))
    };
    while !is_redacted(&replica.store()) {
        std::thread::yield_now();
    }
    beside.refresh().unwrap();
    assert!(!has_payload(&cache, 45), "what is redacted is not kept");
    assert!(has_payload(&cache, 5) && has_payload(&cache, 100));
    let again = options().fs(Arc::new(fs)).read_only().open(&copy).unwrap();
    assert!(is_redacted(&again));
    assert_eq!(shown(&again), shown(&store));
}
