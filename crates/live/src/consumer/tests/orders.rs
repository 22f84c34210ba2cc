//! Two workers in every order of their steps: of a save and a claim one sees the other.

use super::turns::{TurnFs, every_order};
use super::{Partition, claim, place};
use crate::ErrorKind;
use crate::consumer::{Claimant, Claimed};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::{Fs, MemFs};

/// What a worker was told.
#[derive(Debug, Clone, Default)]
struct Told {
    /// The token, and how far the state was that was gone on from.
    claimed: Option<(u32, u64)>,
    /// How far the states were that were saved.
    saved: Vec<u64>,
}

/// Whoever claimed after a worker knows all that the worker was told is saved, whichever was told first.
fn check(told: [&Told; 2]) {
    let [one, other] = told;
    let mut both = [one, other].map(|told| (told.claimed, told.saved.last().copied()));
    both.sort_unstable();
    let [(Some((token, _)), saved), (Some((later, known)), _)] = both else {
        return;
    };
    assert_ne!(token, later, "both have one token");
    let saved = saved.unwrap_or_default();
    assert!(
        known >= saved,
        "worker {later} goes on from {known}, and {saved} was saved by worker {token}: {one:?}, {other:?}"
    );
}

/// A partition that was held before, by somebody who saved and is dead.
fn begun() -> (MemFs, PathBuf) {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    let (mut lease, mut state) = claim(&place).unwrap().unwrap();
    state.counters.handled += 1;
    lease.save(&mut state).unwrap();
    let dir = lease.partition().dir().to_path_buf();
    drop(lease);
    (fs, dir)
}

/// Claims, and saves a few times, until it is fenced.
fn work((fs, worker): (&TurnFs, usize), dir: &Path, saves: [usize; 2]) -> Told {
    let mut told = Told::default();
    let seed = if worker == 0 { 10 } else { 11 };
    let partition = Partition::new(place(Arc::new(fs.clone()), seed), dir.to_path_buf(), 0);
    let claimed = Claimant::new(partition, Duration::ZERO).try_claim();
    if fs.is_over() {
        return told;
    }
    let Claimed::Taken(mut lease, mut state) = claimed.unwrap() else {
        return told;
    };
    told.claimed = Some((lease.token(), state.counters.handled));
    for _ in 0..saves[worker] {
        state.counters.handled += 1;
        let saved = lease.save(&mut state);
        if fs.is_over() {
            return told;
        }
        match saved {
            Ok(()) => told.saved.push(state.counters.handled),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
                return told;
            }
        }
    }
    told
}

/// Whoever comes next goes on from the last save, and tidies up.
fn check_end(fs: &MemFs, dir: &Path, told: [&Told; 2]) {
    let place = place(Arc::new(fs.clone()), 20);
    let (mut lease, mut state) = claim(&place).unwrap().unwrap();
    let saved = told.iter().flat_map(|told| &told.saved).max();
    let handled = state.counters.handled;
    assert!(
        handled >= saved.copied().unwrap_or(1),
        "{handled}: {told:?}"
    );
    state.counters.handled += 1;
    lease.save(&mut state).unwrap();
    let names = fs.list_names(dir).unwrap();
    let mut names: Vec<_> = names.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names.len(), 3, "two states and a lease: {names:?}");
}

/// Goes through every order of two workers that claim and save so often. Whether the first one has claimed before the
/// other begins is said.
fn every_order_of(saves: [usize; 2], is_held: bool) -> usize {
    let (begun, dir) = begun();
    let moments = every_order(
        (&begun, &dir),
        |told| !is_held || told.claimed.is_some(),
        |fs, worker| work((fs, worker), &dir, saves),
        check,
        |fs, told| check_end(fs, &dir, told),
    );
    println!("{saves:?}, held {is_held}: {moments} moments");
    moments
}

#[test]
fn whoever_takes_over_knows_what_was_saved_in_every_order_of_steps() {
    assert!(every_order_of([2, 0], true) > 1_000);
}

#[test]
fn of_two_that_claim_at_once_each_has_another_token_or_nothing() {
    assert!(every_order_of([0, 0], false) > 1_000);
}

/// Minutes.
#[test]
#[ignore = "takes minutes; run it when claims or saves change"]
fn two_that_claim_and_save_see_each_other_in_every_order_of_steps() {
    every_order_of([1, 1], false);
    every_order_of([2, 1], true);
}
