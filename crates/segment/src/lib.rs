//! A segmented, checksummed, sealable log of atomic commits of opaque records: a write-ahead log
//! for anything.
//!
//! - A commit is one frame: its records are all there or none is.
//! - A record is bytes, and a 32-byte digest of the caller's that the log's hash chain covers.
//! - A note stands between commits: bytes of the caller's about the log itself, in its chain, and of no
//!   sequence.
//! - A record can be read alone, by its position, and is checked then.
//! - Opening tells a tail that a crash tore, which is kept aside and left out, from damage to what
//!   was durable, which is an error with file and offset.
//! - What is not proven durable when the log is opened goes into a new file before it is shown.
//! - Full segments are sealed, and take a footer of the caller's: an index of them, say.
//!
//! Knows nothing of what the records mean. When to sync is the caller's business:
//! [`LogWriter::active`] gives a handle for that.
//!
//! ```
//! use std::sync::Arc;
//! use strandline_core::fs::MemFs;
//! use strandline_core::{Hash, Random, Sequence};
//! use strandline_segment::{CommitBuffer, LogOptions, UncheckedLog};
//!
//! let (fs, dir) = (Arc::new(MemFs::new()), std::path::Path::new("/log"));
//! let random = Random::from_os()?;
//! let log = UncheckedLog::create(fs.clone(), dir, LogOptions::default(), &random)?;
//! let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, std::io::Error>(()))?;
//! let (mut writer, reader, _) = scanned.into_writer(&random)?;
//!
//! let mut commit = CommitBuffer::default();
//! for body in [b"one", b"two"] {
//!     commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
//! }
//! let appended = writer.append(&mut commit, Sequence::ZERO, Sequence::ZERO)?;
//! writer.active().sync()?;
//! let second = commit.positions(appended.start).nth(1).unwrap();
//! assert_eq!(reader.view().read(second)?.body, b"two");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod beside;
mod carry;
mod commit;
mod copy;
mod cursor;
mod error;
mod examine;
mod file;
mod follow;
mod footer;
mod format;
mod frame;
mod frame_of;
mod layout;
mod lock;
mod log;
mod manifest;
mod mapped;
mod next;
mod on_disk;
mod open_files;
mod options;
mod pieces;
mod position;
mod quarantine;
mod reader;
mod recover;
mod remains;
mod repairs;
mod rewrite;
mod scan;
mod sealed;
mod sealed_segment;
mod space;
mod stretch;
mod target;
mod writer;

pub use carry::CarriedBodies;
pub use commit::{CommitBuffer, FramePlace};
pub use copy::{CopiedLog, CopyMode, CopyOptions, StagedCopy};
pub use cursor::RecordCursor;
pub use error::{AppendError, LogError, ScanError};
pub use examine::{Examiner, FooterFound};
pub use follow::LogFollower;
pub use footer::{FOOTER_BYTES_MAX, Footer, TRAILER_BYTES};
pub use format::{
    COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, FORMAT_VERSION, FRAME_ALIGNMENT, MANIFEST_FILE,
    QUARANTINE_DIR, SEGMENT_HEADER_BYTES, SegmentHeader,
};
pub use frame::{
    FRAME_HEADER_BYTES, Frame, FrameHeader, FrameRecord, RECORD_HEADER_BYTES, RecordRef,
};
pub use frame_of::FrameOf;
pub use layout::{
    FRAME_HEADER_LAYOUT, MANIFEST_ENTRY_LAYOUT, MANIFEST_HEAD_LAYOUT, RECORD_HEADER_LAYOUT,
    SEGMENT_HEADER_LAYOUT, TRAILER_LAYOUT,
};
pub use log::{LogIdentity, UncheckedLog};
pub use manifest::{MANIFEST_VERSION, Manifest, SegmentInfo};
pub use next::{NextSegment, is_unused};
pub use on_disk::footer_on_disk;
pub use options::{
    LogOptions, SEGMENT_BYTES_LEAST, SEGMENT_BYTES_MOST, SEGMENT_RECORDS_MAX_DEFAULT,
};
pub use pieces::{Examined, Piece};
pub use position::{LogPosition, RecordPosition, SegmentId};
pub use reader::{LogReader, LogView, OwnedRecord};
pub use recover::{ScannedLog, TornTail};
pub use remains::remove_leftovers;
pub use repairs::Repairs;
pub use rewrite::{RewrittenSegment, SegmentRewrite, SupersededFiles, SwitchedLog};
pub use sealed::SealedFrames;
pub use sealed_segment::SealedSegment;
pub use writer::{Appended, LogWriter, SyncHandle};
