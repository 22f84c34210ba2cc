//! Power cuts and failing writes at each step of a reactor that parks, saves and replays.

use super::{Shared, append, ask, handler, live, pass, run, settings, state, worker};
use crate::{Error, ErrorKind, Request};
use std::collections::BTreeSet;
use std::sync::Arc;
use strandline::fs::{Fill, Fs, Keep, Loss, SimDisk, SimFault, SimFaultKind, SimFs};
use strandline::{Region, Store};
use strandline_core::ManualClock;

const EVENTS: usize = 12;
const WRONG: usize = 4;

fn on(fs: &SimFs) -> Arc<Store> {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    super::open(&fs, &Arc::new(ManualClock::new(1_000)))
}

const fn loss(keep: Keep, seed: u64) -> Loss {
    Loss {
        keep,
        fill: Fill::Old,
        seed,
    }
}

fn begun() -> SimDisk {
    let fs = SimFs::new(SimDisk::new());
    let store = on(&fs);
    for number in 0..EVENTS {
        append(&store, number % 3, number);
    }
    drop(store);
    fs.power_cut(loss(Keep::All, 0)).disk()
}

/// Handles what is there, saving after each step; parks one entity, and replays it.
fn story(store: &Arc<Store>, seen: &Shared) -> Result<(), Error> {
    let live = live(store);
    seen.lock().wrong.insert(WRONG);
    let mut worker = worker(&live, settings(1), &handler(seen))?;
    for _ in 0..EVENTS {
        worker.step(true)?;
        worker.save()?;
    }
    seen.lock().wrong.clear();
    ask_if_possible(store)?;
    worker.answer()?;
    for _ in 0..EVENTS {
        worker.step(true)?;
        worker.save()?;
    }
    Ok(())
}

fn ask_if_possible(store: &Arc<Store>) -> Result<(), Error> {
    live(store).replay("mailer", None).map(drop)
}

/// Whatever was saved: what was handled by nobody is before no position, unless it is parked or waits; and who goes
/// on handles all the rest.
fn check(store: &Arc<Store>, seen: &Shared, what: &str) {
    let live = live(store);
    let clock = ManualClock::new(1_000);
    let mut worker = worker(&live, settings(1), &handler(seen))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    seen.lock().wrong.clear();
    run(&mut worker);
    ask(&live, &Request::Replay { key: None });
    worker.answer().unwrap();
    pass(&clock);
    run(&mut worker);
    worker.save().unwrap();
    let handled: BTreeSet<usize> = seen.lock().handled.iter().copied().collect();
    assert_eq!(handled, (0..EVENTS).collect(), "{what}");
    assert!(state(&live).parked.is_empty(), "{what}");
    assert_eq!(
        state(&live).sequence(),
        store.snapshot().visible(),
        "{what}"
    );
    for entity in 0..3 {
        check_order(&seen.lock().handled, entity, what);
    }
}

/// An event is handled for the first time only after those before it in its entity.
fn check_order(handled: &[usize], entity: usize, what: &str) {
    let mut next = entity;
    for number in handled.iter().filter(|number| **number % 3 == entity) {
        assert!(*number <= next, "{what}: {number} before {next}");
        if *number == next {
            next += 3;
        }
    }
}

#[test]
fn a_power_cut_at_each_step_loses_no_event_and_changes_no_order() {
    let fs = SimFs::new(begun());
    let store = on(&fs);
    assert_eq!(store.snapshot().query(Region::all()).count(), EVENTS);
    let _ = fs.take_steps();
    let mut disk = fs.disk();
    story(&store, &Shared::default()).unwrap();
    let steps = fs.take_steps();
    drop(store);
    assert!(steps.len() > 100, "{}", steps.len());
    for (at, step) in steps.iter().enumerate() {
        for (seed, keep) in [Keep::None, Keep::Any, Keep::All].into_iter().enumerate() {
            let seed = u64::try_from(seed).unwrap();
            let mut cut = disk.clone();
            if seed > 0 {
                cut.apply_partly(step, seed);
            }
            let what = format!("step {at}: {step:?}, {keep:?}");
            let fs = SimFs::new(cut.crash(&loss(keep, seed)));
            // What the one before had handled is not known here: only what is in no position, and parked by none, is
            // handled again. So it is told what was handled before its last save.
            let store = on(&fs);
            let seen = Shared::default();
            seen.lock().handled = handled_before(&store);
            check(&store, &seen, &what);
        }
        disk.apply(step);
    }
}

/// The numbers that a saved state says were handled: those before its position that are not of what is parked.
fn handled_before(store: &Arc<Store>) -> Vec<usize> {
    let live = live(store);
    let Ok(consumer) = live.consumer("mailer") else {
        return Vec::new();
    };
    let partition = consumer.partition_there(crate::handle::VERSION, 0);
    let Some(state) = partition.load().unwrap().state else {
        return Vec::new();
    };
    let by = super::PartitionBy::Entity;
    let held = super::held::load(&state, by, 1).unwrap();
    let events = store.snapshot();
    let events = events.query(Region::all().before(state.sequence()));
    let mut handled = Vec::new();
    for event in events {
        let event = event.unwrap();
        let is_held = held
            .iter()
            .any(|held| held.key == event.coordinate.entity() && held.from <= event.sequence.get());
        if !is_held {
            handled.push(super::number(&event));
        }
    }
    // Only the event that fails, and what follows it, is ever held.
    assert!((0..WRONG).all(|number| number >= handled.len() || handled.contains(&number)));
    handled
}

#[test]
fn whatever_fails_once_is_made_good_by_the_next_process() {
    for after in 0.. {
        let fs = SimFs::new(begun());
        let store = on(&fs);
        fs.fail(SimFault {
            operation: None,
            after,
            times: 1,
            kind: SimFaultKind::Error(std::io::ErrorKind::Other),
        });
        let seen = Shared::default();
        let told = story(&store, &seen);
        let is_met = fs.first_fault_was_met();
        fs.heal();
        let what = format!("failure {after}: {told:?}");
        if let Err(error) = told {
            assert!(
                matches!(error.kind(), ErrorKind::Io | ErrorKind::Store),
                "{what}"
            );
        }
        let next = fs.next_process();
        drop(store);
        check(&on(&next), &seen, &what);
        if !is_met {
            assert!(after > 100, "{after} operations");
            return;
        }
    }
}
