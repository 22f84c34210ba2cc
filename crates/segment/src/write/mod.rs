//! Writing to a log: commits and rotations, the footer of a sealed segment, the rewriting of one.
//!
//! Finds out nothing about what is on the disk: it is told where the log ends by `open`. When to sync is
//! the caller's business. May know `read`, `scan`, `files` and what is below.

mod append_run;
mod claims;
mod fold;
mod frames;
mod into_copy;
mod leftovers;
mod next;
mod open_run;
mod rewrite;
mod rotate;
mod sealed_segment;
mod space;
mod sync_handle;
mod target;
mod writer;

pub use fold::Folding;
pub use leftovers::remove_leftovers;
pub use next::{NextSegment, is_unused};
pub use rewrite::{RewrittenSegment, SegmentRewrite, SupersededFiles, SwitchedLog};
pub use sealed_segment::SealedSegment;
pub use sync_handle::SyncHandle;
pub(crate) use target::Target;
pub use writer::{Appended, LogWriter};
