//! Buckets taken over, while the writer before is at work.

use super::shipped::{KIND, options};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline::maintenance::{Redaction, redact};
use strandline::{
    AppendOptions, Coordinate, Durability, ErrorKind, Event, EventId, Sequence, Store,
};
use strandline_replicate::{
    Bucket, BucketOptions, FollowError, Replica, ReplicaOptions, ReplicateError, ReplicateOptions,
    Replicator, TakeOverError, TakeOverOptions, TakenOver, take_over,
};
use strandline_test_s3::{Fault, Operation, TestS3, When};

/// Long enough for any machine; nothing is waited for as long that comes.
pub(super) const LONG: Duration = Duration::from_secs(300);

pub(super) fn replicate() -> ReplicateOptions {
    ReplicateOptions::new()
        .linger(Duration::from_millis(1))
        .interval(Duration::from_millis(5))
        .chunks_per_state(4)
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
}

pub(super) fn taking() -> TakeOverOptions {
    TakeOverOptions::new()
        .store(options())
        .replicate(replicate())
        .begin_timeout(LONG)
}

pub(super) fn replica_options() -> ReplicaOptions {
    ReplicaOptions::new().poll_interval(Duration::from_millis(2))
}

fn replicated() -> AppendOptions<'static> {
    AppendOptions::new().durability(Durability::Replicated)
}

/// Appends until the store does not take any more, and gives what was acknowledged.
fn append_until_fenced(store: &Store, who: usize) -> (BTreeMap<EventId, Vec<u8>>, ErrorKind) {
    let mut acknowledged = BTreeMap::new();
    for number in 0_u64.. {
        let payload = format!("{who} {number}").into_bytes();
        let coordinate = Coordinate::new(format!("order:{}", number % 5), "eu").unwrap();
        let event = Event::bytes(KIND, payload.clone());
        match store.append_with(&coordinate, event, replicated()) {
            Ok(receipt) => {
                assert!(receipt.replicated);
                acknowledged.insert(receipt.id, payload);
            }
            // Of what was under way it cannot be said.
            Err(error) if error.kind() == ErrorKind::Unknown => {}
            Err(error) => return (acknowledged, error.kind()),
        }
    }
    unreachable!("the numbers do not end")
}

pub(super) fn append_some(store: &Store, who: usize, count: usize) -> BTreeMap<EventId, Vec<u8>> {
    let append = |number: usize| {
        let payload = format!("{who} first {number}").into_bytes();
        let coordinate = Coordinate::new(format!("order:{}", number % 5), "eu").unwrap();
        let event = Event::bytes(KIND, payload.clone());
        let receipt = store.append_with(&coordinate, event, replicated()).unwrap();
        (receipt.id, payload)
    };
    (0..count).map(append).collect()
}

fn assert_has(store: &Store, acknowledged: &BTreeMap<EventId, Vec<u8>>) {
    let snapshot = store.snapshot();
    for (id, payload) in acknowledged {
        let event = snapshot.get(*id).unwrap();
        let event = event.unwrap_or_else(|| panic!("{id} is lost"));
        assert_eq!(event.payload().unwrap(), payload.as_slice());
    }
}

/// Takeovers one after the other, each while the writer before appends, with a replica beside.
fn take_over_again_and_again(bucket: &Bucket, place: &Path, times: usize) {
    let dir = |number: usize| -> PathBuf { place.join(format!("host-{number}")) };
    let first = options().open(dir(0)).unwrap();
    let shipping = Replicator::start(&first, bucket.clone(), replicate()).unwrap();
    assert!(shipping.wait_begun(LONG));
    let mut all = append_some(&first, 0, 30);
    let replica = Replica::open(bucket.clone(), place.join("replica"), replica_options()).unwrap();
    let mut reigning = (first, shipping);
    for number in 1..=times {
        let (store, shipping) = &reigning;
        let next = std::thread::scope(|scope| {
            let appending = scope.spawn(|| append_until_fenced(store, number - 1));
            let taken = take_over(bucket, dir(number), taking()).unwrap();
            assert!(taken.has_begun, "{:?}", taken.replicator.status());
            let (acknowledged, kind) = appending.join().unwrap();
            assert_eq!(kind, ErrorKind::Fenced);
            all.extend(acknowledged);
            taken
        });
        assert!(next.before.term < next.term);
        assert_eq!(
            shipping.status().term.map(|term| term < next.term.get()),
            Some(true)
        );
        assert_has(&next.store, &all);
        all.extend(append_some(&next.store, number, 25));
        let TakenOver {
            store, replicator, ..
        } = next;
        reigning = (store, replicator);
    }
    let (store, replicator) = reigning;
    let end = store.snapshot().visible();
    let last = Sequence::new(end.get() - 1);
    assert!(
        replica.wait_past(last, LONG).unwrap(),
        "{:?}",
        replica.status()
    );
    assert_has(&replica.store(), &all);
    assert_eq!(
        super::shipped::shown(&replica.store()),
        super::shipped::shown(&store)
    );
    for store in [&store, &*replica.store()] {
        let report = store.verify().unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
    }
    replicator.stop(LONG).unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_by_takeovers_under_load() {
    let dir = tempfile::tempdir().unwrap();
    for (at, bucket) in super::shipped::buckets(dir.path()).iter().enumerate() {
        take_over_again_and_again(bucket, &dir.path().join(at.to_string()), 4);
    }
}

pub(super) fn s3(server: &TestS3) -> Bucket {
    let options = BucketOptions::new()
        .timeout(Duration::from_secs(5))
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
        .tries_max(10);
    let settings = server.settings().into_iter();
    let options = settings.fold(options, |options, (key, value)| {
        options.setting(key, &value)
    });
    Bucket::open(&server.url(), options).unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_by_takeovers_on_a_server_that_fails() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let bucket = s3(&server);
    server.inject(
        Fault::DoneThenLost,
        When::Sometimes {
            in_thousand: 90,
            seed: 1,
        },
        |request| request.operation == Operation::Create,
    );
    server.inject(
        Fault::internal_error(),
        When::Sometimes {
            in_thousand: 80,
            seed: 2,
        },
        |_| true,
    );
    server.inject(
        Fault::conflict(),
        When::Sometimes {
            in_thousand: 60,
            seed: 3,
        },
        |request| request.operation == Operation::Create,
    );
    take_over_again_and_again(&bucket, dir.path(), 4);
}

#[test]
fn a_replica_s_directory_is_taken_over_from_and_a_written_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    let empty = take_over(&bucket, &copy, taking());
    assert!(
        matches!(empty, Err(TakeOverError::Follow(FollowError::Empty))),
        "{empty:?}"
    );
    let store = options().open(&source).unwrap();
    let shipping = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    let all = append_some(&store, 0, 60);
    let replica = Replica::open(bucket.clone(), &copy, replica_options()).unwrap();
    assert!(replica.wait_past(Sequence::new(59), LONG).unwrap());
    // It is open: the directory is the replica's, and nobody's reign is ended.
    let busy = take_over(&bucket, &copy, taking());
    assert!(
        matches!(busy, Err(TakeOverError::Follow(FollowError::Log(_)))),
        "{busy:?}"
    );
    append_some(&store, 1, 1);
    drop(replica);
    let taken = take_over(&bucket, &copy, taking()).unwrap();
    assert_eq!(taken.end, Sequence::new(61));
    assert_has(&taken.store, &all);
    let append = || {
        store.append(
            &Coordinate::new("order:1", "eu").unwrap(),
            Event::bytes(KIND, *b"x"),
        )
    };
    // Who has nothing to ship asks nothing, and learns of it with the next append at the latest.
    let _ = append();
    let fenced = shipping.wait_ended(LONG).unwrap();
    assert!(matches!(fenced, ReplicateError::Fenced(_)), "{fenced:?}");
    let refused = append();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Fenced);
    // The directory of the writer before has gone another way.
    assert_eq!(store.close().unwrap_err().kind(), ErrorKind::Fenced);
    let written = take_over(&bucket, &source, taking());
    assert!(
        matches!(written, Err(TakeOverError::Follow(FollowError::Log(_)))),
        "{written:?}"
    );
    append_some(&taken.store, 2, 3);
    // After a restart the directory knows that the term is its own.
    taken.replicator.stop(LONG).unwrap();
    taken.store.close().unwrap();
    let store = options().open(&copy).unwrap();
    let shipping = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    append_some(&store, 3, 3);
    shipping.stop(LONG).unwrap();
}

/// Minutes: run by name where takeovers are changed.
#[test]
#[ignore = "a hundred takeovers take minutes"]
fn nothing_acknowledged_is_lost_by_a_hundred_takeovers() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let when = When::Sometimes {
        in_thousand: 30,
        seed: 9,
    };
    server.inject(Fault::DoneThenLost, when, |request| {
        request.operation == Operation::Create
    });
    take_over_again_and_again(&s3(&server), dir.path(), 100);
}

#[test]
fn what_is_redacted_is_gone_from_replicas_and_later_stores() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let store = options().open(dir.path().join("source")).unwrap();
    let shipping = Replicator::start(&store, bucket.clone(), replicate()).unwrap();
    append_some(&store, 0, 70);
    let copy = dir.path().join("copy");
    let replica = Replica::open(bucket.clone(), &copy, replica_options()).unwrap();
    assert!(replica.wait_past(Sequence::new(69), LONG).unwrap());
    let first = store.snapshot().query(strandline::Region::all()).next();
    let id = first.unwrap().unwrap().id;
    let redaction = Redaction::new().event(id);
    redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
    append_some(&store, 1, 1);
    // A state is due after so many chunks at most.
    let is_redacted = |store: &Store| store.snapshot().get(id).unwrap().unwrap().is_redacted();
    for number in 2.. {
        if is_redacted(&replica.store()) {
            break;
        }
        append_some(&store, number, 1);
    }
    assert!(shipping.status().state > 0);
    let taken = take_over(&bucket, dir.path().join("next"), taking()).unwrap();
    assert!(is_redacted(&taken.store));
}
