//! What it costs an append to seal its payload, and a read to open it.

use super::live::median;
use super::measure::timed;
use super::own::ROTATING;
use super::work::{Job, Phase, Scenario};
use crate::engine::EngineEntry;
use crate::results::{Measured, Unit};
use crate::systems::options;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use strandline::{AppendOptions, Coordinate, Durability, Event, EventKind, Region, Store};
use strandline_seal::{MemoryKeys, Opener, Per, Sealer};

pub(super) const SEAL: Scenario = Scenario {
    name: "seal/append",
    works: &["seal/append", "seal/read"],
    events_max: 200_000,
    phases: &[Phase::new(in_turns)],
    ..ROTATING
};

/// Bytes of a payload.
const PAYLOAD_BYTES: usize = 300;
/// Entities, each with a key of its own.
const ENTITIES: u64 = 1_000;
/// Turns of each sort; their median counts.
const TURNS: u64 = 10;

/// Appends one by one, written, sealed and not, in turns; then reads of both.
fn in_turns(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let store = options().open(&job.dir)?;
    let keys = Arc::new(MemoryKeys::new()?);
    let sealer = Sealer::new(keys.clone(), Per::Entity)?;
    let coordinates = (0..ENTITIES)
        .map(|number| Coordinate::new(format!("customer:{number}"), "shop"))
        .collect::<Result<Vec<_>, _>>()?;
    for coordinate in &coordinates {
        let _ = sealer.seal(coordinate, event(0))?;
    }
    let a_turn = (job.events / (2 * TURNS)).max(1);
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let from = turn * a_turn;
        let numbers = from..from + a_turn;
        plain.push(append(&store, None, &coordinates, numbers.clone())?);
        sealed.push(append(&store, Some(&sealer), &coordinates, numbers)?);
    }
    let (plain, sealed) = (median(plain), median(sealed));
    let opener = Opener::new(keys);
    let (mut unopened, mut opened) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        unopened.push(read(&store, None)?);
        opened.push(read(&store, Some(&opener))?);
    }
    let (unopened, opened) = (median(unopened), median(opened));
    let over = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    let all = 2 * TURNS * a_turn;
    let (append, read) = ("seal/append", "seal/read");
    Ok(vec![
        job.rate(append, a_turn, sealed, Unit::EventsPerSecond),
        job.rate("seal/append/none", a_turn, plain, Unit::EventsPerSecond),
        job.measured("seal/append/over-none", over(sealed, plain), Unit::Ratio),
        job.rate(read, all, opened, Unit::EventsPerSecond),
        job.rate("seal/read/none", all, unopened, Unit::EventsPerSecond),
    ])
}

fn event(number: u64) -> Event {
    let mut payload = vec![b'x'; PAYLOAD_BYTES];
    for (byte, own) in payload.iter_mut().zip(number.to_le_bytes()) {
        *byte = own;
    }
    Event::bytes(EventKind::new(1, 1), payload)
}

fn append(
    store: &Store,
    sealer: Option<&Sealer>,
    coordinates: &[Coordinate],
    numbers: Range<u64>,
) -> anyhow::Result<Duration> {
    let written = AppendOptions::new().durability(Durability::Written);
    let ((), elapsed) = timed(|| {
        for (number, at) in numbers.zip(coordinates.iter().cycle()) {
            let event = match sealer {
                None => event(number),
                Some(sealer) => sealer.seal(at, event(number))?,
            };
            store.append_with(at, event, written)?;
        }
        anyhow::Ok(())
    })?;
    Ok(elapsed)
}

/// Reads every event, those that are sealed opened or as they are.
fn read(store: &Store, opener: Option<&Opener>) -> anyhow::Result<Duration> {
    let ((), elapsed) = timed(|| {
        for event in store.snapshot().query(Region::all()) {
            let event = event?;
            match opener {
                None => black_box(event.payload()?.len()),
                Some(opener) => black_box(opener.open(event)?.payload()?.len()),
            };
        }
        anyhow::Ok(())
    })?;
    Ok(elapsed)
}
