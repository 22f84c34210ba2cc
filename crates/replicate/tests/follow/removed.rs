//! Buckets looked through for payloads that should be gone.

use super::shipped::{KIND, options};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{AppendOptions, Coordinate, Durability, Event, Store};
use strandline_core::fs::{EntryKind, Fs, OsFs, read_file};
use strandline_replicate::{
    Bucket, BucketOptions, Key, Leftover, PutAnswer, RemoteOptions, RemovedCheck,
    RemovedCheckError, ReplicateOptions, Replicator, TakeOverOptions, check_removed, take_over,
};
use strandline_test_s3::{Fault, Operation, TestS3, When};

/// Long enough for any machine; nothing is waited for as long that comes.
const LONG: Duration = Duration::from_secs(300);
/// Events of the entity that is redacted, of those that are appended.
const GONE: [u64; 9] = [3, 10, 17, 24, 31, 38, 45, 52, 59];

fn memory() -> Bucket {
    Bucket::open("memory:", BucketOptions::new()).unwrap()
}

fn server() -> (TestS3, Bucket) {
    let server = TestS3::start().unwrap();
    let settings = server.settings().into_iter();
    let settings = settings.fold(BucketOptions::new(), |options, (name, value)| {
        options.setting(name, value)
    });
    let bucket = Bucket::open(&format!("{}/a", server.url()), settings).unwrap();
    (server, bucket)
}

/// Keeps what nothing needs for an hour, so that what goes has to go at once.
fn shipping() -> ReplicateOptions {
    ReplicateOptions::new()
        .linger(Duration::from_millis(1))
        .interval(Duration::from_millis(5))
        .chunks_per_state(4)
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
        .grace(Duration::from_secs(3600))
}

fn open(dir: &Path) -> Store {
    let options = options().segment_events_max(40);
    options.open(dir.join("store")).unwrap()
}

fn start(store: &Store, bucket: &Bucket) -> Replicator {
    let replicator = Replicator::start(store, bucket.clone(), shipping()).unwrap();
    assert!(replicator.wait_begun(LONG), "{:?}", replicator.status());
    replicator
}

/// Appends events up to this number, each in a chunk of its own, with payloads of so many bytes more than they need.
fn append(store: &Store, to: u64, bytes: usize) {
    let from = store.snapshot().visible().get();
    for number in from..to {
        let coordinate = Coordinate::new(format!("order:{}", number % 7), "eu").unwrap();
        let payload = [format!("event {number} ").into_bytes(), vec![b'x'; bytes]].concat();
        let replicated = AppendOptions::new().durability(Durability::Replicated);
        let event = Event::bytes(KIND, payload);
        store.append_with(&coordinate, event, replicated).unwrap();
    }
}

fn redact_some(store: &Store) {
    let go_on = &mut |_| ControlFlow::Continue(());
    redact(store, &Redaction::new().entity("order:3"), go_on).unwrap();
}

fn check(bucket: &Bucket) -> RemovedCheck {
    check_removed(bucket, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// The sequences that a check found, whatever they are in.
fn found(check: &RemovedCheck) -> BTreeSet<u64> {
    sequences(&check.leftovers.iter().collect::<Vec<_>>())
}

fn sequences(leftovers: &[&Leftover]) -> BTreeSet<u64> {
    let runs = leftovers.iter().flat_map(|left| &left.sequences);
    runs.flat_map(|run| run.start.get()..run.end.get())
        .collect()
}

fn objects(bucket: &Bucket) -> BTreeMap<String, Bytes> {
    let listed = bucket.list("", None).unwrap().into_iter();
    let read = listed.map(|listed| {
        let bytes = bucket.get(&listed.key).unwrap().unwrap();
        (listed.key, bytes)
    });
    read.collect()
}

/// Puts objects back that were deleted, as a PUT that comes late does, and gives their keys.
fn put_back(
    bucket: &Bucket,
    before: &BTreeMap<String, Bytes>,
    is_wanted: impl Fn(&str) -> bool,
) -> BTreeSet<String> {
    let wanted = before.iter().filter(|(key, _)| is_wanted(key));
    let created = wanted.filter(|(key, bytes)| {
        matches!(bucket.put_new(key, Bytes::clone(bytes)), PutAnswer::Created)
    });
    created.map(|(key, _)| key.clone()).collect()
}

/// Which of these objects have a payload of an event that is gone, by its bytes.
fn with_payloads(before: &BTreeMap<String, Bytes>, keys: &BTreeSet<String>) -> BTreeSet<String> {
    let payloads = (0..100_u64).map(|number| format!("event {} ", number * 7 + 3).into_bytes());
    let payloads: Vec<_> = payloads.collect();
    let has = |bytes: &Bytes| {
        payloads
            .iter()
            .any(|payload| bytes.windows(payload.len()).any(|window| window == payload))
    };
    let with = keys.iter().filter(|key| has(&before[*key]));
    with.cloned().collect()
}

fn keys(check: &RemovedCheck) -> BTreeSet<String> {
    check
        .leftovers
        .iter()
        .map(|left| left.key.to_string())
        .collect()
}

#[test]
fn what_is_redacted_is_found_until_it_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (server, bucket) = server();
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    append(&store, 60, 0);
    let before = check(&bucket);
    assert!(before.is_clean(), "{before:?}");
    assert_eq!((before.end.get(), before.removals, before.gone), (60, 0, 0));
    assert!(before.objects > 60);

    // The log says it, and the new files are not there yet.
    server.inject(Fault::denied(), When::Always, |seen| {
        seen.operation == Operation::Put && seen.key.contains("/segment-")
    });
    redact_some(&store);
    append(&store, 61, 0);
    let listed = check(&bucket);
    assert_eq!(found(&listed), GONE.into(), "{listed:?}");
    assert!(listed.leftovers.iter().any(|left| left.is_listed));
    assert!(listed.leftovers.iter().all(|left| left.is_done));
    assert_eq!((listed.removals, listed.gone), (1, 9));

    // They are there, and the old ones too.
    server.heal();
    let refused = server.inject(Fault::denied(), When::Always, |seen| {
        matches!(seen.operation, Operation::Delete | Operation::DeleteMany)
    });
    refused.wait_met(1);
    let kept = check(&bucket);
    assert_eq!(found(&kept), GONE.into(), "{kept:?}");
    assert!(kept.leftovers.iter().all(|left| !left.is_listed));
    let all = objects(&bucket);
    let with = with_payloads(&all, &all.keys().cloned().collect());
    assert_eq!(keys(&kept), with);
    assert!(kept.leftovers.iter().all(|left| left.is_done));

    server.heal();
    replicator.stop(LONG).unwrap();
    let after = check(&bucket);
    assert!(after.is_clean(), "{after:?}");
    assert_eq!((after.removals, after.gone), (1, 9));
    assert!(after.end.get() >= 61 && after.objects > 0);
}

#[test]
fn what_comes_late_is_found_whatever_kind_of_object_it_is() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), memory());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    append(&store, 60, 0);
    let before = loop {
        append(&store, store.snapshot().visible().get() + 1, 0);
        let objects = objects(&bucket);
        let tails = objects.keys().filter(|key| key.contains("/tail-"));
        let later = tails.filter(|key| !key.contains("-0000000000-0000000000-"));
        let is_there = |part: &str| objects.keys().any(|key| key.contains(part));
        if later.count() > 0 && is_there("/segment-") && is_there("log/") {
            break objects;
        }
    };
    redact_some(&store);
    replicator.stop(LONG).unwrap();
    assert!(check(&bucket).is_clean());
    for kind in ["/tail-", "/segment-", "log/"] {
        let back = put_back(&bucket, &before, |key| key.contains(kind));
        let with = with_payloads(&before, &back);
        assert!(!with.is_empty(), "{kind}");
        let late = check(&bucket);
        assert_eq!(keys(&late), with, "{kind}");
        assert_eq!(late.unread, [], "{kind}");
        assert!(found(&late).iter().all(|one| one % 7 == 3), "{kind}");
        let back: Vec<_> = back.into_iter().collect();
        bucket.delete(&back).unwrap();
        assert!(check(&bucket).is_clean());
    }
}

#[test]
fn what_is_removed_is_found_in_files_of_many_stretches() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), memory());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    append(&store, 60, 300 << 10);
    let before = loop {
        let objects = objects(&bucket);
        if objects.keys().any(|key| key.contains("/segment-")) {
            break objects;
        }
    };
    let go_on = &mut |_| ControlFlow::Continue(());
    compact(&store, &Retention::new().drop_entity("order:3"), go_on).unwrap();
    replicator.stop(LONG).unwrap();
    let after = check(&bucket);
    assert!(after.is_clean(), "{after:?}");
    assert_eq!((after.removals, after.gone), (1, 9));
    let back = put_back(&bucket, &before, |key| key.contains("/segment-"));
    assert_eq!(back.len(), 1);
    let late = check(&bucket);
    assert_eq!(keys(&late), back);
    assert_eq!(
        found(&late),
        GONE[..6].iter().copied().collect(),
        "{late:?}"
    );
    assert_eq!(late.leftovers[0].events, 6);
}

#[test]
fn what_an_earlier_writer_has_put_is_found_after_a_takeover() {
    let (one, other, bucket) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        memory(),
    );
    let store = open(one.path());
    let replicator = start(&store, &bucket);
    append(&store, 60, 0);
    let before = objects(&bucket);
    let taking = TakeOverOptions::new()
        .store(options().segment_events_max(40))
        .replicate(shipping())
        .begin_timeout(LONG);
    let taken = take_over(&bucket, other.path().join("store"), taking).unwrap();
    drop(replicator);
    assert!(check(&bucket).is_clean());
    redact_some(&taken.store);
    append(&taken.store, 70, 0);
    taken.replicator.stop(LONG).unwrap();
    let after = check(&bucket);
    assert!(after.is_clean(), "{after:?}");
    assert_eq!(after.term.get(), 2);
    let back = put_back(&bucket, &before, |key| !key.starts_with("terms/"));
    let late = check(&bucket);
    assert_eq!(keys(&late), with_payloads(&before, &back));
    assert_eq!(found(&late), GONE.into());
    let terms = late.leftovers.iter().map(|left| left.key.term().get());
    assert!(terms.into_iter().all(|term| term == 1));
}

/// The segments are in the bucket alone, and their copies in the cache beside the directory.
#[test]
fn what_a_writer_redacts_whose_segments_are_in_the_bucket_is_gone_from_both() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), memory());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    append(&store, 60, 0);
    replicator.stop(LONG).unwrap();
    store.close().unwrap();
    let to = dir.path().join("lazy");
    let taking = TakeOverOptions::new()
        .store(options().segment_events_max(40))
        .replicate(shipping())
        .lazy(RemoteOptions::default().block_bytes(4 << 10))
        .begin_timeout(LONG);
    let taken = take_over(&bucket, &to, taking).unwrap();
    assert!(taken.is_lazy);
    assert!(taken.store.verify().unwrap().is_intact());
    redact_some(&taken.store);
    taken.replicator.stop(LONG).unwrap();
    let after = check(&bucket);
    assert!(after.is_clean(), "{after:?}");
    assert_eq!((after.removals, after.gone), (1, 9));
    let cache = dir.path().join("lazy.cache");
    for place in [to, cache] {
        let entries = OsFs.list_names(&place).unwrap().into_iter();
        for entry in entries.filter(|entry| entry.kind == EntryKind::File) {
            let path = place.join(&entry.name);
            let bytes = read_file(&OsFs, &path, 1 << 30).unwrap();
            let found: BTreeMap<String, Bytes> = [(entry.name.clone(), bytes.into())].into();
            let with = with_payloads(&found, &BTreeSet::from([entry.name]));
            assert!(with.is_empty(), "{with:?} in {}", place.display());
        }
    }
}

#[test]
fn what_cannot_be_read_is_said_and_is_not_clean() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), memory());
    let none = check_removed(&bucket, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(none, Err(RemovedCheckError::NoLog)), "{none:?}");
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    append(&store, 60, 0);
    let before = loop {
        let objects = objects(&bucket);
        if objects.keys().any(|key| key.contains("/segment-")) {
            break objects;
        }
    };
    redact_some(&store);
    replicator.stop(LONG).unwrap();
    let stopped = check_removed(&bucket, &mut |_| ControlFlow::Break(()));
    assert!(
        matches!(stopped, Err(RemovedCheckError::Cancelled(_))),
        "{stopped:?}"
    );
    let segment = before.keys().find(|key| key.contains("/segment-")).unwrap();
    let mut bytes = before[segment].to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let garbage = vec![7; 1000];
    let of = "data/00000000000000000001";
    let content = "00000000000000ab";
    let put = [
        (segment.clone(), bytes),
        (
            format!("{of}/segment-0000000009.log-{content}"),
            garbage.clone(),
        ),
        (format!("{of}/segment-0000000010.log-{content}"), Vec::new()),
        (
            format!("{of}/tail-0000000009-0000000000-0000000200-0000001200-{content}"),
            garbage.clone(),
        ),
        (format!("{of}/tail-x-{content}"), garbage.clone()),
        (
            "log/00000000000000000001/00000000000000009999".to_owned(),
            garbage.clone(),
        ),
    ];
    for (key, bytes) in &put {
        let put = bucket.put_new(key, bytes.clone().into());
        assert!(matches!(put, PutAnswer::Created), "{key}");
    }
    // What is no key of a log is not read.
    assert!(matches!(
        bucket.put_new("notes/read-me", garbage.into()),
        PutAnswer::Created
    ));
    let check = check(&bucket);
    let unread = check.unread.iter().map(|one| one.key.to_string());
    let expected: BTreeSet<_> = put.into_iter().map(|(key, _)| key).collect();
    assert_eq!(unread.collect::<BTreeSet<_>>(), expected, "{check:?}");
    assert!(!check.is_clean());
    assert_eq!(check.passed_over, 1);
    // What is whole of a damaged one is looked at all the same.
    let damaged: Key = segment.parse().unwrap();
    assert_eq!(keys(&check), BTreeSet::from([damaged.to_string()]));
}

/// Where the chunk is not there that says that a redaction was done, the log says no more than that it was begun.
#[test]
fn what_was_begun_and_is_not_said_to_be_done_is_told_as_that() {
    let dir = tempfile::tempdir().unwrap();
    let (server, bucket) = server();
    server.inject(Fault::denied(), When::Always, |seen| {
        seen.operation == Operation::Put && seen.key.contains("/segment-")
    });
    let store = open(dir.path());
    // Each frame is a chunk, and no state comes after the redaction.
    let options = shipping().chunk_bytes_max(1);
    let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
    append(&store, 60, 0);
    redact_some(&store);
    append(&store, 61, 0);
    drop(replicator);
    let mut seen = Vec::new();
    loop {
        let check = check(&bucket);
        if check.removals == 0 {
            assert!(check.is_clean(), "{check:?}");
            break;
        }
        assert_eq!(found(&check), GONE.into(), "{check:?}");
        // Chunks that were joined by then are there for their grace, and listed no more.
        let listed = check.leftovers.iter().filter(|left| left.is_listed);
        assert_eq!(sequences(&listed.collect::<Vec<_>>()), GONE.into());
        let is_done = check.leftovers.iter().all(|left| left.is_done);
        assert_eq!(check.gone, if is_done { 9 } else { 0 });
        seen.push(is_done);
        let last = bucket.list("log", None).unwrap().pop().unwrap();
        bucket.delete(&[last.key]).unwrap();
    }
    seen.dedup();
    assert_eq!(seen, [true, false]);
}
