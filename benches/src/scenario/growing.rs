//! What the work that shows growth has in common: how a store is opened and filled for it, and how one
//! operation is timed again and again.

use super::measure::{failed, histogram, note, now};
use super::work::Job;
use crate::engine::{Durability, Engine, EngineEntry, NewEvent};
use crate::results::{Measured, Unit};
use crate::systems::{STRANDLINE, open_growing};
use crate::workload::{Growing, Shape, own_id};
use std::ops::Range;
use std::time::Duration;

/// Operations that are timed, and done once before.
const TIMES: u64 = 2_000;
const WARM: u64 = 200;
/// How long they are timed at most: where one takes milliseconds there are fewer.
const TIMED_MAX: Duration = Duration::from_secs(3);

/// Opens the store: Strandline in segments of a length, others as they are.
pub(super) fn open(
    job: &Job,
    entry: &EngineEntry,
    segment_bytes: u64,
) -> anyhow::Result<Box<dyn Engine>> {
    let engine = if entry.name == STRANDLINE.name {
        open_growing(&job.dir, segment_bytes)
    } else {
        (entry.open)(&job.dir)
    };
    engine.map_err(failed)
}

/// Appends some of the events in batches, with ids of the caller's where the shape says so.
pub(super) fn append(
    job: &Job,
    engine: &dyn Engine,
    work: &Growing,
    numbers: Range<u64>,
    batch: u64,
) -> anyhow::Result<()> {
    let (mut events, mut ids) = (Vec::new(), Vec::new());
    for start in numbers.clone().step_by(batch as usize) {
        let numbers = start..(start + batch).min(numbers.end);
        events.extend(numbers.clone().map(|number| work.event(number)));
        if job.shape == Shape::ManyOwnIds {
            ids.extend(numbers.map(own_id));
        }
        append_one(engine, &events, &ids)?;
        events.clear();
        ids.clear();
    }
    Ok(())
}

/// Appends events with these ids, or if there are none with those of the store.
pub(super) fn append_one(
    engine: &dyn Engine,
    events: &[NewEvent<'_>],
    ids: &[u128],
) -> anyhow::Result<()> {
    if ids.is_empty() {
        engine.append(events, Durability::Written)
    } else {
        engine.append_with_ids(events, ids, Durability::Written)
    }
    .map_err(failed)
}

/// As [`each`], once the same numbers were done twice: what is read was brought into memory by the first time,
/// and what was only read then was mapped by the second.
pub(super) fn again(
    job: &Job,
    work: &str,
    mut one: impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<[Measured; 2]> {
    let numbers = (0..2 * TIMES).map(|number| number % TIMES);
    let begun = now();
    for number in numbers {
        if begun.elapsed() >= TIMED_MAX {
            break;
        }
        one(number)?;
    }
    each(job, work, |number| one(number % TIMES))
}

/// Times `one` for number after number: the median under the name of the work, and the 99th percentile.
pub(super) fn each(
    job: &Job,
    work: &str,
    mut one: impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<[Measured; 2]> {
    let mut latencies = histogram()?;
    let begun = now();
    let mut number = 0;
    while number < WARM && begun.elapsed() < TIMED_MAX {
        one(number)?;
        number += 1;
    }
    let begun = now();
    let mut last = begun;
    let end = number + TIMES;
    while number < end && last - begun < TIMED_MAX {
        one(number)?;
        let done = now();
        note(&mut latencies, done - last);
        last = done;
        number += 1;
    }
    let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    Ok([
        job.measured(work, at(0.5), Unit::Microseconds),
        job.measured(&format!("{work}/p99"), at(0.99), Unit::Microseconds),
    ])
}

/// Does all of a scenario on Strandline, and gives the names of its figures.
#[cfg(test)]
pub(super) fn done(
    scenario: &super::work::Scenario,
    events: u64,
    segments: Option<u64>,
) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let job = Job {
        scenario: scenario.name.to_owned(),
        phase: 0,
        system: STRANDLINE.name.to_owned(),
        events,
        shape: scenario.shape,
        segments,
        dir: dir.path().to_owned(),
        wanted: Vec::new(),
    };
    let phases = scenario.phases.iter();
    let figures = phases.flat_map(|phase| (phase.run)(&job, &STRANDLINE).unwrap());
    figures
        .map(|figure| {
            assert!(figure.value.is_finite(), "{}", figure.work);
            figure.work
        })
        .collect()
}
