//! Reading live: what those who wait for events cost those who append them.

use super::measure::timed;
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use crate::workload::{Shape, Workload};
use anyhow::Context as _;
use std::ops::Range;
use std::task::{Context, Waker};
use std::time::Duration;
use strandline::{Coordinate, Sequence, Store};

pub(super) const IDLE_WAITERS: Scenario = Scenario {
    name: "live/append/idle-waiters",
    works: &["live/append/idle-waiters"],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(idle_waiters)],
};

/// How many wait, half of them for what is visible and half for what is durable.
const WAITERS: u64 = 1_000;
/// How often appends beside them and appends alone take turns, so that whatever else the machine does is
/// with both; the figures are of the median turn.
const TURNS: u64 = 100;

/// Appends one by one while tasks wait for sequences that none of them reaches, and while nobody waits.
fn idle_waiters(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(&job.dir)?;
    let coordinates: Vec<_> = (0..workload.entities().len() as u64)
        .map(|number| {
            let event = workload.event(number);
            Coordinate::new(event.entity, event.scope)
        })
        .collect::<Result<_, _>>()?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let a_turn = (job.events / (2 * TURNS)).max(1);
    let mut first = 0;
    let mut append = |store: &Store| {
        let numbers = first..first + a_turn;
        first += a_turn;
        let ((), elapsed) = timed(|| append_all(store, &workload, &coordinates, numbers))?;
        anyhow::Ok(elapsed)
    };
    for _ in 0..TURNS {
        let mut waiting: Vec<_> = (0..WAITERS)
            .map(|number| {
                let far = Sequence::new(u64::MAX / 4 + number);
                Box::pin(match number % 2 {
                    0 => store.visible_past(far),
                    _ => store.durable_past(far),
                })
            })
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        for wait in &mut waiting {
            let polled = wait.as_mut().poll(&mut context);
            anyhow::ensure!(polled.is_pending(), "nobody has appended that");
        }
        beside.push(append(&store)?);
        drop(waiting);
        alone.push(append(&store)?);
    }
    let name = "live/append/idle-waiters";
    let (beside, alone) = (median(beside), median(alone));
    let cost = beside.as_secs_f64() / alone.as_secs_f64();
    store.close()?;
    Ok(vec![
        job.rate(name, a_turn, beside, Unit::EventsPerSecond),
        job.rate(
            &format!("{name}/none"),
            a_turn,
            alone,
            Unit::EventsPerSecond,
        ),
        job.measured(&format!("{name}/over-none"), cost, Unit::Ratio),
    ])
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn append_all(
    store: &Store,
    workload: &Workload,
    coordinates: &[Coordinate],
    numbers: Range<u64>,
) -> anyhow::Result<()> {
    for number in numbers {
        let new = workload.event(number);
        let coordinate = coordinates.get(new.entity_number as usize);
        let coordinate = coordinate.context("every entity has a coordinate")?;
        store.append(coordinate, event(&new))?;
    }
    Ok(())
}
