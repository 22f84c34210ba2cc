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

/// Handles what is there, saving after each step; parks one entity, and replays it. After each step, and each save,
/// `noted` is called.
fn story(store: &Arc<Store>, seen: &Shared, noted: &mut dyn FnMut()) -> Result<(), Error> {
    let live = live(store);
    seen.lock().wrong.insert(WRONG);
    let mut worker = worker(&live, settings(1), &handler(seen))?;
    noted();
    for _ in 0..EVENTS {
        worker.step(true)?;
        noted();
        worker.save()?;
        noted();
    }
    seen.lock().wrong.clear();
    live.replay("mailer", None)?;
    worker.answer()?;
    noted();
    for _ in 0..EVENTS {
        worker.step(true)?;
        noted();
        worker.save()?;
        noted();
    }
    Ok(())
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
    let seen = Shared::default();
    // Each step of the disk, and what the handler had done by then: the only thing that outlives a cut but the disk.
    let mut steps = Vec::new();
    story(&store, &seen, &mut || {
        let handled = seen.lock().handled.clone();
        let taken = fs.take_steps().into_iter();
        steps.extend(taken.map(|step| (step, handled.clone())));
    })
    .unwrap();
    drop(store);
    assert!(steps.len() > 100, "{}", steps.len());
    for (at, (step, handled)) in steps.iter().enumerate() {
        for (seed, keep) in [Keep::None, Keep::Any, Keep::All].into_iter().enumerate() {
            let seed = u64::try_from(seed).unwrap();
            let mut cut = disk.clone();
            if seed > 0 {
                cut.apply_partly(step, seed);
            }
            let what = format!("step {at}: {step:?}, {keep:?}");
            let fs = SimFs::new(cut.crash(&loss(keep, seed)));
            let store = on(&fs);
            let seen = Shared::default();
            seen.lock().handled.clone_from(handled);
            check(&store, &seen, &what);
        }
        disk.apply(step);
    }
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
        let told = story(&store, &seen, &mut || ());
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
