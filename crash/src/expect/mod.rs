//! What must be: the events, copies and bytes that a store owes, and whether it has them.
//!
//! It does nothing to a store but read it. It knows verdicts, and no disk and no workload.

mod copy;
mod event;
mod expected;
mod held;
mod loud;
mod taken;

pub(crate) use copy::Copy;
pub use copy::{How, Target};
pub use event::{EventSpec, Shape};
pub use expected::Expected;
pub(crate) use held::{Contents, while_held};
pub(crate) use loud::{Files, expect_loud};
pub use taken::Taken;
