//! Power cuts and failing writes at each step of a projection, and of its change to a new version.

use super::{
    COUNTED, Sums, Tally, WRONG, append, live, made, open, options, saved, worker, worker_with,
};
use crate::handle::Live;
use crate::projection::versions::Versions;
use crate::projection::{Projection, project};
use crate::{ConsumerInfo, ConsumerKind, Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use strandline::Store;
use strandline::fs::{Fill, Fs, Keep, Loss, Operation, SimDisk, SimFault, SimFaultKind, SimFs};
use strandline_core::ManualClock;

const EVENTS: u64 = 12;

/// A disk with a store of some events, and a projection of version 1 that has applied half of them.
fn begun() -> SimDisk {
    let fs = SimFs::new(SimDisk::new());
    let store = open(&on(&fs));
    for number in 0..EVENTS / 2 {
        append(&store, number % 3, COUNTED, number + 1);
    }
    run::<1>(&live(&store)).unwrap();
    for number in EVENTS / 2..EVENTS {
        append(&store, number % 3, COUNTED, number + 1);
    }
    drop(store);
    fs.power_cut(loss(Keep::All, 0)).disk()
}

fn on(fs: &SimFs) -> Arc<dyn Fs> {
    Arc::new(fs.clone())
}

const fn loss(keep: Keep, seed: u64) -> Loss {
    Loss {
        keep,
        fill: Fill::Old,
        seed,
    }
}

fn versions(live: &Live, own: u32) -> Result<Versions, Error> {
    let info = ConsumerInfo::new("sums", ConsumerKind::Projection, 1)?;
    Versions::open(live.consumer_as(&info, own)?, own)
}

/// Applies what is there, saving after each few events, and serves the version once it has caught up, as the threads
/// do.
fn run<const N: u32>(live: &Live) -> Result<(), Error> {
    let versions = versions(live, N)?;
    versions.look()?;
    let mut worker = worker::<N>(live)?;
    while worker.step(3)? > 0 {
        worker.save_moved()?;
    }
    worker.save_moved()?;
    assert!(versions.caught_up(0, worker.next(), live)?);
    versions.look()
}

/// Whatever version is served, its state is that of the events before its position.
fn check(store: &Arc<Store>, live: &Live, what: &str) -> u32 {
    let served = live.consumer("sums").unwrap().version().unwrap();
    let saved = match served {
        1 => saved::<1>(live),
        _ => saved::<2>(live),
    };
    let (sums, next) = saved.unwrap_or_else(|| panic!("{what}: version {served} has no state"));
    let then = store.snapshot().snapshot_at(next);
    assert_eq!(sums, project(&then, &Tally::<1>).unwrap(), "{what}");
    // Nobody who reads goes back.
    assert!(next.get() >= EVENTS / 2, "{what}: {next}");
    served
}

/// Goes on with the version, to the end, and compares.
fn complete<const N: u32>(store: &Arc<Store>, live: &Live, what: &str) {
    run::<N>(live).unwrap_or_else(|error| panic!("{what}: {error}"));
    let expected: Sums = project(&store.snapshot(), &Tally::<1>).unwrap();
    let worker = worker::<N>(live).unwrap();
    assert_eq!(made(&worker), expected, "{what}");
    assert_eq!(worker.next(), store.snapshot().visible(), "{what}");
    let consumer = live.consumer("sums").unwrap();
    assert_eq!(
        consumer.version().unwrap(),
        <Tally<N> as Projection>::VERSION,
        "{what}"
    );
    assert_eq!(
        consumer.versions().unwrap(),
        [N],
        "{what}: no rest of the old one"
    );
}

/// The power is cut after each step of a run, and what was not synced is lost in some ways.
fn cut<const N: u32>() -> usize {
    let begun = begun();
    let fs = SimFs::new(begun.clone());
    let store = open(&on(&fs));
    let _ = fs.take_steps();
    let at_start = fs.disk();
    run::<N>(&live(&store)).unwrap();
    let steps = fs.take_steps();
    drop(store);
    let mut disk = at_start;
    let mut versions = [0; 3];
    for (at, step) in steps.iter().enumerate() {
        for seed in 0..3 {
            let keep = [Keep::None, Keep::Any, Keep::All][usize::try_from(seed).unwrap()];
            let mut cut = disk.clone();
            if seed > 0 {
                cut.apply_partly(step, seed);
            }
            let what = format!(
                "version {N}, step {at} of {}: {step:?}, {keep:?}",
                steps.len()
            );
            let fs = SimFs::new(cut.crash(&loss(keep, seed)));
            let store = open(&on(&fs));
            let live = live(&store);
            versions[check(&store, &live, &what) as usize] += 1;
            complete::<N>(&store, &live, &what);
        }
        disk.apply(step);
    }
    assert!(versions[N as usize] > 0);
    steps.len()
}

#[test]
fn a_power_cut_at_each_step_of_a_save_leaves_a_state_and_its_position() {
    assert!(cut::<1>() > 10);
}

#[test]
fn a_power_cut_at_each_step_of_a_change_of_versions_leaves_one_that_is_whole() {
    assert!(cut::<2>() > 20);
}

#[test]
fn whatever_fails_once_is_made_good_by_the_next_process() {
    let begun = begun();
    for after in 0.. {
        let fs = SimFs::new(begun.clone());
        let store = open(&on(&fs));
        fs.fail(SimFault {
            operation: None,
            after,
            times: 1,
            kind: SimFaultKind::Error(std::io::ErrorKind::Other),
        });
        let ran = run::<2>(&live(&store));
        let is_met = fs.first_fault_was_met();
        fs.heal();
        let what = format!("failure {after}: {ran:?}");
        if let Err(error) = ran {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::Io | ErrorKind::Store), "{what}");
        }
        let next = fs.next_process();
        drop(store);
        let store = open(&on(&next));
        let live = live(&store);
        check(&store, &live, &what);
        complete::<2>(&store, &live, &what);
        if !is_met {
            assert!(after > 20, "{after} operations");
            return;
        }
    }
}

#[test]
fn a_version_is_served_once_all_its_partitions_have_come_as_far() {
    let fs = SimFs::new(begun());
    let store = open(&on(&fs));
    let live = live(&store);
    let of_two = |own| {
        let info = ConsumerInfo::new("two", ConsumerKind::Projection, 2)?;
        Versions::open(live.consumer_as(&info, own)?, own)
    };
    of_two(1).unwrap();
    let versions = of_two(2).unwrap();
    let far = store.snapshot().visible();
    assert!(!versions.is_served());
    assert!(!versions.caught_up(0, far, &live).unwrap());
    assert!(!versions.caught_up(0, far, &live).unwrap());
    assert!(versions.caught_up(1, far, &live).unwrap());
    assert!(versions.is_served() && of_two(2).unwrap().is_served());
    assert_eq!(of_two(1).unwrap_err().kind(), ErrorKind::OtherConsumer);
}

#[test]
fn a_save_that_fails_is_tried_again_until_the_lease_is_over_and_then_told() {
    let fs = SimFs::new(SimDisk::new());
    let clock = Arc::new(ManualClock::new(1_000));
    let options = options(&on(&fs)).clock(clock.clone());
    let store = Arc::new(options.open("/shop.strand").unwrap());
    let live = live(&store);
    append(&store, 1, COUNTED, 7);
    let mut worker = worker_with::<1>(&live, Duration::from_secs(1)).unwrap();
    worker.step(10).unwrap();
    let fail = || {
        fs.fail(SimFault {
            operation: Some(Operation::Write),
            after: 0,
            times: u64::MAX,
            kind: SimFaultKind::Error(std::io::ErrorKind::Other),
        });
    };
    fail();
    clock.set(3_000);
    worker.keep().unwrap();
    fs.heal();
    assert_eq!(saved::<1>(&live), None);
    // Not at once, and not before the next save would be due.
    worker.keep().unwrap();
    assert_eq!(saved::<1>(&live), None);
    clock.set(5_000);
    worker.keep().unwrap();
    assert_eq!(saved::<1>(&live).unwrap().0["e:1"], (1, 7));

    append(&store, 1, COUNTED, 8);
    worker.step(10).unwrap();
    fail();
    clock.set(7_000);
    worker.keep().unwrap();
    clock.set(60_000);
    assert_eq!(worker.keep().unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_worker_that_stops_writes_over_no_state_that_it_cannot_read() {
    for operation in [Operation::Open, Operation::Read, Operation::List] {
        let fs = SimFs::new(begun());
        let store = open(&on(&fs));
        let live = live(&store);
        let before = saved::<1>(&live);
        assert!(before.is_some());
        append(&store, 1, WRONG, 1);
        let mut worker = worker::<1>(&live).unwrap();
        let error = loop {
            if let Err(error) = worker.step(3) {
                break error;
            }
        };
        fs.fail(SimFault {
            operation: Some(operation),
            after: 0,
            times: 1,
            kind: SimFaultKind::Error(std::io::ErrorKind::Other),
        });
        worker.fault(&error);
        assert!(fs.first_fault_was_met(), "{operation:?}");
        fs.heal();
        drop(worker);
        assert_eq!(saved::<1>(&live), before, "{operation:?}");
    }
}
