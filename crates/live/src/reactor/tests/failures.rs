//! What others were told by their users, as tests: each is a way in which a reactor lost events or stood still.

use super::{Shared, append, ask, handler, live, memory, pass, run, settings, shop, state, worker};
use crate::{ErrorKind, Failure, Request};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{SimDisk, SimFault, SimFaultKind, SimFs};
use strandline_core::ManualClock;
use strandline_core::sync::Mutex;

/// A retry, or a replay of what is parked, moved the checkpoint past events that nobody had handled: KurrentDB 500,
/// 1301, 1890.
#[test]
fn neither_a_retry_nor_a_replay_moves_the_position_past_what_was_not_handled() {
    let (clock, store, live, seen) = shop();
    seen.lock().wrong.extend([0, 2]);
    for number in 0..6 {
        append(&store, number % 2, number);
    }
    let mut first = worker(&live, settings(2), &handler(&seen)).unwrap();
    run(&mut first);
    pass(&clock);
    run(&mut first);
    ask(&live, &Request::Replay { key: None });
    first.answer().unwrap();
    seen.lock().wrong.remove(&0);
    // One of the replay is handled, the next one fails, and all is saved in the middle of that.
    first.step(true).unwrap();
    first.step(true).unwrap();
    first.save().unwrap();
    drop(first);
    assert_eq!(seen.lock().handled, [1, 3, 5, 0]);

    seen.lock().wrong.clear();
    let mut next = worker(&live, settings(2), &handler(&seen)).unwrap();
    run(&mut next);
    assert_eq!(seen.lock().handled, [1, 3, 5, 0, 2, 4]);
}

/// A replay took all that was parked into memory, and a crash lost it: KurrentDB 2181.
#[test]
fn a_crash_half_way_through_a_replay_loses_nothing() {
    let (_clock, store, live, seen) = shop();
    seen.lock().wrong.insert(0);
    for number in 0..500 {
        append(&store, 0, number);
    }
    let mut first = worker(&live, settings(1), &handler(&seen)).unwrap();
    run(&mut first);
    seen.lock().wrong.clear();
    ask(&live, &Request::Replay { key: None });
    first.answer().unwrap();
    for _ in 0..200 {
        first.step(true).unwrap();
    }
    first.save().unwrap();
    for _ in 0..100 {
        first.step(true).unwrap();
    }
    drop(first);
    let parked = &state(&live).parked[0];
    assert!(parked.replay);
    assert_eq!(parked.count, 300);

    let mut next = worker(&live, settings(1), &handler(&seen)).unwrap();
    run(&mut next);
    let handled = seen.lock().handled.clone();
    let expected: Vec<usize> = (0..300).chain(200..500).collect();
    assert_eq!(handled, expected, "in order; again what was not saved");
}

/// A save that failed once stopped the saves for ever, and nobody was told: KurrentDB 2629.
#[test]
fn a_save_that_fails_is_said_and_done_again() {
    let fs = SimFs::new(SimDisk::new());
    let clock = Arc::new(ManualClock::new(1_000));
    let shared: Arc<dyn strandline::fs::Fs> = Arc::new(fs.clone());
    let store = super::open(&shared, &clock);
    let live = live(&store);
    let seen = Shared::default();
    for number in 0..9 {
        append(&store, 0, number);
    }
    let often = || super::Settings {
        save_events: 2,
        ..settings(1)
    };
    let mut first = worker(&live, often(), &handler(&seen)).unwrap();
    fs.fail(SimFault {
        operation: Some(strandline::fs::Operation::Rename),
        after: 0,
        times: 1,
        kind: SimFaultKind::Error(std::io::ErrorKind::Other),
    });
    run(&mut first);
    assert!(fs.first_fault_was_met());
    assert_eq!(seen.lock().handled.len(), 9);
    first.save().unwrap();
    let saved = state(&live);
    assert_eq!(saved.sequence(), store.snapshot().visible());
    assert!(saved.last_error.unwrap().message.contains("cannot save"));

    // Where it fails for as long as the lease lasts, it stops and says so.
    fs.fail(SimFault {
        operation: Some(strandline::fs::Operation::Rename),
        after: 0,
        times: u64::MAX,
        kind: SimFaultKind::Error(std::io::ErrorKind::Other),
    });
    let mut number = 9;
    let error = loop {
        append(&store, 0, number);
        number += 1;
        pass(&clock);
        if let Err(error) = first.step(true) {
            break error;
        }
        assert!(number < 1000);
    };
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(number > 30, "the lease lasts 30 seconds");
}

/// An event that always fails was tried again without a pause, for ever: actor-ts 650.
#[test]
fn an_event_that_always_fails_costs_its_tries_and_no_more() {
    let (clock, store, live, seen) = shop();
    seen.lock().wrong.insert(0);
    append(&store, 0, 0);
    let mut worker = worker(&live, settings(3), &handler(&seen)).unwrap();
    for tries in 1..=3 {
        for _ in 0..100 {
            let stepped = worker.step(true).unwrap();
            if let super::Stepped::Idle(wait) = stepped {
                assert!(wait > Duration::ZERO, "it waits");
            }
        }
        assert_eq!(seen.lock().tried.len(), tries);
        pass(&clock);
    }
    run(&mut worker);
    assert_eq!(seen.lock().tried.len(), 3);
}

/// An entity that fails does not slow down the others: as many events of them are handled as without it, step by step.
#[test]
fn a_poisoned_entity_leaves_the_others_going_on() {
    let steps = |wrong: bool| {
        let clock = Arc::new(ManualClock::new(1_000));
        let store = super::open(&memory(), &clock);
        let (live, seen) = (live(&store), Shared::default());
        for number in 0..1000 {
            append(&store, number % 10, number);
        }
        if wrong {
            seen.lock().wrong.extend((0..1000).step_by(10));
        }
        let mut worker = worker(&live, settings(3), &handler(&seen)).unwrap();
        for _ in 0..1000 {
            pass(&clock);
            worker.step(true).unwrap();
        }
        let seen = seen.lock();
        seen.handled
            .iter()
            .filter(|number| *number % 10 != 0)
            .count()
    };
    assert_eq!(steps(true), steps(false));
}

/// With all its tries, whoever replays it: the worker, or who asks while there is none.
#[test]
fn a_replay_that_is_asked_for_while_nobody_works_has_all_tries() {
    let (clock, store, live, _) = shop();
    append(&store, 0, 0);
    let tried: Arc<Mutex<Vec<u32>>> = Arc::default();
    let handler: Arc<super::Handler> = Arc::new({
        let tried = tried.clone();
        move |_, context| {
            tried.lock().push(context.tries);
            match tried.lock().len() {
                1 => Err(Failure::park("at once")),
                _ => Err(Failure::retry("again")),
            }
        }
    });
    let mut first = worker(&live, settings(3), &handler).unwrap();
    run(&mut first);
    first.save().unwrap();
    drop(first);
    let mut saved = state(&live);
    let replay = Request::Replay { key: None };
    saved.apply(&replay, 0);
    saved.apply(&replay, 0);
    super::save(&live, saved);
    let mut next = worker(&live, settings(3), &handler).unwrap();
    for _ in 0..4 {
        run(&mut next);
        pass(&clock);
    }
    assert_eq!(*tried.lock(), [1, 1, 2, 3]);
}

/// What cannot even be said is a try that failed, as any other.
#[test]
fn a_failure_that_panics_when_it_is_told_is_a_try_that_failed() {
    #[derive(Debug)]
    struct Unsaid;
    impl std::fmt::Display for Unsaid {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    impl std::error::Error for Unsaid {}
    let (_clock, store, live, _) = shop();
    append(&store, 0, 0);
    append(&store, 1, 1);
    let handler: Arc<super::Handler> = Arc::new(|event, _| match super::number(event) {
        0 => Err(Failure::park(Unsaid)),
        _ => Ok(()),
    });
    let mut worker = worker(&live, settings(1), &handler).unwrap();
    run(&mut worker);
    worker.save().unwrap();
    let saved = state(&live);
    assert_eq!(saved.counters.handled, 1);
    assert_eq!(saved.parked[0].reason, "the handler panicked: no words");
}

/// The thread of a partition that takes no more turned without a pause: the events behind those that wait were there
/// each time that it looked for news.
#[test]
fn who_takes_no_more_does_not_wait_for_what_is_there() {
    let (clock, store, live, seen) = shop();
    let most = super::super::schedule::UNSETTLED_MAX;
    seen.lock().wrong.extend(0..most);
    for number in 0..most + 10 {
        append(&store, number, number);
    }
    let mut worker = worker(&live, settings(9), &handler(&seen)).unwrap();
    run(&mut worker);
    assert!(worker.next_event().is_none());
    seen.lock().wrong.clear();
    pass(&clock);
    run(&mut worker);
    assert_eq!(seen.lock().handled.len(), most + 10);
    assert!(worker.next_event().is_some());
}
