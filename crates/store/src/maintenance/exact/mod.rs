//! A log entry by entry, with everything that its hashes cover: [`read_log`] tells them, [`write_log`] makes a copy of
//! the log of them, which has the same hashes, and [`check_log`] whether that could be made.
//!
//! What entries look like outside is the caller's. Knows how a log is made in the place of nothing, and how a store is
//! verified; it is above every other verb of maintenance, and none knows it.

mod chains;
mod checking;
mod entry;
mod names;
mod open_run;
mod read;
mod write;
mod writing;

pub use checking::{LogChecking, check_log};
pub use entry::{LogEnd, LogEntry, LogRecord, LogRun};
pub use read::{log_origin, read_log};
pub use strandline_segment::LogOrigin;
pub use write::write_log;
pub use writing::LogWriting;
