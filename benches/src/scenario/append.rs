//! Appending: rates, latencies, and what it leaves in memory and on disk.

use super::files;
use super::fill::fill;
use super::measure::{failed, histogram, note, now, percentiles, timed};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, Durability, EngineEntry, NewEvent};
use crate::results::{Measured, Unit};
use crate::workload::Shape;
use hdrhistogram::Histogram;

pub(super) const SINGLE: Scenario = Scenario {
    name: "append/single",
    works: &["append/single", "disk/single", "memory"],
    systems: For::AllAndLimits,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(|job, entry| {
        one_by_one(job, entry, "append/single", "memory", "disk/single")
    })],
};

pub(super) const WIDE_SINGLE: Scenario = Scenario {
    name: "wide/append/single",
    works: &["wide/append/single", "wide/disk/single", "wide/memory"],
    systems: For::Stores,
    shape: Shape::Wide,
    phases: &[Phase::new(|job, entry| {
        let [append, memory, disk] = ["wide/append/single", "wide/memory", "wide/disk/single"];
        one_by_one(job, entry, append, memory, disk)
    })],
    ..SINGLE
};

pub(super) const BATCH100: Scenario = Scenario {
    name: "append/batch100",
    works: &["append/batch100", "disk/batch100"],
    phases: &[Phase::new(|job, entry| {
        in_batches(job, entry, "append/batch100", "disk/batch100")
    })],
    ..SINGLE
};

pub(super) const WIDE_BATCH100: Scenario = Scenario {
    name: "wide/append/batch100",
    works: &["wide/append/batch100", "wide/disk/batch100"],
    phases: &[Phase::new(|job, entry| {
        in_batches(job, entry, "wide/append/batch100", "wide/disk/batch100")
    })],
    ..WIDE_SINGLE
};

pub(super) const PRODUCERS8: Scenario = Scenario {
    name: "append/producers8",
    works: &["append/producers8"],
    systems: For::Stores,
    phases: &[Phase::new(|job, entry| {
        by_threads(job, entry, "append/producers8", 8, Durability::Written)
    })],
    ..SINGLE
};

pub(super) const SYNCED1: Scenario = Scenario {
    name: "append/synced1",
    works: &["append/synced1"],
    needs: &[Ability::Synced],
    events_max: 2_000,
    phases: &[Phase::new(|job, entry| {
        by_threads(job, entry, "append/synced1", 1, Durability::Synced)
    })],
    ..SINGLE
};

pub(super) const SYNCED8: Scenario = Scenario {
    name: "append/synced8",
    works: &["append/synced8"],
    systems: For::Stores,
    events_max: 8_000,
    phases: &[Phase::new(|job, entry| {
        by_threads(job, entry, "append/synced8", 8, Durability::Synced)
    })],
    ..SYNCED1
};

pub(super) const SYNCED64: Scenario = Scenario {
    name: "append/synced64",
    works: &["append/synced64"],
    events_max: 32_000,
    phases: &[Phase::new(|job, entry| {
        by_threads(job, entry, "append/synced64", 64, Durability::Synced)
    })],
    ..SYNCED8
};

fn one_by_one(
    job: &Job,
    entry: &EngineEntry,
    append: &str,
    memory: &str,
    disk: &str,
) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let resident = files::resident_bytes()?;
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let mut latencies = histogram()?;
    let started = now();
    let mut last = started;
    for number in 0..job.events {
        let event = workload.event(number);
        engine
            .append(std::slice::from_ref(&event), Durability::Written)
            .map_err(failed)?;
        // One look at the clock serves as the end of this append and the start of the next.
        let done = now();
        note(&mut latencies, done - last);
        last = done;
    }
    let elapsed = last - started;
    let mut measured = vec![job.rate(append, job.events, elapsed, Unit::EventsPerSecond)];
    measured.extend(percentiles(job, append, &latencies));
    let grown = files::resident_bytes()?.saturating_sub(resident);
    if entry.name != "limit" {
        measured.push(job.measured(memory, per_event(job, grown), Unit::BytesPerEvent));
    }
    engine.close().map_err(failed)?;
    let bytes = files::disk_bytes(&job.dir)?;
    measured.push(job.measured(disk, per_event(job, bytes), Unit::BytesPerEvent));
    Ok(measured)
}

fn in_batches(
    job: &Job,
    entry: &EngineEntry,
    append: &str,
    disk: &str,
) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let ((), elapsed) = timed(|| fill(entry, &*engine, &workload))?;
    engine.close().map_err(failed)?;
    let bytes = files::disk_bytes(&job.dir)?;
    Ok(vec![
        job.rate(append, job.events, elapsed, Unit::EventsPerSecond),
        job.measured(disk, per_event(job, bytes), Unit::BytesPerEvent),
    ])
}

fn by_threads(
    job: &Job,
    entry: &EngineEntry,
    work: &str,
    threads: u64,
    durability: Durability,
) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let engine = &*engine;
    let append = |thread: u64| -> anyhow::Result<Histogram<u64>> {
        let mut latencies = histogram()?;
        let mut last = now();
        for number in (thread..job.events).step_by(threads as usize) {
            let event: NewEvent<'_> = workload.event(number);
            engine
                .append(std::slice::from_ref(&event), durability)
                .map_err(failed)?;
            let done = now();
            note(&mut latencies, done - last);
            last = done;
        }
        Ok(latencies)
    };
    let append = &append;
    let (latencies, elapsed) = timed(|| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || append(thread)))
                .collect();
            let mut all = histogram()?;
            for thread in threads {
                let own = thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a thread that appended panicked"))??;
                all.add(own)?;
            }
            anyhow::Ok(all)
        })
    })?;
    let mut measured = vec![job.rate(work, job.events, elapsed, Unit::EventsPerSecond)];
    measured.extend(percentiles(job, work, &latencies));
    Ok(measured)
}

fn per_event(job: &Job, bytes: u64) -> f64 {
    bytes as f64 / job.events as f64
}
