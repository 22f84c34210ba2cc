//! Loom models of tickets: tasks that wait for a sync which a driver makes: `xtask loom`.

use super::driver::SyncDriver;
use super::levels::Reach;
use super::model::{Bench, Fails, bench, check};
use super::pending::Pending;
use super::poison::Poison;
use super::room::{Attempt, Room};
use super::target::SyncTarget;
use crate::engine::parker::Parker;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use strandline_core::Sequence;
use strandline_core::sync::{Mutex, thread};

/// Wakes a thread of a model. Not by an unpark of loom's, which is not for a thread that waits for a lock.
pub(super) struct Unpark(pub(super) Arc<Parker>);

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
    let parker = Arc::new(Parker::default());
    let waker = Waker::from(Arc::new(Unpark(parker.clone())));
    loop {
        match poll(&Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => parker.park(),
        }
    }
}

/// Submits one event and awaits its ticket.
fn submit(bench: &Bench, driver: &SyncDriver) -> Result<Sequence, Poison> {
    let end = bench.write();
    driver.ask();
    block_on(Pending::new(bench.group.clone(), Reach::Published, end)).map(|()| end)
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
        block_on(Pending::new(bench.group.clone(), Reach::Published, end)).expect("the disk works");
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
        let waker = Waker::from(Arc::new(Unpark(Arc::default())));
        let mut pending = Pending::new(bench.group.clone(), Reach::Published, end);
        let _ = pending.poll(&Context::from_waker(&waker));
        drop(pending);
        assert_eq!(bench.group.waiting_tasks(), 0);
        // The driver does what it was asked before it ends.
        drop(driver);
        bench.assert_durable(end);
    });
}

/// Submits one event once there is room: one may be in flight.
fn submit_with_room(
    bench: &Bench,
    driver: &SyncDriver,
    commit: &Mutex<()>,
) -> Result<Sequence, Poison> {
    let mut room = Room::new(bench.group.clone(), 1);
    let attempt = || {
        let commit = commit.lock();
        if bench.group.oldest_if_full(1).is_some() {
            return Attempt::Full;
        }
        let end = bench.write();
        bench.group.submitted(Reach::Published, end);
        drop(commit);
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
        let commit = Arc::new(Mutex::new(()));
        let (other, others_driver, others) = (bench.clone(), driver.clone(), commit.clone());
        let thread = thread::spawn(move || {
            submit_with_room(&other, &others_driver, &others).expect("the disk works")
        });
        let own = submit_with_room(&bench, &driver, &commit).expect("the disk works");
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
        let commit = Mutex::new(());
        submit_with_room(&bench, &driver, &commit).expect("there is room");
        assert!(submit_with_room(&bench, &driver, &commit).is_err());
        assert_eq!(bench.gate.visible(), Sequence::ZERO);
    });
}
