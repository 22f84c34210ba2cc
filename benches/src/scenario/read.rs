//! Reading and querying what was appended.

use super::fill::fill_and_close;
use super::measure::{failed, now, random, timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, Engine, EngineEntry, Filter};
use crate::results::{Measured, Unit};
use crate::workload::{KINDS, RARE_KIND, Shape, Workload};
use anyhow::Context;
use std::hint::black_box;

pub(super) const READ: Scenario = Scenario {
    name: "read",
    works: &[
        "read/by-id",
        "read/stream",
        "read/scan",
        "query/kind",
        "query/scope",
        "query/prefix",
        "query/rare",
        "verify",
    ],
    systems: For::AllAndLimits,
    needs: &[Ability::Scan],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(fill_and_close), Phase::new(read)],
};

pub(super) const WIDE: Scenario = Scenario {
    name: "wide/read",
    works: &["wide/read/stream5"],
    systems: For::Stores,
    needs: &[Ability::Stream],
    shape: Shape::Wide,
    phases: &[Phase::new(fill_and_close), Phase::new(read_wide)],
    ..READ
};

/// How many ids are read.
const READS: u64 = 200_000;
/// How many streams are read at random.
const STREAMS: u64 = 20_000;
/// Streams that share a prefix, and how many such prefixes are asked for.
const PREFIXES: u32 = 10;
/// How often the rare kind is asked for.
const RARE_QUERIES: u32 = 100;

/// Work and what it needs.
type Part = (
    &'static str,
    Ability,
    fn(&Job, &dyn Engine, &Workload) -> anyhow::Result<Measured>,
);

const PARTS: &[Part] = &[
    ("read/scan", Ability::Scan, scan),
    ("read/stream", Ability::Stream, streams),
    ("read/by-id", Ability::ById, by_id),
    ("query/kind", Ability::Kind, by_kind),
    ("query/scope", Ability::Scope, by_scope),
    ("query/prefix", Ability::Prefix, by_prefix),
    ("query/rare", Ability::Kind, rare),
    ("verify", Ability::Verify, verify),
];

fn read(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    // A limit has nothing to open again, but for the count of its events.
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let mut measured = Vec::new();
    for (work, needs, part) in PARTS {
        if entry.abilities.contains(needs) && job.wants(work) {
            let figure = part(job, &*engine, &workload).with_context(|| (*work).to_owned())?;
            measured.push(figure);
        }
    }
    Ok(measured)
}

fn scan(job: &Job, engine: &dyn Engine, _: &Workload) -> anyhow::Result<Measured> {
    let mut count = 0;
    let mut visit = |payload: &[u8]| {
        touch(payload);
        count += 1;
    };
    let ((), elapsed) = timed(|| engine.scan(&mut visit)).map_err(failed)?;
    all(job, count)?;
    Ok(job.rate("read/scan", count, elapsed, Unit::EventsPerSecond))
}

fn streams(job: &Job, engine: &dyn Engine, workload: &Workload) -> anyhow::Result<Measured> {
    let mut count = 0;
    let mut visit = |payload: &[u8]| {
        touch(payload);
        count += 1;
    };
    let ((), elapsed) = timed(|| {
        let mut entities = workload.entities().iter();
        entities.try_for_each(|entity| engine.stream(entity, &mut visit))
    })
    .map_err(failed)?;
    all(job, count)?;
    Ok(job.rate("read/stream", count, elapsed, Unit::EventsPerSecond))
}

fn by_id(job: &Job, engine: &dyn Engine, _: &Workload) -> anyhow::Result<Measured> {
    let ids = engine.ids().map_err(failed)?;
    let mut state = 1;
    let chosen: Vec<_> = (0..READS)
        .filter_map(|_| ids.get((random(&mut state) % ids.len() as u64) as usize))
        .copied()
        .collect();
    let mut payload = Vec::new();
    let ((), elapsed) = timed(|| {
        chosen.iter().try_for_each(|id| {
            payload.clear();
            engine.get(*id, &mut payload)?;
            black_box(&payload);
            Ok(())
        })
    })
    .map_err(failed)?;
    Ok(job.rate("read/by-id", READS, elapsed, Unit::EventsPerSecond))
}

fn by_kind(job: &Job, engine: &dyn Engine, _: &Workload) -> anyhow::Result<Measured> {
    let filters: Vec<_> = (0..KINDS).map(Filter::Kind).collect();
    queries(job, engine, "query/kind", &filters)
}

fn by_scope(job: &Job, engine: &dyn Engine, workload: &Workload) -> anyhow::Result<Measured> {
    let scopes = workload.scopes().iter();
    let filters: Vec<_> = scopes.map(|scope| Filter::Scope(scope)).collect();
    queries(job, engine, "query/scope", &filters)
}

fn by_prefix(job: &Job, engine: &dyn Engine, _: &Workload) -> anyhow::Result<Measured> {
    // `order:0000` to `order:0009`, each of 100 entities.
    let prefixes: Vec<_> = (0..PREFIXES).map(|n| format!("order:{n:04}")).collect();
    let filters: Vec<_> = prefixes
        .iter()
        .map(|prefix| Filter::Prefix(prefix))
        .collect();
    queries(job, engine, "query/prefix", &filters)
}

fn queries(
    job: &Job,
    engine: &dyn Engine,
    work: &str,
    filters: &[Filter<'_>],
) -> anyhow::Result<Measured> {
    let mut count = 0;
    let mut visit = |place: u64| {
        black_box(place);
        count += 1;
    };
    let ((), elapsed) = timed(|| {
        let mut filters = filters.iter();
        filters.try_for_each(|filter| engine.query(*filter, &mut visit))
    })
    .map_err(failed)?;
    anyhow::ensure!(count > 0, "the queries found nothing");
    Ok(job.rate(work, count, elapsed, Unit::RowsPerSecond))
}

fn rare(job: &Job, engine: &dyn Engine, _: &Workload) -> anyhow::Result<Measured> {
    let mut times = Vec::new();
    for _ in 0..RARE_QUERIES {
        let started = now();
        let mut count = 0_u64;
        let mut visit = |place: u64| {
            black_box(place);
            count += 1;
        };
        let filter = Filter::Kind(RARE_KIND);
        engine.query(filter, &mut visit).map_err(failed)?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
        anyhow::ensure!(count > 0, "there are no rare events");
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    Ok(job.measured("query/rare", median, Unit::Microseconds))
}

fn verify(job: &Job, engine: &dyn Engine, _: &Workload) -> anyhow::Result<Measured> {
    let (count, elapsed) = timed(|| engine.verify()).map_err(failed)?;
    all(job, count)?;
    Ok(job.rate("verify", count, elapsed, Unit::EventsPerSecond))
}

fn all(job: &Job, count: u64) -> anyhow::Result<()> {
    let events = job.events;
    anyhow::ensure!(count == events, "{count} events were read of {events}");
    Ok(())
}

/// Reads streams of five events at random.
fn read_wide(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let entities = workload.entities();
    let mut state = 1;
    let mut count = 0_u64;
    let ((), elapsed) = timed(|| {
        (0..STREAMS).try_for_each(|_| {
            let at = (random(&mut state) % entities.len() as u64) as usize;
            let entity = entities.get(at).map_or("", String::as_str);
            engine.stream(entity, &mut |payload| {
                touch(payload);
                count += 1;
            })
        })
    })
    .map_err(failed)?;
    anyhow::ensure!(count > 0, "no stream has events");
    let each = elapsed.as_secs_f64() * 1e6 / STREAMS as f64;
    Ok(vec![job.measured(
        "wide/read/stream5",
        each,
        Unit::Microseconds,
    )])
}
