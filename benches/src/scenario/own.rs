//! What only Strandline is asked.

use super::fill::{fill, fill_and_close};
use super::measure::{failed, histogram, note, now, percentiles, timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use crate::workload::Shape;
use anyhow::Context;
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::{AppendOptions, Coordinate, Durability, Region, Store};

pub(super) const BACK: Scenario = Scenario {
    name: "read/back",
    works: &["read/scan-back", "read/stream-back"],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(fill_and_close), Phase::new(read_back)],
};

pub(super) const PAGES: Scenario = Scenario {
    name: "read/pages",
    works: &["read/pages"],
    events_max: 200_000,
    phases: &[Phase::new(pages)],
    ..BACK
};

pub(super) const ROTATING: Scenario = Scenario {
    name: "append/rotating",
    works: &["append/rotating"],
    events_max: 300_000,
    phases: &[Phase::new(rotating)],
    ..BACK
};

pub(super) const LONG_STREAM: Scenario = Scenario {
    name: "mixed/stream",
    works: &["mixed/stream"],
    events_max: 200_000,
    phases: &[Phase::new(long_stream)],
    ..BACK
};

/// Events on a page.
const PAGE: usize = 256;
/// Small enough for a rotation every 27,000 events.
const SEGMENT_BYTES: u64 = 8 << 20;
/// Appends that are synced one by one, to compare with.
const SYNCED: u64 = 500;
/// Appends beside a reader, and without.
const APPENDS: u64 = 100_000;

fn read_back(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(&job.dir)?;
    let now = store.snapshot();
    let mut count = 0;
    let mut measured = Vec::new();
    let ((), elapsed) = timed(|| {
        let mut events = now.query(Region::all());
        while let Some(event) = events.next_back_ref() {
            touch(event?.payload()?);
            count += 1;
        }
        Ok::<_, strandline::Error>(())
    })?;
    anyhow::ensure!(count == job.events, "{count} events were read");
    measured.push(job.rate("read/scan-back", count, elapsed, Unit::EventsPerSecond));
    count = 0;
    let ((), elapsed) = timed(|| {
        workload.entities().iter().try_for_each(|entity| {
            let mut events = now.stream(entity);
            while let Some(event) = events.next_back_ref() {
                touch(event?.payload()?);
                count += 1;
            }
            Ok::<_, strandline::Error>(())
        })
    })?;
    anyhow::ensure!(count == job.events, "{count} events were read");
    measured.push(job.rate("read/stream-back", count, elapsed, Unit::EventsPerSecond));
    Ok(measured)
}

/// A store of one entity with all events.
fn one_stream(job: &Job, entry: &EngineEntry) -> anyhow::Result<(Store, Coordinate)> {
    // The other entities hold as many events again, so that the stream is not the whole log.
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let workload = job.workload();
    fill(entry, &*engine, &workload)?;
    engine.close().map_err(failed)?;
    let store = options().open(&job.dir)?;
    let long = Coordinate::new("long", "region-0")?;
    for number in 0..job.events {
        store.append(&long, event(&workload.event(number)))?;
    }
    Ok((store, long))
}

/// Pages through one long stream, each page a query that resumes after the last.
fn pages(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let (store, long) = one_stream(job, entry)?;
    let mut times = Vec::new();
    let mut region = Region::all().entity(long.entity());
    let mut count = 0;
    loop {
        let started = now();
        let snapshot = store.snapshot();
        let mut last = None;
        for event in snapshot.query(&region).take(PAGE) {
            let event = event?;
            touch(event.payload()?);
            last = Some(event.sequence);
            count += 1;
        }
        let Some(last) = last else {
            break;
        };
        times.push(started.elapsed().as_secs_f64() * 1e6);
        region = region.after(last);
    }
    anyhow::ensure!(count == job.events, "{count} events were on the pages");
    let tenth = (times.len() / 10).max(1);
    let median = |part: &[f64]| {
        let mut part = part.to_vec();
        part.sort_by(f64::total_cmp);
        part.get(part.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let first = times.get(..tenth).map_or(f64::NAN, median);
    let last = times.get(times.len() - tenth..).map_or(f64::NAN, median);
    Ok(vec![
        job.measured("read/pages/first", first, Unit::Microseconds),
        job.measured("read/pages/last", last, Unit::Microseconds),
        job.measured("read/pages/first-over-last", first / last, Unit::Ratio),
    ])
}

/// Appends through many rotations, with checkpoints beside.
fn rotating(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    // Interval syncs are on, as they are by default: a rotation waits for what is not durable.
    let store = strandline::StoreOptions::new()
        .durability(Durability::Written)
        .segment_bytes_max(SEGMENT_BYTES)
        .open(&job.dir)?;
    let mut synced = histogram()?;
    let mut latencies = histogram()?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let checkpoints = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                store.checkpoint()?;
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            Ok::<_, strandline::Error>(())
        });
        let appended = append(&store, &workload, 0..job.events, &mut latencies);
        stop.store(true, Ordering::Relaxed);
        let checkpoints = checkpoints.join();
        appended?;
        checkpoints.map_err(|_| anyhow::anyhow!("the thread of the checkpoints panicked"))??;
        anyhow::Ok(())
    })?;
    let durable = AppendOptions::new().durability(Durability::Synced);
    for number in 0..SYNCED.min(job.events) {
        let new = workload.event(number);
        let coordinate = Coordinate::new(new.entity, new.scope)?;
        let started = now();
        store.append_with(&coordinate, event(&new), durable)?;
        note(&mut synced, started.elapsed());
    }
    let mut measured: Vec<_> = percentiles(job, "append/rotating", &latencies).collect();
    let over = latencies.max() as f64 / synced.value_at_quantile(0.5) as f64;
    measured.push(job.measured("append/rotating/max-over-synced", over, Unit::Ratio));
    store.close()?;
    Ok(measured)
}

/// Appends beside a reader that loops over one long stream, and without.
fn long_stream(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let (store, long) = one_stream(job, entry)?;
    let workload = job.workload();
    let (mut alone, mut beside) = (histogram()?, histogram()?);
    append(&store, &workload, 0..APPENDS, &mut alone)?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let snapshot = store.snapshot();
                let mut events = snapshot.stream(long.entity());
                while let Some(event) = events.next_ref() {
                    touch(event?.payload()?);
                }
            }
            Ok::<_, strandline::Error>(())
        });
        let appended = append(&store, &workload, APPENDS..2 * APPENDS, &mut beside);
        stop.store(true, Ordering::Relaxed);
        let reader = reader.join();
        appended?;
        reader.map_err(|_| anyhow::anyhow!("the reader panicked"))??;
        anyhow::Ok(())
    })?;
    let p99 = |latencies: &Histogram<u64>| latencies.value_at_quantile(0.99) as f64 / 1e3;
    Ok(vec![
        job.measured("mixed/stream/p99-alone", p99(&alone), Unit::Microseconds),
        job.measured("mixed/stream/p99-beside", p99(&beside), Unit::Microseconds),
    ])
}

fn append(
    store: &Store,
    workload: &crate::workload::Workload,
    numbers: std::ops::Range<u64>,
    latencies: &mut Histogram<u64>,
) -> anyhow::Result<()> {
    let coordinates = (0..workload.entities().len() as u64)
        .map(|number| {
            let event = workload.event(number);
            Coordinate::new(event.entity, event.scope)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut last = now();
    for number in numbers {
        let new = workload.event(number);
        let coordinate = coordinates.get(new.entity_number as usize);
        let coordinate = coordinate.context("every entity has a coordinate")?;
        store.append(coordinate, event(&new))?;
        let done = now();
        note(latencies, done - last);
        last = done;
    }
    Ok(())
}
