//! The files of a log: open segments, which of them stay open, footers, the manifest, names and locks.
//!
//! Reads and writes single files, and checks that each is the one that it should be; goes through no
//! frames. May know what is below: `options`, `format` and `error`.

mod directory;
mod first_use;
mod footer;
mod lock;
mod manifest;
mod manifest_mark;
mod names;
mod open_files;
mod remains;
mod segment_file;

pub(crate) use directory::{remove, sync_parents};
pub(crate) use first_use::{LastFrame, check_length, last_frame};
pub use footer::{Footer, footer_on_disk};
pub(crate) use footer::{footer_bytes, has_footer, read_footer};
pub(crate) use lock::lock_segment;
pub(crate) use manifest::{MANIFESTS_READ_MOST, replaced_again_and_again};
pub use manifest_mark::ManifestMark;
pub(crate) use names::{
    is_own_temporary, is_segment_like, is_temporary_segment, segment_of, temporary,
};
pub(crate) use open_files::{OpenFiles, ReadFile};
pub(crate) use remains::{has_remains, is_unwritten};
pub(crate) use segment_file::{SegmentFile, read_header};
