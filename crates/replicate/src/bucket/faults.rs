//! Buckets on an S3 server that loses, refuses, delays and contradicts.

use super::{Bucket, BucketErrorKind, BucketOptions, PutAnswer, suite};
use bytes::Bytes;
use std::error::Error;
use std::time::Duration;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_test_s3::{Fault, Operation, Seen, TestS3, TestS3Options, When};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// A server, and options for it that wait for nothing long.
fn start() -> (TestS3, BucketOptions) {
    start_with(TestS3Options::new())
}

fn start_with(server: TestS3Options) -> (TestS3, BucketOptions) {
    let server = server.start().unwrap();
    let options = BucketOptions::new()
        .part_bytes(5 << 20)
        // Of a machine that is busy no test is to see more than that it is slow: a try that is given up is one more.
        .timeout(LONG)
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    let options = server
        .settings()
        .into_iter()
        .fold(options, |options, (name, value)| {
            options.setting(name, value)
        });
    (server, options)
}

fn open(server: &TestS3, options: &BucketOptions) -> Bucket {
    Bucket::open(&format!("{}/a/prefix", server.url()), options.clone()).unwrap()
}

fn is(operation: Operation) -> impl Fn(&Seen) -> bool + Clone + Send + Sync + 'static {
    move |seen| seen.operation == operation
}

fn content(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn unclear(answer: PutAnswer) -> BucketErrorKind {
    match answer {
        PutAnswer::Unclear(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

/// What passes, and what it is.
fn passing() -> [(Fault, BucketErrorKind); 3] {
    [
        (Fault::internal_error(), BucketErrorKind::Unreachable),
        (Fault::slow_down(), BucketErrorKind::Throttled),
        (Fault::Lost, BucketErrorKind::Unreachable),
    ]
}

/// What does not pass by itself, and what it is.
fn lasting() -> [(Fault, BucketErrorKind); 3] {
    [
        (Fault::denied(), BucketErrorKind::Denied),
        (Fault::expired(), BucketErrorKind::Denied),
        (
            Fault::Answer(400, "InvalidRequest"),
            BucketErrorKind::Unexpected,
        ),
    ]
}

#[test]
fn s3() {
    // Pages of three keys: every listing takes several.
    let (server, options) = start_with(TestS3Options::new().page_keys_max(3));
    suite::check(&open(&server, &options));
    assert!(
        server
            .keys("")
            .iter()
            .all(|key| key.starts_with("a/prefix/"))
    );
    assert_eq!(server.uploads(), 0);
}

#[test]
fn a_creation_is_tried_once_and_unclear_unless_it_is_answered() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    let done = [
        (Fault::DoneThenLost, BucketErrorKind::Unreachable),
        (
            Fault::DoneThenAnswer(500, "InternalError"),
            BucketErrorKind::Unreachable,
        ),
    ];
    for (fault, kind) in passing().into_iter().chain(lasting()).chain(done) {
        let is_done = matches!(fault, Fault::DoneThenLost | Fault::DoneThenAnswer(..));
        server.forget_requests();
        server.inject(fault.clone(), When::First(1), is(Operation::Create));
        assert_eq!(
            unclear(bucket.put_new("k", content("1"))),
            kind,
            "{fault:?}"
        );
        assert_eq!(server.requests().len(), 1, "{fault:?}");
        assert_eq!(server.delete_object("a/prefix/k"), is_done, "{fault:?}");
    }
}

#[test]
fn a_conflict_of_requests_is_unclear_and_not_another_writer() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    server.inject(Fault::conflict(), When::First(1), is(Operation::Create));
    unclear(bucket.put_new("k", content("1")));
    assert_eq!(bucket.get("k").unwrap(), None);
    let done = Fault::DoneThenAnswer(409, "ConditionalRequestConflict");
    server.inject(done, When::First(1), is(Operation::Create));
    unclear(bucket.put_new("k", content("1")));
    assert_eq!(bucket.get("k").unwrap(), Some(content("1")));
    assert!(matches!(
        bucket.put_new("k", content("1")),
        PutAnswer::Exists
    ));
}

#[test]
fn a_creation_may_be_applied_after_an_absent_answer() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    let late = server.inject(Fault::late(), When::First(1), is(Operation::Create));
    unclear(bucket.put_new("k", content("late")));
    assert_eq!(bucket.get("k").unwrap(), None);
    late.release();
    late.wait_done(1);
    assert_eq!(bucket.get("k").unwrap(), Some(content("late")));
}

/// A request by its name, and how it is made.
type Call = (Operation, fn(&Bucket) -> Result<(), super::BucketError>);

fn calls() -> [Call; 5] {
    [
        (Operation::Get, |bucket| {
            assert_eq!(bucket.get("k")?, Some(content("0123456789")));
            Ok(())
        }),
        (Operation::Head, |bucket| {
            assert_eq!(bucket.head("k")?.map(|info| info.length), Some(10));
            Ok(())
        }),
        (Operation::List, |bucket| {
            assert_eq!(bucket.list("", None)?.len(), 1);
            Ok(())
        }),
        (Operation::DeleteMany, |bucket| {
            bucket.delete(&["none".to_owned()])
        }),
        (Operation::Put, |bucket| {
            bucket.put_large("k", 10, &mut &b"0123456789"[..])
        }),
    ]
}

#[test]
fn what_may_be_done_twice_is_tried_again() {
    let (server, options) = start();
    server.put_object("a/prefix/k", content("0123456789"));
    let cut = (Fault::Cut, BucketErrorKind::Unreachable);
    for (operation, call) in calls() {
        for (fault, _) in passing().into_iter().chain([cut.clone()]) {
            if fault == Fault::Cut && matches!(operation, Operation::Head | Operation::Put) {
                // An answer without a body.
                continue;
            }
            let bucket = open(&server, &options);
            server.forget_requests();
            server.inject(fault.clone(), When::First(2), is(operation));
            call(&bucket).unwrap_or_else(|error| panic!("{operation:?} {fault:?}: {error}"));
            assert_eq!(server.requests().len(), 3, "{operation:?} {fault:?}");
            let total = bucket.requests().total();
            assert_eq!(
                (total.requests, total.failed),
                (3, 2),
                "{operation:?} {fault:?}"
            );
            server.heal();
        }
    }
}

#[test]
fn tries_end_and_say_why() {
    let (server, options) = start();
    let bucket = open(&server, &options.tries_max(3));
    server.put_object("a/prefix/k", content("0123456789"));
    for (operation, call) in calls() {
        for (fault, kind) in passing() {
            server.forget_requests();
            server.inject(fault.clone(), When::Always, is(operation));
            let error = call(&bucket).unwrap_err();
            assert_eq!(error.kind(), kind, "{operation:?} {fault:?}");
            assert_eq!(server.requests().len(), 3, "{operation:?} {fault:?}");
            assert!(error.to_string().contains(&server.url()), "{error}");
            assert!(error.source().is_some());
            server.heal();
        }
    }
}

#[test]
fn what_does_not_pass_is_not_tried_again() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    for (operation, call) in calls() {
        for (fault, kind) in lasting() {
            if fault == Fault::expired() && operation == Operation::Head {
                // The answer to HEAD has no body that says more than the status.
                continue;
            }
            server.forget_requests();
            server.inject(fault.clone(), When::Always, is(operation));
            assert_eq!(
                call(&bucket).unwrap_err().kind(),
                kind,
                "{operation:?} {fault:?}"
            );
            assert_eq!(server.requests().len(), 1, "{operation:?} {fault:?}");
            server.heal();
        }
    }
}

#[test]
fn a_server_that_is_silent_or_gone_is_unreachable() {
    let (server, options) = start();
    let bucket = open(
        &server,
        &options.timeout(Duration::from_millis(50)).tries_max(2),
    );
    server.inject(Fault::Held, When::Always, |_| true);
    let kind = BucketErrorKind::Unreachable;
    assert_eq!(bucket.get("k").unwrap_err().kind(), kind);
    assert_eq!(bucket.list("", None).unwrap_err().kind(), kind);
    assert_eq!(unclear(bucket.put_new("k", content("1"))), kind);
    drop(server);
    assert_eq!(bucket.get("k").unwrap_err().kind(), kind);
    assert_eq!(unclear(bucket.put_new("k", content("1"))), kind);
}

#[test]
fn a_bucket_that_is_not_there_is_no_empty_bucket() {
    let (_server, options) = start();
    let bucket = Bucket::open("s3://strandline-other/prefix", options).unwrap();
    let kind = BucketErrorKind::NotABucket;
    assert_eq!(bucket.get("k").unwrap_err().kind(), kind);
    assert_eq!(bucket.get_range("k", 0..1).unwrap_err().kind(), kind);
    assert_eq!(bucket.head("k").unwrap_err().kind(), kind);
    assert_eq!(bucket.list("", None).unwrap_err().kind(), kind);
    assert_eq!(unclear(bucket.put_new("k", content("1"))), kind);
}

#[test]
fn a_listing_goes_on_where_it_broke_off() {
    let (server, options) = start_with(TestS3Options::new().page_keys_max(3));
    let bucket = open(&server, &options);
    for number in 0..12 {
        server.put_object(&format!("a/prefix/log/{number:02}"), content("1"));
    }
    // Each try gives one page and breaks. One that began anew would never come to the second page.
    let asked = AtomicU64::new(0);
    server.inject(Fault::slow_down(), When::Always, move |seen| {
        // Relaxed: each request is counted once, whatever the order.
        seen.operation == Operation::List && asked.fetch_add(1, Ordering::Relaxed) % 2 == 1
    });
    let listed = bucket.list("log", None).unwrap();
    let keys: Vec<_> = listed.into_iter().map(|object| object.key).collect();
    let expected: Vec<_> = (0..12).map(|number| format!("log/{number:02}")).collect();
    assert_eq!(keys, expected);
    assert_eq!(server.requests().len(), 7);
}

fn large() -> (u64, Vec<u8>) {
    let length = 12 << 20;
    (u64::try_from(length).unwrap(), vec![7; length])
}

#[test]
fn parts_are_tried_again_and_an_end_whose_answer_was_lost_is_found() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    let (length, content) = large();
    for fault in [Fault::internal_error(), Fault::slow_down(), Fault::Lost] {
        server.inject(fault.clone(), When::First(2), is(Operation::Part));
        server.inject(fault, When::First(1), is(Operation::BeginUpload));
        bucket.put_large("k", length, &mut &content[..]).unwrap();
        assert!(server.delete_object("a/prefix/k"));
        server.heal();
    }
    for fault in [
        Fault::DoneThenLost,
        Fault::DoneThenAnswer(500, "InternalError"),
    ] {
        server.inject(fault, When::First(1), is(Operation::FinishUpload));
        bucket.put_large("k", length, &mut &content[..]).unwrap();
        assert_eq!(server.object("a/prefix/k").unwrap(), content);
        assert!(server.delete_object("a/prefix/k"));
    }
    assert_eq!(server.uploads(), 0);
}

#[test]
fn an_upload_that_fails_is_taken_back() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    let (length, content) = large();
    for operation in [Operation::Part, Operation::FinishUpload] {
        server.inject(Fault::denied(), When::First(1), is(operation));
        let outcome = bucket.put_large("k", length, &mut &content[..]);
        assert_eq!(outcome.unwrap_err().kind(), BucketErrorKind::Denied);
        assert_eq!((server.uploads(), server.object("a/prefix/k")), (0, None));
    }
}

#[test]
fn parts_under_way_are_bounded() {
    let (server, options) = start();
    let bucket = open(&server, &options.parts_in_flight_max(2));
    let content = vec![7; 32 << 20];
    let held = server.inject(Fault::Held, When::Always, is(Operation::Part));
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| bucket.put_large("k", 32 << 20, &mut &content[..]));
        held.wait_met(2);
        assert_eq!(server.count(is(Operation::Part)), 2);
        held.release();
        writing.join().unwrap().unwrap();
    });
    assert_eq!(server.count(is(Operation::Part)), 7);
    let parts = bucket.requests().part;
    // The beginning and the end too.
    assert_eq!((parts.requests, parts.bytes_sent), (9, 32 << 20));
}

#[test]
fn what_is_under_way_when_a_bucket_is_dropped_is_answered() {
    let (server, options) = start();
    let bucket = open(&server, &options);
    let held = server.inject(Fault::Held, When::Always, |_| true);
    let reading = bucket.start_get("k");
    let creating = bucket.start_put("k", content("1"));
    held.wait_met(2);
    drop(bucket);
    let kind = BucketErrorKind::Closed;
    assert_eq!(reading.wait().unwrap_err().kind(), kind);
    assert_eq!(unclear(creating.wait()), kind);
}
