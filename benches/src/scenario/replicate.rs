//! Replication to a server with the latency of one that is far: what an append waits, what it costs those that do
//! not wait, and how far a replica is behind.

use super::live::{append_all, coordinates, median};
use super::measure::{histogram, note, now, percentiles, timed};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use crate::workload::Shape;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use strandline::{
    AppendOptions, Batch, Coordinate, Durability, Receipt, Region, Sequence, Store, StoreOptions,
    Ticket,
};
use strandline_replicate::{
    Bucket, BucketOptions, RemoteOptions, Replica, ReplicaOptions, ReplicateOptions, Replicator,
    TakeOverOptions, take_over,
};
use strandline_test_s3::TestS3;

pub(super) const APPEND: Scenario = Scenario {
    name: "replicate/append",
    works: &["replicate/append/one", "replicate/append/batch100"],
    systems: For::Own,
    needs: &[Ability::Synced],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(append)],
};

pub(super) const BESIDE: Scenario = Scenario {
    name: "replicate/beside",
    works: &["replicate/beside"],
    events_max: u64::MAX,
    phases: &[Phase::new(beside)],
    ..APPEND
};

pub(super) const LAG: Scenario = Scenario {
    name: "replicate/lag",
    works: &["replicate/lag"],
    events_max: LAG_EVENTS,
    phases: &[Phase::new(lag)],
    ..APPEND
};

pub(super) const TAKEOVER: Scenario = Scenario {
    name: "replicate/takeover",
    works: &["replicate/takeover/whole", "replicate/takeover/lazy"],
    events_max: u64::MAX,
    phases: &[Phase::new(takeover)],
    ..APPEND
};

/// How long the server waits before it does anything.
const LATENCY: Duration = Duration::from_millis(30);
/// Submits that are not replicated yet.
const IN_FLIGHT: usize = 64;
/// Appends of one event, at most: each waits for some 60 ms, and 64 of them together.
const ONES: u64 = 20_000;
/// How often appends beside a shipper and appends alone take turns.
const TURNS: u64 = 8;
/// Events whose way to a replica is timed.
const LAG_EVENTS: u64 = 30;
/// Longer than anything that is waited for.
const LONG: Duration = Duration::from_secs(60);

/// A server as far away as `LATENCY`, and a bucket on it.
fn server() -> anyhow::Result<(TestS3, Bucket)> {
    let server = TestS3::start()?;
    server.set_latency(LATENCY);
    let mut options = BucketOptions::new();
    for (name, value) in server.settings() {
        options = options.setting(name, value);
    }
    let bucket = Bucket::open(&format!("{}/log", server.url()), options)?;
    Ok((server, bucket))
}

fn start(store: &Store, bucket: &Bucket) -> anyhow::Result<Replicator> {
    let replicator = Replicator::start(store, bucket.clone(), ReplicateOptions::new())?;
    anyhow::ensure!(replicator.wait_begun(LONG), "{:?}", replicator.status());
    Ok(replicator)
}

/// Submits that are waited for once they are replicated, 64 of them at a time.
fn append(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let mut figures = Vec::new();
    for (name, size, events) in [
        ("replicate/append/one", 1, job.events.min(ONES)),
        ("replicate/append/batch100", 100, job.events),
    ] {
        if !job.wants(name) {
            continue;
        }
        let (_server, bucket) = server()?;
        let store = options().open(job.dir.join(name.replace('/', "-")))?;
        let replicator = start(&store, &bucket)?;
        let workload = job.workload();
        let replicated = AppendOptions::new().durability(Durability::Replicated);
        let mut latencies = histogram()?;
        let mut in_flight = VecDeque::new();
        let mut wait = |(ticket, began): (Ticket<Vec<Receipt>>, Instant)| {
            let receipts = ticket.wait()?;
            anyhow::ensure!(receipts.iter().all(|receipt| receipt.replicated));
            note(&mut latencies, began.elapsed());
            anyhow::Ok(())
        };
        let ((), elapsed) = timed(|| {
            for first in (0..events).step_by(size) {
                let mut batch = Batch::new();
                for number in first..first + size as u64 {
                    let new = workload.event(number);
                    batch.add(&Coordinate::new(new.entity, new.scope)?, event(&new));
                }
                let began = now();
                in_flight.push_back((store.submit_batch_with(batch, replicated)?, began));
                if in_flight.len() == IN_FLIGHT {
                    in_flight.pop_front().map_or(Ok(()), &mut wait)?;
                }
            }
            in_flight.drain(..).try_for_each(&mut wait)
        })?;
        figures.push(job.rate(name, events, elapsed, Unit::EventsPerSecond));
        figures.extend(percentiles(job, name, &latencies));
        replicator.stop(LONG)?;
        store.close()?;
    }
    Ok(figures)
}

/// Appends one by one that wait for nothing, beside a shipper and without one.
fn beside(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let (_server, bucket) = server()?;
    // Synced in the background, as a store is by default: what is durable is shipped.
    let store = StoreOptions::new().durability(Durability::Written);
    let store = store.open(job.dir.join("beside"))?;
    let workload = job.workload();
    let coordinates = coordinates(&workload)?;
    let a_turn = (job.events / (2 * TURNS)).max(1);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let mut first = 0;
    let mut append = || {
        let numbers = first..first + a_turn;
        first += a_turn;
        timed(|| append_all(&store, &workload, &coordinates, numbers))
    };
    for _ in 0..TURNS {
        let replicator = start(&store, &bucket)?;
        beside.push(append()?.1);
        replicator.stop(LONG)?;
        alone.push(append()?.1);
    }
    store.close()?;
    let (beside, alone) = (median(beside), median(alone));
    let share = alone.as_secs_f64() / beside.as_secs_f64();
    let (name, unit) = ("replicate/beside", Unit::EventsPerSecond);
    Ok(vec![
        job.rate(name, a_turn, beside, unit),
        job.rate("replicate/beside/none", a_turn, alone, unit),
        job.measured("replicate/beside/share", share, Unit::Ratio),
    ])
}

/// From the return of an append to a replica that shows the event, with the intervals that both have by default.
fn lag(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let (_server, bucket) = server()?;
    let store = Store::open(job.dir.join("lag"))?;
    let replicator = start(&store, &bucket)?;
    let workload = job.workload();
    let coordinates = coordinates(&workload)?;
    append_all(&store, &workload, &coordinates, 0..1)?;
    let replica = Replica::open(bucket, job.dir.join("replica"), ReplicaOptions::new())?;
    let mut latencies = histogram()?;
    for number in 1..job.events.max(2) {
        // At another moment of both intervals each time.
        std::thread::sleep(Duration::from_millis(number * 137 % 1_000));
        append_all(&store, &workload, &coordinates, number..number + 1)?;
        let (is_shown, lag) = timed(|| replica.wait_past(Sequence::new(number), LONG))?;
        anyhow::ensure!(is_shown, "{:?}", replica.status());
        note(&mut latencies, lag);
    }
    drop(replica);
    replicator.stop(LONG)?;
    store.close()?;
    Ok(percentiles(job, "replicate/lag", &latencies).collect())
}

/// From the begin of a takeover into a new directory until the oldest and the newest event of the store are read: with
/// all of the log fetched, and with what is sealed left in the bucket. Its segments are of 8 MiB, so that there are
/// several.
fn takeover(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let (server, bucket) = server()?;
    server.set_latency(Duration::ZERO);
    let source = job.dir.join("source");
    let of = || options().segment_bytes_max(8 << 20);
    let store = of().open(&source)?;
    let workload = job.workload();
    let mut batch = Batch::new();
    for number in 0..job.events {
        let new = workload.event(number);
        batch.add(&Coordinate::new(new.entity, new.scope)?, event(&new));
        if number % 1_000 == 999 || number + 1 == job.events {
            store.append_batch(std::mem::take(&mut batch))?;
        }
    }
    // With its footers and merged files.
    store.close()?;
    let store = of().open(&source)?;
    start(&store, &bucket)?.stop(LONG)?;
    store.close()?;
    server.set_latency(LATENCY);
    let mut figures = Vec::new();
    for (name, is_lazy) in [
        ("replicate/takeover/whole", false),
        ("replicate/takeover/lazy", true),
    ] {
        if !job.wants(name) {
            continue;
        }
        let mut options = TakeOverOptions::new().store(of());
        if is_lazy {
            options = options.lazy(RemoteOptions::default());
        }
        let dir = job.dir.join(name.replace('/', "-"));
        let begin = bucket.requests().total();
        let (taken, elapsed) = timed(|| {
            let taken = take_over(&bucket, &dir, options)?;
            let snapshot = taken.store.snapshot();
            let last = snapshot.visible().get().saturating_sub(1);
            for sequence in [0, last] {
                let one = Region::all().sequence(sequence..=sequence);
                let event = snapshot.query(one).next().transpose()?;
                anyhow::ensure!(event.is_some(), "event {sequence} is not there");
            }
            anyhow::Ok(taken)
        })?;
        let end = bucket.requests().total();
        let received = end.bytes_received.saturating_sub(begin.bytes_received);
        let milliseconds = elapsed.as_secs_f64() * 1e3;
        figures.push(job.measured(name, milliseconds, Unit::Milliseconds));
        let (received, events) = (received as f64, job.events as f64);
        let name = format!("{name}/received");
        figures.push(job.measured(&name, received / events, Unit::BytesPerEvent));
        taken.replicator.stop(LONG)?;
        taken.store.close()?;
    }
    Ok(figures)
}
