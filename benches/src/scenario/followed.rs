//! Every store followed: from an append to its delivery, and catching up.

use super::fill::fill_and_close;
use super::measure::{failed, histogram, note, now, percentiles, timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, Durability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::workload::Shape;
use hdrhistogram::Histogram;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

pub(super) const WRITTEN: Scenario = Scenario {
    name: "live/follow/written",
    works: &["live/follow/written"],
    systems: For::Stores,
    needs: &[Ability::Written, Ability::Follow],
    shape: Shape::Regular,
    events_max: 10_000,
    phases: &[Phase::new(written)],
};

pub(super) const SYNCED: Scenario = Scenario {
    name: "live/follow/synced",
    works: &["live/follow/synced"],
    needs: &[Ability::Synced, Ability::Follow],
    events_max: 500,
    phases: &[Phase::new(synced)],
    ..WRITTEN
};

pub(super) const CATCH_UP: Scenario = Scenario {
    name: "live/follow/catch-up",
    works: &["live/follow/catch-up"],
    needs: &[Ability::Follow],
    events_max: u64::MAX,
    phases: &[Phase::new(fill_and_close), Phase::new(catch_up)],
    ..WRITTEN
};

fn written(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let delivered = deliver(job, entry, Durability::Written)?;
    Ok(percentiles(job, "live/follow/written", &delivered).collect())
}

fn synced(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let delivered = deliver(job, entry, Durability::Synced)?;
    Ok(percentiles(job, "live/follow/synced", &delivered).collect())
}

/// From the start of an append to the delivery of its event to a thread that waits for it, one at a time.
fn deliver(
    job: &Job,
    entry: &EngineEntry,
    durability: Durability,
) -> anyhow::Result<Histogram<u64>> {
    let workload = job.workload();
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let engine = &*engine;
    // A store may be opened anew for a durability, which nobody follows through.
    engine
        .append(&[workload.event(0)], durability)
        .map_err(failed)?;
    let mut follower = engine.follow().map_err(failed)?;
    let (started_at, starts) = sync_channel::<Instant>(1);
    let (delivers, delivered_at) = sync_channel::<()>(1);
    std::thread::scope(|scope| {
        let follower = scope.spawn(move || {
            let mut delivered = histogram()?;
            let mut given = 0;
            while given < job.events {
                let before = given;
                let took = follower.next(&mut |payload| {
                    touch(payload);
                    given += 1;
                });
                let at = now();
                took.map_err(failed)?;
                // The first was there.
                for _ in before.max(1)..given {
                    note(&mut delivered, at - starts.recv()?);
                    delivers.send(())?;
                }
            }
            anyhow::Ok(delivered)
        });
        for number in 1..job.events {
            let event = workload.event(number);
            let started = now();
            engine.append(&[event], durability).map_err(failed)?;
            started_at.send(started)?;
            delivered_at.recv()?;
        }
        let delivered = follower.join();
        delivered.map_err(|_| anyhow::anyhow!("the follower panicked"))?
    })
}

/// From the first event to the newest, payloads included.
fn catch_up(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let mut rate = None;
    // The first time the files come into memory.
    for _ in 0..2 {
        let mut follower = engine.follow().map_err(failed)?;
        let (count, elapsed) = timed(|| {
            let mut count = 0;
            while count < job.events {
                let next = follower.next(&mut |payload| {
                    touch(payload);
                    count += 1;
                });
                next.map_err(failed)?;
            }
            anyhow::Ok(count)
        })?;
        anyhow::ensure!(count == job.events, "{count} events were given");
        rate = Some(job.rate(
            "live/follow/catch-up",
            count,
            elapsed,
            Unit::EventsPerSecond,
        ));
    }
    engine.close().map_err(failed)?;
    Ok(rate.into_iter().collect())
}
