//! One writer and two readers together.

use super::fill::fill;
use super::measure::{failed, histogram, note, now, percentiles, random};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, Durability, Engine, EngineEntry};
use crate::results::{Measured, Unit};
use crate::workload::{Shape, Workload};
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) const MIXED: Scenario = Scenario {
    name: "mixed",
    works: &["mixed"],
    systems: For::Stores,
    needs: &[Ability::Written, Ability::ById, Ability::Mixed],
    shape: Shape::Regular,
    events_max: 200_000,
    phases: &[Phase::new(mixed)],
};

const READERS: u64 = 2;
/// How long each part lasts.
const PART: Duration = Duration::from_millis(1_500);

/// A writer alone, then beside two readers that read events by id.
fn mixed(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let engine = &*engine;
    fill(entry, engine, &workload)?;
    let ids = engine.ids().map_err(failed)?;
    let mut next = workload.events();
    let alone = write(engine, &workload, &mut next)?;
    let stop = &AtomicBool::new(false);
    let ids = &ids;
    let (beside, latencies) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| scope.spawn(move || read(engine, ids, reader + 1, stop)))
            .collect();
        let beside = write(engine, &workload, &mut next);
        stop.store(true, Ordering::Relaxed);
        let mut all = histogram()?;
        for reader in readers {
            let own = reader
                .join()
                .map_err(|_| anyhow::anyhow!("a reader panicked"))??;
            all.add(own)?;
        }
        anyhow::Ok((beside?, all))
    })?;
    let mut measured = vec![
        job.measured("mixed/append-alone", alone, Unit::EventsPerSecond),
        job.measured("mixed/append", beside, Unit::EventsPerSecond),
        job.measured("mixed/kept", beside / alone, Unit::Ratio),
    ];
    measured.extend(percentiles(job, "mixed/read", &latencies));
    Ok(measured)
}

/// Appends for a while, and gives the rate.
fn write(engine: &dyn Engine, workload: &Workload, next: &mut u64) -> anyhow::Result<f64> {
    let (started, first) = (now(), *next);
    loop {
        let event = workload.event(*next);
        engine
            .append(std::slice::from_ref(&event), Durability::Written)
            .map_err(failed)?;
        *next += 1;
        let elapsed = started.elapsed();
        if elapsed >= PART {
            return Ok((*next - first) as f64 / elapsed.as_secs_f64());
        }
    }
}

/// Reads until it is stopped.
fn read(
    engine: &dyn Engine,
    ids: &[u128],
    seed: u64,
    stop: &AtomicBool,
) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = histogram()?;
    let mut state = seed;
    let mut payload = Vec::new();
    let mut last = now();
    while !stop.load(Ordering::Relaxed) {
        let at = (random(&mut state) % ids.len() as u64) as usize;
        if let Some(id) = ids.get(at) {
            payload.clear();
            engine.get(*id, &mut payload).map_err(failed)?;
        }
        let done = now();
        note(&mut latencies, done - last);
        last = done;
    }
    Ok(latencies)
}
