//! Filling a store, for the work that reads it.

use super::measure::failed;
use super::work::Job;
use crate::engine::{Ability, Durability, Engine, EngineEntry};
use crate::results::Measured;
use crate::workload::Workload;

/// Events in a batch.
const BATCH: u64 = 100;

/// Appends all events in batches, as what other work reads.
pub(super) fn fill(
    entry: &EngineEntry,
    engine: &dyn Engine,
    workload: &Workload,
) -> anyhow::Result<()> {
    let durability = durability_of_fill(entry);
    let mut batch = Vec::with_capacity(BATCH as usize);
    for number in 0..workload.events() {
        batch.push(workload.event(number));
        if batch.len() as u64 == BATCH || number + 1 == workload.events() {
            engine.append(&batch, durability).map_err(failed)?;
            batch.clear();
        }
    }
    Ok(())
}

/// The least that the store can promise.
pub(super) fn durability_of_fill(entry: &EngineEntry) -> Durability {
    if entry.abilities.contains(&Ability::Written) {
        Durability::Written
    } else {
        Durability::Synced
    }
}

/// A phase that leaves a store with all events, closed.
pub(super) fn fill_and_close(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    fill(entry, &*engine, &job.workload())?;
    engine.close().map_err(failed)?;
    Ok(Vec::new())
}
