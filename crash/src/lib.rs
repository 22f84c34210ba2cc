//! What a power cut, a failing disk and damage leave of a store, tried out.
//!
//! A [`Workload`] runs once on a simulated disk that records its steps. From them images of the disk
//! are made for a power cut after each step and in the middle of it ([`explore`]); each is opened and
//! judged ([`recover`]), and the steps of that recovery are cut in turn. [`sweep`] fails each
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

pub mod fuzz;

mod faults;
pub mod kernel;
pub mod machine;

mod disk;
mod driver;
mod expect;
mod verdict;
mod workload;

pub use disk::{Defect, Moment, Path, Point, Run, Setup};
pub use driver::Driver;
pub use expect::{EventSpec, Expected, How, Shape, Taken, Target};
pub use faults::{Failure, damage, explore, recover, red, sweep};
pub use verdict::{Ledger, Totals, Violation};
pub use workload::Workload;
