//! Who holds a partition, how that is renewed, and when it is over.

use super::{Claimant, Claimed, LEASE, Lease, Place, claim, claimant, consumer, place};
use crate::{Holder, PartitionState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::{Fs, MemFs, OpenMode, read_file};
use strandline_core::{Clock, ManualClock};

fn timed(fs: &MemFs, clock: &Arc<ManualClock>, seed: u64) -> Place {
    Place {
        clock: clock.clone(),
        ..place(Arc::new(fs.clone()), seed)
    }
}

fn pass(clock: &ManualClock, time: Duration) {
    let ms = u64::try_from(time.as_millis()).unwrap();
    clock.set(clock.now_ms() + ms);
}

/// What each caller does who comes by: there is a claimant for each.
fn come_by(place: &Place) -> Result<(Lease, PartitionState), Option<Holder>> {
    let partition = consumer(place).unwrap().partition(1, 0).unwrap();
    match Claimant::new(partition, LEASE).try_claim().unwrap() {
        Claimed::Taken(lease, state) => Ok((lease, *state)),
        Claimed::Held(holder) => Err(holder),
    }
}

#[test]
fn a_holder_that_does_nothing_for_its_time_is_taken_over_by_whoever_comes_by_then() {
    let (fs, clock) = (MemFs::new(), Arc::new(ManualClock::new(1_000)));
    let (first, second) = (timed(&fs, &clock, 1), timed(&fs, &clock, 2));
    let (mut lease, mut state) = come_by(&first).unwrap();
    // A beat and a save begin the time anew.
    for _ in 0..4 {
        assert_eq!(come_by(&second).unwrap_err().unwrap().lease_ms, 30_000);
        pass(&clock, LEASE);
        lease.beat().unwrap();
        assert!(come_by(&second).is_err());
        pass(&clock, LEASE);
        lease.save(&mut state).unwrap();
    }
    assert!(come_by(&second).is_err());
    pass(&clock, LEASE - Duration::from_millis(1));
    assert!(come_by(&second).is_err());
    // Whoever has not seen the holder before begins to count.
    assert!(come_by(&timed(&fs, &clock, 3)).is_err());
    pass(&clock, Duration::from_millis(1));
    assert!(come_by(&timed(&fs, &clock, 4)).is_err());
    let (new, _) = come_by(&second).unwrap();
    assert_eq!(new.token(), 2);
    assert!(lease.beat().is_err());
}

#[test]
fn what_was_seen_of_one_holder_is_not_taken_for_the_next() {
    let (fs, clock) = (MemFs::new(), Arc::new(ManualClock::new(1_000)));
    let (first, second) = (timed(&fs, &clock, 1), timed(&fs, &clock, 2));
    let lease = come_by(&first).unwrap();
    assert!(come_by(&second).is_err());
    drop(lease);
    let lease = come_by(&first).unwrap();
    pass(&clock, LEASE);
    assert!(come_by(&second).is_err());
    drop(lease);
    assert!(come_by(&second).is_ok());
}

#[test]
fn the_file_of_a_lease_does_not_grow_and_each_beat_is_seen() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    let (mut lease, _) = claim(&place).unwrap().unwrap();
    let path: PathBuf = lease.partition().dir().join("lease-0000000001");
    let begun = read_file(&fs, &path, 1 << 10).unwrap();
    let mut seen = vec![lease.partition().read_lease(1).unwrap()];
    for _ in 0..100 {
        lease.beat().unwrap();
        let said = lease.partition().read_lease(1).unwrap();
        assert_eq!(said.0, seen[0].0, "who holds it is said as before");
        assert!(!seen.contains(&said));
        seen.push(said);
    }
    assert_eq!(
        fs.open(&path, OpenMode::Read).unwrap().len().unwrap(),
        begun.len() as u64
    );
}

/// Whoever looks whether a holder is dead, or does what is asked for, holds the partition for that moment.
#[test]
fn a_partition_that_is_held_for_a_moment_is_waited_for() {
    let fs = MemFs::new();
    let held = claim(&place(Arc::new(fs.clone()), 1)).unwrap().unwrap();
    let partition = claimant(&place(Arc::new(fs), 2)).unwrap();
    let claimant = Claimant::new(partition.partition().clone(), LEASE);
    assert!(matches!(
        claimant.claim_soon().unwrap(),
        Claimed::Held(Some(_))
    ));
    drop(held);
    assert!(matches!(claimant.claim_soon().unwrap(), Claimed::Taken(..)));
}
