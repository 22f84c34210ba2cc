//! Reading live: from an append to its delivery, catching up, and going on from a saved position.

use super::fill::fill_and_close;
use super::measure::{histogram, note, now, percentiles, timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use crate::workload::Shape;
use anyhow::Context;
use hdrhistogram::Histogram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;
use strandline::fs::{OsFs, read_file, replace_file};
use strandline::{
    AppendOptions, Coordinate, Delivery, Durability, Query, Region, SavedPosition, Start, Store,
};

pub(super) const CATCH_UP: Scenario = Scenario {
    name: "live/catch-up",
    works: &[
        "live/catch-up/headers",
        "live/catch-up/events",
        "live/catch-up/owned",
    ],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(fill_and_close), Phase::new(catch_up)],
};

pub(super) const RESUME: Scenario = Scenario {
    name: "live/resume-unmatched",
    works: &["live/resume-unmatched"],
    phases: &[
        Phase::new(fill_and_close),
        Phase::new(save),
        Phase::new(resume),
    ],
    ..CATCH_UP
};

pub(super) const LATENCY: Scenario = Scenario {
    name: "live/latency",
    works: &["live/latency/written", "live/latency/durable"],
    events_max: 20_000,
    phases: &[Phase::new(latency)],
    ..CATCH_UP
};

/// Events that a cursor is asked for at once.
const BATCH: usize = 4096;
/// Appends that are synced one by one.
const SYNCED: u64 = 500;

fn from_the_beginning(store: &Store) -> Result<strandline::Cursor, strandline::Error> {
    store.follow(Region::all(), Start::Beginning)
}

fn catch_up(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let mut measured = Vec::new();
    // Once, so that the files are in memory.
    for name in ["", "live/catch-up/events"] {
        let mut cursor = from_the_beginning(&store)?;
        let (count, elapsed) = timed(|| {
            let mut count = 0;
            loop {
                let read = cursor.try_batch_with(BATCH, |event| {
                    if let Ok(payload) = event.payload() {
                        touch(payload);
                    }
                })?;
                count += read as u64;
                if read == 0 {
                    return Ok::<_, strandline::Error>(count);
                }
            }
        })?;
        anyhow::ensure!(count == job.events, "{count} events were read");
        if !name.is_empty() {
            measured.push(job.rate(name, count, elapsed, Unit::EventsPerSecond));
        }
    }
    let mut cursor = from_the_beginning(&store)?;
    let (count, elapsed) = timed(|| {
        let mut count = 0;
        loop {
            let read = cursor.try_rows_with(BATCH, |row| {
                std::hint::black_box((row.id(), row.kind(), row.sequence()));
            })?;
            count += read as u64;
            if read == 0 {
                return Ok::<_, strandline::Error>(count);
            }
        }
    })?;
    anyhow::ensure!(count == job.events, "{count} headers were read");
    measured.push(job.rate(
        "live/catch-up/headers",
        count,
        elapsed,
        Unit::EventsPerSecond,
    ));
    let mut cursor = from_the_beginning(&store)?;
    let (count, elapsed) = timed(|| {
        let mut count = 0;
        while let Some(event) = cursor.try_next()? {
            touch(event.payload()?);
            count += 1;
        }
        Ok::<_, strandline::Error>(count)
    })?;
    anyhow::ensure!(count == job.events, "{count} events were given");
    measured.push(job.rate("live/catch-up/owned", count, elapsed, Unit::EventsPerSecond));
    Ok(measured)
}

/// Events of which there are none.
fn nobodys() -> Query {
    Region::all().entity("nobody").into()
}

fn saved_in(job: &Job) -> PathBuf {
    job.dir.with_extension("position")
}

fn save(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let mut cursor = store.follow(nobodys(), Start::Beginning)?;
    anyhow::ensure!(cursor.try_next()?.is_none(), "nobody has no events");
    replace_file(
        &OsFs,
        &saved_in(job),
        cursor.position()?.to_string().as_bytes(),
    )?;
    store.close()?;
    Ok(Vec::new())
}

/// Goes on from a position that was saved after events that are not of the query.
fn resume(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let text = read_file(&OsFs, &saved_in(job), 1 << 10)?;
    let position: SavedPosition = String::from_utf8(text)?.parse()?;
    let store = options().open(&job.dir)?;
    let (cursor, elapsed) = timed(|| {
        let mut cursor = store.follow(nobodys(), position)?;
        let next = cursor.try_next()?;
        Ok::<_, strandline::Error>(next.is_none().then_some(cursor))
    })?;
    let cursor = cursor.context("nobody has no events")?;
    anyhow::ensure!(cursor.sequence().get() == job.events, "it went back");
    let microseconds = elapsed.as_secs_f64() * 1e6;
    Ok(vec![job.measured(
        "live/resume-unmatched",
        microseconds,
        Unit::Microseconds,
    )])
}

/// From the start of an append to the delivery of its event, to a cursor that waits for it.
fn latency(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let written = deliver(
        &store,
        job,
        job.events,
        (Durability::Written, Delivery::Visible),
    )?;
    let durable = deliver(
        &store,
        job,
        SYNCED.min(job.events),
        (Durability::Synced, Delivery::Durable),
    )?;
    let p50 = |latencies: &Histogram<u64>| latencies.value_at_quantile(0.5) as f64;
    let over = p50(&durable.delivered) / p50(&durable.appended);
    let wake_up = wake_up(job.events)?;
    let over_wake_up = p50(&written.delivered) / p50(&wake_up);
    let mut measured: Vec<_> =
        percentiles(job, "live/latency/written", &written.delivered).collect();
    measured.extend(percentiles(job, "live/latency/durable", &durable.delivered));
    measured.push(job.measured("live/latency/durable/over-synced", over, Unit::Ratio));
    measured.extend(percentiles(job, "live/latency/wake-up", &wake_up));
    let name = "live/latency/written/over-wake-up";
    measured.push(job.measured(name, over_wake_up, Unit::Ratio));
    Ok(measured)
}

/// From the moment before a thread that sleeps is woken to the moment after: what the machine takes of each delivery,
/// whoever delivers.
fn wake_up(count: u64) -> anyhow::Result<Histogram<u64>> {
    let (started_at, starts) = sync_channel::<Instant>(1);
    let (wakes, woken) = sync_channel::<()>(1);
    let told = &AtomicU64::new(0);
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(move || {
            let mut latencies = histogram()?;
            for number in 1..=count {
                while told.load(Ordering::Acquire) < number {
                    std::thread::park();
                }
                let at = now();
                note(&mut latencies, at - starts.recv()?);
                wakes.send(())?;
            }
            anyhow::Ok(latencies)
        });
        for number in 1..=count {
            let started = now();
            told.store(number, Ordering::Release);
            sleeper.thread().unpark();
            started_at.send(started)?;
            woken.recv()?;
        }
        let latencies = sleeper.join();
        latencies.map_err(|_| anyhow::anyhow!("the sleeper panicked"))?
    })
}

struct Latencies {
    appended: Histogram<u64>,
    delivered: Histogram<u64>,
}

fn deliver(
    store: &Store,
    job: &Job,
    count: u64,
    (durability, delivery): (Durability, Delivery),
) -> anyhow::Result<Latencies> {
    let workload = job.workload();
    let mut cursor = store.follow(Region::all(), Start::Now)?.at(delivery);
    let (started_at, starts) = sync_channel::<Instant>(1);
    let (delivers, delivered_at) = sync_channel::<()>(1);
    let mut appended = histogram()?;
    let append = AppendOptions::new().durability(durability);
    std::thread::scope(|scope| {
        let follower = scope.spawn(move || {
            let mut delivered = histogram()?;
            for _ in 0..count {
                cursor.next()?;
                let at = now();
                note(&mut delivered, at - starts.recv()?);
                delivers.send(())?;
            }
            anyhow::Ok(delivered)
        });
        for number in 0..count {
            let new = workload.event(number);
            let coordinate = Coordinate::new(new.entity, new.scope)?;
            let event = event(&new);
            let started = now();
            store.append_with(&coordinate, event, append)?;
            note(&mut appended, started.elapsed());
            started_at.send(started)?;
            delivered_at.recv()?;
        }
        let delivered = follower.join();
        let delivered = delivered.map_err(|_| anyhow::anyhow!("the follower panicked"))??;
        Ok(Latencies {
            appended,
            delivered,
        })
    })
}
