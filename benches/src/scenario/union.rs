//! Several regions asked for at once, against one after the other.

use super::measure::timed;
use super::own::BACK;
use super::work::{Job, Phase, Scenario};
use crate::engine::EngineEntry;
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use std::hint::black_box;
use strandline::{Batch, Coordinate, Query, Region, Snapshot};

pub(super) const UNION: Scenario = Scenario {
    name: "query/union",
    works: &["query/union", "query/union-filtered"],
    phases: &[Phase::new(fill_tagged), Phase::new(ask)],
    ..BACK
};

/// Each event has one of so many tags, so that each is on one in a hundred.
const TAGS: u64 = 100;
/// Regions of a query.
const REGIONS: u64 = 8;
/// How often each is asked; the fastest counts.
const TIMES: usize = 15;
/// Events in a batch.
const BATCH: usize = 100;

fn tag(number: u64) -> String {
    format!("group:{number}")
}

/// A store in which tags follow each other in no order, closed.
fn fill_tagged(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(&job.dir)?;
    let mut batch = Batch::new();
    for number in 0..job.events {
        let new = workload.event(number);
        let coordinate = Coordinate::new(new.entity, new.scope)?;
        let group = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % TAGS;
        batch.add(&coordinate, event(&new).tagged(tag(group)));
        if batch.len() == BATCH || number + 1 == job.events {
            store.append_batch(std::mem::take(&mut batch))?;
        }
    }
    store.close()?;
    Ok(Vec::new())
}

/// Regions that go by their tags alone, and regions whose rows are looked at too.
fn ask(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let now = store.snapshot();
    let tagged = (0..REGIONS).map(|number| Region::all().tag(tag(number)));
    let filtered = tagged.clone().map(|region| region.clock(1..));
    let mut measured = Vec::new();
    for (work, regions) in [
        ("query/union", tagged.collect::<Vec<_>>()),
        ("query/union-filtered", filtered.collect()),
    ] {
        if job.wants(work) {
            measured.extend(against_sum(job, &now, work, &regions)?);
        }
    }
    Ok(measured)
}

/// A query of all regions, and the sum of a query of each.
fn against_sum(
    job: &Job,
    now: &Snapshot,
    work: &str,
    regions: &[Region],
) -> anyhow::Result<[Measured; 2]> {
    let union = Query::from(regions);
    let (mut together, mut apart) = (f64::MAX, f64::MAX);
    let mut count = 0;
    for _ in 0..TIMES {
        let (sum, elapsed) = timed(|| walk(regions.iter().map(|region| now.rows(region))))?;
        apart = apart.min(elapsed.as_secs_f64());
        let (found, elapsed) = timed(|| walk(std::iter::once(now.rows(&union))))?;
        together = together.min(elapsed.as_secs_f64());
        anyhow::ensure!(
            found == sum && sum > 0,
            "{found} rows, and {sum} one by one"
        );
        count = found;
    }
    Ok([
        job.measured(work, count as f64 / together, Unit::RowsPerSecond),
        job.measured(
            &format!("{work}/sum-over-union"),
            apart / together,
            Unit::Ratio,
        ),
    ])
}

fn walk<'s>(queries: impl Iterator<Item = strandline::Rows<'s>>) -> anyhow::Result<u64> {
    let mut count = 0;
    for rows in queries {
        for row in rows {
            black_box(row.sequence());
            count += 1;
        }
    }
    Ok(count)
}
