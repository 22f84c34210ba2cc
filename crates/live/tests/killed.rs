//! A process that is killed at a moment by chance while it projects, beside one that appends: whatever is saved then is
//! the fold of the events before its position, and what the next process makes of it is that of all.
//!
//! `STRANDLINE_KILLS` says how often: `cargo xtask crash --projection --count 10000`.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::Draws;
use strandline::{
    AppendOptions, Batch, Coordinate, Durability, Event, EventKind, EventRef, Query, Region, Store,
    StoreOptions,
};
use strandline_live::{ApplyError, ErrorKind, Live, Projected, Projection, project};

const DIR: &str = "STRANDLINE_KILLED_PROJECTION_DIR";
const VERSION: &str = "STRANDLINE_KILLED_PROJECTION_VERSION";
const KILLS: &str = "STRANDLINE_KILLS";
/// How often processes are killed by default.
const KILLS_DEFAULT: u64 = 120;
/// Kills of one store; then another one is made, so that folds stay short.
const KILLS_OF_STORE: u64 = 120;
/// Kills after which there is a higher version.
const KILLS_OF_VERSION: u64 = 30;
const COUNTED: EventKind = EventKind::new(1, 1);
const OTHER: EventKind = EventKind::new(2, 1);
const LONG: Duration = Duration::from_secs(600);
const NAME: &str = "sums";

type Sums = BTreeMap<String, (u64, u64)>;

/// How often each entity was seen, and the sum of its numbers.
struct Tally<const N: u32>;

impl<const N: u32> Projection for Tally<N> {
    const VERSION: u32 = N;
    type State = Sums;

    fn query(&self) -> Query {
        Region::all().category(1).into()
    }

    fn apply(&self, sums: &mut Sums, event: &EventRef<'_>) -> Result<(), ApplyError> {
        let entity = event.coordinate().entity().to_owned();
        let (count, sum) = sums.entry(entity).or_default();
        *count += 1;
        *sum += event.payload_json::<u64>()?;
        Ok(())
    }
}

/// What the killed process runs: a projection that saves as often as it may, and tells of its progress.
#[test]
#[ignore = "runs in a process of its own, which is killed"]
fn project_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let version: u32 = std::env::var(VERSION).unwrap().parse().unwrap();
    let store = StoreOptions::new()
        .read_only()
        .open(store_dir(Path::new(&dir)));
    let live = Live::open(&Arc::new(store.unwrap())).unwrap();
    println!("begun");
    match version {
        0 => run::<1>(&live),
        1 => run::<2>(&live),
        2 => run::<3>(&live),
        _ => run::<4>(&live),
    }
}

fn run<const N: u32>(live: &Live) {
    let projection = live.projection(NAME, Tally::<N>);
    let projection = projection.save_every(Duration::ZERO, 1);
    let _running = projection
        .on_progress(|progress| println!("at {}", progress.sequence))
        .start()
        .unwrap();
    loop {
        std::thread::park();
    }
}

fn store_dir(dir: &Path) -> std::path::PathBuf {
    dir.join("shop.strand")
}

/// Runs a process that projects, and kills it so long after it began or told of its progress for the first time.
fn kill(dir: &Path, version: u64, after: &str, delay: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "project_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(VERSION, version.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_told = output.any(|line| line.unwrap().contains(after));
    assert!(is_told, "the process ended by itself");
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A few events, some of which are not of the query.
fn append(store: &Store, draws: &mut Draws) {
    let mut batch = Batch::new();
    for _ in 0..=draws.below(20) {
        let entity = format!("e:{}", draws.below(5));
        let kind = if draws.chance(1, 4) { OTHER } else { COUNTED };
        let event = Event::json(kind, &draws.below(1000)).unwrap();
        batch = batch.push(&Coordinate::new(entity, "s").unwrap(), event);
    }
    let durability = match draws.chance(1, 2) {
        true => Durability::Written,
        false => Durability::Synced,
    };
    let options = AppendOptions::new().durability(durability);
    store.append_batch_with(batch, options).unwrap();
}

fn saved<const N: u32>(live: &Live) -> Option<Projected<Sums>> {
    match live.projected::<Tally<N>>(NAME) {
        Ok(saved) => saved,
        Err(error) => {
            let kind = error.kind();
            let is_of_other = matches!(
                kind,
                ErrorKind::Rebuilding | ErrorKind::OtherConsumer | ErrorKind::NotFound
            );
            assert!(is_of_other, "{error}");
            None
        }
    }
}

#[test]
fn a_process_that_is_killed_while_it_projects_leaves_a_state_and_its_position() {
    let kills = std::env::var(KILLS).map_or(KILLS_DEFAULT, |kills| kills.parse().unwrap());
    let mut draws = Draws::of(19, &[kills]);
    for first in (0..kills).step_by(KILLS_OF_STORE as usize) {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(store_dir(dir.path())).unwrap());
        let live = Live::open(&store).unwrap();
        let mut reached = 0;
        for kill_number in 0..KILLS_OF_STORE.min(kills - first) {
            append(&store, &mut draws);
            let version = kill_number / KILLS_OF_VERSION;
            let after = if draws.chance(1, 2) { "begun" } else { "at " };
            let delay = Duration::from_micros(draws.below(4000));
            kill(dir.path(), version, after, delay);
            let saved = [
                saved::<1>(&live),
                saved::<2>(&live),
                saved::<3>(&live),
                saved::<4>(&live),
            ];
            let Some(saved) = saved.into_iter().flatten().next() else {
                // It was killed before it saved anything.
                assert_eq!(reached, 0, "kill {kill_number}");
                continue;
            };
            let next = saved.position.sequence();
            assert!(next.get() >= reached, "kill {kill_number}: it went back");
            reached = next.get();
            let then = store.snapshot().snapshot_at(next);
            let expected = project(&then, &Tally::<1>).unwrap();
            assert_eq!(saved.state, expected, "kill {kill_number}, event {next}");
        }
        store.sync().unwrap();
        let running = live.projection(NAME, Tally::<4>).start().unwrap();
        assert!(running.wait_caught_up(LONG).unwrap());
        let expected = project(&store.snapshot(), &Tally::<1>).unwrap();
        assert_eq!(running.read(Clone::clone).unwrap(), expected);
    }
}
