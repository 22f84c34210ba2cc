//! Projections: from the first event to the last, beside the same fold over a scan.

use super::fill::fill_and_close;
use super::measure::{timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::options;
use crate::workload::Shape;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use strandline::{EventRef, Query, Region, Store};
use strandline_live::{ApplyError, EntityProjection, Live, Projection};

pub(super) const PROJECTION: Scenario = Scenario {
    name: "live/projection",
    works: &[
        "live/projection",
        "live/projection/scan-and-fold",
        "live/projection/over-scan-and-fold",
        "live/projection/by-entity",
    ],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(fill_and_close), Phase::new(project)],
};

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(3600);
/// By entity, in so many partitions.
const PARTITIONS: u32 = 2;

/// How many events there are of each kind, and how many bytes are in them: as little to do as a fold has.
struct Kinds;

type OfKinds = BTreeMap<u16, (u64, u64)>;

/// The same of one entity.
struct Entities;

fn add(of_kind: &mut (u64, u64), event: &EventRef<'_>) -> Result<(), ApplyError> {
    let payload = event.payload()?;
    touch(payload);
    of_kind.0 += 1;
    of_kind.1 += payload.len() as u64;
    Ok(())
}

impl Projection for Kinds {
    const VERSION: u32 = 1;
    type State = OfKinds;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, kinds: &mut OfKinds, event: &EventRef<'_>) -> Result<(), ApplyError> {
        add(kinds.entry(event.kind().bits()).or_default(), event)
    }
}

impl EntityProjection for Entities {
    const VERSION: u32 = 1;
    type State = (u64, u64);

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, state: &mut (u64, u64), event: &EventRef<'_>) -> Result<(), ApplyError> {
        add(state, event)
    }
}

fn project(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = Arc::new(options().open(&job.dir)?);
    // Once before, so that the files are in memory.
    scan_and_fold(&store)?;
    let (folded, fold) = timed(|| scan_and_fold(&store))?;
    let live = Live::open_in(&store, job.dir.with_extension("live"))?;
    let (projected, projection) = timed(|| {
        let running = live.projection("kinds", Kinds).start()?;
        anyhow::ensure!(running.wait_caught_up(PATIENCE)?, "it did not end");
        let projected = running.read(Clone::clone)?;
        // Until it is saved.
        running.stop()?;
        Ok(projected)
    })?;
    anyhow::ensure!(projected == folded, "they are not the same");
    let ((), by_entity) = timed(|| {
        let running = live.entity_projection("entities", Entities);
        let running = running.partitions(PARTITIONS).start()?;
        anyhow::ensure!(running.wait_caught_up(PATIENCE)?, "it did not end");
        Ok(running.stop()?)
    })?;
    let over = projection.as_secs_f64() / fold.as_secs_f64();
    let rate = |name: &str, time| job.rate(name, job.events, time, Unit::EventsPerSecond);
    Ok(vec![
        rate("live/projection", projection),
        rate("live/projection/scan-and-fold", fold),
        job.measured("live/projection/over-scan-and-fold", over, Unit::Ratio),
        rate("live/projection/by-entity", by_entity),
    ])
}

fn scan_and_fold(store: &Store) -> anyhow::Result<OfKinds> {
    let now = store.snapshot();
    let mut kinds = OfKinds::new();
    let mut events = now.query(Region::all());
    while let Some(event) = events.next_ref() {
        let event = event?;
        let applied = Projection::apply(&Kinds, &mut kinds, &event);
        applied.map_err(anyhow::Error::from_boxed)?;
    }
    Ok(kinds)
}
