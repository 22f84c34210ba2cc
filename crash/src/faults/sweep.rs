//! Every operation of every workload fails once, in each of several ways; afterwards the power is
//! cut.

use super::failure::Failure;
use super::recover::judge;
use crate::disk::{Defect, Path, Setup};
use crate::driver::Driver;
use crate::expect::Expected;
use crate::verdict::{Totals, Violation, quietly};
use crate::workload::Workload;
use std::io::ErrorKind;
use strandline_core::fs::{Fill, Keep, Loss, Operation, SimDisk, SimFault, SimFaultKind};

/// How many times fewer operations of a long workload fail in a bounded run.
const LONG: u64 = 16;

/// A way to fail.
struct Way {
    name: &'static str,
    kind: SimFaultKind,
    operation: Option<Operation>,
    times: u64,
}

const fn way(
    name: &'static str,
    kind: SimFaultKind,
    operation: Option<Operation>,
    times: u64,
) -> Way {
    Way {
        name,
        kind,
        operation,
        times,
    }
}

/// For good, as far as a workload goes.
const EVER: u64 = 1 << 40;

const WAYS: &[Way] = &[
    way("EIO", SimFaultKind::Error(ErrorKind::Other), None, 1),
    way("EIO twice", SimFaultKind::Error(ErrorKind::Other), None, 2),
    way(
        "ENOSPC",
        SimFaultKind::Error(ErrorKind::StorageFull),
        None,
        1,
    ),
    way(
        "ENOSPC for long",
        SimFaultKind::Error(ErrorKind::StorageFull),
        Some(Operation::Write),
        9,
    ),
    way(
        "EINTR on writes",
        SimFaultKind::Error(ErrorKind::Interrupted),
        Some(Operation::Write),
        1,
    ),
    way(
        "EINTR on reads",
        SimFaultKind::Error(ErrorKind::Interrupted),
        Some(Operation::Read),
        1,
    ),
    way(
        "short reads",
        SimFaultKind::Short,
        Some(Operation::Read),
        EVER,
    ),
    way(
        "short writes",
        SimFaultKind::Short,
        Some(Operation::Write),
        EVER,
    ),
    way(
        "a failed sync",
        SimFaultKind::SyncLoses,
        Some(Operation::Sync),
        1,
    ),
    way(
        "two failed syncs",
        SimFaultKind::SyncLoses,
        Some(Operation::Sync),
        2,
    ),
    way(
        "a lying sync",
        SimFaultKind::SyncLies,
        Some(Operation::Sync),
        1,
    ),
];

/// Fails every `every`th operation of each workload in each way.
#[must_use]
pub fn sweep(
    workloads: &[&'static Workload],
    seed: u64,
    every: u64,
    defect: Option<Defect>,
    progress: &dyn Fn(u64),
) -> (Totals, Vec<Failure>) {
    let mut totals = Totals::default();
    let mut failures = Vec::new();
    for workload in workloads.iter().copied() {
        // All of them, or few of many.
        let every = match workload.long && every > 1 && workloads.len() > 1 {
            true => every * LONG,
            false => every,
        };
        for way in WAYS {
            let mut after = seed % every;
            // Until the fault is not met any more.
            while try_one(
                workload,
                way,
                after,
                seed,
                defect,
                &mut totals,
                &mut failures,
            ) {
                progress(1);
                after += every;
                if failures.len() >= 20 {
                    return (totals, failures);
                }
            }
        }
    }
    (totals, failures)
}

/// Fails one operation of a workload again, as a failure names it: `a failed sync:6`.
///
/// # Errors
///
/// If there is no such way to fail.
pub fn replay(workload: &'static Workload, seed: u64, fault: &str) -> Result<Vec<Failure>, String> {
    let unknown = || {
        let names: Vec<_> = WAYS.iter().map(|way| way.name).collect();
        format!(
            "{fault} is no fault such as EIO:6; there are {}",
            names.join(", ")
        )
    };
    let (name, after) = fault.rsplit_once(':').ok_or_else(unknown)?;
    let after = after.parse().map_err(|_| unknown())?;
    let way = WAYS
        .iter()
        .find(|way| way.name == name)
        .ok_or_else(unknown)?;
    let (mut totals, mut failures) = Default::default();
    if !try_one(workload, way, after, seed, None, &mut totals, &mut failures) {
        return Err(format!(
            "{} makes fewer calls than {after} that may fail so",
            workload.name
        ));
    }
    Ok(failures)
}

/// Whether the workload has so many operations.
fn try_one(
    workload: &'static Workload,
    way: &Way,
    after: u64,
    seed: u64,
    defect: Option<Defect>,
    totals: &mut Totals,
    failures: &mut Vec<Failure>,
) -> bool {
    let lying = way.kind == SimFaultKind::SyncLies;
    let setup = Setup {
        defect,
        failing: true,
        lying,
        segment_events: workload.segment_events,
        ..Setup::new(seed)
    };
    let mut driver = Driver::new(SimDisk::new(), Expected::default(), setup);
    let outcome = quietly(|| {
        (workload.before)(&mut driver)?;
        driver.begin_here();
        driver.fs.fail(SimFault {
            operation: way.operation,
            after,
            times: way.times,
            kind: way.kind,
        });
        (workload.run)(&mut driver).and_then(|()| settle(&mut driver))
    });
    totals.faults += 1;
    totals.images += 2;
    if let Err(violation) = outcome {
        totals.lost += violation.lost;
        totals.violations += 1;
        failures.push(Failure {
            workload: workload.name,
            seed,
            at: Path::default(),
            fault: Some(format!("{}:{after}", way.name)),
            context: format!(
                "  {} after {after} operations that may fail so; the last steps:\n{}",
                way.name,
                last_steps(&driver)
            ),
            violation,
        });
    }
    driver.fs.first_fault_was_met()
}

fn last_steps(driver: &Driver) -> String {
    let steps = driver.fs.take_steps();
    let from = steps.len().saturating_sub(12);
    let shown = steps.iter().enumerate().skip(from);
    shown.map(|(n, step)| format!("    {n} {step}\n")).collect()
}

/// The disk is well again: the store opens, and does so after power cuts.
fn settle(driver: &mut Driver) -> Result<(), Violation> {
    let setup = driver.setup();
    let expected = driver.expected();
    let disk = driver.fs.disk();
    for keep in [Keep::None, Keep::Any] {
        let loss = Loss {
            keep,
            fill: Fill::Random,
            seed: setup.seed,
        };
        judge(disk.crash(&loss), expected.clone(), setup, setup.seed)?;
    }
    driver.fs.heal();
    driver.check_held()?;
    driver.kill()?;
    driver.append(10, strandline::Durability::Synced)?;
    driver.merge_next()?;
    driver.verify()
}
