//! Opening a log: its manifest, then its frames, then what is to be repaired, and the writer or reader
//! that comes of it.
//!
//! Whatever is decided of a bad frame is decided here, and nothing is changed before everything was read.
//! May know `write`, `read`, `scan`, `files` and what is below.

mod beside;
mod carry;
mod create;
mod log;
mod quarantine;
mod recover;
mod repairs;

pub use carry::CarriedBodies;
pub use log::UncheckedLog;
pub use quarantine::QUARANTINE_DIR;
pub use recover::{ScannedLog, TornTail};
pub use repairs::Repairs;
