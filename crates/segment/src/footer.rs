//! The footer of a sealed segment: bytes of the caller's after the last frame.
//!
//! They are followed by a trailer, the last [`TRAILER_BYTES`] of the file:
//!
//! | field | bytes |
//! |---|---|
//! | log hash at the segment's end | 32 |
//! | length of the footer | 8 |
//! | checksum of the footer, salted with the segment, at the footer's offset | 8 |
//! | magic `STRNDFTR` | 8 |
//! | checksum of the trailer before, salted with the segment, at the trailer's offset | 8 |
//!
//! So a footer can be found without being read, and whoever has checksums of its own in it can check
//! it piece by piece.

use crate::error::At;
use crate::file::SegmentFile;
use crate::sealed::SealedFrames;
use crate::{LogError, LogPosition, SegmentId, SegmentInfo};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::fs::Mapping;
use strandline_core::{Checksum, Hash, Salt, Sequence};

/// Length of the trailer.
pub const TRAILER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"STRNDFTR";
/// Most bytes of a footer, trailer included: 1 GiB.
pub const FOOTER_BYTES_MAX: u64 = 1 << 30;

/// A segment that takes no more frames. Its footer may be written from any thread.
#[derive(Debug)]
pub struct SealedSegment {
    pub(crate) info: SegmentInfo,
    pub(crate) end: LogPosition,
    /// To write to.
    pub(crate) file: SegmentFile,
    /// What readers have: whatever is kept of this keeps no descriptor of its own.
    pub(crate) read: SegmentFile,
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
    /// [`LogError::TooLarge`] over [`FOOTER_BYTES_MAX`], which nobody would read; [`LogError::Io`]. The
    /// frames are not touched in any case.
    pub fn write_footer(&self, footer: &[u8]) -> Result<(), LogError> {
        let found = (footer.len() as u64).saturating_add(TRAILER_BYTES as u64);
        if found > FOOTER_BYTES_MAX {
            return Err(LogError::TooLarge {
                what: "a footer",
                found,
                limit: FOOTER_BYTES_MAX,
            });
        }
        let offset = u64::from(self.end.offset);
        let mut trailer = Vec::with_capacity(TRAILER_BYTES);
        let mut out = Writer::new(&mut trailer);
        out.bytes(self.end.log_hash.as_bytes());
        out.u64(footer.len() as u64);
        out.u64(self.file.salt.checksum(offset, footer).0);
        out.bytes(MAGIC);
        let place = offset.saturating_add(footer.len() as u64);
        let checksum = self.file.salt.checksum(place, &trailer);
        Writer::new(&mut trailer).u64(checksum.0);
        let file = &self.file.file;
        let path = &self.file.path;
        file.set_len(offset).at("truncate", path)?;
        file.write_all_at(footer, offset).at("write", path)?;
        file.write_all_at(&trailer, place).at("write", path)?;
        file.sync().at("sync", path)
    }

    /// Its frames.
    #[must_use]
    pub fn frames(&self) -> Option<SealedFrames> {
        SealedFrames::new(self.info, self.read.clone())
    }

    /// The footer that was written, mapped where that is asked for and can be done; see
    /// [`UncheckedLog::footer`](crate::UncheckedLog::footer).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn footer(&self, mapped: bool) -> Result<Option<Footer>, LogError> {
        read(&self.read, self.end, mapped)
    }
}

/// The footer of a sealed segment, found and not yet read: only its trailer was checked.
#[derive(Debug, Clone)]
pub struct Footer {
    bytes: FooterBytes,
    salt: Salt,
    offset: u64,
    checksum: Checksum,
}

#[derive(Debug, Clone)]
enum FooterBytes {
    Owned(Arc<Vec<u8>>),
    Mapped(Mapping, Range<usize>),
}

impl Footer {
    /// Checks every byte. O(bytes).
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.salt.checksum(self.offset, self.as_ref()) == self.checksum
    }
}

impl AsRef<[u8]> for Footer {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.bytes {
            FooterBytes::Owned(bytes) => bytes,
            FooterBytes::Mapped(mapping, range) => mapping.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// Finds the footer of a sealed segment that ends at `end`; none if nothing was written, or another
/// process is writing it. Maps it where that is asked for and can be done, else reads it.
pub(crate) fn read(
    file: &SegmentFile,
    end: LogPosition,
    mapped: bool,
) -> Result<Option<Footer>, LogError> {
    let length = file.len()?;
    match find(file, end, length, mapped) {
        // What is being written grows from one look to the next.
        Err(LogError::FooterDamaged { .. }) if file.len()? != length => Ok(None),
        found => found,
    }
}

fn find(
    file: &SegmentFile,
    end: LogPosition,
    length: u64,
    mapped: bool,
) -> Result<Option<Footer>, LogError> {
    let offset = u64::from(end.offset);
    let Some(after) = length.checked_sub(offset) else {
        return Err(LogError::corrupt(
            file.name(),
            length,
            "the file ends before its last frame does",
        ));
    };
    if after == 0 {
        return Ok(None);
    }
    if after > FOOTER_BYTES_MAX {
        return Err(damaged(file, "it is longer than any footer"));
    }
    let Some(footer_bytes) = after.checked_sub(TRAILER_BYTES as u64) else {
        let mut rest = vec![0; TRAILER_BYTES];
        file.read(&mut rest, offset)?;
        let is_zero = rest.iter().all(|byte| *byte == 0);
        let cut_short = || damaged(file, "it is cut short");
        return is_zero.then_some(None).ok_or_else(cut_short);
    };
    let Some(checksum) = read_trailer(file, end, footer_bytes)? else {
        return Ok(None);
    };
    let (Ok(start), Ok(bytes)) = (usize::try_from(offset), usize::try_from(footer_bytes)) else {
        return Err(damaged(file, "it does not fit in memory"));
    };
    let mapping = if mapped { file.file.map(length) } else { None };
    let bytes = match mapping {
        Some(mapping) => FooterBytes::Mapped(mapping, start..start + bytes),
        None => {
            let mut buffer = vec![0; bytes];
            file.read(&mut buffer, offset)?;
            FooterBytes::Owned(Arc::new(buffer))
        }
    };
    Ok(Some(Footer {
        bytes,
        salt: file.salt,
        offset,
        checksum,
    }))
}

/// Checks the trailer after a footer of this length, and gives the checksum of the footer. Zeros
/// are no trailer: they are space that was set aside for frames.
fn read_trailer(
    file: &SegmentFile,
    end: LogPosition,
    footer_bytes: u64,
) -> Result<Option<Checksum>, LogError> {
    let place = u64::from(end.offset) + footer_bytes;
    let mut trailer = vec![0; TRAILER_BYTES];
    file.read(&mut trailer, place)?;
    if trailer.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let (covered, checksum) = trailer
        .split_last_chunk()
        .ok_or_else(|| damaged(file, "it is cut short"))?;
    if file.salt.checksum(place, covered).0 != u64::from_le_bytes(*checksum) {
        return Err(damaged(file, "the checksum of its trailer is wrong"));
    }
    let mut reader = Reader::new(covered);
    let mut read = || {
        Ok::<_, DecodeError>((
            reader.array::<32>("log hash")?,
            reader.u64("length")?,
            reader.u64("checksum")?,
            reader.array::<8>("magic")?,
        ))
    };
    match read() {
        Ok((hash, length, checksum, magic))
            if hash == *end.log_hash.as_bytes() && length == footer_bytes && magic == *MAGIC =>
        {
            Ok(Some(Checksum(checksum)))
        }
        _ => Err(damaged(file, "it belongs to another segment")),
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
    reader.u64("checksum").ok()?;
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
