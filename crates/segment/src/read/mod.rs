//! Reading a log beside its writer: views of its segments, records by their positions, and whole scans.
//!
//! Takes no lock of a file and writes nothing. May know `scan`, `files` and what is below.

mod commit_at;
mod cursor;
mod digests;
mod footer_of;
mod frame_of;
mod list;
mod past_damage;
mod reader;
mod segment;
mod view;

pub use commit_at::CommitAt;
pub use cursor::RecordCursor;
pub use digests::{Digests, RecordPlace};
pub use footer_of::{FooterOf, FooterPart};
pub use frame_of::FrameOf;
pub use reader::LogReader;
pub(crate) use reader::Replacement;
pub use view::{LogView, OwnedRecord};
