//! Millions of entities hit at random, in segments of 64 MiB: what appending and reading cost once a store
//! has much.

use super::files::{anonymous_bytes, disk_bytes, resident_bytes};
use super::growing::{again, append, each, open};
use super::measure::{failed, timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, Engine, EngineEntry};
use crate::results::{Measured, Unit};
use crate::workload::Shape;

pub(super) const BATCH: Scenario = Scenario {
    name: "many/append/batch1000",
    works: &[
        "many/append/batch1000",
        "many/memory",
        "many/disk",
        "many/open",
        "many/read/stream",
        "many/read/latest",
    ],
    systems: For::Stores,
    needs: &[Ability::Written, Ability::Stream],
    shape: Shape::Many,
    events_max: u64::MAX,
    phases: &[
        Phase::new(in_batches),
        Phase::new(reopened),
        Phase::new(read),
    ],
};

pub(super) const SINGLE: Scenario = Scenario {
    name: "many/append/single",
    works: &["many/append/single"],
    phases: &[Phase::new(one_by_one)],
    ..BATCH
};

pub(super) const ZIPF_BATCH: Scenario = Scenario {
    name: "many/zipf/append/batch1000",
    works: &[
        "many/zipf/append/batch1000",
        "many/zipf/memory",
        "many/zipf/disk",
        "many/zipf/open",
        "many/zipf/read/latest",
    ],
    shape: Shape::ManyZipf,
    ..BATCH
};

pub(super) const ZIPF_SINGLE: Scenario = Scenario {
    name: "many/zipf/append/single",
    works: &["many/zipf/append/single"],
    shape: Shape::ManyZipf,
    ..SINGLE
};

pub(super) const OWN_IDS_BATCH: Scenario = Scenario {
    name: "many/own-ids/append/batch1000",
    works: &[
        "many/own-ids/append/batch1000",
        "many/own-ids/memory",
        "many/own-ids/disk",
        "many/own-ids/open",
        "many/own-ids/read/stream",
        "many/own-ids/read/latest",
    ],
    needs: OWN_IDS,
    shape: Shape::ManyOwnIds,
    ..BATCH
};

pub(super) const OWN_IDS_SINGLE: Scenario = Scenario {
    name: "many/own-ids/append/single",
    works: &["many/own-ids/append/single"],
    needs: OWN_IDS,
    shape: Shape::ManyOwnIds,
    ..SINGLE
};

const OWN_IDS: &[Ability] = &[Ability::Written, Ability::Stream, Ability::CallersIds];
const SEGMENT_BYTES: u64 = 64 << 20;
/// Events in a batch.
const EVENTS: u64 = 1_000;
/// Most events that are appended one by one.
const SINGLES_MAX: u64 = 100_000;

/// The name of a figure, as [`Scenario::works`] has it.
fn named(job: &Job, work: &str) -> String {
    let prefix = match job.shape {
        Shape::ManyZipf => "many/zipf",
        Shape::ManyOwnIds => "many/own-ids",
        _ => "many",
    };
    format!("{prefix}/{work}")
}

/// Appends all events in batches and times the last tenth.
fn in_batches(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let (anonymous, resident) = (anonymous_bytes()?, resident_bytes()?);
    let engine = open(job, entry, SEGMENT_BYTES)?;
    let last = job.events - job.events / 10;
    append(job, &*engine, &work, 0..last, EVENTS)?;
    let ((), elapsed) = timed(|| append(job, &*engine, &work, last..job.events, EVENTS))?;
    let anonymous = anonymous_bytes()?.saturating_sub(anonymous);
    let resident = resident_bytes()?.saturating_sub(resident);
    engine.close().map_err(failed)?;
    let disk = disk_bytes(&job.dir)?;
    let per_event = |name, bytes: u64| {
        let value = bytes as f64 / job.events as f64;
        job.measured(&named(job, name), value, Unit::BytesPerEvent)
    };
    Ok(vec![
        job.rate(
            &named(job, "append/batch1000"),
            job.events - last,
            elapsed,
            Unit::EventsPerSecond,
        ),
        per_event("memory/anonymous", anonymous),
        per_event("memory/resident", resident),
        per_event("disk", disk),
    ])
}

/// Reads the stream of an entity, and says how many events it has. By Zipf's law that may be a fifteenth of all,
/// whose time would be all that a figure shows: then the newest one alone.
fn read_little(shape: Shape, engine: &dyn Engine, entity: &str) -> anyhow::Result<u64> {
    let mut found = 0;
    let mut visit = |payload: &[u8]| {
        touch(payload);
        found += 1;
    };
    match shape {
        Shape::ManyZipf => engine.latest(entity, &mut visit),
        _ => engine.stream(entity, &mut visit),
    }
    .map_err(failed)?;
    Ok(found)
}

/// Opens and reads one stream, as a program that was started again.
fn reopened(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let entity = work.event(job.events / 2).entity;
    let mut found = 0;
    let (engine, elapsed) = timed(|| {
        let engine = open(job, entry, SEGMENT_BYTES)?;
        found = read_little(job.shape, &*engine, entity)?;
        anyhow::Ok(engine)
    })?;
    anyhow::ensure!(found > 0, "{entity} has no events after opening");
    engine.close().map_err(failed)?;
    let milliseconds = elapsed.as_secs_f64() * 1e3;
    Ok(vec![job.measured(
        &named(job, "open"),
        milliseconds,
        Unit::Milliseconds,
    )])
}

/// Reads entities by chance, of those that have events; the files are in the cache. First each of them for the
/// first time in this process, then the same ones again.
fn read(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let engine = open(job, entry, SEGMENT_BYTES)?;
    // Chosen by their events, so that by Zipf's law those are read most that have most: numbers spread
    // by a prime.
    let entity = |number: u64| work.event(number * 1_299_709 % job.events).entity;
    let mut measured = Vec::new();
    let mut found = 0_u64;
    let mut visit = |payload: &[u8]| {
        touch(payload);
        found += 1;
    };
    let name = named(job, "read/stream");
    // By Zipf's law a stream has anything from one event to a fifteenth of all: its length is all that
    // its time would show.
    if job.wants(&name) && job.shape != Shape::ManyZipf {
        let mut stream = |number| engine.stream(entity(number), &mut visit).map_err(failed);
        measured.extend(each(job, &name, &mut stream)?);
        measured.extend(again(job, &format!("{name}/again"), stream)?);
    }
    let name = named(job, "read/latest");
    if job.wants(&name) {
        let mut latest = |number| engine.latest(entity(number), &mut visit).map_err(failed);
        measured.extend(each(job, &name, &mut latest)?);
        measured.extend(again(job, &format!("{name}/again"), latest)?);
    }
    anyhow::ensure!(found > 0 || measured.is_empty(), "nothing was read");
    engine.close().map_err(failed)?;
    Ok(measured)
}

/// Appends in batches, and then the last tenth one by one, or as many of it as take minutes at most.
fn one_by_one(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let work = job.growing();
    let engine = open(job, entry, SEGMENT_BYTES)?;
    let count = (job.events / 10).min(SINGLES_MAX);
    let last = job.events - count;
    append(job, &*engine, &work, 0..last, EVENTS)?;
    let ((), elapsed) = timed(|| append(job, &*engine, &work, last..job.events, 1))?;
    engine.close().map_err(failed)?;
    let name = named(job, "append/single");
    Ok(vec![job.rate(&name, count, elapsed, Unit::EventsPerSecond)])
}

#[cfg(test)]
mod tests {
    use super::super::growing::done;
    use super::*;
    use crate::systems::STRANDLINE;

    /// Cause: the opening by Zipf's law had 250,000 events to read, and its figure was called an opening's.
    #[test]
    fn little_is_read_after_an_opening_whatever_the_shape() {
        for shape in [Shape::Many, Shape::ManyZipf, Shape::ManyOwnIds] {
            let dir = tempfile::tempdir().unwrap();
            let job = Job {
                scenario: String::new(),
                phase: 0,
                system: STRANDLINE.name.to_owned(),
                events: 20_000,
                shape,
                segments: None,
                dir: dir.path().to_owned(),
                wanted: Vec::new(),
            };
            let work = job.growing();
            let engine = open(&job, &STRANDLINE, SEGMENT_BYTES).unwrap();
            append(&job, &*engine, &work, 0..job.events, EVENTS).unwrap();
            let most = |number| read_little(shape, &*engine, work.event(number).entity).unwrap();
            let read = (0..1_000).map(most).max();
            assert!(read.is_some_and(|read| (1..12).contains(&read)), "{read:?}");
        }
    }

    #[test]
    fn every_shape_gives_every_figure() {
        for (batch, single) in [
            (BATCH, SINGLE),
            (ZIPF_BATCH, ZIPF_SINGLE),
            (OWN_IDS_BATCH, OWN_IDS_SINGLE),
        ] {
            let figures = done(&batch, 2_000, None);
            for work in batch.works {
                let mut figures = figures.iter();
                assert!(figures.any(|name| name.starts_with(work)), "{work}");
            }
            assert_eq!(done(&single, 2_000, None), single.works);
        }
    }
}
