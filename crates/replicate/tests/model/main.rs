//! The protocol of replication, model-checked: the shipped machines in every order of what can happen, within bounds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a model fails by panicking"
)]

mod bucket;
mod properties;
mod replica;
mod world;
mod writer;

use stateright::{Checker, Model};
use strandline_replicate::protocol::Window;
use world::Bounds;

/// Two beginnings of two writers, each of which appends an event; one PUT goes wrong.
const SMALL: Bounds = Bounds {
    owners: &[0, 1],
    events: 1,
    eventful: u64::MAX,
    beginnings: 2,
    once: false,
    faults: 1,
    states: 0,
    deletions: 0,
    replica: false,
    pages: false,
    window: Window {
        chunks: 2,
        checks: 1,
    },
};

/// Goes through all that can happen within the bounds.
fn check(bounds: Bounds) {
    let checker = bounds.checker().threads(2).spawn_bfs().join();
    println!(
        "{} states, the farthest after {} actions",
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
}

#[test]
fn what_is_acknowledged_is_taken_along() {
    check(Bounds {
        beginnings: 3,
        ..SMALL
    });
}

#[test]
fn what_has_a_hole_is_not_acknowledged() {
    check(Bounds {
        events: 2,
        pages: true,
        ..SMALL
    });
}

#[test]
fn a_number_is_tried_with_one_content() {
    let window = Window {
        chunks: 1,
        checks: 2,
    };
    check(Bounds {
        events: 2,
        window,
        ..SMALL
    });
}

#[test]
fn what_is_needed_is_not_deleted() {
    check(Bounds {
        states: 1,
        deletions: 1,
        ..SMALL
    });
}

/// The second state of a writer lists a part that has more than that of the first.
#[test]
fn a_part_that_has_more_is_not_deleted() {
    check(Bounds {
        events: 2,
        eventful: 1,
        once: true,
        faults: 0,
        states: 2,
        deletions: 1,
        ..SMALL
    });
}

#[test]
fn a_copied_machine_is_fenced() {
    check(Bounds {
        owners: &[0, 0],
        beginnings: 3,
        ..SMALL
    });
}

#[test]
fn a_replica_shows_what_stays() {
    check(Bounds {
        replica: true,
        beginnings: 3,
        faults: 0,
        ..SMALL
    });
}

#[test]
fn a_replica_misses_nothing() {
    check(Bounds {
        replica: true,
        events: 2,
        ..SMALL
    });
}

/// Of four writers only the first appends; the others are slow.
#[test]
fn a_state_that_comes_late_misleads_no_replica() {
    check(Bounds {
        owners: &[0, 1, 2, 3],
        once: true,
        eventful: 1,
        beginnings: 4,
        faults: 0,
        replica: true,
        ..SMALL
    });
}

#[test]
fn a_replica_that_was_away_finds_its_way() {
    check(Bounds {
        states: 1,
        deletions: 1,
        faults: 0,
        replica: true,
        ..SMALL
    });
}

#[test]
#[ignore = "takes minutes: run nightly"]
fn what_is_acknowledged_is_taken_along_by_many() {
    check(Bounds {
        owners: &[0, 1, 2, 3],
        once: true,
        beginnings: 4,
        ..SMALL
    });
}

#[test]
#[ignore = "takes minutes: run nightly"]
fn what_is_needed_by_a_replica_is_not_deleted() {
    check(Bounds {
        states: 1,
        deletions: 1,
        replica: true,
        ..SMALL
    });
}
