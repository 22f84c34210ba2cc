//! One operation in a store of ever more segments, of 1 MiB each.

use super::growing::{again, append, append_one, each, open};
use super::measure::{failed, now, random, timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, Engine, EngineEntry, Filter};
use crate::results::{Measured, Unit};
use crate::workload::{
    EVENTS_PER_SEGMENT, Growing, PREFIX, PREFIX_EVENTS, PROBE_EVENTS, RARE_EVENTS, RARE_KIND,
    Shape, own_id,
};
use anyhow::Context;
use std::collections::HashSet;
use std::hint::black_box;

pub(super) const SEGMENTS: Scenario = Scenario {
    name: "segments",
    works: &[
        "segments/open",
        "segments/stream",
        "segments/stream/again",
        "segments/latest",
        "segments/latest/again",
        "segments/get",
        "segments/get/again",
        "segments/get-miss",
        "segments/rare",
        "segments/prefix",
        "segments/append-new",
        "segments/append-known",
        "segments/append-own-id",
        "segments/condition",
    ],
    systems: For::Stores,
    needs: &[Ability::Written, Ability::Stream],
    shape: Shape::Segments,
    events_max: u64::MAX,
    phases: &[
        Phase::new(filled),
        Phase::new(reopened),
        Phase::new(operations),
    ],
};

const SEGMENT_BYTES: u64 = 1 << 20;
/// Events in a batch.
const BATCH: u64 = 100;
/// How many entities a condition is about.
const CONDITION_ENTITIES: u64 = 100;
/// A kind that no event has.
const UNUSED_KIND: u16 = 0xFFE;
/// How often a store is opened.
const OPENINGS: usize = 5;

/// Work, what it needs, and what does it.
type Part = (
    &'static str,
    Ability,
    fn(&Job, &str, &dyn Engine, &Growing) -> anyhow::Result<[Measured; 2]>,
);

/// In this order: what appends comes last.
const PARTS: &[Part] = &[
    ("segments/stream", Ability::Stream, stream),
    ("segments/stream/again", Ability::Stream, stream_again),
    ("segments/latest", Ability::Stream, latest),
    ("segments/latest/again", Ability::Stream, latest_again),
    ("segments/get", Ability::ById, get),
    ("segments/get/again", Ability::ById, get_again),
    ("segments/get-miss", Ability::ById, get_miss),
    ("segments/rare", Ability::Kind, rare),
    ("segments/prefix", Ability::Prefix, prefix),
    ("segments/append-new", Ability::Written, append_new),
    ("segments/append-known", Ability::Written, append_known),
    ("segments/append-own-id", Ability::CallersIds, append_own_id),
    ("segments/condition", Ability::Conditions, condition),
];

/// Fills the store, and sees that it is in as many segments as its figures will say.
fn filled(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let engine = open(job, entry, SEGMENT_BYTES)?;
    append(job, &*engine, &work, 0..job.events, BATCH)?;
    let wanted = job.events / EVENTS_PER_SEGMENT;
    if let Some(segments) = engine.segments().map_err(failed)? {
        anyhow::ensure!(
            segments.abs_diff(wanted) <= wanted / 10 + 1,
            "{} events are in {segments} segments and not {wanted}",
            job.events
        );
    }
    engine.close().map_err(failed)?;
    Ok(Vec::new())
}

/// Opens and reads one stream.
fn reopened(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let mut times = Vec::new();
    for _ in 0..OPENINGS {
        let (engine, elapsed) = timed(|| {
            let engine = open(job, entry, SEGMENT_BYTES)?;
            read_probe(&*engine, work.probe(0))?;
            anyhow::Ok(engine)
        })?;
        engine.close().map_err(failed)?;
        times.push(elapsed.as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    Ok(vec![job.measured(
        "segments/open",
        median,
        Unit::Microseconds,
    )])
}

fn operations(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let engine = open(job, entry, SEGMENT_BYTES)?;
    let mut measured = Vec::new();
    for (name, needs, part) in PARTS {
        if entry.abilities.contains(needs) && job.wants(name) {
            let figures = part(job, name, &*engine, &work).with_context(|| (*name).to_owned())?;
            measured.extend(figures);
        }
    }
    engine.close().map_err(failed)?;
    Ok(measured)
}

/// Reads the stream of a probe, which has events all over the store.
fn read_probe(engine: &dyn Engine, entity: &str) -> anyhow::Result<()> {
    let mut found = 0;
    let mut visit = |payload: &[u8]| {
        touch(payload);
        found += 1;
    };
    engine.stream(entity, &mut visit).map_err(failed)?;
    expect(found, PROBE_EVENTS)
}

fn expect(found: u64, expected: u64) -> anyhow::Result<()> {
    anyhow::ensure!(found == expected, "{found} events and not {expected}");
    Ok(())
}

fn stream(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    each(job, name, |number| read_probe(engine, work.probe(number)))
}

fn stream_again(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    again(job, name, |number| read_probe(engine, work.probe(number)))
}

/// A number by chance that follows from another one.
fn chosen(number: u64) -> u64 {
    let mut state = number + 1;
    (0..4).fold(0, |_, _| random(&mut state))
}

/// Reads the newest event of an entity by chance, which is anywhere in the store.
fn read_latest(job: &Job, engine: &dyn Engine, work: &Growing, number: u64) -> anyhow::Result<()> {
    let entity = work.event(chosen(number) % job.events).entity;
    let mut found = 0;
    let mut visit = |payload: &[u8]| {
        touch(payload);
        found += 1;
    };
    engine.latest(entity, &mut visit).map_err(failed)?;
    expect(found, 1)
}

fn latest(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    each(job, name, |number| read_latest(job, engine, work, number))
}

fn latest_again(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    again(job, name, |number| read_latest(job, engine, work, number))
}

/// What reads an event by an id by chance of those that the store has.
fn get_by_chance(engine: &dyn Engine) -> anyhow::Result<impl FnMut(u64) -> anyhow::Result<()>> {
    let ids = engine.ids().map_err(failed)?;
    let mut payload = Vec::new();
    Ok(move |number| {
        let id = ids.get((chosen(number) % ids.len() as u64) as usize);
        payload.clear();
        engine
            .get(*id.context("there are ids")?, &mut payload)
            .map_err(failed)?;
        touch(&payload);
        Ok(())
    })
}

fn get(job: &Job, name: &str, engine: &dyn Engine, _: &Growing) -> anyhow::Result<[Measured; 2]> {
    each(job, name, get_by_chance(engine)?)
}

fn get_again(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    _: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    again(job, name, get_by_chance(engine)?)
}

/// Random ids that no event has.
fn get_miss(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    _: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    let mut payload = Vec::new();
    each(job, name, |number| {
        let found = engine.get(own_id(number), &mut payload);
        anyhow::ensure!(found.is_err(), "an event has an id that was made up");
        Ok(())
    })
}

fn rare(job: &Job, name: &str, engine: &dyn Engine, _: &Growing) -> anyhow::Result<[Measured; 2]> {
    each(job, name, |_| {
        query(engine, Filter::Kind(RARE_KIND), RARE_EVENTS)
    })
}

fn prefix(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    _: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    each(job, name, |_| {
        query(engine, Filter::Prefix(PREFIX), PREFIX_EVENTS)
    })
}

fn query(engine: &dyn Engine, filter: Filter<'_>, expected: u64) -> anyhow::Result<()> {
    let mut found = 0;
    let mut visit = |place: u64| {
        black_box(place);
        found += 1;
    };
    engine.query(filter, &mut visit).map_err(failed)?;
    expect(found, expected)
}

/// An append to an entity that has no event yet.
fn append_new(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    each(job, name, |number| {
        let event = work.of_spare(number, job.events + number);
        append_one(engine, &[event], &[])
    })
}

/// An append to an entity that has events, but none in the active segment.
fn append_known(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    // More than the last segment, and what other work appended to it.
    let old = job.events.saturating_sub(2 * EVENTS_PER_SEGMENT);
    anyhow::ensure!(old > 0, "there are too few segments");
    let recent = (old..job.events).map(|number| work.event(number).entity_number);
    let mut seen: HashSet<u32> = recent.collect();
    let mut state = 1;
    let mut chosen = Vec::new();
    let begun = now();
    while chosen.len() < 2_200 && begun.elapsed().as_secs() < 1 {
        let number = random(&mut state) % old;
        if seen.insert(work.event(number).entity_number) {
            chosen.push(number);
        }
    }
    each(job, name, |number| {
        let like = chosen.get(number as usize % chosen.len().max(1));
        let like = *like.context("there are entities that the active segment has not")?;
        append_one(engine, &[work.of_same(like, job.events + number)], &[])
    })
}

/// An append with a random id, to entities that the active segment has.
fn append_own_id(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    each(job, name, |number| {
        let event = work.of_same(job.events - 1 - number % 10, job.events + number);
        // Other ids than those that were asked for and missed.
        append_one(engine, &[event], &[own_id(!number)])
    })
}

/// An append on the condition that none of a hundred entities has an event of a kind that none has; each second of
/// them has no event at all.
fn condition(
    job: &Job,
    name: &str,
    engine: &dyn Engine,
    work: &Growing,
) -> anyhow::Result<[Measured; 2]> {
    let mut state = 1;
    each(job, name, |number| {
        let entities = (0..CONDITION_ENTITIES).map(|at| match at % 2 {
            // Those that appends to new entities have not come to.
            0 => work.of_spare(u64::MAX / 2 - number - at, 0).entity,
            _ => work.event(random(&mut state) % job.events).entity,
        });
        let entities: Vec<_> = entities.collect();
        let event = work.of_same(job.events - 1 - number % 10, job.events + number);
        let appended = engine.append_unless(&event, &entities, UNUSED_KIND);
        appended.map_err(failed)
    })
}

#[cfg(test)]
mod tests {
    use super::super::growing::done;
    use super::*;

    #[test]
    fn every_operation_gives_its_figure() {
        let figures = done(&SEGMENTS, 4 * EVENTS_PER_SEGMENT, Some(4));
        for work in SEGMENTS.works {
            assert!(figures.iter().any(|name| name == work), "{work}");
        }
    }
}
