//! The bytes of a log and what they say: positions, the header of a segment, frames, the trailer of a
//! footer, the manifest.
//!
//! Encodes, decodes and checks; opens no file and decides nothing. May know `error` alone.

mod commit;
mod frame;
mod frame_header;
mod header;
mod layout;
mod limits;
mod manifest;
mod origin;
mod position;
mod put;
mod run;
mod segment_info;
mod trailer;
mod went_on;

pub use commit::{CommitBuffer, FramePlace};
pub use frame::{Frame, FrameRecord, RECORD_HEADER_BYTES, RecordRef};
pub(crate) use frame::{RUN_IN_OTHERS, records_checksum};
pub(crate) use frame_header::MAGIC;
pub use frame_header::{FRAME_HEADER_BYTES, FrameHeader};
pub use header::{FORMAT_VERSION, LogIdentity, SEGMENT_HEADER_BYTES, SegmentHeader};
pub use layout::{
    FRAME_HEADER_LAYOUT, MANIFEST_ENTRY_LAYOUT, MANIFEST_HEAD_LAYOUT, RECORD_HEADER_LAYOUT,
    SEGMENT_HEADER_LAYOUT, TRAILER_LAYOUT,
};
pub use limits::{COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, FRAME_ALIGNMENT};
pub(crate) use manifest::MANIFEST_MAGIC;
pub use manifest::{BUCKET_FILE, MANIFEST_FILE, MANIFEST_VERSION, Manifest};
pub use origin::LogOrigin;
pub use position::{LogPosition, RecordPosition, SegmentId};
pub use run::{RUN_KEPT_MAX, RUN_SEQUENCES_MAX, run_head_bytes};
pub(crate) use run::{RunHead, encode_run};
pub use segment_info::SegmentInfo;
pub use trailer::{FOOTER_BYTES_MAX, TRAILER_BYTES};
pub(crate) use trailer::{TRAILER_MAGIC, claimed_end, decode_trailer, encode_trailer};

/// Name of the file that a directory has into which a bucket is followed: how far that is. What is written to the log there
/// by anybody else would contradict what comes next.
pub const FOLLOWED_FILE: &str = "FOLLOWED";
