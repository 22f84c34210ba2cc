//! A replay reads what is parked from the log, in memory that does not grow with it.
//!
//! `STRANDLINE_PARKED` says how many events are parked:
//! `STRANDLINE_PARKED=1000000 cargo test --release -p strandline-live --test replay`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use strandline::{
    AppendOptions, Batch, Coordinate, Durability, Event, EventKind, Region, Store, StoreOptions,
};
use strandline_core::sync::Mutex;
use strandline_live::{Failure, Live};

const PARKED: &str = "STRANDLINE_PARKED";
const PARKED_DEFAULT: u64 = 100_000;
const PAYLOAD_BYTES: usize = 200;
/// Most that a replay may need beside what was needed before: a hundredth of the payloads of a million events.
const BYTES_MAX: isize = 2 << 20;
const LONG: Duration = Duration::from_secs(3600);

/// Counts what all threads have, and the most that they had.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(held, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator can be counted in no other way")]
// SAFETY: everything is left to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn append(store: &Store, count: u64) {
    let order = Coordinate::new("order:1", "eu").unwrap();
    for first in (0..count).step_by(1000) {
        let mut batch = Batch::new();
        for number in first..count.min(first + 1000) {
            let mut payload = number.to_le_bytes().to_vec();
            payload.resize(PAYLOAD_BYTES, 0);
            batch.add(&order, Event::bytes(EventKind::new(1, 1), payload));
        }
        let options = AppendOptions::new().durability(Durability::Written);
        store.append_batch_with(batch, options).unwrap();
    }
}

#[test]
fn a_replay_of_all_that_is_parked_takes_memory_that_does_not_grow_with_it() {
    let parked = std::env::var(PARKED).map_or(PARKED_DEFAULT, |parked| parked.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.strand");
    let store = Store::open(&path).unwrap();
    append(&store, parked);
    store.close().unwrap();

    // Without the threads of a writer, whose memory is not the reactor's.
    let store = Arc::new(StoreOptions::new().read_only().open(&path).unwrap());
    let live = Live::open(&store).unwrap();
    let is_wrong = Arc::new(AtomicBool::new(true));
    let (tells, told) = channel();
    let reactor = live.reactor("mailer", Region::all()).tries(1);
    let reactor = reactor.save_every(Duration::from_secs(1), u64::MAX).start({
        let is_wrong = is_wrong.clone();
        let next = Mutex::new(0_u64);
        move |event, _| {
            if is_wrong.load(Ordering::Relaxed) {
                return Err(Failure::park("wrong"));
            }
            let number = event.payload()?.first_chunk().copied().unwrap();
            let mut next = next.lock();
            assert_eq!(u64::from_le_bytes(number), *next, "in their order");
            *next += 1;
            if *next == parked {
                tells.send(()).unwrap();
            }
            Ok(())
        }
    });
    let reactor = reactor.unwrap();
    while live.status("mailer").unwrap().behind > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    is_wrong.store(false, Ordering::Relaxed);
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    assert!(live.replay("mailer", None).unwrap().wait(LONG).unwrap());
    told.recv_timeout(LONG).unwrap();
    let more = MOST.load(Ordering::Relaxed) - before;
    reactor.stop().unwrap();
    println!("{more} bytes at most for {parked} events of {PAYLOAD_BYTES} bytes");
    assert!(more < BYTES_MAX, "{more} bytes");
    let status = live.status("mailer").unwrap();
    assert_eq!(status.parked, 0);
    let counters = status.partitions.iter().map(|partition| partition.counters);
    assert_eq!(
        counters.map(|counters| counters.replayed).sum::<u64>(),
        parked
    );
}
