//! Loom models of tickets: tasks that wait for a sync which a driver makes: `xtask loom`.

use super::driver::SyncDriver;
use super::in_flight::InFlight;
use super::model::{Bench, Fails, bench, check};
use super::pending::Pending;
use super::room::{Attempt, Room};
use super::{Poison, sync::SyncTarget};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use strandline_core::Sequence;
use strandline_core::sync::{Mutex, thread};

/// Unparks a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What an executor does: polls, and sleeps until it is woken.
pub(super) fn block_on<T: SyncTarget>(mut pending: Pending<T>) -> Result<(), Poison> {
    run(|context| pending.poll(context))
}

fn run<R>(mut poll: impl FnMut(&Context<'_>) -> Poll<Result<R, Poison>>) -> Result<R, Poison> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match poll(&Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}

/// Submits one event and awaits its ticket.
fn submit(bench: &Bench, driver: &SyncDriver) -> Result<Sequence, Poison> {
    let end = bench.write();
    driver.ask();
    block_on(Pending::new(bench.group.clone(), end)).map(|()| end)
}

pub(super) fn driver(bench: &Bench) -> Arc<SyncDriver> {
    Arc::new(SyncDriver::start(bench.group.clone()).expect("a model has threads"))
}

#[test]
fn an_awaited_ticket_is_woken_when_its_event_is_durable() {
    check(|| {
        let bench = bench(Fails::Never);
        let driver = driver(&bench);
        let (other, others_driver) = (bench.clone(), driver.clone());
        let thread = thread::spawn(move || {
            let end = submit(&other, &others_driver).expect("the disk works");
            other.assert_durable(end);
        });
        let end = submit(&bench, &driver).expect("the disk works");
        bench.assert_durable(end);
        thread.join().expect("the other is woken too");
    });
}

#[test]
fn a_ticket_is_woken_by_a_thread_that_syncs_for_itself() {
    check(|| {
        let bench = bench(Fails::Never);
        let other = bench.clone();
        let end = bench.write();
        let thread = thread::spawn(move || {
            other.append().expect("the disk works");
        });
        // Nobody but the thread syncs, and what it syncs was written after this.
        block_on(Pending::new(bench.group.clone(), end)).expect("the disk works");
        bench.assert_durable(end);
        thread.join().expect("the thread appends");
    });
}

#[test]
fn a_failed_sync_wakes_every_ticket() {
    check(|| {
        let bench = bench(Fails::Always);
        let driver = driver(&bench);
        let (other, others_driver) = (bench.clone(), driver.clone());
        let thread = thread::spawn(move || assert!(submit(&other, &others_driver).is_err()));
        assert!(submit(&bench, &driver).is_err());
        thread.join().expect("the other is told too");
        assert_eq!(bench.gate.visible(), Sequence::ZERO);
    });
}

#[test]
fn a_dropped_ticket_leaves_no_waker_and_its_event_becomes_durable() {
    check(|| {
        let bench = bench(Fails::Never);
        let driver = driver(&bench);
        let end = bench.write();
        driver.ask();
        let unpark = Arc::new(Unpark(thread::current()));
        let waker = Waker::from(unpark.clone());
        let mut pending = Pending::new(bench.group.clone(), end);
        let _ = pending.poll(&Context::from_waker(&waker));
        drop(pending);
        // The driver does what it was asked before it ends.
        drop(driver);
        bench.assert_durable(end);
        drop(waker);
        assert_eq!(Arc::strong_count(&unpark), 1);
    });
}

/// Submits one event once there is room: one may be in flight.
fn submit_with_room(
    bench: &Bench,
    driver: &SyncDriver,
    in_flight: &Mutex<InFlight>,
) -> Result<Sequence, Poison> {
    let mut room = Room::new(bench.group.clone());
    let attempt = || {
        let mut in_flight = in_flight.lock();
        if let Some(oldest) = in_flight.oldest_if_full(bench.group.durable(), 1) {
            return Attempt::Full(oldest);
        }
        let end = bench.write();
        in_flight.add(end);
        drop(in_flight);
        driver.ask();
        Attempt::Done(end)
    };
    run(|context| room.poll(context, attempt))
}

#[test]
fn a_task_that_finds_no_room_is_woken_when_there_is() {
    check(|| {
        let bench = bench(Fails::Never);
        let driver = driver(&bench);
        let in_flight = Arc::new(Mutex::new(InFlight::default()));
        let (other, others_driver, others) = (bench.clone(), driver.clone(), in_flight.clone());
        let thread = thread::spawn(move || {
            submit_with_room(&other, &others_driver, &others).expect("the disk works")
        });
        let own = submit_with_room(&bench, &driver, &in_flight).expect("the disk works");
        let others = thread.join().expect("the other finds room too");
        // Whoever came second found the first durable.
        bench.assert_durable(own.min(others));
        assert_ne!(own, others);
    });
}

#[test]
fn a_failed_sync_is_told_to_a_task_that_waits_for_room() {
    check(|| {
        let bench = bench(Fails::Always);
        let driver = driver(&bench);
        let in_flight = Mutex::new(InFlight::default());
        submit_with_room(&bench, &driver, &in_flight).expect("there is room");
        assert!(submit_with_room(&bench, &driver, &in_flight).is_err());
        assert_eq!(bench.gate.visible(), Sequence::ZERO);
    });
}
