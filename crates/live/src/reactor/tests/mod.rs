//! Reactors, step by step and on their threads.

use super::held;
use super::kept::Kept;
use super::settings::Settings;
use super::worker::{Handler, Stepped, Worker};
use super::{Backoff, Context, Failure, PartitionBy};
use crate::consumer::{Claimant, Claimed};
use crate::handle::{LEASE, Live, VERSION};
use crate::{ConsumerInfo, ConsumerKind, Error, ErrorKind, PartitionState, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::Fs;
use strandline::{
    Coordinate, Event, EventKind, Receipt, Region, Start, Store, StoreOptions, StoredEvent,
};
use strandline_core::ManualClock;
use strandline_core::fs::MemFs;
use strandline_core::sync::Mutex;

mod beside;
mod failures;
mod images;
mod threads;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);
const KIND: EventKind = EventKind::new(1, 1);

fn memory() -> Arc<dyn Fs> {
    Arc::new(MemFs::new())
}

fn options(fs: &Arc<dyn Fs>) -> StoreOptions {
    StoreOptions::new().fs(fs.clone()).no_background_sync()
}

fn open(fs: &Arc<dyn Fs>, clock: &Arc<ManualClock>) -> Arc<Store> {
    let options = options(fs).clock(clock.clone());
    Arc::new(options.open("/shop.strand").unwrap())
}

fn live(store: &Arc<Store>) -> Live {
    Live::open_in(store, Path::new("/live")).unwrap()
}

fn append(store: &Store, entity: usize, number: usize) -> Receipt {
    let coordinate = Coordinate::new(format!("e:{entity}"), "s").unwrap();
    let event = Event::json(KIND, &number).unwrap();
    store.append(&coordinate, event).unwrap()
}

fn number(event: &StoredEvent) -> usize {
    event.payload_json().unwrap()
}

fn settings(tries_max: u32) -> Settings {
    Settings {
        name: "mailer".to_owned(),
        query: Region::all().into(),
        start: Start::Beginning,
        partitions: 1,
        by: PartitionBy::Entity,
        limits: super::schedule::Limits {
            tries_max,
            backoff: Backoff {
                first: Duration::from_secs(1),
                max: Duration::from_secs(1),
                jitter: 0.0,
            },
            parked_max: 100,
        },
        save_interval: LONG,
        save_events: u64::MAX,
        lease: LEASE,
    }
}

/// What a handler was called for, and of what it fails.
#[derive(Debug, Default)]
struct Seen {
    /// Numbers that fail.
    wrong: BTreeSet<usize>,
    tried: Vec<usize>,
    handled: Vec<usize>,
}

type Shared = Arc<Mutex<Seen>>;

fn handler(seen: &Shared) -> Arc<Handler> {
    let seen = seen.clone();
    Arc::new(move |event: &StoredEvent, _: &Context<'_>| {
        let mut seen = seen.lock();
        let number = number(event);
        seen.tried.push(number);
        if seen.wrong.contains(&number) {
            return Err(Failure::retry(format!("{number} is wrong")));
        }
        seen.handled.push(number);
        Ok(())
    })
}

/// A worker without a thread, of the only partition.
fn worker(live: &Live, settings: Settings, handler: &Arc<Handler>) -> Result<Worker, Error> {
    let info = ConsumerInfo::new("mailer", ConsumerKind::Reactor, 1)?;
    let partition = live.consumer_as(&info, VERSION)?.partition(VERSION, 0)?;
    let Claimed::Taken(lease, state) = Claimant::new(partition, LEASE).try_claim()? else {
        return Err(Error::new(ErrorKind::Held, "it is held"));
    };
    let kept = Arc::new(Kept::new(lease, live.clock(), LEASE));
    Worker::open(live, &Arc::new(settings), handler, (kept, 0), *state)
}

fn state(live: &Live) -> PartitionState {
    let consumer = live.consumer("mailer").unwrap();
    let partition = consumer.partition(VERSION, 0).unwrap();
    partition.load().unwrap().state.unwrap()
}

/// Saves a state as somebody does who works for a moment.
fn save(live: &Live, mut state: PartitionState) {
    let consumer = live.consumer("mailer").unwrap();
    let partition = consumer.partition(VERSION, 0).unwrap();
    let claimed = Claimant::new(partition, LEASE).try_claim().unwrap();
    let Claimed::Taken(mut lease, _) = claimed else {
        panic!("it is held");
    };
    lease.save(&mut state).unwrap();
}

fn ask(live: &Live, request: &Request) {
    let consumer = live.consumer("mailer").unwrap();
    let partition = consumer.partition(VERSION, 0).unwrap();
    partition.ask(request).unwrap();
}

/// Steps until nothing is to be done at this time.
fn run(worker: &mut Worker) {
    while worker.step(true).unwrap() == Stepped::Worked {}
}

fn shop() -> (Arc<ManualClock>, Arc<Store>, Live, Shared) {
    let clock = Arc::new(ManualClock::new(1_000));
    let store = open(&memory(), &clock);
    let live = live(&store);
    (clock, store, live, Shared::default())
}

/// Moves the time by a second, after which what failed is due.
fn pass(clock: &ManualClock) {
    use strandline_core::Clock;
    clock.set(clock.now_ms() + 1_000);
}

#[test]
fn an_event_is_tried_as_often_as_was_said_and_then_parked_with_its_entity() {
    let (clock, store, live, seen) = shop();
    seen.lock().wrong.insert(2);
    for number in 0..10 {
        append(&store, number % 2, number);
    }
    let mut worker = worker(&live, settings(3), &handler(&seen)).unwrap();
    run(&mut worker);
    assert_eq!(seen.lock().handled, [0, 1, 3, 5, 7, 9], "others go on");
    for _ in 0..5 {
        pass(&clock);
        run(&mut worker);
    }
    let tries = seen
        .lock()
        .tried
        .iter()
        .filter(|number| **number == 2)
        .count();
    assert_eq!(tries, 3);
    worker.save().unwrap();
    let saved = state(&live);
    assert_eq!(saved.sequence(), store.snapshot().visible());
    let parked = &saved.parked[0];
    assert_eq!((&*parked.key, parked.tries, parked.count), ("e:0", 3, 4));
    assert_eq!(parked.reason, "2 is wrong");
    assert_eq!(saved.counters.handled, 6);
    assert_eq!((saved.counters.failed, saved.counters.parked), (3, 1));

    seen.lock().wrong.clear();
    ask(&live, &Request::Replay { key: None });
    worker.answer().unwrap();
    run(&mut worker);
    append(&store, 0, 10);
    run(&mut worker);
    assert_eq!(seen.lock().handled[6..], [2, 4, 6, 8, 10]);
    worker.save().unwrap();
    assert!(state(&live).parked.is_empty());
    assert_eq!(state(&live).counters.replayed, 4);
}

#[test]
fn what_waits_for_a_retry_is_tried_on_by_the_next_worker() {
    let (_clock, store, live, seen) = shop();
    seen.lock().wrong.insert(0);
    for number in 0..4 {
        append(&store, number % 2, number);
    }
    let mut first = worker(&live, settings(2), &handler(&seen)).unwrap();
    run(&mut first);
    first.save().unwrap();
    drop(first);
    assert!(state(&live).parked.is_empty());

    let mut next = worker(&live, settings(2), &handler(&seen)).unwrap();
    run(&mut next);
    assert_eq!(seen.lock().tried, [0, 1, 3, 0]);
    next.save().unwrap();
    assert_eq!(state(&live).parked[0].tries, 2);
    assert_eq!(state(&live).parked[0].count, 2);
}

#[test]
fn a_failure_that_says_so_is_parked_at_once_and_a_panic_is_a_try() {
    let (clock, store, live, _) = shop();
    append(&store, 0, 0);
    append(&store, 1, 1);
    let handler: Arc<Handler> = Arc::new(|event: &StoredEvent, context: &Context<'_>| {
        assert_eq!(context.is_last_try, context.tries == 2);
        match number(event) {
            0 => Err(Failure::park("of no use")),
            _ => panic!("at once"),
        }
    });
    let mut worker = worker(&live, settings(2), &handler).unwrap();
    run(&mut worker);
    pass(&clock);
    run(&mut worker);
    worker.save().unwrap();
    let mut reasons: BTreeMap<String, (String, u32)> = BTreeMap::new();
    for parked in state(&live).parked {
        reasons.insert(parked.key, (parked.reason, parked.tries));
    }
    assert_eq!(reasons["e:0"], ("of no use".to_owned(), 1));
    assert_eq!(
        reasons["e:1"],
        ("the handler panicked: at once".to_owned(), 2)
    );
}

#[test]
fn people_park_discard_and_reset() {
    let (_clock, store, live, seen) = shop();
    for number in 0..4 {
        append(&store, number % 2, number);
    }
    let mut worker = worker(&live, settings(2), &handler(&seen)).unwrap();
    run(&mut worker);
    let (key, reason) = ("e:0".to_owned(), "asked".to_owned());
    ask(
        &live,
        &Request::Park {
            key: key.clone(),
            reason,
        },
    );
    worker.answer().unwrap();
    append(&store, 0, 4);
    append(&store, 1, 5);
    run(&mut worker);
    assert_eq!(seen.lock().handled, [0, 1, 2, 3, 5]);
    ask(&live, &Request::Discard { key });
    worker.answer().unwrap();
    append(&store, 0, 6);
    run(&mut worker);
    assert_eq!(seen.lock().handled[5..], [6]);
    assert_eq!(state(&live).counters.discarded, 1);

    seen.lock().handled.clear();
    ask(&live, &Request::Reset { to: None });
    worker.answer().unwrap();
    run(&mut worker);
    assert_eq!(seen.lock().handled, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_event_that_failed_is_skipped_and_the_others_are_handled() {
    let (_clock, store, live, seen) = shop();
    seen.lock().wrong.insert(0);
    for number in 0..3 {
        append(&store, 0, number);
    }
    let mut first = worker(&live, settings(1), &handler(&seen)).unwrap();
    run(&mut first);
    let key = || "e:0".to_owned();
    ask(&live, &Request::Skip { key: key() });
    first.answer().unwrap();
    run(&mut first);
    assert_eq!(seen.lock().handled, [1, 2]);

    // The same where nobody works.
    seen.lock().wrong.insert(3);
    append(&store, 0, 3);
    append(&store, 0, 4);
    run(&mut first);
    first.save().unwrap();
    drop(first);
    let mut saved = state(&live);
    saved.apply(&Request::Skip { key: key() }, 0);
    let parked = &saved.parked[0];
    assert_eq!((parked.count, parked.replay), (1, true));
}

#[test]
fn too_many_parked_stop_it_until_somebody_decides() {
    let (_clock, store, live, seen) = shop();
    seen.lock().wrong.extend(0..200);
    for number in 0..200 {
        append(&store, number, number);
    }
    let mut first = worker(&live, settings(1), &handler(&seen)).unwrap();
    let error = loop {
        match first.step(true) {
            Ok(stepped) => assert_eq!(stepped, Stepped::Worked),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::TooManyParked);
    drop(first.fault(&error));
    let saved = state(&live);
    assert_eq!(saved.parked.len(), 101);
    assert!(saved.last_error.unwrap().stopped);
    seen.lock().wrong.clear();
    let mut next = worker(&live, settings(1), &handler(&seen)).unwrap();
    assert!(next.step(true).is_err());
    ask(&live, &Request::Replay { key: None });
    next.answer().unwrap();
    run(&mut next);
    assert_eq!(seen.lock().handled.len(), 200);
}

#[test]
fn events_that_were_told_apart_by_something_else_are_not_gone_on_with() {
    let (_clock, _store, live, seen) = shop();
    drop(worker(&live, settings(1), &handler(&seen)).unwrap());
    let by = PartitionBy::Correlation;
    let other = Settings { by, ..settings(1) };
    let error = worker(&live, other, &handler(&seen)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::OtherConsumer);
    assert!(
        held::load(&PartitionState::default(), by)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_reset_further_on_while_nobody_works_leaves_all_of_what_is_parked() {
    let (_clock, store, live, seen) = shop();
    seen.lock().wrong.insert(0);
    append(&store, 0, 0);
    let mut first = worker(&live, settings(1), &handler(&seen)).unwrap();
    run(&mut first);
    first.save().unwrap();
    drop(first);
    for number in 1..6 {
        append(&store, number % 2, number);
    }
    let now = store.snapshot();
    let to = Some(now.position(now.visible()).unwrap());
    let mut saved = state(&live);
    saved.apply(&Request::Reset { to }, 0);
    saved.apply(&Request::Replay { key: None }, 0);
    save(&live, saved);
    seen.lock().wrong.clear();
    let mut next = worker(&live, settings(1), &handler(&seen)).unwrap();
    run(&mut next);
    assert_eq!(
        seen.lock().handled,
        [0, 2, 4],
        "the others count as handled"
    );
}
