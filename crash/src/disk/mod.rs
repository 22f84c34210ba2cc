//! The simulated disk under a store: what was done on it, what had to be there at each step, where the
//! power is cut, and the probe in between.
//!
//! It knows what is expected, and not who drives the store.

mod defect;
mod marks;
mod point;
mod probe;
mod run;

pub use defect::Defect;
pub(crate) use marks::Marks;
pub use point::{Moment, Path, Point};
pub(crate) use probe::ProbeFs;
pub use run::{Run, Setup};
