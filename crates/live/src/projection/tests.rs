//! Projections, step by step and on their threads.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use super::fold::Whole;
use super::options::Settings;
use super::pace::Pace;
use super::served::Mode;
use super::worker::Worker;
use super::{ApplyError, EntityProjection, Projection, project, project_entities, project_entity};
use crate::consumer::{Claimant, Claimed};
use crate::handle::{LEASE, Live};
use crate::{ConsumerInfo, ConsumerKind, Error, ErrorKind};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::Fs;
use strandline::{
    Coordinate, Event, EventKind, EventRef, Query, Receipt, Region, Sequence, Store, StoreOptions,
};
use strandline_core::ManualClock;
use strandline_core::fs::MemFs;

mod chance;
mod images;
mod threads;

/// Longer than any test takes.
pub(super) const LONG: Duration = Duration::from_secs(600);
pub(super) const COUNTED: EventKind = EventKind::new(1, 1);
pub(super) const WRONG: EventKind = EventKind::new(1, 2);
pub(super) const OTHER: EventKind = EventKind::new(2, 1);

/// What was seen of each entity: how often, and what was in it; 0 where that is redacted. Of a version.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally<const VERSION: u32>;

/// Events and the sum of what was in them.
pub(super) type Sums = BTreeMap<String, (u64, u64)>;

fn add(of_entity: &mut (u64, u64), event: &EventRef<'_>) -> Result<(), ApplyError> {
    of_entity.0 += 1;
    if event.kind() == WRONG {
        // After it has changed something.
        return Err("it is wrong".into());
    }
    if !event.is_redacted() {
        of_entity.1 += event.payload_json::<(u64, String)>()?.0;
    }
    Ok(())
}

impl<const N: u32> Projection for Tally<N> {
    const VERSION: u32 = N;
    type State = Sums;

    fn query(&self) -> Query {
        Region::all().category(1).into()
    }

    fn apply(&self, sums: &mut Sums, event: &EventRef<'_>) -> Result<(), ApplyError> {
        let entity = event.coordinate().entity().to_owned();
        add(sums.entry(entity).or_default(), event)
    }
}

impl<const N: u32> EntityProjection for Tally<N> {
    const VERSION: u32 = N;
    type State = (u64, u64);

    fn query(&self) -> Query {
        Region::all().category(1).into()
    }

    fn apply(&self, of_entity: &mut (u64, u64), event: &EventRef<'_>) -> Result<(), ApplyError> {
        add(of_entity, event)
    }
}

pub(super) fn open(fs: &Arc<dyn Fs>) -> Arc<Store> {
    let clock = Arc::new(ManualClock::new(1_000));
    Arc::new(options(fs).clock(clock).open("/shop.strand").unwrap())
}

pub(super) fn options(fs: &Arc<dyn Fs>) -> StoreOptions {
    StoreOptions::new()
        .fs(fs.clone())
        .segment_bytes_max(64 << 10)
        .no_background_sync()
}

pub(super) fn append(store: &Store, entity: u64, kind: EventKind, number: u64) -> Receipt {
    append_long(store, entity, kind, number, 0)
}

/// With more bytes, so that segments are full soon.
pub(super) fn append_long(
    store: &Store,
    entity: u64,
    kind: EventKind,
    number: u64,
    bytes: usize,
) -> Receipt {
    let coordinate = Coordinate::new(format!("e:{entity}"), "s").unwrap();
    let payload = (number, "x".repeat(bytes));
    store
        .append(&coordinate, Event::json(kind, &payload).unwrap())
        .unwrap()
}

pub(super) fn live(store: &Arc<Store>) -> Live {
    Live::open_in(store, Path::new("/live")).unwrap()
}

/// A worker without a thread: of a consumer `sums` with one partition.
pub(super) fn worker<const N: u32>(live: &Live) -> Result<Worker<Whole<Tally<N>>>, Error> {
    worker_with(live, LONG)
}

/// One that saves so often.
pub(super) fn worker_with<const N: u32>(
    live: &Live,
    interval: Duration,
) -> Result<Worker<Whole<Tally<N>>>, Error> {
    let settings = Settings {
        pace: Pace {
            interval,
            events: u64::MAX,
        },
        lease: LEASE,
        partitions: 1,
    };
    let info = ConsumerInfo::new("sums", ConsumerKind::Projection, 1)?;
    let partition = live.consumer_as(&info, N)?.partition(N, 0)?;
    let Claimed::Taken(lease, state) = Claimant::new(partition, LEASE).try_claim()? else {
        return Err(Error::new(ErrorKind::Held, "it is held"));
    };
    let fold = Arc::new(Whole(Tally::<N>, None));
    Worker::open(fold, live, settings, (lease, *state), Mode::Served)
}

/// What a worker has made, whether it may be read or not.
pub(super) fn made<const N: u32>(worker: &Worker<Whole<Tally<N>>>) -> Sums {
    worker.served().peek().state.clone()
}

/// What is saved, if something is; it is the fold of the events before its position.
pub(super) fn saved<const N: u32>(live: &Live) -> Option<(Sums, Sequence)> {
    let saved = live.projected::<Tally<N>>("sums").unwrap()?;
    Some((saved.state, saved.position.sequence()))
}

pub(super) fn memory() -> Arc<dyn Fs> {
    Arc::new(MemFs::new())
}

#[test]
fn a_worker_goes_on_where_it_saved() {
    let store = open(&memory());
    let live = live(&store);
    for number in 0..10 {
        append(&store, number % 3, COUNTED, number);
        append(&store, number, OTHER, 1_000_000);
    }
    let mut worker = worker::<1>(&live).unwrap();
    assert_eq!(worker.step(4).unwrap(), 4);
    worker.save_moved().unwrap();
    let saved_at = worker.next();
    assert_eq!(worker.step(4).unwrap(), 4);
    // Dropped without a save, as if it was killed.
    drop(worker);

    let mut worker = self::worker::<1>(&live).unwrap();
    assert_eq!(worker.next(), saved_at);
    while worker.step(100).unwrap() > 0 {}
    // It has moved over events that are not its own.
    assert_eq!(worker.next(), store.snapshot().visible());
    assert_eq!(
        made(&worker),
        project(&store.snapshot(), &Tally::<1>).unwrap()
    );
}

#[test]
fn a_state_is_that_of_a_sequence_or_a_time() {
    let store = open(&memory());
    for number in 0..10 {
        append(&store, number % 3, COUNTED, number);
    }
    let then = store.snapshot().snapshot_at(Sequence::new(4));
    let sums = project(&then, &Tally::<1>).unwrap();
    assert_eq!(sums["e:0"], (2, 3));
    assert_eq!(
        project_entity(&then, &Tally::<1>, "e:0").unwrap(),
        Some((2, 3))
    );
    assert_eq!(project_entity(&then, &Tally::<1>, "e:9").unwrap(), None);
    let all = project_entities(&then, &Tally::<1>).unwrap();
    assert_eq!(all.into_iter().collect::<Sums>(), sums);
}

#[test]
fn an_event_that_cannot_be_applied_leaves_what_was_saved() {
    let store = open(&memory());
    let live = live(&store);
    append(&store, 1, COUNTED, 7);
    let wrong = append(&store, 1, WRONG, 8);
    let mut worker = worker::<1>(&live).unwrap();
    assert_eq!(worker.step(1).unwrap(), 1);
    worker.save_moved().unwrap();
    let error = worker.step(100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Faulted);
    worker.fault(&error);
    // It was half applied, and nobody sees that.
    let read = worker.served().read(Clone::clone);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Faulted);
    drop(worker);
    let (sums, next) = saved::<1>(&live).unwrap();
    assert_eq!((sums["e:1"], next), ((1, 7), wrong.sequence));
    let consumer = live.consumer("sums").unwrap();
    let state = consumer
        .partition_there(1, 0)
        .load()
        .unwrap()
        .state
        .unwrap();
    let last = state.last_error.unwrap();
    assert!(
        last.stopped && last.message.contains("it is wrong"),
        "{last:?}"
    );
    assert_eq!(last.sequence, Some(wrong.sequence));
}

#[test]
fn a_saved_state_of_another_type_is_told_of() {
    let store = open(&memory());
    let live = live(&store);
    append(&store, 1, COUNTED, 7);
    let mut worker = worker::<1>(&live).unwrap();
    worker.step(1).unwrap();
    worker.save_moved().unwrap();
    drop(worker);

    struct Flag;
    impl Projection for Flag {
        const VERSION: u32 = 1;
        type State = bool;

        fn query(&self) -> Query {
            Region::all().into()
        }

        fn apply(&self, _: &mut bool, _: &EventRef<'_>) -> Result<(), ApplyError> {
            Ok(())
        }
    }
    let error = live.projected::<Flag>("sums").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("raise VERSION"), "{error}");
    let error = live.projection("sums", Flag).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn after_a_restore_it_says_so_and_is_made_anew_if_asked() {
    let store = open(&memory());
    append(&store, 1, COUNTED, 7);
    let other = options(store.fs()).open("/other.strand").unwrap();
    let other = Arc::new(other);
    append(&other, 1, COUNTED, 8);
    let mut worker = worker::<1>(&live(&store)).unwrap();
    worker.step(1).unwrap();
    worker.save_moved().unwrap();
    drop(worker);

    let live = live(&other);
    let error = live.projection("sums", Tally::<1>).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignPosition);
    let served = live.projected::<Tally<1>>("sums").unwrap().unwrap();
    assert_eq!(served.state["e:1"], (1, 7));
    live.reset("sums", None).unwrap();
    let running = live.projection("sums", Tally::<2>).start().unwrap();
    assert!(running.wait_caught_up(LONG).unwrap());
    assert_eq!(running.read(|sums| sums["e:1"]).unwrap(), (1, 8));
}

#[test]
fn whoever_resets_it_has_it_made_anew() {
    let store = open(&memory());
    let live = live(&store);
    for number in 0..10 {
        append(&store, 1, COUNTED, number);
    }
    let mut worker = worker::<1>(&live).unwrap();
    while worker.step(3).unwrap() > 0 {}
    worker.save_moved().unwrap();
    let position = store.snapshot().position(Sequence::new(5)).unwrap();
    live.reset("sums", Some(position)).unwrap();
    assert!(worker.answer().unwrap());
    // From the beginning, whatever was asked: a state of the middle is not known.
    assert_eq!(worker.next(), Sequence::ZERO);
    assert!(!worker.is_served());
    assert_eq!(saved::<1>(&live).unwrap(), (Sums::new(), Sequence::ZERO));
    while worker.step(3).unwrap() > 0 {}
    assert_eq!(made(&worker)["e:1"], (10, 45));
    assert!(!worker.answer().unwrap());
}
