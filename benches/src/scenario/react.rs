//! Reactors: from the first event to the last, in one partition and in several.

use super::fill::fill_and_close;
use super::measure::{timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::options;
use crate::workload::Shape;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use strandline::{AppendOptions, Coordinate, Durability, Event, EventKind, Region};
use strandline_live::Live;

pub(super) const REACTOR: Scenario = Scenario {
    name: "live/reactor",
    works: &["live/reactor", "live/reactor/8-partitions"],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[Phase::new(fill_and_close), Phase::new(react)],
};

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Handles every event by touching its payload, in one partition and in eight.
fn react(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = Arc::new(options().open(&job.dir)?);
    let live = Live::open_in(&store, job.dir.with_extension("live"))?;
    // Once before, so that the files are in memory.
    handle_all(&live, "before", 1)?;
    let rate = |name: &str, time| job.rate(name, job.events, time, Unit::EventsPerSecond);
    let ((), one) = timed(|| handle_all(&live, "one", 1))?;
    let ((), eight) = timed(|| handle_all(&live, "eight", 8))?;
    Ok(vec![
        rate("live/reactor", one),
        rate("live/reactor/8-partitions", eight),
    ])
}

fn handle_all(live: &Live, name: &str, partitions: u32) -> anyhow::Result<()> {
    // Events are handled once they are durable, and this store syncs nothing by itself.
    let synced = AppendOptions::new().durability(Durability::Synced);
    let at = Coordinate::new("last", "last")?;
    let last = Event::bytes(EventKind::new(1, 1), name.as_bytes());
    let last = live.store().append_with(&at, last, synced)?;
    let handled = Arc::new(AtomicU64::new(0));
    let reactor = live.reactor(name, Region::all()).partitions(partitions);
    let reactor = reactor.start({
        let handled = handled.clone();
        move |event, _| {
            touch(event.payload()?);
            handled.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    })?;
    anyhow::ensure!(reactor.wait_until(&last, PATIENCE)?, "it did not end");
    // Until it is saved.
    reactor.stop()?;
    let handled = handled.load(Ordering::Relaxed);
    anyhow::ensure!(
        handled == last.sequence.get() + 1,
        "{handled} events were handled"
    );
    Ok(())
}
