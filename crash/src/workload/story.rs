//! `Workload`: a story, what is said about it, and what stories are made with.

use crate::driver::Driver;
use crate::verdict::Violation;
use strandline::fs::{Fill, Keep, Loss};

/// A story that a driver's store lives through.
#[derive(Debug)]
pub struct Workload {
    /// What it is called.
    pub name: &'static str,
    /// Whether every append in it is synced.
    pub synced_only: bool,
    /// Whether some of its calls fail by themselves.
    pub failing: bool,
    /// Whether it has many steps, of which a bounded run tries a part.
    pub long: bool,
    /// How many events fill a segment, where the rows of segments are merged all the time.
    pub segment_events: Option<u32>,
    /// Comes before it, on a disk that is well.
    pub before: fn(&mut Driver) -> Result<(), Violation>,
    /// Does it.
    pub run: fn(&mut Driver) -> Result<(), Violation>,
}

pub(super) const fn mixed(
    name: &'static str,
    run: fn(&mut Driver) -> Result<(), Violation>,
) -> Workload {
    Workload {
        name,
        synced_only: false,
        failing: false,
        long: false,
        segment_events: None,
        before: |_| Ok(()),
        run,
    }
}

pub(super) const fn synced(
    name: &'static str,
    run: fn(&mut Driver) -> Result<(), Violation>,
) -> Workload {
    Workload {
        synced_only: true,
        ..mixed(name, run)
    }
}

pub(super) const fn failing(
    name: &'static str,
    run: fn(&mut Driver) -> Result<(), Violation>,
) -> Workload {
    Workload {
        failing: true,
        ..mixed(name, run)
    }
}

pub(super) const fn long(
    name: &'static str,
    run: fn(&mut Driver) -> Result<(), Violation>,
) -> Workload {
    Workload {
        long: true,
        ..mixed(name, run)
    }
}

/// A power cut that leaves some of what was not synced.
pub(super) const fn torn(seed: u64) -> Loss {
    Loss {
        keep: Keep::Any,
        fill: Fill::Random,
        seed,
    }
}
