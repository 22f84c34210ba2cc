//! What only Strandline is asked when it writes: submits, expected versions, conditions.

use super::measure::{now, timed};
use super::own::BACK;
use super::work::{Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use crate::workload::Workload;
use anyhow::Context;
use std::collections::VecDeque;
use std::time::Duration;
use strandline::{
    AppendCondition, AppendOptions, Coordinate, Durability, Event, ExpectedVersion, Region,
    Sequence, Ticket,
};

pub(super) const SUBMIT64: Scenario = Scenario {
    name: "submit/64",
    works: &["submit/64"],
    needs: &[Ability::Synced],
    events_max: 200_000,
    phases: &[Phase::new(submit64)],
    ..BACK
};

pub(super) const EXPECTED: Scenario = Scenario {
    name: "append/expected",
    works: &["append/expected"],
    events_max: 400_000,
    phases: &[Phase::new(expected)],
    ..BACK
};

pub(super) const CONDITION: Scenario = Scenario {
    name: "append/condition",
    works: &["append/condition"],
    phases: &[Phase::new(condition)],
    ..EXPECTED
};

/// Submits in flight from one thread.
const IN_FLIGHT: usize = 64;
/// Appends that are synced one by one, to compare with.
const SYNCED: u64 = 1_000;
/// Appends of one form before those of the other are measured.
const BLOCK: u64 = 1_000;

/// One thread that keeps 64 synced appends in flight, against one that waits for each.
fn submit64(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let coordinates = coordinates(&workload)?;
    let store = options().durability(Durability::Synced).open(&job.dir)?;
    let at = |number: u64| -> anyhow::Result<(&Coordinate, Event)> {
        let new = workload.event(number);
        let coordinate = coordinates.get(new.entity_number as usize);
        Ok((coordinate.context("no such entity")?, event(&new)))
    };
    let ((), single) = timed(|| {
        (0..SYNCED).try_for_each(|number| {
            let (coordinate, event) = at(number)?;
            store.append(coordinate, event)?;
            anyhow::Ok(())
        })
    })?;
    let ((), elapsed) = timed(|| {
        let mut in_flight = VecDeque::<Ticket>::with_capacity(IN_FLIGHT);
        for number in 0..job.events {
            if in_flight.len() == IN_FLIGHT
                && let Some(oldest) = in_flight.pop_front()
            {
                oldest.wait()?;
            }
            let (coordinate, event) = at(number)?;
            in_flight.push_back(store.submit(coordinate, event)?);
        }
        for ticket in in_flight {
            ticket.wait()?;
        }
        anyhow::Ok(())
    })?;
    store.close()?;
    let rate = |count: u64, elapsed: Duration| count as f64 / elapsed.as_secs_f64();
    let over = rate(job.events, elapsed) / rate(SYNCED, single);
    Ok(vec![
        job.rate("submit/64", job.events, elapsed, Unit::EventsPerSecond),
        job.measured("submit/64/over-synced1", over, Unit::Ratio),
    ])
}

/// Appends that expect the version that is there, in turn with appends that expect nothing.
fn expected(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(&job.dir)?;
    let mut newest = vec![None; workload.entities().len()];
    in_turns(
        job,
        &workload,
        "append/expected",
        |turn, entity, coordinate, event| {
            let newest = newest.get_mut(entity).context("no such entity")?;
            let event = match turn {
                Turn::Plain => event,
                Turn::Checked => event.expecting(ExpectedVersion::of(*newest)),
            };
            *newest = Some(store.append(coordinate, event)?.clock);
            Ok(())
        },
    )
}

/// Appends on condition that the entity has no event since its newest one, in turn with appends
/// without a condition. Events of other entities come in between, so the index is asked each time.
fn condition(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(&job.dir)?;
    let mut since = vec![Sequence::ZERO; workload.entities().len()];
    in_turns(
        job,
        &workload,
        "append/condition",
        |turn, entity, coordinate, event| {
            let since = since.get_mut(entity).context("no such entity")?;
            let receipt = match turn {
                Turn::Plain => store.append(coordinate, event)?,
                Turn::Checked => {
                    let region = Region::all().entity(coordinate.entity());
                    let condition = AppendCondition::since(*since).none_in(region);
                    let options = AppendOptions::new().condition(&condition);
                    store.append_with(coordinate, event, options)?
                }
            };
            *since = Sequence::new(receipt.sequence.get() + 1);
            Ok(())
        },
    )
}

/// Which form of an append is measured.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Plain,
    Checked,
}

/// Appends all events, blocks of plain appends and of checked ones in turn, and compares them.
fn in_turns(
    job: &Job,
    workload: &Workload,
    work: &str,
    mut append: impl FnMut(Turn, usize, &Coordinate, Event) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Measured>> {
    let coordinates = coordinates(workload)?;
    let mut turns = [
        (Turn::Plain, Duration::ZERO),
        (Turn::Checked, Duration::ZERO),
    ];
    let mut done = 0;
    while done + 2 * BLOCK <= job.events {
        for (turn, spent) in &mut turns {
            let started = now();
            for number in done..done + BLOCK {
                let new = workload.event(number);
                let entity = new.entity_number as usize;
                let coordinate = coordinates.get(entity).context("no such entity")?;
                append(*turn, entity, coordinate, event(&new))?;
            }
            *spent += started.elapsed();
            done += BLOCK;
        }
    }
    let [(_, plain), (_, checked)] = turns;
    let of_plain = plain.as_secs_f64() / checked.as_secs_f64();
    Ok(vec![
        job.rate(work, done / 2, checked, Unit::EventsPerSecond),
        job.measured(&format!("{work}/of-append"), of_plain, Unit::Ratio),
    ])
}

fn coordinates(workload: &Workload) -> anyhow::Result<Vec<Coordinate>> {
    (0..workload.entities().len() as u64)
        .map(|number| {
            let event = workload.event(number);
            Ok(Coordinate::new(event.entity, event.scope)?)
        })
        .collect()
}
