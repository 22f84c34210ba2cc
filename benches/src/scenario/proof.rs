//! Proofs of events out of a store, in the segments that it has by default and in many small ones.

use super::fill::fill_and_close;
use super::measure::{histogram, note, now, random, timed};
use super::own::BACK;
use super::work::{Job, Phase, Scenario};
use crate::engine::EngineEntry;
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use std::hint::black_box;
use strandline::{Batch, Coordinate, Sequence, Store};

pub(super) const INCLUSION: Scenario = Scenario {
    name: "proof/inclusion",
    works: &[
        "proof/inclusion",
        "proof/first",
        "proof/first/again",
        "proof/head",
        "proof/consistency",
        "proof/tail",
    ],
    phases: &[Phase::new(fill_and_close), Phase::new(proofs)],
    ..BACK
};

pub(super) const SEGMENTS: Scenario = Scenario {
    name: "proof/segments",
    works: &["proof/segments/first", "proof/segments/inclusion"],
    phases: &[Phase::new(fill_segments), Phase::new(of_segments)],
    ..BACK
};

/// Proofs whose times are noted.
const PROOFS: u64 = 20_000;
/// A segment of some thousand events.
const SEGMENT_BYTES: u64 = 320 << 10;

/// The median of the times of so many proofs of events by chance.
fn inclusion(job: &Job, work: &str, store: &Store) -> anyhow::Result<Measured> {
    let now_seen = store.snapshot();
    let mut state = 7;
    let mut times = histogram()?;
    for number in 0..PROOFS * 2 {
        let sequence = Sequence::new(random(&mut state) % now_seen.visible().get());
        let started = now();
        let proof = now_seen.prove_sequence(sequence)?;
        let elapsed = started.elapsed();
        black_box(&proof);
        // The first touch pages that nobody has.
        if number >= PROOFS {
            note(&mut times, elapsed);
        }
    }
    let median = times.value_at_quantile(0.5) as f64 / 1e3;
    Ok(job.measured(work, median, Unit::Microseconds))
}

/// The first head after an opening.
fn first(job: &Job, work: &str, store: &Store) -> anyhow::Result<Measured> {
    let snapshot = store.snapshot();
    let (head, elapsed) = timed(|| snapshot.tree_head())?;
    anyhow::ensure!(head.size == job.events, "a tree of {}", head.size);
    let elapsed = elapsed.as_secs_f64() * 1e3;
    Ok(job.measured(work, elapsed, Unit::Milliseconds))
}

fn proofs(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let mut measured = vec![first(job, "proof/first", &store)?];
    measured.push(inclusion(job, "proof/inclusion", &store)?);
    store.close()?;
    let store = options().open(&job.dir)?;
    measured.push(first(job, "proof/first/again", &store)?);
    let snapshot = store.snapshot();
    let (mut state, mut heads, mut grown) = (3, histogram()?, histogram()?);
    for _ in 0..PROOFS {
        let size = random(&mut state) % job.events;
        let started = now();
        let old = snapshot.tree_head_at(size)?;
        note(&mut heads, started.elapsed());
        let started = now();
        black_box(snapshot.prove_consistency(&old)?);
        note(&mut grown, started.elapsed());
    }
    for (work, times) in [("proof/head", heads), ("proof/consistency", grown)] {
        let median = times.value_at_quantile(0.5) as f64 / 1e3;
        measured.push(job.measured(work, median, Unit::Microseconds));
    }
    measured.push(tail(job, &store)?);
    store.close()?;
    Ok(measured)
}

/// A head after each batch of a hundred.
fn tail(job: &Job, store: &Store) -> anyhow::Result<Measured> {
    let workload = job.workload();
    let entity = Coordinate::new("tail", "region-0")?;
    let mut times = histogram()?;
    for number in 0..200 {
        let mut batch = Batch::new();
        for at in 0..100 {
            batch = batch.push(
                &entity,
                event(&workload.event((number * 100 + at) % job.events)),
            );
        }
        store.append_batch(batch)?;
        let snapshot = store.snapshot();
        let started = now();
        black_box(snapshot.tree_head()?);
        note(&mut times, started.elapsed());
    }
    let median = times.value_at_quantile(0.5) as f64 / 1e3;
    Ok(job.measured("proof/tail", median, Unit::Microseconds))
}

fn fill_segments(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().segment_bytes_max(SEGMENT_BYTES).open(&job.dir)?;
    let workload = job.workload();
    let entity = Coordinate::new("order", "region-0")?;
    for from in (0..job.events).step_by(100) {
        let mut batch = Batch::new();
        for number in from..(from + 100).min(job.events) {
            batch = batch.push(&entity, event(&workload.event(number)));
        }
        store.append_batch(batch)?;
    }
    store.close()?;
    Ok(Vec::new())
}

fn of_segments(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().segment_bytes_max(SEGMENT_BYTES).open(&job.dir)?;
    let first = first(job, "proof/segments/first", &store)?;
    let inclusion = inclusion(job, "proof/segments/inclusion", &store)?;
    store.close()?;
    Ok(vec![first, inclusion])
}
