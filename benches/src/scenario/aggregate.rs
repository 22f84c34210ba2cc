//! Aggregates: load, decide, append; and a load with a saved state beside one without.

use super::fill::durability_of_fill;
use super::measure::{failed, now, random, timed};
use super::work::{For, Job, Phase, Scenario};
use crate::account::{Account, Moved};
use crate::engine::{Ability, Accounts, Durability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{STRANDLINE, options};
use crate::workload::Shape;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Batch, EventEnum, Store};
use strandline_aggregate::{Aggregate, Repository, Snapshots};

pub(super) const EXECUTE: Scenario = Scenario {
    name: "aggregate/execute",
    works: &[
        "aggregate/execute/fill",
        WRITTEN.name,
        HOT_WRITTEN.name,
        SYNCED.name,
        HOT_SYNCED.name,
        SIDE_BY_SIDE,
    ],
    systems: For::Stores,
    needs: &[Ability::Execute],
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

/// Events of each account before any command.
const EVENTS_OF_EACH: u64 = 20;
/// Accounts of one commit while the store is filled.
const FILL_BATCH: u64 = 1_000;
/// How long another store may take for the first events of its accounts: it has as many accounts as it reaches. A
/// fortieth of five minutes, because there are twenty rounds and the later ones are slower.
const FIRST_ROUND: Duration = Duration::from_millis(7_500);
/// Accounts that are hot at one time.
const HOT: u64 = 16;
/// Commands on each of them, on the average, before others are hot: their events stay few.
const COMMANDS_ON_HOT: u64 = 20;
/// States that are kept, where they are, while accounts are hot.
const STATES_MAX: usize = 64;
/// Events of the entity that is loaded with a saved state and without.
const LONG_EVENTS: u64 = 10_000;
/// How often it is loaded.
const LOADS: u32 = 50;

/// Commands that are measured together.
struct Commands {
    name: &'static str,
    count: u64,
    durability: Durability,
    /// Whether they are on a few accounts again and again; on any account if not.
    is_hot: bool,
}

const WRITTEN: Commands = Commands {
    name: "aggregate/execute/written",
    count: 100_000,
    durability: Durability::Written,
    is_hot: false,
};

const HOT_WRITTEN: Commands = Commands {
    name: "aggregate/execute/hot",
    is_hot: true,
    ..WRITTEN
};

const SYNCED: Commands = Commands {
    name: "aggregate/execute/synced",
    count: 2_000,
    durability: Durability::Synced,
    is_hot: false,
};

const HOT_SYNCED: Commands = Commands {
    name: "aggregate/execute/hot-synced",
    is_hot: true,
    ..SYNCED
};

/// Commands of several threads.
const SIDE_BY_SIDE: &str = "aggregate/execute/synced-16";
/// Threads that execute commands side by side, as those of a server do.
const THREADS: u64 = 16;
/// Commands of each of them.
const COMMANDS_OF_THREAD: u64 = 500;

/// Appends the events of all accounts in turn, so that those of one are far apart.
fn fill(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let durability = durability_of_fill(entry);
    let accounts = engine.accounts(0).map_err(failed)?;
    let mut count = (job.events / EVENTS_OF_EACH).max(HOT);
    let started = now();
    for round in 0..EVENTS_OF_EACH {
        let mut from = 0;
        while from < count {
            let to = (from + FILL_BATCH).min(count);
            accounts.append(from..to, durability).map_err(failed)?;
            from = to;
            let is_late = round == 0 && started.elapsed() >= FIRST_ROUND;
            if is_late && entry.name != STRANDLINE.name {
                count = from;
            }
        }
    }
    let elapsed = started.elapsed();
    accounts.settle().map_err(failed)?;
    drop(accounts);
    engine.close().map_err(failed)?;
    let job = with_accounts(job, count);
    let (events, unit) = (job.events, Unit::EventsPerSecond);
    Ok(vec![job.rate(
        "aggregate/execute/fill",
        events,
        elapsed,
        unit,
    )])
}

fn execute(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    let mut figures = Vec::new();
    let mut state = 0x2545_F491_4F6C_DD1D;
    // Each begins with accounts that were not hot yet.
    let mut first_hot = 0;
    for commands in [WRITTEN, SYNCED, HOT_WRITTEN, HOT_SYNCED] {
        let is_written = commands.durability == Durability::Written;
        let can = !is_written || entry.abilities.contains(&Ability::Written);
        if !can || !job.wants(commands.name) {
            continue;
        }
        let states_max = if commands.is_hot { STATES_MAX } else { 0 };
        let accounts = engine.accounts(states_max).map_err(failed)?;
        let filled = filled(&*accounts, job.events / EVENTS_OF_EACH)?;
        // Once before, so that what is read at all is in memory.
        for _ in 0..WRITTEN.count / 10 {
            let account = random(&mut state) % filled;
            accounts.load(account).map_err(failed)?;
        }
        let account = |number: u64, random: u64| {
            if commands.is_hot {
                let turn = number / (HOT * COMMANDS_ON_HOT);
                (first_hot + turn * HOT + random % HOT) % filled
            } else {
                random % filled
            }
        };
        let ((), elapsed) = timed(|| {
            (0..commands.count).try_for_each(|number| {
                let account = account(number, random(&mut state));
                accounts.execute(account, 1, commands.durability)
            })
        })
        .map_err(failed)?;
        if commands.is_hot {
            first_hot += (commands.count / (HOT * COMMANDS_ON_HOT) + 1) * HOT;
        }
        let (job, unit) = (with_accounts(job, filled), Unit::EventsPerSecond);
        figures.push(job.rate(commands.name, commands.count, elapsed, unit));
    }
    if job.wants(SIDE_BY_SIDE) {
        let accounts = engine.accounts(0).map_err(failed)?;
        let filled = filled(&*accounts, job.events / EVENTS_OF_EACH)?;
        let ((), elapsed) = timed(|| side_by_side(&*accounts, filled))?;
        let (job, unit) = (with_accounts(job, filled), Unit::EventsPerSecond);
        let commands = THREADS * COMMANDS_OF_THREAD;
        figures.push(job.rate(SIDE_BY_SIDE, commands, elapsed, unit));
    }
    engine.close().map_err(failed)?;
    Ok(figures)
}

/// Executes synced commands from several threads, each on accounts of its own.
fn side_by_side(accounts: &dyn Accounts, filled: u64) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut state = 0x2545_F491_4F6C_DD1D ^ (thread << 32);
                    (0..COMMANDS_OF_THREAD).try_for_each(|_| {
                        let turn = random(&mut state) % (filled / THREADS);
                        let account = turn * THREADS + thread;
                        accounts.execute(account, 1, Durability::Synced)
                    })
                })
            })
            .collect();
        for thread in threads {
            let executed = thread.join();
            let executed = executed.map_err(|_| anyhow::anyhow!("a thread panicked"))?;
            executed.map_err(failed)?;
        }
        Ok(())
    })
}

/// The job as it is where a store has so many accounts.
fn with_accounts(job: &Job, accounts: u64) -> Job {
    let events = accounts * EVENTS_OF_EACH;
    Job {
        events,
        ..job.clone()
    }
}

/// How many accounts the store was filled with: the first ones, up to one that has no event.
fn filled(accounts: &dyn Accounts, wanted: u64) -> anyhow::Result<u64> {
    let (mut low, mut high) = (0, wanted.max(HOT));
    while low < high {
        let middle = low + (high - low) / 2;
        let events = accounts.load(middle).map_err(failed)?.events;
        anyhow::ensure!(
            events == 0 || events >= EVENTS_OF_EACH,
            "account {middle} has {events} events"
        );
        if events > 0 {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    anyhow::ensure!(low >= HOT, "the store has {low} accounts");
    Ok(low)
}

fn snapshot(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = Arc::new(options().open(job.dir.join("store"))?);
    let coordinate = <Account as Aggregate>::coordinate("1")?;
    for _ in 0..job.events / 100 {
        let mut batch = Batch::new();
        for _ in 0..100 {
            batch.add(&coordinate, Moved::new(1).to_event()?);
        }
        store.append_batch(batch)?;
    }
    let plain = Repository::<Account>::new(&store)?;
    let snapshots = Snapshots::of_version(1).in_dir(job.dir.join("states"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_counted_however_many_were_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job {
            scenario: EXECUTE.name.to_owned(),
            phase: 0,
            system: STRANDLINE.name.to_owned(),
            events: 40 * EVENTS_OF_EACH,
            shape: EXECUTE.shape,
            segments: None,
            dir: dir.path().to_owned(),
            wanted: Vec::new(),
        };
        let figures = fill(&job, &STRANDLINE).unwrap();
        assert_eq!(figures.first().unwrap().events, 800);
        let engine = (STRANDLINE.open)(&job.dir).unwrap();
        let accounts = engine.accounts(0).unwrap();
        for wanted in [40, 41, 1_000] {
            assert_eq!(filled(&*accounts, wanted).unwrap(), 40);
        }
        // One that was begun and not filled is told.
        accounts.append(40..41, Durability::Written).unwrap();
        assert!(filled(&*accounts, 80).is_err());
    }
}
