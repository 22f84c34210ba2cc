//! The footer of a sealed segment: bytes of the caller's after the last frame.
//!
//! They are followed by a trailer, the last [`TRAILER_BYTES`] of the file:
//!
//! | field | bytes |
//! |---|---|
//! | log hash at the segment's end | 32 |
//! | length of the footer | 8 |
//! | magic `STRNDFTR` | 8 |
//! | checksum of the footer and the trailer before, salted with the segment and the footer's offset | 8 |

use crate::error::At;
use crate::file::SegmentFile;
use crate::{LogError, LogPosition, SegmentId, SegmentInfo};
use strandline_core::codec::{Reader, Writer};
use strandline_core::{Hash, Sequence};

/// Length of the trailer.
pub const TRAILER_BYTES: usize = 56;
const MAGIC: &[u8; 8] = b"STRNDFTR";
/// Most bytes of a footer that are read, trailer included: 1 GiB.
const BYTES_MAX: u64 = 1 << 30;

/// A segment that takes no more frames. Its footer may be written from any thread.
#[derive(Debug)]
pub struct SealedSegment {
    pub(crate) info: SegmentInfo,
    pub(crate) end: LogPosition,
    pub(crate) file: SegmentFile,
}

impl SealedSegment {
    /// The segment.
    #[must_use]
    pub const fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// Writes the footer and syncs it. An interrupted call leaves a damaged footer, which is
    /// noticed and can be written again.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]; the frames are not touched in any case.
    pub fn write_footer(&self, footer: &[u8]) -> Result<(), LogError> {
        let offset = u64::from(self.end.offset);
        let mut bytes = Vec::with_capacity(footer.len() + TRAILER_BYTES);
        let mut out = Writer::new(&mut bytes);
        out.bytes(footer);
        out.bytes(self.end.log_hash.as_bytes());
        out.u64(footer.len() as u64);
        out.bytes(MAGIC);
        let checksum = self.file.salt.checksum(offset, &bytes);
        Writer::new(&mut bytes).u64(checksum.0);
        let file = &self.file.file;
        let path = &self.file.path;
        file.set_len(offset).at("truncate", path)?;
        file.write_all_at(&bytes, offset).at("write", path)?;
        file.sync().at("sync", path)
    }
}

/// Reads and checks the footer of a sealed segment that ends at `end`; none if nothing was written,
/// or another process is writing it.
pub(crate) fn read(file: &SegmentFile, end: LogPosition) -> Result<Option<Vec<u8>>, LogError> {
    let found = load(file, end)?;
    match check(file, end, &found) {
        // What is being written grows from one look to the next.
        Err(_) if load(file, end)? != found => Ok(None),
        checked => Ok(checked?.map(|bytes| {
            let mut found = found;
            found.truncate(bytes);
            found
        })),
    }
}

/// What stands after the frames.
fn load(file: &SegmentFile, end: LogPosition) -> Result<Vec<u8>, LogError> {
    let offset = u64::from(end.offset);
    let length = file.len()?;
    let Some(after) = length.checked_sub(offset) else {
        return Err(LogError::corrupt(
            file.name(),
            length,
            "the file ends before its last frame does",
        ));
    };
    let bytes = usize::try_from(after).ok();
    let Some(bytes) = bytes.filter(|_| after <= BYTES_MAX) else {
        return Err(damaged(file, "it is longer than any footer"));
    };
    let mut bytes = vec![0; bytes];
    file.read(&mut bytes, offset)?;
    Ok(bytes)
}

/// The length of the footer in what stands after the frames; `None` if nothing does.
fn check(file: &SegmentFile, end: LogPosition, found: &[u8]) -> Result<Option<usize>, LogError> {
    if found.is_empty() {
        return Ok(None);
    }
    let short = || damaged(file, "it is cut short");
    let (covered, checksum) = found.split_last_chunk().ok_or_else(short)?;
    let offset = u64::from(end.offset);
    if file.salt.checksum(offset, covered).0 != u64::from_le_bytes(*checksum) {
        return Err(damaged(file, "its checksum is wrong"));
    }
    let footer_bytes = found.len().checked_sub(TRAILER_BYTES).ok_or_else(short)?;
    let trailer = found.get(footer_bytes..).unwrap_or_default();
    let mut reader = Reader::new(trailer);
    let bound = reader
        .array("log hash")
        .is_ok_and(|hash: [u8; 32]| hash == *end.log_hash.as_bytes())
        && reader
            .u64("length")
            .is_ok_and(|length| length == footer_bytes as u64)
        && reader
            .array("magic")
            .is_ok_and(|magic: [u8; 8]| magic == *MAGIC);
    if bound {
        Ok(Some(footer_bytes))
    } else {
        Err(damaged(file, "it belongs to another segment"))
    }
}

fn damaged(file: &SegmentFile, reason: &'static str) -> LogError {
    LogError::FooterDamaged {
        file: file.name(),
        reason,
    }
}

/// Where the frames of a segment end, as the trailer at `at` says, if it is one. Not checked.
pub(crate) fn claimed_end(segment: SegmentId, trailer: &[u8], at: u64) -> Option<LogPosition> {
    let mut reader = Reader::new(trailer);
    let log_hash = Hash::from_bytes(reader.array("log hash").ok()?);
    let length = reader.u64("length").ok()?;
    let magic: [u8; 8] = reader.array("magic").ok()?;
    let offset = u32::try_from(at.checked_sub(length)?).ok()?;
    (magic == *MAGIC).then_some(LogPosition {
        segment,
        offset,
        last_frame: 0,
        sequence: Sequence::ZERO,
        log_hash,
    })
}
