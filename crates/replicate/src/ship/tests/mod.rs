//! A store shipped, and what is in the bucket then: as a replica reads it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ends;
mod faults;
mod interval;
mod mended;

use crate::{
    Bucket, BucketOptions, Key, Prefix, Replica, ReplicaOptions, ReplicateError, ReplicateOptions,
    Replicator, ReplicatorStage, State, TakeOverOptions, take_over,
};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use strandline::maintenance::{CopyMode, Redaction, Retention, backup, compact, redact};
use strandline::{
    AppendOptions, Coordinate, Durability, ErrorKind, Event, EventKind, Store, StoreOptions,
};
use strandline_core::{Region, Sequence};

const LONG: Duration = Duration::from_secs(60);

fn bucket() -> Bucket {
    Bucket::open("memory:", BucketOptions::new()).unwrap()
}

fn quick() -> ReplicateOptions {
    ReplicateOptions::new()
        .linger(Duration::from_millis(1))
        .interval(Duration::from_millis(2))
        .chunks_per_state(4)
        .grace(Duration::ZERO)
        .host("here")
}

fn start(store: &Store, bucket: &Bucket) -> Replicator {
    let replicator = Replicator::start(store, bucket.clone(), quick()).unwrap();
    assert!(replicator.wait_begun(LONG), "{:?}", replicator.status());
    replicator
}

fn append(store: &Store, from: u32, to: u32, durability: Durability) {
    for number in from..to {
        let of = Coordinate::new(format!("order:{}", number % 7), "eu").unwrap();
        let event = Event::bytes(EventKind::new(1, 1), format!("event {number}").into_bytes());
        let options = AppendOptions::new().durability(durability);
        store.append_with(&of, event, options).unwrap();
    }
}

fn replicate(store: &Store, from: u32, to: u32) {
    append(store, from, to, Durability::Replicated);
}

/// What an append that asks for nothing is refused as.
fn refusal(store: &Store) -> Option<ErrorKind> {
    let of = Coordinate::new("order:0", "eu").unwrap();
    let event = Event::bytes(EventKind::new(1, 1), *b"one more");
    store.append(&of, event).err().map(|error| error.kind())
}

fn payloads(store: &Store) -> Vec<Vec<u8>> {
    let snapshot = store.snapshot();
    let events = snapshot.query(Region::all());
    events
        .map(|event| event.unwrap().payload().unwrap().to_vec())
        .collect()
}

/// What a replica of the bucket has once it has all below `end`.
fn read(bucket: &Bucket, end: u64) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let replica = Replica::open(
        bucket.clone(),
        dir.path().join("replica"),
        ReplicaOptions::new(),
    )
    .unwrap();
    if let Some(last) = end.checked_sub(1) {
        assert!(replica.wait_past(Sequence::new(last), LONG).unwrap());
    }
    payloads(&replica.store())
}

fn keys(bucket: &Bucket, under: &str) -> Vec<Key> {
    let listed = bucket.list(under, None).unwrap();
    listed
        .iter()
        .map(|listed| listed.key.parse().unwrap())
        .collect()
}

fn newest_state(bucket: &Bucket) -> State {
    let key = keys(bucket, "state").pop().unwrap();
    let bytes = bucket.get(&key.to_string()).unwrap().unwrap();
    let Key::State { term, number } = key else {
        panic!("{key} is no state");
    };
    State::decode(term, number, &bytes).unwrap()
}

/// A store whose segments are full after 40 events.
fn open(dir: &Path) -> Store {
    let options = StoreOptions::new().segment_events_max(40);
    options.open(dir.join("store")).unwrap()
}

/// A copy of a store, as somebody restores one elsewhere.
fn copy(store: &Store, to: &Path) {
    let go_on = &mut |_| ControlFlow::Continue(());
    backup(store.fs(), store.dir(), to, CopyMode::Copy, go_on).unwrap();
}

/// Waits for something that the shipper does by itself.
fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_replicated_is_read_from_the_bucket_over_many_segments() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 150);
    assert_eq!(read(&bucket, 150), payloads(&store));
    let status = replicator.status();
    assert_eq!(
        (status.term, status.replicated, status.lag_events),
        (Some(1), 150, 0)
    );
    assert_eq!(status.stage, ReplicatorStage::Shipping);
    replicator.stop(LONG).unwrap();
}

#[test]
fn a_store_that_was_there_before_is_shipped_whole_and_goes_on() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    append(&store, 0, 130, Durability::Synced);
    let replicator = start(&store, &bucket);
    assert_eq!(read(&bucket, 130), payloads(&store));
    // There may be chunks without frames, which tell of a state.
    for object in bucket.list("log", None).unwrap() {
        assert!(object.length < 400, "{object:?}");
    }
    replicate(&store, 130, 131);
    assert_eq!(read(&bucket, 131), payloads(&store));
    drop(replicator);
}

#[test]
fn more_than_fits_in_a_chunk_is_cut_between_commits() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let options = quick().chunk_bytes_max(1500).chunks_per_state(1000);
    let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
    assert!(replicator.wait_begun(LONG));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || append(store, thread * 50, thread * 50 + 50, Durability::Written));
        }
    });
    store.sync().unwrap();
    assert!(replicator.wait_replicated(Sequence::new(200), LONG));
    assert_eq!(read(&bucket, 200), payloads(&store));
    for key in keys(&bucket, "log") {
        let bytes = bucket.get(&key.to_string()).unwrap().unwrap();
        assert!(bytes.len() < 2000, "{key} has {} bytes", bytes.len());
    }
}

#[test]
fn every_start_is_a_term_that_takes_along_what_was_there() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    for term in 1..=4_u32 {
        let store = open(dir.path());
        let replicator = start(&store, &bucket);
        assert_eq!(replicator.status().term, Some(u64::from(term)));
        replicate(&store, term * 30 - 30, term * 30);
        assert_eq!(read(&bucket, u64::from(term) * 30), payloads(&store));
        let state = newest_state(&bucket);
        assert_eq!(
            state.predecessor.map(|before| before.term.get()),
            (term > 1).then(|| u64::from(term) - 1)
        );
        drop(replicator);
        // What is not replicated when it ends is taken along by the next.
        store.close().unwrap();
    }
    assert_eq!(keys(&bucket, "terms").len(), 4);
}

#[test]
fn chunks_that_no_state_covers_are_taken_along_by_a_restart() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let options = quick().chunks_per_state(u64::MAX);
    let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
    assert!(replicator.wait_begun(LONG));
    replicate(&store, 0, 20);
    drop(replicator);
    assert_eq!(newest_state(&bucket).number, 0);
    let chunks = keys(&bucket, "log").len() as u64;
    assert!(chunks > 0);
    let replicator = start(&store, &bucket);
    let first = bucket.get(
        &Key::State {
            term: crate::Term::new(2).unwrap(),
            number: 0,
        }
        .to_string(),
    );
    let first = State::decode(crate::Term::new(2).unwrap(), 0, &first.unwrap().unwrap()).unwrap();
    assert_eq!(first.predecessor.unwrap().chunks, chunks);
    assert_eq!(first.end.sequence, Sequence::new(20));
    assert_eq!(read(&bucket, 20), payloads(&store));
    drop(replicator);
}

#[test]
fn sealed_segments_go_whole_and_their_chunks_go_away() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 170);
    let is_whole = |state: &State| {
        let sealed = state
            .manifest
            .segments()
            .iter()
            .filter(|info| info.is_sealed());
        sealed.clone().count() == 4
            && sealed.clone().all(|info| {
                let file = state.file(&info.file_name()).unwrap();
                let end = u64::from(info.end().unwrap().offset);
                file.parts.len() == 1 && file.length > end
            })
    };
    until(|| is_whole(&newest_state(&bucket)));
    // What nothing lists is deleted: chunks of sealed segments, states, joined tails.
    until(|| {
        let state = newest_state(&bucket);
        let listed: Vec<_> = state
            .files
            .iter()
            .flat_map(|file| &file.parts)
            .map(|part| part.key.clone())
            .collect();
        keys(&bucket, "state").len() == 1
            && keys(&bucket, "data").iter().all(|key| listed.contains(key))
            && keys(&bucket, "log").iter().all(|key| {
                listed.contains(key)
                    || matches!(key, Key::Chunk { number, .. } if *number >= state.number)
            })
    });
    assert_eq!(keys(&bucket, "terms").len(), 1);
    assert_eq!(read(&bucket, 170), payloads(&store));
    drop(replicator);
}

#[test]
fn the_objects_of_a_long_tail_are_few() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = Store::open(dir.path().join("store")).unwrap();
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 400);
    let chunks = replicator.status().chunks;
    assert!(chunks >= 300, "{chunks}");
    until(|| {
        let state = newest_state(&bucket);
        let parts: usize = state.files.iter().map(|file| file.parts.len()).sum();
        state.number + 64 > chunks && parts <= 64
    });
    assert_eq!(read(&bucket, 400), payloads(&store));
    drop(replicator);
}

#[test]
fn who_is_not_the_owner_is_refused_and_who_is_taken_over_is_fenced() {
    let (one, other, bucket) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        bucket(),
    );
    let store = open(one.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 50);
    // The same log on another machine, up to a place where it is whole.
    let to = other.path().join("store");
    copy(&store, &to);
    let taker = open(other.path());
    let refused = Replicator::start(&taker, bucket.clone(), quick()).unwrap();
    let error = refused.wait_ended(LONG).unwrap();
    let ReplicateError::Fenced(record) = &error else {
        panic!("{error}");
    };
    assert_eq!((record.term.get(), record.host.as_str()), (1, "here"));
    assert_eq!(keys(&bucket, "terms").len(), 1);
    assert_eq!(refusal(&taker), Some(ErrorKind::Fenced));
    drop(taker);

    let taker = open(other.path());
    let options = quick().take_over(true).host("there");
    let taking = Replicator::start(&taker, bucket.clone(), options).unwrap();
    assert!(taking.wait_begun(LONG), "{:?}", taking.status());
    replicate(&taker, 50, 60);

    let of = Coordinate::new("order:1", "eu").unwrap();
    let event = Event::bytes(EventKind::new(1, 1), *b"too late");
    let replicated = AppendOptions::new().durability(Durability::Replicated);
    let refused = store.append_with(&of, event, replicated).unwrap_err();
    assert!(
        matches!(refused.kind(), ErrorKind::Unknown | ErrorKind::Fenced),
        "{refused}"
    );
    let error = replicator.wait_ended(LONG).unwrap();
    assert!(error.to_string().contains("there"), "{error}");
    assert_eq!(refusal(&store), Some(ErrorKind::Fenced));
    assert_eq!(read(&bucket, 60), payloads(&taker));
    drop(taking);
}

#[test]
fn two_that_begin_at_once_do_not_both_reign() {
    for _ in 0..8 {
        let (one, other, bucket) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            bucket(),
        );
        let store = open(one.path());
        append(&store, 0, 10, Durability::Synced);
        copy(&store, &other.path().join("store"));
        let stores = [store, open(other.path())];
        let race = stores
            .each_ref()
            .map(|store| Replicator::start(store, bucket.clone(), quick()).unwrap());
        let begun = race
            .each_ref()
            .map(|replicator| replicator.wait_begun(LONG));
        assert_eq!(begun.iter().filter(|begun| **begun).count(), 1, "{begun:?}");
        let [one, other] = race;
        let (winner, loser, store) = match begun {
            [true, _] => (one, other, &stores[0]),
            _ => (other, one, &stores[1]),
        };
        assert!(loser.wait_ended(LONG).unwrap().is_fence());
        replicate(store, 10, 12);
        assert_eq!(read(&bucket, 12), payloads(store));
        drop(winner);
    }
}

#[test]
fn a_bucket_that_has_more_or_another_log_is_left_alone() {
    let (one, other, bucket) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        bucket(),
    );
    let store = open(one.path());
    append(&store, 0, 10, Durability::Synced);
    copy(&store, &other.path().join("store"));
    let replicator = start(&store, &bucket);
    replicate(&store, 10, 20);
    drop(replicator);

    let older = open(other.path());
    let ended = |store: &Store| {
        let options = quick().take_over(true);
        let replicator = Replicator::start(store, bucket.clone(), options).unwrap();
        replicator.wait_ended(LONG).unwrap()
    };
    let error = ended(&older);
    assert!(
        matches!(error, ReplicateError::BucketAhead { .. }),
        "{error}"
    );
    append(&older, 900, 920, Durability::Synced);
    let error = ended(&older);
    assert!(matches!(error, ReplicateError::Diverged(_)), "{error}");

    let stranger = tempfile::tempdir().unwrap();
    let stranger = open(stranger.path());
    let error = ended(&stranger);
    assert!(matches!(error, ReplicateError::OtherLog), "{error}");
    assert_eq!(refusal(&stranger), None);
    assert_eq!(keys(&bucket, "terms").len(), 1);
    assert_eq!(read(&bucket, 20), payloads(&store));
}

#[test]
fn a_log_that_is_compacted_while_it_is_shipped_is_read_as_it_is_then() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 200);
    let go_on = &mut |_| ControlFlow::Continue(());
    compact(&store, &Retention::new().keep_newest(5), go_on).unwrap();
    assert!(payloads(&store).len() < 100);
    replicate(&store, 200, 260);
    let listed = || newest_state(&bucket).manifest.segments().to_vec();
    until(|| {
        let manifest = strandline_segment::Manifest::read(&**store.fs(), store.dir())
            .unwrap()
            .unwrap();
        listed() == manifest.segments()
    });
    assert_eq!(read(&bucket, 260), payloads(&store));
    drop(replicator);
}

#[test]
fn a_directory_serves_as_a_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().join("bucket").display());
    let bucket = Bucket::open(&url, BucketOptions::new()).unwrap();
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 100);
    assert_eq!(read(&bucket, 100), payloads(&store));
    assert_eq!(
        bucket.list(&Prefix::Terms.to_string(), None).unwrap().len(),
        1
    );
    drop(replicator);
}

/// Whether any object has these bytes.
fn has_bytes(bucket: &Bucket, bytes: &[u8]) -> bool {
    let listed = bucket.list("", None).unwrap();
    listed.iter().any(|object| {
        let object = bucket.get(&object.key).unwrap().unwrap_or_default();
        object.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn what_is_redacted_while_nobody_ships_is_gone_once_somebody_does() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 60);
    replicator.stop(LONG).unwrap();
    assert!(has_bytes(&bucket, b"event 17"));
    let go_on = &mut |_| ControlFlow::Continue(());
    redact(&store, &Redaction::new().entity("order:3"), go_on).unwrap();
    let options = quick().grace(Duration::from_secs(3600));
    let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
    until(|| !has_bytes(&bucket, b"event 17"));
    assert!(has_bytes(&bucket, b"event 18"));
    drop(replicator);
}

#[test]
fn what_is_redacted_is_gone_from_every_object_at_once() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let options = quick().grace(Duration::from_secs(3600));
    let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
    replicate(&store, 0, 60);
    let has_it = |key: &String| {
        let object = bucket.get(key).unwrap().unwrap_or_default();
        object.windows(8).any(|bytes| bytes == b"event 17")
    };
    let objects = || {
        bucket
            .list("", None)
            .unwrap()
            .into_iter()
            .map(|object| object.key)
    };
    assert!(objects().any(|key| has_it(&key)));
    let go_on = &mut |_| ControlFlow::Continue(());
    redact(&store, &Redaction::new().entity("order:3"), go_on).unwrap();
    until(|| !objects().any(|key| has_it(&key)));
    assert!(objects().count() > 2);
    drop(replicator);
}
