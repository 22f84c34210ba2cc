//! Loom models of tickets: tasks that wait for a sync which a driver makes: `xtask loom`.

use super::driver::SyncDriver;
use super::model::{Bench, Fails, bench, check};
use super::pending::Pending;
use super::{Poison, sync::SyncTarget};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use strandline_core::Sequence;
use strandline_core::sync::thread;

/// Unparks a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What an executor does: polls, and sleeps until it is woken.
pub(super) fn block_on<T: SyncTarget>(mut pending: Pending<T>) -> Result<(), Poison> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match pending.poll(&Context::from_waker(&waker)) {
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
