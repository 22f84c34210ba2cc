//! The systems that are always there to be measured: Strandline, and what the machine allows.
//!
//! Each is an engine; what is measured of it is not for them to know. They know `engine`, `workload` and
//! `account`.

mod accounts;
mod limit;
mod strandline;

pub use self::strandline::ENTRY as STRANDLINE;
pub(crate) use self::strandline::{event, open_growing, options};
pub(crate) use limit::ENTRY as LIMIT;
