//! Aggregates: load, decide, append; and a load with a saved state beside one without.

use super::measure::{random, timed};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::options;
use crate::workload::Shape;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use strandline::{
    Batch, Coordinate, Durability, Error, Event, EventEnum, EventKind, EventPayload, Json,
    Registry, Store,
};
use strandline_aggregate::{Aggregate, ExecuteOptions, Repository, Snapshots};

pub(super) const EXECUTE: Scenario = Scenario {
    name: "aggregate/execute",
    works: &[
        "aggregate/execute/written",
        "aggregate/execute/hot",
        "aggregate/execute/synced",
    ],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: 40_000_000,
    phases: &[Phase::new(fill), Phase::new(execute)],
};

pub(super) const SNAPSHOT: Scenario = Scenario {
    name: "aggregate/snapshot",
    works: &[
        "aggregate/snapshot/none",
        "aggregate/snapshot/file",
        "aggregate/snapshot/none-over-file",
    ],
    systems: For::Own,
    needs: &[Ability::Written],
    shape: Shape::Regular,
    events_max: LONG_EVENTS,
    phases: &[Phase::new(snapshot)],
};

/// Events of each entity.
const EVENTS_OF_EACH: u64 = 20;
/// Commands on entities at random.
const COMMANDS: u64 = 100_000;
/// Commands, each synced before it returns.
const SYNCED: u64 = 2_000;
/// Entities that are hot.
const HOT: u64 = 16;
/// Events of the entity that is loaded with a saved state and without.
const LONG_EVENTS: u64 = 10_000;
/// How often it is loaded.
const LOADS: u32 = 50;

/// Some 150 bytes as JSON.
#[derive(Serialize, Deserialize)]
struct Moved {
    cents: i64,
    note: String,
}

impl EventPayload for Moved {
    type Codec = Json;
    const KIND: EventKind = EventKind::new(0x1, 0x001);
    const NAME: &'static str = "moved";
}

impl EventEnum for Moved {
    fn registry() -> Result<Registry<Self>, Error> {
        Registry::new().register::<Self>()
    }

    fn to_event(&self) -> Result<Event, Error> {
        Event::typed(self)
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Account {
    cents: i64,
    events: u64,
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Event = Moved;
    type Command = i64;
    type Error = Infallible;

    fn decide(&self, cents: &i64) -> Result<Vec<Moved>, Infallible> {
        Ok(vec![moved(*cents)])
    }

    fn evolve(&mut self, event: &Moved) {
        self.cents += event.cents;
        self.events += 1;
    }
}

fn moved(cents: i64) -> Moved {
    let note = "what it was for, in as many words as people take ".repeat(3);
    Moved { cents, note }
}

fn entities(job: &Job) -> u64 {
    (job.events / EVENTS_OF_EACH).max(HOT)
}

/// Appends the events of all entities in turn, so that those of one are far apart.
fn fill(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let coordinates: Vec<Coordinate> = (0..entities(job))
        .map(|entity| Account::coordinate(&entity.to_string()))
        .collect::<Result<_, _>>()?;
    for _ in 0..EVENTS_OF_EACH {
        for some in coordinates.chunks(1_000) {
            let mut batch = Batch::new();
            for coordinate in some {
                batch.add(coordinate, moved(1).to_event()?);
            }
            store.append_batch(batch)?;
        }
    }
    store.close()?;
    Ok(Vec::new())
}

fn execute(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = Arc::new(options().open(&job.dir)?);
    let accounts = Repository::<Account>::new(&store)?;
    let written = ExecuteOptions::new().durability(Durability::Written);
    let synced = ExecuteOptions::new().durability(Durability::Synced);
    let mut state = 0x2545_F491_4F6C_DD1D;
    let entities = entities(job);
    let mut run = |accounts: &Repository<Account>, count, among: u64, options: &ExecuteOptions| {
        let ((), elapsed) = timed(|| {
            for _ in 0..count {
                let id = (random(&mut state) % among).to_string();
                accounts.execute_with(&id, &1, options)?;
            }
            anyhow::Ok(())
        })?;
        anyhow::Ok(elapsed)
    };
    // Once before, so that the files are in memory.
    run(&accounts, COMMANDS / 10, entities, &written)?;
    let at_random = run(&accounts, COMMANDS, entities, &written)?;
    let each_synced = run(&accounts, SYNCED, entities, &synced)?;
    let hot = Repository::<Account>::new(&store)?.with_cache(64);
    run(&hot, HOT * 10, HOT, &written)?;
    let on_hot = run(&hot, COMMANDS, HOT, &written)?;
    let rate = |name: &str, count, time| job.rate(name, count, time, Unit::EventsPerSecond);
    Ok(vec![
        rate("aggregate/execute/written", COMMANDS, at_random),
        rate("aggregate/execute/hot", COMMANDS, on_hot),
        rate("aggregate/execute/synced", SYNCED, each_synced),
    ])
}

fn snapshot(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = Arc::new(options().open(&job.dir)?);
    let coordinate = Account::coordinate("1")?;
    for _ in 0..job.events / 100 {
        let mut batch = Batch::new();
        for _ in 0..100 {
            batch.add(&coordinate, moved(1).to_event()?);
        }
        store.append_batch(batch)?;
    }
    let plain = Repository::<Account>::new(&store)?;
    let snapshots = Snapshots::of_version(1).in_dir(job.dir.with_extension("aggregates"));
    let saving = Repository::<Account>::new(&store)?.with_snapshots(snapshots);
    let none = load(&plain, job.events)?;
    let file = load(&saving, job.events)?;
    let used = saving.snapshot_counts().used;
    anyhow::ensure!(
        used >= LOADS.into(),
        "the saved state was used {used} times"
    );
    close(store, plain, saving)?;
    let of_one = |name: &str, time: Duration| {
        let micros = time.as_secs_f64() * 1e6 / f64::from(LOADS);
        job.measured(name, micros, Unit::Microseconds)
    };
    let over = none.as_secs_f64() / file.as_secs_f64();
    Ok(vec![
        of_one("aggregate/snapshot/none", none),
        of_one("aggregate/snapshot/file", file),
        job.measured("aggregate/snapshot/none-over-file", over, Unit::Ratio),
    ])
}

/// The time of all loads, after one that saves where that is done.
fn load(accounts: &Repository<Account>, events: u64) -> anyhow::Result<Duration> {
    accounts.load("1")?;
    let ((), elapsed) = timed(|| {
        for _ in 0..LOADS {
            let loaded = accounts.load("1")?;
            anyhow::ensure!(loaded.state.events == events, "an event is missing");
        }
        anyhow::Ok(())
    })?;
    Ok(elapsed)
}

fn close(
    store: Arc<Store>,
    plain: Repository<Account>,
    saving: Repository<Account>,
) -> anyhow::Result<()> {
    drop((plain, saving));
    match Arc::into_inner(store) {
        Some(store) => Ok(store.close()?),
        None => anyhow::bail!("somebody has the store"),
    }
}
