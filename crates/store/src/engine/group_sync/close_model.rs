//! Loom models of a store that closes while appends are in flight: `xtask loom`.
//!
//! A store that closes has no other user, so what is in flight are tickets, in the hands of tasks and
//! threads, and events that were written and that nobody waits for.

use super::close::close;
use super::driver::SyncDriver;
use super::levels::Reach;
use super::model::{Bench, Fails, bench, check};
use super::pending::Pending;
use super::ticket_model::{block_on, driver};
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::thread;

/// Writes one event that a ticket waits for.
fn submit(bench: &Bench, driver: &SyncDriver) -> (Sequence, Pending<super::model::Disk>) {
    let end = bench.write();
    driver.ask();
    (
        end,
        Pending::new(bench.group.clone(), Reach::Published, end),
    )
}

fn close_bench(bench: &Bench, driver: Arc<SyncDriver>) -> Result<(), super::Poison> {
    close(Arc::into_inner(driver), &bench.group)
}

#[test]
fn a_close_answers_a_task_in_flight_and_loses_nothing() {
    check(|| {
        let bench = bench(Fails::Never);
        let driver = driver(&bench);
        let (end, ticket) = submit(&bench, &driver);
        // An append that did not ask to be durable.
        let unasked = bench.write();
        let other = bench.clone();
        let task = thread::spawn(move || {
            block_on(ticket).expect("the disk works");
            other.assert_durable(end);
        });
        close_bench(&bench, driver).expect("the disk works");
        bench.assert_durable(unasked);
        task.join().expect("the task is answered");
    });
}

// Without a driver, which a store has not before its first submit: loom cannot unpark a thread that
// waits for a lock, as the driver does while both others are at the group.
#[test]
fn a_close_answers_a_thread_in_flight_and_loses_nothing() {
    check(|| {
        let bench = bench(Fails::Never);
        let end = bench.write();
        let unasked = bench.write();
        let other = bench.clone();
        let thread = thread::spawn(move || {
            other.group.wait(end).expect("the disk works");
            other.assert_durable(end);
        });
        close(None, &bench.group).expect("the disk works");
        bench.assert_durable(unasked);
        thread.join().expect("the thread is answered");
    });
}

#[test]
fn a_close_that_fails_tells_every_ticket() {
    check(|| {
        let bench = bench(Fails::Always);
        let driver = driver(&bench);
        let (_, ticket) = submit(&bench, &driver);
        let task = thread::spawn(move || assert!(block_on(ticket).is_err()));
        assert!(close_bench(&bench, driver).is_err());
        task.join().expect("the task is told");
        assert_eq!(bench.gate.visible(), Sequence::ZERO);
    });
}

#[test]
fn a_store_that_is_dropped_leaves_no_ticket_waiting() {
    check(|| {
        let bench = bench(Fails::Never);
        let driver = driver(&bench);
        let (end, ticket) = submit(&bench, &driver);
        let other = bench.clone();
        let task = thread::spawn(move || {
            block_on(ticket).expect("the disk works");
            other.assert_durable(end);
        });
        drop(driver);
        task.join().expect("the task is answered");
    });
}
