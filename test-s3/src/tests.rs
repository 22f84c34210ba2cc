//! The server driven by `object_store`, which is what it is for.

use crate::api::Api;
use crate::objects::Objects;
use crate::{Fault, Operation, Seen, TestS3, TestS3Options, When};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult, RetryConfig,
};
use s3s::dto::ListObjectsInput;
use s3s::{S3, S3Request};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::ManualClock;

fn builder(server: &TestS3) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(server.bucket())
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        });
    for (name, value) in server.settings() {
        builder = builder.with_config(name.parse().unwrap(), value);
    }
    builder
}

/// Runs `test` with a client of a server, on a runtime that is not the server's.
fn check<F: Future<Output = ()>>(
    server: TestS3,
    test: impl FnOnce(Arc<TestS3>, Arc<AmazonS3>) -> F,
) {
    let client = Arc::new(builder(&server).build().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test(Arc::new(server), client));
}

fn start() -> TestS3 {
    TestS3::start().unwrap()
}

async fn create(client: &AmazonS3, key: &str, content: &'static str) -> Result<PutResult, Error> {
    client
        .put_opts(&key.into(), content.into(), PutMode::Create.into())
        .await
}

async fn read(client: &AmazonS3, key: &str) -> Result<Bytes, Error> {
    client.get(&key.into()).await?.bytes().await
}

fn creates(seen: &Seen) -> bool {
    seen.operation == Operation::Create
}

#[test]
fn objects_are_written_read_and_deleted() {
    check(start(), async |server, client| {
        create(&client, "a/b c=d", "0123456789").await.unwrap();
        let again = create(&client, "a/b c=d", "other").await;
        assert!(
            matches!(again, Err(Error::AlreadyExists { .. })),
            "{again:?}"
        );
        assert_eq!(read(&client, "a/b c=d").await.unwrap(), "0123456789");
        client.put(&"a/b c=d".into(), "over".into()).await.unwrap();
        let meta = client.head(&"a/b c=d".into()).await.unwrap();
        assert_eq!(meta.size, 4);
        assert!(meta.e_tag.is_some());
        let range = client.get_range(&"a/b c=d".into(), 1..3).await.unwrap();
        assert_eq!(range, "ve");
        assert!(client.get_range(&"a/b c=d".into(), 4..5).await.is_err());
        client.delete(&"a/b c=d".into()).await.unwrap();
        let absent = read(&client, "a/b c=d").await;
        assert!(matches!(absent, Err(Error::NotFound { .. })), "{absent:?}");
        assert_eq!(server.keys(""), [""; 0]);

        let requests = server.requests();
        let first = &requests[0];
        assert_eq!(first.operation, Operation::Create);
        assert_eq!((first.key.as_str(), first.bytes), ("a/b c=d", 10));
        let statuses: Vec<_> = requests.iter().filter_map(|seen| seen.status).collect();
        assert_eq!(statuses, [200, 412, 200, 200, 200, 206, 416, 200, 404]);
    });
}

#[test]
fn listings_come_in_pages() {
    let server = TestS3Options::new().page_keys_max(3).start().unwrap();
    check(server, async |server, client| {
        for number in 0..10 {
            server.put_object(&format!("log/{number}"), "1");
        }
        server.put_object("logs", "1");
        let keys = |objects: Vec<object_store::ObjectMeta>| {
            let keys = objects
                .into_iter()
                .map(|object| object.location.to_string());
            keys.collect::<Vec<_>>()
        };
        let expected: Vec<_> = (0..10).map(|number| format!("log/{number}")).collect();
        let listed = client.list(Some(&"log".into())).try_collect().await;
        assert_eq!(keys(listed.unwrap()), expected);
        assert_eq!(server.count(|seen| seen.operation == Operation::List), 4);
        let listed = client.list_with_offset(Some(&"log".into()), &"log/6".into());
        assert_eq!(keys(listed.try_collect().await.unwrap()), expected[7..]);
        let listed = client.list_with_delimiter(None).await.unwrap();
        assert_eq!(listed.common_prefixes, [Path::from("log")]);
        assert_eq!(keys(listed.objects), ["logs"]);
    });
}

#[test]
fn many_are_deleted_at_once() {
    check(start(), async |server, client| {
        let paths: Vec<Path> = (0..1500)
            .map(|number| format!("d/{number}").into())
            .collect();
        for path in &paths[..1400] {
            server.put_object(path.as_ref(), "1");
        }
        server.put_object("kept", "1");
        let paths = futures::stream::iter(paths.into_iter().map(Ok)).boxed();
        let deleted: Vec<_> = client.delete_stream(paths).try_collect().await.unwrap();
        assert_eq!(deleted.len(), 1500);
        assert_eq!(server.keys(""), ["kept"]);
        assert_eq!(
            server.count(|seen| seen.operation == Operation::DeleteMany),
            2
        );
    });
}

#[test]
fn parts_become_an_object_when_it_is_finished() {
    check(start(), async |server, client| {
        let mut upload = client.put_multipart(&"large".into()).await.unwrap();
        // Sent in another order than that of the parts.
        let parts = ["first ", "second ", "third"].map(|part| upload.put_part(part.into()));
        for part in parts.into_iter().rev() {
            part.await.unwrap();
        }
        assert_eq!((server.keys("").len(), server.uploads()), (0, 1));
        upload.complete().await.unwrap();
        assert_eq!(server.object("large").unwrap(), "first second third");
        assert_eq!(server.uploads(), 0);

        let mut upload = client.put_multipart(&"aborted".into()).await.unwrap();
        upload.put_part("1".into()).await.unwrap();
        upload.abort().await.unwrap();
        assert!(upload.complete().await.is_err());
        assert_eq!((server.keys("").len(), server.uploads()), (1, 0));
    });
}

#[test]
fn who_does_not_know_the_secret_is_refused() {
    check(start(), async |server, _| {
        for (name, value) in [
            ("aws_secret_access_key", "wrong"),
            ("aws_access_key_id", "OTHER"),
            ("aws_skip_signature", "true"),
        ] {
            let stranger = builder(&server).with_config(name.parse().unwrap(), value);
            let outcome = create(&stranger.build().unwrap(), "k", "1").await;
            assert!(
                matches!(outcome, Err(Error::PermissionDenied { .. })),
                "{outcome:?}"
            );
        }
        let other = builder(&server)
            .with_bucket_name("another")
            .build()
            .unwrap();
        let outcome = read(&other, "k").await.unwrap_err().to_string();
        assert!(outcome.contains("NoSuchBucket"), "{outcome}");
        assert_eq!(server.keys(""), [""; 0]);
    });
}

#[test]
fn one_of_those_that_race_creates() {
    check(start(), async |server, client| {
        for round in 0..50 {
            let key = format!("race/{round}");
            let racers = (0..8).map(|_| create(&client, &key, "1"));
            let outcomes = futures::future::join_all(racers).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        }
        assert_eq!(server.keys("race").len(), 50);
    });
}

#[test]
fn an_injected_answer_is_given_as_often_as_was_said() {
    check(start(), async |server, client| {
        let faults = [
            Fault::conflict(),
            Fault::internal_error(),
            Fault::slow_down(),
            Fault::denied(),
            Fault::expired(),
            Fault::Lost,
        ];
        for fault in faults {
            let injection = server.inject(fault.clone(), When::First(2), |seen| {
                creates(seen) && seen.key == "k"
            });
            create(&client, "other", "1").await.unwrap();
            for _ in 0..2 {
                assert!(create(&client, "k", "1").await.is_err(), "{fault:?}");
                assert_eq!(server.object("k"), None, "{fault:?}");
            }
            create(&client, "k", "1").await.unwrap();
            assert_eq!(injection.met(), 2);
            server.delete_object("k");
            server.delete_object("other");
        }
    });
}

#[test]
fn what_is_done_may_be_answered_wrong_or_not_at_all() {
    check(start(), async |server, client| {
        let faults = [
            Fault::DoneThenLost,
            Fault::DoneThenAnswer(500, "InternalError"),
            Fault::DoneThenAnswer(409, "ConditionalRequestConflict"),
        ];
        for fault in faults {
            server.inject(fault.clone(), When::First(1), creates);
            assert!(create(&client, "k", "1").await.is_err(), "{fault:?}");
            assert!(server.delete_object("k"), "{fault:?}");
        }
        let lost = server.requests()[0].status;
        assert_eq!(lost, None);
    });
}

#[test]
fn a_late_request_is_applied_after_an_absent_answer() {
    check(start(), async |server, client| {
        let late = server.inject(Fault::late(), When::First(1), creates);
        assert!(create(&client, "k", "late").await.is_err());
        assert!(matches!(
            read(&client, "k").await,
            Err(Error::NotFound { .. })
        ));
        late.release();
        tokio::task::block_in_place(|| late.wait_done(1));
        assert_eq!(read(&client, "k").await.unwrap(), "late");

        // Behind another's creation it changes nothing.
        let late = server.inject(Fault::late(), When::First(1), creates);
        assert!(create(&client, "j", "late").await.is_err());
        create(&client, "j", "other").await.unwrap();
        late.release();
        tokio::task::block_in_place(|| late.wait_done(1));
        assert_eq!(read(&client, "j").await.unwrap(), "other");

        let soon = Fault::AnswerThenDone(500, "InternalError", Some(Duration::from_millis(1)));
        let soon = server.inject(soon, When::First(1), creates);
        assert!(create(&client, "soon", "1").await.is_err());
        tokio::task::block_in_place(|| soon.wait_done(1));
        assert!(server.object("soon").is_some());
    });
}

#[test]
fn what_is_held_goes_on_when_it_is_released() {
    check(start(), async |server, client| {
        for (fault, is_there) in [(Fault::Held, false), (Fault::DoneThenHeld, true)] {
            let held = server.inject(fault, When::Always, creates);
            let creating = tokio::spawn({
                let client = Arc::clone(&client);
                async move { create(&client, "k", "1").await }
            });
            tokio::task::block_in_place(|| held.wait_met(1));
            // Another request goes past it, and on the same threads.
            client.head(&"none".into()).await.unwrap_err();
            if !is_there {
                assert_eq!(server.object("k"), None);
            }
            server.heal();
            creating.await.unwrap().unwrap();
            assert!(server.delete_object("k"));
        }
    });
}

#[test]
fn an_answer_may_break_off() {
    check(start(), async |server, client| {
        create(&client, "k", "0123456789").await.unwrap();
        server.inject(Fault::Cut, When::First(1), |seen| {
            seen.operation == Operation::Get
        });
        assert!(read(&client, "k").await.is_err());
        assert_eq!(read(&client, "k").await.unwrap(), "0123456789");
    });
}

#[test]
fn the_same_seed_meets_the_same_requests_in_any_order() {
    let met = |seed: u64, keys: Vec<u32>| {
        let mut met = Vec::new();
        check(start(), async |server, client| {
            let sometimes = When::Sometimes {
                in_thousand: 300,
                seed,
            };
            server.inject(Fault::slow_down(), sometimes, creates);
            for key in keys {
                if create(&client, &key.to_string(), "1").await.is_err() {
                    met.push(key);
                }
            }
        });
        met.sort_unstable();
        met
    };
    let one = met(1, (0..100).collect());
    assert!((10..60).contains(&one.len()), "{one:?}");
    assert_eq!(met(1, (0..100).rev().collect()), one);
    assert_ne!(met(2, (0..100).collect()), one);
}

#[test]
fn times_come_from_the_clock_that_was_given() {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let server = TestS3Options::new().clock(clock).start().unwrap();
    check(server, async |_, client| {
        create(&client, "k", "1").await.unwrap();
        let meta = client.head(&"k".into()).await.unwrap();
        assert_eq!(meta.last_modified.timestamp_millis(), 1_700_000_000_000);
        let listed: Vec<_> = client.list(None).try_collect().await.unwrap();
        assert_eq!(listed[0].last_modified, meta.last_modified);
    });
}

#[test]
fn more_requests_than_the_rate_are_asked_to_slow_down() {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let server = TestS3Options::new().clock(clock.clone()).start().unwrap();
    check(server, async |server, client| {
        let key = Path::from("k");
        let served = async || {
            let outcomes = [
                client.put(&key, "1".into()).await,
                client.put(&key, "1".into()).await,
                client.put(&key, "1".into()).await,
            ];
            outcomes.iter().filter(|outcome| outcome.is_ok()).count()
        };
        server.set_requests_per_second_max(Some(2));
        assert_eq!(served().await, 2);
        assert_eq!(served().await, 0);
        clock.set(1_700_000_000_500);
        assert_eq!(served().await, 1);
        clock.set(1_700_000_009_000);
        assert_eq!(served().await, 2);
        assert_eq!(server.count(|seen| seen.status == Some(503)), 7);
        server.set_requests_per_second_max(None);
        assert_eq!(served().await, 3);
    });
}

#[test]
fn servers_are_independent_and_stop() {
    let (one, two) = (start(), start());
    let held = one.inject(Fault::Held, When::Always, creates);
    let client = Arc::new(builder(&one).build().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let creating = runtime.spawn({
        let client = Arc::clone(&client);
        async move { create(&client, "k", "1").await }
    });
    held.wait_met(1);
    assert_ne!(one.endpoint(), two.endpoint());
    drop(one);
    // What was under way is answered with an error, and nobody listens any more.
    assert!(runtime.block_on(creating).unwrap().is_err());
    assert!(runtime.block_on(create(&client, "k", "1")).is_err());
    let payload = PutPayload::from("1");
    let other = builder(&two).build().unwrap();
    runtime.block_on(async { other.put(&"k".into(), payload).await.unwrap() });
    assert!(two.object("k").is_some());
}

/// The listing that clients ask for who do not know of the second version: `object_store` has no call for it.
#[test]
fn the_first_version_of_listings_goes_on_behind_a_marker() {
    let objects = Arc::new(Objects::new(Arc::new(ManualClock::new(0))));
    for key in ["a/1", "a/2", "a/b/3", "a/b/4", "b/5"] {
        objects.put(key, "1".into());
    }
    let api = Api {
        bucket: "bucket".into(),
        objects,
        page_keys_max: 2,
    };
    let page = |marker: Option<String>| {
        let input = ListObjectsInput {
            bucket: "bucket".into(),
            prefix: Some("a/".into()),
            delimiter: Some("/".into()),
            marker,
            ..ListObjectsInput::default()
        };
        let request = S3Request {
            input,
            method: hyper::Method::GET,
            uri: hyper::Uri::from_static("/bucket?prefix=a/"),
            headers: hyper::HeaderMap::new(),
            extensions: hyper::http::Extensions::new(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        let output = futures::executor::block_on(api.list_objects(request));
        let output = output.unwrap().output;
        let keys = output.contents.unwrap().into_iter();
        let folders = output.common_prefixes.unwrap().into_iter();
        let keys = keys.map(|object| object.key.unwrap());
        let names = keys.chain(folders.map(|folder| folder.prefix.unwrap()));
        assert_eq!(output.is_truncated, Some(output.next_marker.is_some()));
        (names.collect::<Vec<_>>(), output.next_marker)
    };
    let (first, next) = page(None);
    assert_eq!(first, ["a/1", "a/2"]);
    assert_eq!(next.as_deref(), Some("a/2"));
    assert_eq!(page(next), (vec!["a/b/".to_owned()], None));
}

#[test]
fn a_listing_of_either_version_is_seen_as_one() {
    for (uri, operation, key) in [
        ("/bucket?delimiter=%2F&prefix=a%2F", Operation::List, "a/"),
        ("/bucket/?list-type=2&prefix=a", Operation::List, "a"),
        ("/bucket", Operation::List, ""),
        ("/bucket/a/1", Operation::Get, "a/1"),
    ] {
        let request = hyper::Request::get(uri).body(()).unwrap();
        let seen = Seen::of(&request.into_parts().0, 0);
        assert_eq!(
            (seen.operation, seen.key.as_str()),
            (operation, key),
            "{uri}"
        );
    }
}
