//! What a power cut, a failing disk and damage leave of a store, tried out.
//!
//! A [`Workload`] runs once on a simulated disk that records its steps. From them images of the disk
//! are made for a power cut after each step and in the middle of it ([`explore`]); each is opened and
//! judged ([`Driver`]), and the steps of that recovery are cut in turn. [`sweep`] fails each
//! operation instead. [`damage`] changes the bytes of a closed store. [`kernel`] does without the
//! simulation: processes, and file systems of the running kernel. [`machine`] holds a store to a model.
//!
//! Everything follows from a seed, so a violation repeats from its one line.
//!
//! Knows the store through its public interface alone.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a harness that fails by panicking fails loudly enough"
)]

pub mod damage;
mod driver;
mod expect;
pub mod explore;
pub mod fuzz;
mod held;
pub mod kernel;
mod ledger;
mod loud;
pub mod machine;
mod point;
mod probe;
pub mod red;
mod run;
pub mod sweep;
mod taken;
mod workload;

pub use driver::{Driver, How, Target};
pub use expect::{EventSpec, Expected, Shape};
pub use ledger::{Ledger, Totals};
pub use point::{Moment, Path, Point};
pub use probe::Defect;
pub use run::{Run, Setup};
pub use taken::Taken;
pub use workload::{WORKLOADS, Workload};

use std::fmt;
use strandline::{Error, ErrorKind, Store};

/// Something that must not be.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What was seen.
    pub message: String,
    /// How many events that were acknowledged as synced are missing.
    pub lost: u64,
}

impl Violation {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            lost: 0,
        }
    }

    pub(crate) fn lost(message: impl Into<String>, lost: u64) -> Self {
        Self {
            message: message.into(),
            lost,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Violation {}

/// Whether an error says that what is on the disk cannot be believed.
pub(crate) fn is_typed(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Corrupt
            | ErrorKind::LogBehindCheckpoint
            | ErrorKind::UnsupportedVersion
            | ErrorKind::NotFound
    )
}

/// Checks every checksum and chain of a store.
pub(crate) fn expect_whole(store: &Store) -> Result<(), Violation> {
    match store.verify() {
        Ok(report) if report.is_intact() => Ok(()),
        Ok(report) => {
            let first = report.problems.first().map(ToString::to_string);
            Err(Violation::new(format!("verification finds {first:?}")))
        }
        Err(error) => Err(Violation::new(format!("verification fails: {error:?}"))),
    }
}
