//! Power cuts and failing calls at every step of a copy's growth: it is opened, goes on, and is its log.

use super::source::{COPY, Source, assert_equal, is_same};
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{
    Fill, Fs, Keep, Loss, Operation, SimDisk, SimFault, SimFaultKind, SimFs,
};
use strandline_segment::{LogError, LogPosition, LogReceiver, Manifest};

/// How the log stood at one moment, and what is done with the copy then.
struct Moment {
    source: Source,
    is_listed: bool,
    is_synced: bool,
}

/// A log that goes through all that it can.
fn moments() -> Vec<Moment> {
    let mut source = Source::new(11);
    let mut moments = Vec::new();
    for round in 0..9_u8 {
        source.append(2, 700);
        source.append(1, 300);
        match round {
            1 | 4 => source.rotate(true),
            2 => source.append_unproven(500),
            3 => source.crash(),
            5 => source.merge(0, 0),
            6 => {
                source.rotate(false);
                source.merge(0, 1);
            }
            7 => source.note(),
            _ => {}
        }
        moments.push(Moment {
            source: source.frozen(),
            is_listed: matches!(round, 3 | 5 | 6),
            is_synced: round % 4 == 0,
        });
    }
    moments
}

/// Goes through the moments from where the copy is; what was synced is told.
fn go_on(fs: &SimFs, moments: &[Moment], synced: &mut Option<LogPosition>) -> Result<(), LogError> {
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let opened = LogReceiver::open(shared.clone(), Path::new(COPY))?;
    let mut copy = match opened {
        Some(copy) => copy,
        None => moments[0].source.begin(shared)?,
    };
    if let Some(synced) = synced {
        assert!(
            copy.end().sequence >= synced.sequence,
            "{copy:?} after {synced:?}"
        );
    }
    for moment in moments {
        if moment.source.end().sequence < copy.end().sequence {
            continue;
        }
        if moment.is_listed {
            moment.source.list(fs, &mut copy)?;
        }
        moment.source.ship(fs, &mut copy, || 2)?;
        if moment.is_synced {
            copy.sync()?;
            *synced = Some(copy.synced());
        }
    }
    let last = &moments[moments.len() - 1];
    last.source.list(fs, &mut copy)?;
    copy.sync()?;
    assert!(is_same(&copy.end(), &last.source.end()));
    *synced = Some(copy.synced());
    Ok(())
}

fn check(fs: &SimFs, moments: &[Moment]) {
    assert_equal(&moments[moments.len() - 1].source, fs);
    assert!(
        fs.changed_after_failure().is_none(),
        "{:?}",
        fs.changed_after_failure()
    );
}

#[test]
fn a_power_cut_at_any_step_costs_nothing_that_was_synced() {
    let moments = moments();
    let fs = SimFs::new(SimDisk::new());
    go_on(&fs, &moments, &mut None).unwrap();
    check(&fs, &moments);
    let steps = fs.take_steps();
    let mut disk = SimDisk::new();
    for (at, step) in steps.iter().enumerate() {
        for (keep, fill) in [
            (Keep::None, Fill::Old),
            (Keep::All, Fill::Old),
            (Keep::Prefix, Fill::Zeros),
            (Keep::Any, Fill::Random),
            (Keep::Any, Fill::Old),
        ] {
            let mut cut = disk.clone();
            cut.apply_partly(step, at as u64);
            let cut = SimFs::new(cut.crash(&Loss {
                keep,
                fill,
                seed: at as u64,
            }));
            let durable = Manifest::read(&cut, Path::new(COPY)).unwrap();
            let durable = durable.and_then(|one| one.synced().copied());
            go_on(&cut, &moments, &mut durable.clone()).unwrap();
            check(&cut, &moments);
        }
        disk.apply(step);
    }
    assert!(steps.len() > 100, "{}", steps.len());
}

/// After each failing call the receiver says that it stopped, the next one goes on, and a power cut after
/// that takes nothing: what a failed sync had marked was not written again.
#[test]
fn a_failing_call_stops_a_receiver_and_the_next_one_writes_elsewhere() {
    let moments = moments();
    let whole = SimFs::new(SimDisk::new());
    go_on(&whole, &moments, &mut None).unwrap();
    let operations = whole.operations();
    let mut failed = 0;
    for after in 0..operations {
        for kind in [
            SimFaultKind::Error(std::io::ErrorKind::Other),
            SimFaultKind::SyncLoses,
        ] {
            let fs = SimFs::new(SimDisk::new());
            fs.fail(SimFault {
                operation: (kind == SimFaultKind::SyncLoses).then_some(Operation::Sync),
                after: match kind {
                    SimFaultKind::SyncLoses => after % 64,
                    _ => after,
                },
                times: 1,
                kind,
            });
            let mut synced = None;
            let is_failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                go_on(&fs, &moments, &mut synced)
            }));
            // What puts staged files there is of the test, and unwraps.
            failed += u32::from(!matches!(is_failed, Ok(Ok(()))));
            fs.heal();
            let next = fs.next_process();
            go_on(&next, &moments, &mut synced).unwrap();
            check(&next, &moments);
            let cut = next.power_cut(Loss {
                keep: Keep::None,
                fill: Fill::Old,
                seed: after,
            });
            check(&cut, &moments);
        }
    }
    assert!(
        u64::from(failed) > operations / 2,
        "{failed} of {operations}"
    );
}

#[test]
fn nothing_is_written_after_a_call_that_failed() {
    let mut source = Source::new(12);
    let fs = SimFs::new(SimDisk::new());
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    source.append(1, 10);
    fs.fail(SimFault {
        operation: Some(Operation::Write),
        after: 0,
        times: 1,
        kind: SimFaultKind::Error(std::io::ErrorKind::Other),
    });
    let failed = source.ship(&fs, &mut copy, || 1);
    assert!(matches!(failed, Err(LogError::Io { .. })), "{failed:?}");
    let before = fs.steps_count();
    let again = source.ship(&fs, &mut copy, || 1);
    assert!(matches!(again, Err(LogError::Stopped)), "{again:?}");
    assert!(matches!(copy.sync(), Err(LogError::Stopped)));
    assert!(matches!(
        copy.list(&source.manifest()),
        Err(LogError::Stopped)
    ));
    assert_eq!(fs.steps_count(), before);
    drop(copy);
    let mut copy = LogReceiver::open(Arc::new(fs.clone()), Path::new(COPY))
        .unwrap()
        .unwrap();
    source.ship(&fs, &mut copy, || 1).unwrap();
    assert_equal(&source, &fs);
}
