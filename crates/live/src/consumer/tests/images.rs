//! Power cuts, and failures, at each step of making a consumer, claiming, saving and asking.

use super::{claim, consumer, place};
use crate::consumer::Place;
use crate::{Error, ErrorKind, Request};
use std::sync::Arc;
use strandline_core::fs::{Fill, Keep, Loss, SimDisk, SimFault, SimFaultKind, SimFs};

const WORKERS: u64 = 3;
const SAVES: u64 = 3;

fn on(fs: &SimFs, seed: u64) -> Place {
    place(Arc::new(fs.clone()), seed)
}

/// How far a story has come: what was promised.
#[derive(Debug, Default, Clone, Copy)]
struct Come {
    /// What was saved.
    saved: u64,
    /// Whether something was asked for.
    is_asked: bool,
}

/// One worker after the other; the second one is asked to park something. After whatever is promised to hold `noted` is
/// called.
fn story(fs: &SimFs, noted: &mut dyn FnMut(Come)) -> Result<(), Error> {
    let mut come = Come::default();
    for worker in 0..WORKERS {
        let place = on(fs, worker);
        let Some((mut lease, mut state)) = claim(&place)? else {
            return Err(Error::new(ErrorKind::Held, "nobody holds it"));
        };
        assert_eq!(state.counters.handled, come.saved);
        noted(come);
        for _ in 0..SAVES {
            state.counters.handled += 1;
            lease.save(&mut state)?;
            come.saved = state.counters.handled;
            noted(come);
        }
        if worker == 1 {
            let partition = consumer(&place)?.partition(1, 0)?;
            partition.ask(&park())?;
            come.is_asked = true;
            noted(come);
            for pending in lease.requests(&state)? {
                state.apply(pending.request(), 1_000);
                pending.answer(&mut state);
            }
            lease.save(&mut state)?;
            noted(come);
        }
    }
    Ok(())
}

fn park() -> Request {
    Request::Park {
        key: "order:1".to_owned(),
        reason: "looked wrong".to_owned(),
    }
}

/// Whoever comes next knows what was promised, finds what was asked for, done or not, and can go on.
fn check(fs: &SimFs, come: Come, what: &str) {
    let place = on(fs, 99);
    let claimed = claim(&place).unwrap_or_else(|error| panic!("{what}: {error}"));
    let (mut lease, mut state) = claimed.unwrap_or_else(|| panic!("{what}: it is held"));
    let handled = state.counters.handled;
    assert!(
        (come.saved..=come.saved + 1).contains(&handled),
        "{what}: {handled}, {come:?}"
    );
    for pending in lease.requests(&state).unwrap() {
        state.apply(pending.request(), 1_000);
        pending.answer(&mut state);
    }
    assert!(state.parked.len() <= 1, "{what}");
    assert!(
        !come.is_asked || state.parked.len() == 1,
        "{what}: it was asked for"
    );
    lease.save(&mut state).unwrap();
    drop(lease);
    let (lease, again) = claim(&place).unwrap().unwrap();
    assert_eq!(again.counters.handled, handled, "{what}");
    assert_eq!(again.parked, state.parked, "{what}");
    assert!(lease.requests(&again).unwrap().is_empty(), "{what}");
}

#[test]
fn a_power_cut_at_each_step_takes_back_nothing_that_was_promised() {
    let fs = SimFs::new(SimDisk::new());
    let mut disk = fs.disk();
    let mut steps = Vec::new();
    let mut before = Come::default();
    story(&fs, &mut |come| {
        steps.extend(fs.take_steps().into_iter().map(|step| (step, before)));
        before = come;
    })
    .unwrap();
    assert!(steps.len() > 100, "{}", steps.len());
    for (at, (step, come)) in steps.iter().enumerate() {
        let keeps = [Keep::None, Keep::Any, Keep::Any, Keep::All];
        for (seed, keep) in (0..).zip(keeps) {
            let mut cut = disk.clone();
            if seed > 0 {
                cut.apply_partly(step, seed);
            }
            let what = format!("step {at}: {step:?}, {keep:?}");
            let fill = Fill::Old;
            let fs = SimFs::new(cut.crash(&Loss { keep, fill, seed }));
            check(&fs, *come, &what);
        }
        disk.apply(step);
    }
}

#[test]
fn whatever_fails_once_is_made_good_by_whoever_comes_next() {
    for after in 0.. {
        let fs = SimFs::new(SimDisk::new());
        fs.fail(SimFault {
            operation: None,
            after,
            times: 1,
            kind: SimFaultKind::Error(std::io::ErrorKind::Other),
        });
        let mut come = Come::default();
        let told = story(&fs, &mut |now| come = now);
        let is_met = fs.first_fault_was_met();
        fs.heal();
        let what = format!("failure {after}: {told:?}");
        if let Err(error) = told {
            assert_eq!(error.kind(), ErrorKind::Io, "{what}");
        }
        check(&fs.next_process(), come, &what);
        if !is_met {
            assert!(after > 100, "{after} operations");
            return;
        }
    }
}
