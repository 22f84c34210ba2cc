//! What is measured: appends, the way to the bucket, a restore, requests. Prints nothing.

use super::far::{Far, Spent};
use super::litestream;
use super::pair::{LONG, Pair, Place, Setup, marked, payload};
use crate::sqlite;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::Existing;
use strandline_benches::STRANDLINE;
use strandline_benches::engine::{Durability, Engine, Failure};
use strandline_benches::workload::Workload;
use strandline_replicate::{Until, restore};

/// Events of the work; those past it are like those before.
const EVENTS: u64 = 1_000_000;
/// Events of a commit where many are appended.
const FILL: u64 = 1_000;

/// What appends came to.
pub(super) struct Appended {
    pub(super) per_second: f64,
    /// Of one call.
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) longest: Duration,
    /// From the last commit until it was in the bucket, if anything ships it and that came.
    pub(super) behind: Option<Duration>,
    /// Bytes sent to the bucket over events.
    pub(super) bytes_per_event: f64,
}

/// Appends for a while into a new store, `size` events a commit.
pub(super) fn append(
    setup: Setup,
    litestream: &Path,
    dir: &Path,
    size: u64,
    durability: Durability,
    lasts: Duration,
) -> Result<Appended, Failure> {
    let far = Far::start()?;
    let place = Place {
        dir,
        far: &far,
        litestream,
    };
    let mut pair = Pair::open(setup, place)?;
    let workload = Workload::regular(EVENTS);
    let before = far.spent();
    let mut latencies = Vec::new();
    let mut first = 0;
    let began = Instant::now();
    while began.elapsed() < lasts {
        let call = Instant::now();
        let events: Vec<_> = (first..first + size).map(|n| workload.event(n)).collect();
        pair.append(&events, durability)?;
        latencies.push(call.elapsed());
        first += size;
    }
    let per_second = first as f64 / began.elapsed().as_secs_f64();
    let mut behind = None;
    if !matches!(setup, Setup::Sqlite | Setup::Strandline) {
        let mut watch = far.watch();
        let last = payload(0);
        pair.append(&[marked(&last)], durability)?;
        let committed = Instant::now();
        let found = watch.wait(&last, LONG, || pair.check())?;
        behind = found.map(|found| found.saturating_duration_since(committed));
    }
    let sent = (far.spent() - before).bytes_sent;
    pair.close()?;
    latencies.sort_unstable();
    Ok(Appended {
        per_second,
        p50: at(&latencies, 0.5),
        p99: at(&latencies, 0.99),
        longest: at(&latencies, 1.0),
        behind,
        bytes_per_event: sent as f64 / first as f64,
    })
}

/// The figure below which a share of the figures is, of figures in order.
pub(super) fn at(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// From the begin of a commit of one event into a store at rest until its bytes are in the bucket, in order of length;
/// where the append waits until they are replicated, until it returns.
pub(super) fn lag(
    setup: Setup,
    litestream: &Path,
    dir: &Path,
    events: u64,
) -> Result<Vec<Duration>, Failure> {
    let far = Far::start()?;
    let place = Place {
        dir,
        far: &far,
        litestream,
    };
    let mut pair = Pair::open(setup, place)?;
    let mut lags = Vec::new();
    for number in 1..=events {
        // At another moment of the intervals each time.
        std::thread::sleep(Duration::from_millis(number * 137 % 1_000));
        let payload = payload(number);
        let mut watch = far.watch();
        let began = Instant::now();
        pair.append(&[marked(&payload)], Durability::Written)?;
        let lag = match setup {
            Setup::Replicated => began.elapsed(),
            _ => {
                let found = watch.wait(&payload, LONG, || pair.check())?;
                found.ok_or("it does not come")? - began
            }
        };
        lags.push(lag);
    }
    pair.close()?;
    lags.sort_unstable();
    Ok(lags)
}

/// What so many events a second ask of the bucket in a while, one a commit, once all has begun.
pub(super) fn cost(
    setup: Setup,
    litestream: &Path,
    dir: &Path,
    per_second: u32,
    lasts: Duration,
) -> Result<Spent, Failure> {
    let far = Far::start()?;
    let place = Place {
        dir,
        far: &far,
        litestream,
    };
    let mut pair = Pair::open(setup, place)?;
    let workload = Workload::regular(EVENTS);
    let before = far.spent();
    let began = Instant::now();
    let every = Duration::from_secs(1) / per_second;
    let mut number = 0;
    while began.elapsed() < lasts {
        pair.append(&[workload.event(number)], Durability::Written)?;
        pair.check()?;
        number += 1;
        let next = every * u32::try_from(number)?;
        std::thread::sleep(next.saturating_sub(began.elapsed()));
    }
    let spent = far.spent() - before;
    pair.close()?;
    Ok(spent)
}

/// What a restore came to.
pub(super) struct Restored {
    /// Until the call or the program returns.
    pub(super) took: Duration,
    /// And until the newest event is read.
    pub(super) read: Duration,
    /// Of the store before it.
    pub(super) local_bytes: u64,
    pub(super) bucket_bytes: u64,
    pub(super) objects: usize,
    pub(super) requests: Spent,
}

/// Restores a store of so many events, of which all but one are in what was sent as the shipper began: what is kindest to
/// either.
pub(super) fn restored(
    setup: Setup,
    litestream: &Path,
    dir: &Path,
    events: u64,
) -> Result<Restored, Failure> {
    let far = Far::start()?;
    let place = Place {
        dir,
        far: &far,
        litestream,
    };
    let is_own = !matches!(setup, Setup::Litestream(_));
    let alone = match is_own {
        true => Setup::Strandline,
        false => Setup::Sqlite,
    };
    fill(Pair::open(alone, place)?, events)?;
    let mut pair = Pair::open(setup, place)?;
    let mut watch = far.watch();
    let last = payload(1);
    pair.append(&[marked(&last)], Durability::Written)?;
    let found = watch.wait(&last, LONG, || pair.check())?;
    found.ok_or("it does not come")?;
    pair.close()?;
    let to = dir.join("restored");
    let (objects, bucket_bytes) = far.held();
    let before = far.spent();
    let began = Instant::now();
    let engine = match is_own {
        true => restore_own(place, &to)?,
        false => {
            std::fs::create_dir(&to)?;
            let config = dir.join("litestream.yml");
            let file = to.join(sqlite::FILE);
            litestream::restore(litestream, &config, &place.database(), &file)?;
            sqlite::ENTRY.open
        }
    };
    let took = began.elapsed();
    let engine = engine(&to)?;
    let mut is_newest = false;
    engine.latest(marked(&last).entity, &mut |found| is_newest = found == last)?;
    let read = began.elapsed();
    let requests = far.spent() - before;
    let count = count(&*engine)?;
    engine.close()?;
    if !is_newest || count <= events {
        return Err(format!("{count} events of {} were restored", events + 1).into());
    }
    let local_bytes = match is_own {
        true => bytes_of(&dir.join("store"))?,
        false => place.database().metadata()?.len(),
    };
    Ok(Restored {
        took,
        read,
        local_bytes,
        bucket_bytes,
        objects,
        requests,
    })
}

type Open = fn(&Path) -> Result<Box<dyn Engine>, Failure>;

fn restore_own(place: Place<'_>, to: &Path) -> Result<Open, Failure> {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let bucket = place.bucket()?;
    let mut go_on = |_| ControlFlow::Continue(());
    restore(&bucket, &fs, to, Until::End, Existing::Refuse, &mut go_on)?;
    Ok(STRANDLINE.open)
}

fn fill(mut pair: Pair, events: u64) -> Result<(), Failure> {
    let workload = Workload::regular(EVENTS);
    let mut first = 0;
    while first < events {
        let end = events.min(first + FILL);
        let batch: Vec<_> = (first..end).map(|number| workload.event(number)).collect();
        pair.append(&batch, Durability::Written)?;
        first = end;
    }
    pair.close()
}

fn count(engine: &dyn Engine) -> Result<u64, Failure> {
    let mut count = 0;
    engine.scan(&mut |_| count += 1)?;
    Ok(count)
}

fn bytes_of(dir: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
