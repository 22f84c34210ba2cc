//! A store shipped to an S3 server that loses, refuses, delays and contradicts.

use super::*;
use strandline_core::{Clock, SystemClock};
use strandline_test_s3::{Fault, Operation, TestS3, When};

pub(super) fn server() -> (TestS3, Bucket) {
    let server = TestS3::start().unwrap();
    let options = BucketOptions::new().backoff(Duration::from_millis(1), Duration::from_millis(2));
    let settings = server.settings().into_iter();
    let options = settings.fold(options, |options, (name, value)| {
        options.setting(name, value)
    });
    let bucket = Bucket::open(&format!("{}/a/prefix", server.url()), options).unwrap();
    (server, bucket)
}

pub(super) fn patient() -> ReplicateOptions {
    quick().backoff(Duration::from_millis(1), Duration::from_millis(4))
}

#[test]
fn nothing_acknowledged_is_lost_whatever_becomes_of_requests() {
    let late = Fault::AnswerThenDone(500, "InternalError", Some(Duration::from_millis(20)));
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let faults = [
        (Operation::Create, Fault::conflict()),
        (
            Operation::Create,
            Fault::DoneThenAnswer(500, "InternalError"),
        ),
        (
            Operation::Create,
            Fault::DoneThenAnswer(409, "ConditionalRequestConflict"),
        ),
        (Operation::Create, Fault::DoneThenLost),
        (Operation::Create, Fault::Lost),
        (Operation::Create, late),
        (Operation::Get, Fault::internal_error()),
        (Operation::Get, Fault::Cut),
        (Operation::Put, Fault::DoneThenLost),
        (Operation::List, Fault::slow_down()),
        (Operation::DeleteMany, Fault::internal_error()),
    ];
    for (seed, (operation, fault)) in (0..).zip(faults) {
        let when = When::Sometimes {
            in_thousand: 60,
            seed,
        };
        server.inject(fault, when, move |seen| seen.operation == operation);
    }
    for round in 0..4 {
        let store = open(dir.path());
        let replicator = Replicator::start(&store, bucket.clone(), patient()).unwrap();
        replicate(&store, round * 40, round * 40 + 40);
        drop(replicator);
        store.close().unwrap();
    }
    server.heal();
    let store = open(dir.path());
    assert_eq!(read(&bucket, 160), payloads(&store));
}

#[test]
fn a_chunk_that_is_put_late_is_acknowledged_once_it_is_there() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let replicator = Replicator::start(&store, bucket.clone(), patient()).unwrap();
    assert!(replicator.wait_begun(LONG));
    let late = server.inject(Fault::late(), When::First(3), |seen| {
        seen.operation == Operation::Create && seen.key.contains("/log/")
    });
    std::thread::scope(|scope| {
        scope.spawn(|| replicate(&store, 0, 1));
        late.wait_met(1);
        late.release();
    });
    assert_eq!(read(&bucket, 1), payloads(&store));
}

#[test]
fn an_append_whose_check_comes_after_a_takeover_is_not_acknowledged() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (server, bucket) = server();
    let store = open(one.path());
    append(&store, 0, 10, Durability::Synced);
    copy(&store, &other.path().join("store"));
    let replicator = Replicator::start(&store, bucket.clone(), patient()).unwrap();
    assert!(replicator.wait_begun(LONG));
    let first_chunk = |key: &str| {
        key.ends_with(
            &Key::Chunk {
                term: crate::Term::FIRST,
                number: 0,
            }
            .to_string(),
        )
    };
    // The chunk is held back until the taker has looked for chunks and found none.
    let held = server.inject(Fault::Held, When::Always, move |seen| {
        seen.operation == Operation::Create && first_chunk(&seen.key)
    });
    std::thread::scope(|scope| {
        let appending = scope.spawn(|| {
            let of = Coordinate::new("order:1", "eu").unwrap();
            let event = Event::bytes(EventKind::new(1, 1), *b"late");
            let replicated = AppendOptions::new().durability(Durability::Replicated);
            store.append_with(&of, event, replicated)
        });
        held.wait_met(1);
        let taker = open(other.path());
        let options = patient().take_over(true);
        let taking = Replicator::start(&taker, bucket.clone(), options).unwrap();
        assert!(taking.wait_begun(LONG));
        held.release();
        let refused = appending.join().unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unknown, "{refused}");
        assert!(replicator.wait_ended(LONG).unwrap().is_fence());
        assert_eq!(refusal(&store), Some(ErrorKind::Fenced));
        replicate(&taker, 10, 12);
        assert_eq!(read(&bucket, 12), payloads(&taker));
    });
}

#[test]
fn an_outage_is_said_and_waited_out() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let replicator = Replicator::start(&store, bucket.clone(), patient()).unwrap();
    assert!(replicator.wait_begun(LONG));
    server.inject(Fault::denied(), When::Always, |_| true);
    append(&store, 0, 100, Durability::Synced);
    until(|| {
        replicator
            .status()
            .last_error
            .is_some_and(|error| error.contains("renew the credentials"))
    });
    let status = replicator.status();
    assert_eq!(
        (status.replicated, status.stage),
        (0, ReplicatorStage::Shipping)
    );
    server.heal();
    assert!(replicator.wait_replicated(Sequence::new(100), LONG));
    assert_eq!(read(&bucket, 100), payloads(&store));
    until(|| replicator.status().lag_events == 0);
    replicator.stop(LONG).unwrap();
}

#[test]
fn an_outage_at_the_start_is_waited_out() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    append(&store, 0, 60, Durability::Synced);
    let outage = server.inject(Fault::internal_error(), When::First(40), |_| true);
    let replicator = Replicator::start(&store, bucket.clone(), patient()).unwrap();
    assert!(replicator.wait_begun(LONG));
    assert_eq!(outage.met(), 40);
    assert_eq!(read(&bucket, 60), payloads(&store));
    drop(replicator);
}

#[test]
fn where_reading_is_granted_and_writing_is_not_tries_become_rare() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let options = quick().backoff(Duration::from_millis(1), LONG);
    let replicator = Replicator::start(&store, bucket, options).unwrap();
    assert!(replicator.wait_begun(LONG));
    let refused = server.inject(Fault::denied(), When::Always, |seen| {
        seen.operation == Operation::Create
    });
    let clock = SystemClock::default();
    append(&store, 0, 1, Durability::Synced);
    refused.wait_met(10);
    // Nine waits, each half of twice the one before at least; a busy machine takes longer still.
    let waited = clock.elapsed();
    assert!(waited >= Duration::from_millis(511 / 2), "{waited:?}");
    drop(replicator);
}

#[test]
fn deletions_that_are_refused_hold_up_no_chunk_and_are_said() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let refused = server.inject(Fault::denied(), When::Always, |seen| {
        matches!(seen.operation, Operation::Delete | Operation::DeleteMany)
    });
    let hour = Duration::from_secs(3600);
    let replicator = Replicator::start(&store, bucket, quick().backoff(hour, hour)).unwrap();
    assert!(replicator.wait_begun(LONG));
    append(&store, 0, 60, Durability::Synced);
    assert!(replicator.wait_replicated(Sequence::new(60), LONG));
    until(|| {
        append(&store, 0, 1, Durability::Synced);
        refused.met() > 0
    });
    until(|| replicator.status().last_error.is_some());
    append(&store, 0, 60, Durability::Synced);
    let end = store.stats().unwrap().written;
    assert!(replicator.wait_replicated(end, LONG));
    let said = replicator.status().last_error.unwrap();
    assert!(said.contains("delete"), "{said}");
    drop(replicator);
}

#[test]
fn an_object_that_comes_after_it_was_redacted_is_deleted() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    // The file of the first segment as it is before the redaction.
    let late = server.inject(Fault::late(), When::Always, |seen| {
        seen.operation == Operation::Put && seen.key.contains("/segment-0000000001.log-")
    });
    append(&store, 0, 60, Durability::Synced);
    let replicator = Replicator::start(&store, bucket.clone(), patient()).unwrap();
    late.wait_met(1);
    let go_on = &mut |_| ControlFlow::Continue(());
    redact(&store, &Redaction::new().entity("order:3"), go_on).unwrap();
    // The term begins with the file as it is now.
    assert!(replicator.wait_begun(LONG));
    assert!(!has_bytes(&bucket, b"event 17"));
    late.release();
    late.wait_done(1);
    let mut number = 20_000;
    until(|| {
        replicate(&store, number, number + 4);
        number += 4;
        !has_bytes(&bucket, b"event 17")
    });
    drop(replicator);
}

#[test]
fn a_later_term_that_cannot_be_read_fences_all_the_same() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let replicator = Replicator::start(&store, bucket, patient()).unwrap();
    assert!(replicator.wait_begun(LONG));
    let key = Key::Term(crate::Term::new(2).unwrap());
    server.put_object(&format!("a/prefix/{key}"), "of a newer version");
    append(&store, 0, 1, Durability::Synced);
    let ended = replicator.wait_ended(LONG).unwrap();
    assert!(ended.to_string().contains("another writer"), "{ended}");
    assert_eq!(refusal(&store), Some(ErrorKind::Fenced));
}

#[test]
fn what_is_not_shipped_while_a_term_begins_is_said() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    append(&store, 0, 10, Durability::Synced);
    server.inject(Fault::denied(), When::Always, |_| true);
    let replicator = Replicator::start(&store, bucket, patient()).unwrap();
    until(|| replicator.status().lag_events == 10);
    append(&store, 10, 12, Durability::Synced);
    until(|| replicator.status().lag_events == 12);
    assert_eq!(replicator.status().stage, ReplicatorStage::Beginning);
    drop(replicator);
}

/// Whether a replicator that waits for an answer to this ends though none comes. If not, it hangs.
fn ends_while_nothing_answers(held: fn(Operation) -> bool) {
    let (dir, server) = (tempfile::tempdir().unwrap(), TestS3::start().unwrap());
    // Nothing is given up in a lifetime.
    let mut options = BucketOptions::new().timeout(Duration::from_secs(1 << 20));
    for (name, value) in server.settings() {
        options = options.setting(name, value);
    }
    let bucket = Bucket::open(&format!("{}/a/prefix", server.url()), options).unwrap();
    let store = open(dir.path());
    append(&store, 0, 90, Durability::Synced);
    let held = server.inject(Fault::Held, When::Always, move |seen| held(seen.operation));
    let replicator = Replicator::start(&store, bucket, patient()).unwrap();
    let mut number = 90;
    // Some is deleted only once enough chunks were shipped.
    until(|| {
        append(&store, number, number + 4, Durability::Synced);
        number += 4;
        held.met() > 0
    });
    drop(replicator);
    held.release();
}

#[test]
fn a_replicator_ends_while_a_listing_a_get_an_upload_or_a_deletion_is_not_answered() {
    ends_while_nothing_answers(|of| of == Operation::List);
    ends_while_nothing_answers(|of| of == Operation::Create);
    ends_while_nothing_answers(|of| of == Operation::Put);
    ends_while_nothing_answers(|of| of == Operation::Get);
    ends_while_nothing_answers(|of| matches!(of, Operation::Delete | Operation::DeleteMany));
}

#[test]
fn a_bucket_that_contradicts_itself_is_asked_less_and_less_often() {
    for is_begun in [false, true] {
        let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
        let store = open(dir.path());
        let options = quick().backoff(Duration::from_millis(1), LONG);
        let start = || Replicator::start(&store, bucket.clone(), options.clone()).unwrap();
        // There, says the answer to a PUT, and the one to a GET says that it is not.
        let refuse = || {
            let there = Fault::Answer(412, "PreconditionFailed");
            server.inject(there, When::Always, |seen| {
                seen.operation == Operation::Create
            })
        };
        let clock = SystemClock::default();
        let (replicator, refused) = match is_begun {
            false => {
                let refused = refuse();
                (start(), refused)
            }
            true => {
                let replicator = start();
                assert!(replicator.wait_begun(LONG));
                let refused = refuse();
                append(&store, 0, 1, Durability::Synced);
                (replicator, refused)
            }
        };
        refused.wait_met(10);
        // Nine waits, each half of twice the one before at least; a busy machine takes longer still.
        let waited = clock.elapsed();
        assert!(waited >= Duration::from_millis(511 / 2), "{waited:?}");
        let said = replicator.status().last_error.unwrap();
        assert!(said.contains("says that it is not"), "{said}");
        server.heal();
        drop(replicator);
    }
}
