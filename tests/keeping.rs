//! Rules that are followed in the background: beside who writes and reads, never twice at once, and to a clean end.

use crate::compact::{assert_intact, small};
use crate::harness::{CREATED, at, dir};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::maintenance::{KeepOptions, Retention, RunningRetention, keep};
use strandline::{Clock, ErrorKind, Event, ManualClock, Region, Start, Store};

/// How long something may take that has to happen: only what stands still takes as long.
const LIMIT: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

fn soon() -> KeepOptions {
    KeepOptions::new().every(Duration::from_millis(1))
}

fn pass(clock: &ManualClock, time: Duration) {
    clock.set(clock.now_ms() + time.as_millis() as u64);
}

fn fill(store: &Store, count: usize) {
    for number in 0..count {
        let coordinate = at(&format!("meter:{}", number % 5), "grid");
        let payload = format!("{number} {}", "x".repeat(500));
        store
            .append(&coordinate, Event::bytes(CREATED, payload))
            .unwrap();
    }
}

/// Once it has looked once more than now, from the beginning.
fn next_run(running: &RunningRetention) {
    let before = running.status().runs;
    running.run_soon();
    assert!(
        running
            .wait(LIMIT, |status| status.runs > before + 1)
            .is_some()
    );
}

#[test]
fn rules_are_followed_beside_a_writer_a_snapshot_and_a_follower() {
    let fs = MemFs::new();
    let store = Arc::new(small(&fs).open(dir()).unwrap());
    fill(&store, 500);
    let before = store.snapshot();
    let mut cursor = store.follow(Region::all(), Start::Beginning).unwrap();
    let running = keep(&store, &Retention::new().keep_newest(20), &soon()).unwrap();
    let is_done = AtomicBool::new(false);
    let read = std::thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let (mut last, mut read) = (None, 0);
            loop {
                let is_last = is_done.load(Ordering::Acquire);
                while let Some(event) = cursor.try_next().unwrap() {
                    assert!(last < Some(event.sequence), "{last:?} {}", event.sequence);
                    last = Some(event.sequence);
                    read += 1;
                }
                if is_last {
                    return (last, read);
                }
                std::thread::yield_now();
            }
        });
        fill(&store, 2_000);
        is_done.store(true, Ordering::Release);
        follower.join().unwrap()
    });
    // Nothing of what stays is passed over.
    assert_eq!(read.0.unwrap().get(), 2_499);
    assert!(read.1 >= 100);
    assert!(
        running
            .wait(LIMIT, |status| status.events == 2_400)
            .is_some()
    );
    let status = running.stop();
    assert_eq!((status.last_error, status.failures), (None, 0));
    assert!(status.has_ended && status.next_ms.is_none() && status.last_run_ms.is_some());
    assert!(
        status
            .last_removal
            .is_some_and(|last| !last.records.is_empty())
    );
    assert_eq!(before.query(Region::all()).map(Result::unwrap).count(), 500);
    assert_eq!(store.snapshot().len(), 100);
    assert_intact(&store);
    drop(before);
    // Nothing holds the store any more.
    Arc::try_unwrap(store).unwrap().close().unwrap();
}

/// Two of them on one store wait for each other, and neither removes what the other has.
#[test]
fn two_never_run_at_once() {
    let fs = MemFs::new();
    let store = Arc::new(small(&fs).open(dir()).unwrap());
    let rules = Retention::new().keep_newest(3);
    let both = [(); 2].map(|()| keep(&store, &rules, &soon()).unwrap());
    fill(&store, 1_000);
    both.iter().for_each(next_run);
    let ends = both.map(RunningRetention::stop);
    assert!(ends.iter().all(|end| end.last_error.is_none()));
    assert_eq!(ends.iter().map(|end| end.events).sum::<u64>(), 1_000 - 15);
    assert_intact(&store);
}

#[test]
fn a_run_at_which_nothing_can_have_to_go_opens_no_rewriting() {
    let (fs, clock) = (MemFs::new(), Arc::new(ManualClock::new(1_000_000_000)));
    let store = Arc::new(small(&fs).clock(clock.clone()).open(dir()).unwrap());
    fill(&store, 100);
    let rules = Retention::new().keep_for(HOUR);
    let every = KeepOptions::new().every(10 * HOUR).may_remove_all();
    let running = keep(&store, &rules, &every).unwrap();
    let status = running.wait(LIMIT, |status| status.runs == 1).unwrap();
    assert_eq!(status.next_ms, Some(1_000_000_000 + 36_000_000));
    let run = |runs: u64| {
        running.run_soon();
        running.wait(LIMIT, |status| status.runs == runs).unwrap()
    };
    // Whoever rewrites the store lets nobody else begin: a look is none.
    let mut looks = 0;
    let redaction = strandline::maintenance::Redaction::new().entity("meter:1");
    strandline::maintenance::redact(&store, &redaction, &mut |_| {
        if looks == 0 {
            looks = run(2).runs;
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(looks, 2);
    // What is appended later gets old later.
    pass(&clock, HOUR);
    fill(&store, 10);
    assert_eq!(run(3).events, 0);
    pass(&clock, Duration::from_millis(1));
    assert_eq!(run(4).events, 100);
    pass(&clock, HOUR);
    assert_eq!(run(5).events, 110);
    assert_eq!(store.snapshot().len(), 0);
}

/// A clock that is wrong makes every event too old.
#[test]
fn a_run_that_would_leave_nothing_fails_and_is_tried_again() {
    let (fs, clock) = (MemFs::new(), Arc::new(ManualClock::new(1_000_000_000)));
    let store = Arc::new(small(&fs).clock(clock.clone()).open(dir()).unwrap());
    fill(&store, 10);
    pass(&clock, 1_000 * HOUR);
    let rules = Retention::new().keep_for(HOUR);
    let running = keep(&store, &rules, &soon()).unwrap();
    let status = running.wait(LIMIT, |status| status.failures >= 3).unwrap();
    assert_eq!(status.last_error_kind, Some(ErrorKind::InvalidInput));
    assert!(
        status
            .last_error
            .unwrap()
            .contains("leave nothing of 10 events")
    );
    assert_eq!(store.snapshot().len(), 10);
    fill(&store, 1);
    let status = running.wait(LIMIT, |status| status.events == 10).unwrap();
    assert_eq!((status.failures, status.last_error), (0, None));
}

#[test]
fn what_can_never_be_followed_is_refused_at_once() {
    let fs = MemFs::new();
    let store = Arc::new(small(&fs).open(dir()).unwrap());
    let refused = keep(&store, &Retention::new(), &soon()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    let reader = Arc::new(small(&fs).read_only().open(dir()).unwrap());
    let refused = keep(&reader, &Retention::new().keep_newest(1), &soon()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}

#[test]
fn it_ends_with_the_store_and_with_its_handle() {
    let fs = MemFs::new();
    let store = Arc::new(small(&fs).open(dir()).unwrap());
    fill(&store, 10);
    let rules = Retention::new().keep_newest(1);
    drop(keep(&store, &rules, &KeepOptions::new()).unwrap());
    let running = keep(&store, &rules, &soon()).unwrap();
    drop(store);
    assert!(running.wait(LIMIT, |status| status.has_ended).is_some());
    // The lock is let go, so nobody has it open.
    drop(small(&fs).open(dir()).unwrap());
}
