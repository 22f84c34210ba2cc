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

mod copy;
mod error;
mod files;
mod follow;
mod format;
mod open;
mod options;
mod read;
mod receive;
mod scan;
mod write;

pub use copy::{CopiedLog, CopyMode, CopyOptions, StagedCopy};
pub use error::{AppendError, LogError, ScanError};
pub use files::{Footer, ManifestMark, footer_on_disk};
pub use follow::LogFollower;
pub use format::{
    BUCKET_FILE, COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, CommitBuffer, FOLLOWED_FILE,
    FOOTER_BYTES_MAX, FORMAT_VERSION, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_HEADER_LAYOUT,
    Frame, FrameHeader, FramePlace, FrameRecord, LogIdentity, LogOrigin, LogPosition,
    MANIFEST_ENTRY_LAYOUT, MANIFEST_FILE, MANIFEST_HEAD_LAYOUT, MANIFEST_VERSION, Manifest,
    RECORD_HEADER_BYTES, RECORD_HEADER_LAYOUT, RUN_KEPT_MAX, RUN_SEQUENCES_MAX, RecordPosition,
    RecordRef, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_LAYOUT, SegmentHeader, SegmentId, SegmentInfo,
    TRAILER_BYTES, TRAILER_LAYOUT, run_head_bytes,
};
pub use open::{CarriedBodies, QUARANTINE_DIR, Repairs, ScannedLog, TornTail, UncheckedLog};
pub use options::{
    LogOptions, SEGMENT_BYTES_LEAST, SEGMENT_BYTES_MOST, SEGMENT_RECORDS_MAX_DEFAULT,
};
pub use read::{
    CommitAt, Digests, FooterOf, FooterPart, FrameOf, LogReader, LogView, OwnedRecord,
    RecordCursor, RecordPlace,
};
pub use receive::LogReceiver;
pub use scan::{Examined, Examiner, FooterFound, Piece, SealedFrames};
pub use write::{
    Appended, Folding, LogWriter, NextSegment, RewrittenSegment, SealedSegment, SegmentRewrite,
    SupersededFiles, SwitchedLog, SyncHandle, is_unused, remove_leftovers,
};
