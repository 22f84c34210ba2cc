//! Loom models of a store whose events wait to be replicated: `xtask loom`.

use super::levels::Reach;
use super::model::{Bench, Disk, Fails, bench, check};
use super::pending::Pending;
use super::poison::{Cause, Poison};
use super::ticket_model::{block_on, driver};
use crate::engine::news::Mark;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Sequence;
use strandline_core::sync::thread;

const FIRST: Sequence = Sequence::ZERO;

/// A bench with a replication.
fn replicating() -> Arc<Bench> {
    let bench = bench(Fails::Never);
    assert!(bench.group.attach());
    bench
}

/// An append of one event that is to be replicated.
fn append(bench: &Bench) -> Result<Sequence, Poison> {
    let end = bench.write_to_replicate();
    let waited = bench.group.wait_for(Reach::Replicated, end);
    waited.map(|()| end)
}

/// As [`append`], by a task: a driver syncs for it.
fn ticket(bench: &Bench) -> Pending<Disk> {
    let end = bench.write_to_replicate();
    Pending::new(bench.group.clone(), Reach::Replicated, end)
}

/// Acknowledges the first event once it is synced; until then nobody sees it.
fn copy_first(bench: &Bench) {
    let news = bench.group.news();
    let synced = news.wait(Mark::Synced, FIRST, Duration::MAX);
    assert!(synced.is_ok_and(|end| end.is_some()));
    assert_eq!(bench.gate.visible(), FIRST, "it is seen too early");
    assert_eq!(bench.group.durable(), FIRST, "it is told too early");
    bench.group.replicated(Sequence::new(1));
}

#[test]
fn what_is_to_be_replicated_is_seen_once_it_is_and_not_before() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let thread = thread::spawn(move || {
            let end = append(&other).expect("it is acknowledged");
            other.assert_durable(end);
            assert_eq!(other.group.durable(), end);
        });
        copy_first(&bench);
        thread.join().expect("it is woken");
    });
}

#[test]
fn whoever_appends_is_told_by_a_thread_that_acknowledges() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let copier = thread::spawn(move || copy_first(&other));
        let end = append(&bench).expect("it is acknowledged");
        bench.assert_durable(end);
        copier.join().expect("it finds the event");
    });
}

#[test]
fn a_task_is_woken_once_its_event_is_replicated() {
    check(|| {
        let bench = replicating();
        let driver = driver(&bench);
        let ticket = ticket(&bench);
        let other = bench.clone();
        driver.ask();
        let task = thread::spawn(move || {
            block_on(ticket).expect("it is acknowledged");
            other.assert_durable(Sequence::new(1));
        });
        copy_first(&bench);
        task.join().expect("it is woken");
    });
}

#[test]
fn a_synced_append_waits_for_no_replication_whatever_waits_for_one() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let thread = thread::spawn(move || append(&other).expect("it is acknowledged"));
        // Nothing is acknowledged before this returns.
        let end = bench.append().expect("the disk works");
        bench.assert_durable(end);
        let both = Sequence::new(2);
        let news = bench.group.news();
        let synced = news.wait(Mark::Synced, Sequence::new(1), Duration::MAX);
        assert!(synced.is_ok_and(|end| end == Some(both)));
        bench.group.replicated(both);
        let end = thread.join().expect("it is woken");
        bench.assert_durable(end);
    });
}

#[test]
fn who_waits_for_what_is_to_be_replicated_sees_it_once_a_weaker_append_shows_it() {
    check(|| {
        let bench = replicating();
        let end = bench.write_to_replicate();
        let other = bench.clone();
        let repeat = thread::spawn(move || {
            other.group.wait(end).expect("it is shown");
            other.assert_durable(end);
        });
        bench.append().expect("the disk works");
        assert!(bench.gate.visible() >= Sequence::new(2));
        repeat.join().expect("it is woken");
    });
}

#[test]
fn who_waits_is_told_that_another_has_taken_over() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let thread = thread::spawn(move || {
            let told = append(&other).expect_err("nothing is acknowledged");
            assert_eq!(told.cause, Cause::Fenced);
        });
        bench.group.fence("term 2");
        // Too late.
        bench.group.replicated(Sequence::new(1));
        thread.join().expect("it is woken");
        assert_eq!(bench.gate.visible(), FIRST);
    });
}

#[test]
fn who_waits_is_told_that_the_replication_has_ended() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let thread = thread::spawn(move || {
            let told = append(&other).expect_err("nothing is acknowledged");
            assert_eq!(told.cause, Cause::NotReplicated);
        });
        bench.group.detach("it has ended");
        thread.join().expect("it is woken");
        assert_eq!(bench.gate.visible(), FIRST);
    });
}

#[test]
fn a_task_that_waits_is_told_that_the_replication_has_ended() {
    check(|| {
        let bench = replicating();
        let driver = driver(&bench);
        let ticket = ticket(&bench);
        driver.ask();
        let task = thread::spawn(move || assert!(block_on(ticket).is_err()));
        bench.group.detach("it has ended");
        task.join().expect("it is woken");
        assert_eq!(bench.gate.visible(), FIRST);
    });
}

#[test]
fn who_begins_to_wait_while_the_replication_ends_is_told() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let thread = thread::spawn(move || {
            let news = other.group.news();
            assert!(news.wait(Mark::Replicated, FIRST, Duration::MAX).is_err());
        });
        bench.group.detach("it has ended");
        thread.join().expect("it is woken");
    });
}

#[test]
fn who_waits_for_more_to_be_replicated_is_woken() {
    check(|| {
        let bench = replicating();
        let other = bench.clone();
        let thread = thread::spawn(move || {
            let news = other.group.news();
            let passed = news.wait(Mark::Replicated, FIRST, Duration::MAX);
            assert!(passed.is_ok_and(|end| end == Some(Sequence::new(1))));
            other.assert_durable(Sequence::new(1));
        });
        let end = bench.write_to_replicate();
        let synced = bench.group.wait_for(Reach::Synced, end);
        synced.expect("the disk works");
        bench.group.replicated(end);
        thread.join().expect("it is woken");
    });
}
