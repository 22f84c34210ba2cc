//! Reading live: what those who wait for events, or have them pushed, cost those who append them.

use super::files::processor_time;
use super::measure::{timed, touch};
use super::work::{For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::systems::{event, options};
use crate::workload::{Shape, Workload};
use anyhow::Context as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;
use strandline::{
    Coordinate, Cursor, Pushed, Region, Sequence, Start, Store, StoredEvent, Subscription,
};

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
/// with both; the figures are of the median turn. Few enough that one of a million events takes tens of milliseconds.
const TURNS: u64 = 20;

/// How many subscribe to what never comes, each to something else.
const IDLE: u64 = 1_000;
/// How many read everything, all the same.
const ACTIVE: usize = 64;
/// How many batches may wait of each.
const CAPACITY: usize = 64;

pub(super) const IDLE_CURSORS: Scenario = Scenario {
    name: "live/append/idle-cursors",
    works: &["live/append/idle-cursors"],
    phases: &[Phase::new(idle_cursors)],
    ..IDLE_WAITERS
};

pub(super) const ACTIVE_64: Scenario = Scenario {
    name: "live/append/64-active",
    works: &["live/append/64-active"],
    phases: &[Phase::new(active)],
    ..IDLE_WAITERS
};

pub(super) const NEVER_READS: Scenario = Scenario {
    name: "live/memory/never-reads",
    works: &["live/memory/never-reads"],
    phases: &[Phase::new(never_reads)],
    ..IDLE_WAITERS
};

/// Appends one by one while tasks wait for sequences that none of them reaches, and while nobody waits.
fn idle_waiters(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    in_turns(job, "live/append/idle-waiters", |store, append| {
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
        append()
    })
}

/// The same beside subscriptions, each to another entity that has no events.
fn idle_cursors(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let name = "live/append/idle-cursors";
    let subscribe = |query: &dyn Fn(u64) -> String, store: &Store| {
        (0..IDLE)
            .map(|number| {
                let nobody = Region::all().entity(query(number));
                store.subscribe(nobody, Start::Now, CAPACITY)
            })
            .collect::<Result<Vec<_>, _>>()
    };
    let mut measured = in_turns(job, name, |store, append| {
        let _subscriptions = subscribe(&|number| format!("nobody:{number}"), store)?;
        append()
    })?;
    let equal = format!("{name}/equal");
    measured.extend(in_turns(job, &equal, |store, append| {
        let _subscriptions = subscribe(&|_| "nobody".to_owned(), store)?;
        append()
    })?);
    Ok(measured)
}

/// The same beside one thread that takes what is pushed to many subscriptions to all events; and beside one that
/// asks as many cursors in turn.
fn active(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let name = "live/append/64-active";
    let mut read = 0;
    let mut measured = in_turns(job, name, |store, append| {
        let subscriptions = (0..ACTIVE)
            .map(|_| store.subscribe(Region::all(), Start::Now, CAPACITY))
            .collect::<Result<Vec<_>, _>>()?;
        beside(append, &mut read, |is_over| {
            take_all(&subscriptions, is_over)
        })
    })?;
    measured.push(share_read(job, name, read));
    let (mut read, name) = (0, format!("{name}/cursors"));
    measured.extend(in_turns(job, &name, |store, append| {
        let mut cursors = (0..ACTIVE)
            .map(|_| store.follow(Region::all(), Start::Now))
            .collect::<Result<Vec<_>, _>>()?;
        beside(append, &mut read, |is_over| ask_all(&mut cursors, is_over))
    })?);
    measured.push(share_read(job, &name, read));
    Ok(measured)
}

/// How many of the events that were appended beside the readers they were given until the turn was over: the others
/// were left out, or not come to.
fn share_read(job: &Job, name: &str, read: usize) -> Measured {
    let events = job.events / (2 * TURNS) * TURNS * ACTIVE as u64;
    let share = read as f64 / events.max(1) as f64;
    job.measured(&format!("{name}/read"), share, Unit::Ratio)
}

fn take_all(subscriptions: &[Subscription], is_over: &AtomicBool) -> anyhow::Result<usize> {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        for (number, subscription) in subscriptions.iter().enumerate() {
            let mut next = match number {
                0 => subscription.recv_timeout(LOOK)?,
                _ => subscription.try_recv()?,
            };
            while let Some(pushed) = next {
                if let Pushed::Events(events) = &pushed {
                    count += events.iter().map(touched).count();
                }
                next = subscription.try_recv()?;
            }
        }
    }
    Ok(count)
}

fn ask_all(cursors: &mut [Cursor], is_over: &AtomicBool) -> anyhow::Result<usize> {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        for (number, cursor) in cursors.iter_mut().enumerate() {
            let wait = if number == 0 { LOOK } else { Duration::ZERO };
            count += cursor.next_batch(256, wait)?.iter().map(touched).count();
        }
    }
    Ok(count)
}

fn touched(event: &StoredEvent) {
    if let Ok(payload) = event.payload() {
        touch(payload);
    }
}

/// How long a reader waits before it looks whether the turn is over.
const LOOK: Duration = Duration::from_millis(1);

/// Appends beside a thread that reads until it is told that the turn is over, and notes how much it has read.
fn beside(
    append: &mut dyn FnMut() -> anyhow::Result<Duration>,
    count: &mut usize,
    read: impl FnOnce(&AtomicBool) -> anyhow::Result<usize> + Send,
) -> anyhow::Result<Duration> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reads = scope.spawn(|| read(&is_over));
        let appended = append();
        is_over.store(true, Ordering::Relaxed);
        let read = reads.join();
        *count += read.map_err(|_| anyhow::anyhow!("the reader panicked"))??;
        appended
    })
}

/// What waits for a subscriber that never reads, over what could be.
fn never_reads(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(&job.dir)?;
    let coordinates = coordinates(&workload)?;
    let subscription = store.subscribe(Region::all(), Start::Now, CAPACITY)?;
    append_all(&store, &workload, &coordinates, 0..job.events)?;
    store.close()?;
    let (mut bytes, mut last) = (0, 0);
    for pushed in subscription.iter() {
        let Ok(Pushed::Events(events)) = pushed else {
            continue;
        };
        let payloads = || events.iter().filter_map(|event| event.payload().ok());
        bytes += payloads().map(<[u8]>::len).sum::<usize>();
        last += payloads().next_back().map_or(0, <[u8]>::len);
    }
    let most = (CAPACITY << 18) + last;
    anyhow::ensure!(bytes <= most, "{bytes} bytes wait");
    let name = "live/memory/never-reads";
    Ok(vec![job.measured(
        name,
        bytes as f64 / most as f64,
        Unit::Ratio,
    )])
}

pub(super) fn coordinates(workload: &Workload) -> anyhow::Result<Vec<Coordinate>> {
    (0..workload.entities().len() as u64)
        .map(|number| {
            let event = workload.event(number);
            Ok(Coordinate::new(event.entity, event.scope)?)
        })
        .collect()
}

/// Appends one by one as `turn` has it, and alone, in turns.
fn in_turns(
    job: &Job,
    name: &str,
    mut turn: impl FnMut(
        &Store,
        &mut dyn FnMut() -> anyhow::Result<Duration>,
    ) -> anyhow::Result<Duration>,
) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let store = options().open(job.dir.join(name.replace('/', "-")))?;
    let coordinates = coordinates(&workload)?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut ran_alone, mut ran_beside) = (Vec::new(), Vec::new());
    let a_turn = (job.events / (2 * TURNS)).max(1);
    let mut first = 0;
    let mut append = || {
        let numbers = first..first + a_turn;
        first += a_turn;
        let before = processor_time()?;
        let ((), elapsed) = timed(|| append_all(&store, &workload, &coordinates, numbers))?;
        anyhow::Ok((elapsed, processor_time()? - before))
    };
    for _ in 0..TURNS {
        let mut ran = Duration::ZERO;
        beside.push(turn(&store, &mut || {
            let (elapsed, took) = append()?;
            ran = took;
            Ok(elapsed)
        })?);
        ran_beside.push(ran);
        let (elapsed, ran) = append()?;
        alone.push(elapsed);
        ran_alone.push(ran);
    }
    store.close()?;
    let over = |beside: Duration, alone: Duration| beside.as_secs_f64() / alone.as_secs_f64();
    let (beside, alone) = (median(beside), median(alone));
    let ran_over = over(median(ran_beside), median(ran_alone));
    let none = format!("{name}/none");
    Ok(vec![
        job.rate(name, a_turn, beside, Unit::EventsPerSecond),
        job.rate(&none, a_turn, alone, Unit::EventsPerSecond),
        job.measured(
            &format!("{name}/over-none"),
            over(beside, alone),
            Unit::Ratio,
        ),
        job.measured(
            &format!("{name}/over-none/processor"),
            ran_over,
            Unit::Ratio,
        ),
    ])
}

pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub(super) fn append_all(
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
