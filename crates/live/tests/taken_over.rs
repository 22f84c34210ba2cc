//! A worker that lives and does nothing: whatever wants its place gets it after the lease, also where each attempt is a
//! call of its own.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{EntryKind, FileLock, Fs, MemFs};
use strandline::{
    Clock, Coordinate, Event, EventKind, EventRef, ManualClock, Query, Region, StoreOptions,
};
use strandline_live::{ApplyError, ErrorKind, Live, Projection};

/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(300);
const LEASE: Duration = Duration::from_secs(30);
const NAME: &str = "sums";

struct Count;

impl Projection for Count {
    const VERSION: u32 = 1;
    type State = u64;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, count: &mut u64, _: &EventRef<'_>) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

struct Bench {
    fs: MemFs,
    clock: Arc<ManualClock>,
    live: Live,
}

fn bench() -> Bench {
    let (fs, clock) = (MemFs::new(), Arc::new(ManualClock::new(1_700_000_000_000)));
    let options = StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .clock(clock.clone());
    let store = Arc::new(options.open("/shop.strand").unwrap());
    let coordinate = Coordinate::new("e", "s").unwrap();
    for _ in 0..3 {
        let event = Event::bytes(EventKind::new(1, 1), *b"x");
        store.append(&coordinate, event).unwrap();
    }
    let live = Live::open(&store).unwrap();
    Bench { fs, clock, live }
}

impl Bench {
    fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.clock.set(self.clock.now_ms() + ms);
    }

    /// Locks the lease of whoever has just given the partition back: as if he held it, and did nothing.
    fn hang(&self) -> Box<dyn FileLock> {
        let leases = leases(&self.fs, self.live.dir());
        assert_eq!(leases.len(), 1, "{leases:?}");
        self.fs.try_lock(&leases[0]).unwrap().unwrap()
    }
}

fn leases(fs: &MemFs, dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs.list_names(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            EntryKind::Directory => found.extend(leases(fs, &path)),
            _ if entry.name.starts_with("lease-") => found.push(path),
            _ => {}
        }
    }
    found
}

#[test]
fn a_projection_whose_worker_hangs_is_started_elsewhere_after_its_lease() {
    let bench = bench();
    let projection = || bench.live.projection(NAME, Count);
    let running = projection().start().unwrap();
    assert!(running.wait_caught_up(LONG).unwrap());
    running.stop().unwrap();
    let _hung = bench.hang();
    for time in [
        Duration::ZERO,
        LEASE / 2,
        LEASE / 2 - Duration::from_millis(1),
    ] {
        bench.pass(time);
        let held = projection().start().unwrap_err();
        assert_eq!(held.kind(), ErrorKind::Held, "{held}");
    }
    bench.pass(Duration::from_millis(1));
    let running = projection().start().unwrap();
    assert!(running.wait_caught_up(LONG).unwrap());
    assert_eq!(running.read(|count| *count).unwrap(), 3);
    running.stop().unwrap();
}

#[test]
fn a_position_whose_holder_hangs_is_taken_over_after_its_lease() {
    let bench = bench();
    drop(bench.live.position(NAME).unwrap());
    let _hung = bench.hang();
    let held = bench.live.position(NAME).unwrap_err();
    assert_eq!(held.kind(), ErrorKind::Held, "{held}");
    bench.pass(LEASE);
    // What another handle has seen is its own.
    let other = Live::open(bench.live.store()).unwrap();
    assert_eq!(other.position(NAME).unwrap_err().kind(), ErrorKind::Held);
    let position = bench.live.clone().position(NAME).unwrap();
    drop(position);
    assert!(other.position(NAME).is_ok());
}

/// What is asked for is not worth more than the work of whoever may go on.
#[test]
fn a_worker_that_hangs_is_not_taken_over_by_who_asks() {
    let bench = bench();
    drop(bench.live.position(NAME).unwrap());
    let hung = bench.hang();
    let mut asked = bench.live.reset(NAME, None).unwrap();
    bench.pass(LEASE * 2);
    assert!(!asked.is_done().unwrap());
    drop(hung);
    assert!(asked.is_done().unwrap());
}
