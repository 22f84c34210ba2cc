//! What a lazy takeover asks for, and how long it takes. Measures; the figures are in `docs/performance.md`.

use super::takeovers::{LONG, taking};
use std::time::Duration;
use strandline::{Batch, Coordinate, Event, EventKind, StoreOptions};
use strandline_core::{Clock, SystemClock};
use strandline_replicate::{Bucket, BucketOptions, RemoteOptions, Replicator, take_over};
use strandline_test_s3::TestS3;

#[test]
#[ignore = "it measures, for a minute"]
fn what_a_lazy_takeover_asks_for() {
    const EVENTS: u64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let settings = server.settings().into_iter();
    let settings = settings.fold(BucketOptions::new(), |options, (name, value)| {
        options.setting(name, value)
    });
    let bucket = Bucket::open(&format!("{}/a", server.url()), settings).unwrap();
    let options = || StoreOptions::new().segment_bytes_max(1 << 20);
    let source = dir.path().join("source");
    let store = options().open(&source).unwrap();
    let mut batch = Batch::new();
    for number in 0..EVENTS {
        let of = Coordinate::new(format!("order:{}", number / 10), "eu").unwrap();
        let event = Event::bytes(EventKind::new(1, 1), vec![b'x'; 200]);
        batch.add(&of, event);
        if number % 1000 == 999 {
            store.append_batch(std::mem::take(&mut batch)).unwrap();
        }
    }
    store.close().unwrap();
    let store = options().open(&source).unwrap();
    let replicator = Replicator::start(&store, bucket.clone(), super::takeovers::replicate());
    replicator.unwrap().stop(LONG).unwrap();
    store.close().unwrap();
    server.set_latency(Duration::from_millis(30));
    for turn in 0..3 {
        let options = taking().store(options()).lazy(RemoteOptions::default());
        let (begin, clock) = (bucket.requests().total(), SystemClock::default());
        let started = clock.elapsed();
        let to = dir.path().join(format!("taken-{turn}"));
        let taken = take_over(&bucket, to, options).unwrap();
        let took = clock.elapsed() - started;
        let end = bucket.requests().total();
        let received = end.bytes_received - begin.bytes_received;
        println!(
            "{EVENTS} events: {took:?}, {} bytes an event, {end:?} after {begin:?}",
            received as f64 / EVENTS as f64
        );
        taken.replicator.stop(LONG).unwrap();
        taken.store.close().unwrap();
    }
}
