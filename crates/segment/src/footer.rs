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
//!
//! What stands after the last frame and is no footer of this segment at this end is nothing: space
//! that was set aside, or what was written and never durable.

use crate::file::SegmentFile;
use crate::{LogError, LogPosition, SegmentId};
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

/// The trailer after this footer of a segment that ends at `end`.
pub(crate) fn trailer(salt: Salt, end: LogPosition, footer: &[u8]) -> Vec<u8> {
    let offset = u64::from(end.offset);
    let mut trailer = Vec::with_capacity(TRAILER_BYTES);
    let mut out = Writer::new(&mut trailer);
    out.bytes(end.log_hash.as_bytes());
    out.u64(footer.len() as u64);
    out.u64(salt.checksum(offset, footer).0);
    out.bytes(MAGIC);
    let place = offset.saturating_add(footer.len() as u64);
    let checksum = salt.checksum(place, &trailer);
    Writer::new(&mut trailer).u64(checksum.0);
    trailer
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

/// Whether a footer of a segment that ends at `end` is there, going by its trailer.
pub(crate) fn is_there(file: &SegmentFile, end: LogPosition) -> Result<bool, LogError> {
    let least = u64::from(end.offset) + TRAILER_BYTES as u64;
    match file.len()?.checked_sub(least) {
        Some(footer_bytes) => Ok(read_trailer(file, end, footer_bytes)?.is_some()),
        None => Ok(false),
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
    let checksum = match after.checked_sub(TRAILER_BYTES as u64) {
        Some(footer_bytes) => read_trailer(file, end, footer_bytes)?,
        None => None,
    };
    let Some(checksum) = checksum else {
        return match has_remains(file, end, length)? {
            true => Err(damaged(file, "its trailer is cut short or damaged")),
            false => Ok(None),
        };
    };
    if after > FOOTER_BYTES_MAX {
        return Err(damaged(file, "it is longer than any footer"));
    }
    let footer_bytes = after.saturating_sub(TRAILER_BYTES as u64);
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

/// The checksum of the footer of this length, if its trailer is one of this segment at this end.
///
/// Others are none: zeros are space that was set aside for frames, and what else may stand there are
/// frames that were never durable, after which the segment was not written on, or the footer of
/// another end.
pub(crate) fn read_trailer(
    file: &SegmentFile,
    end: LogPosition,
    footer_bytes: u64,
) -> Result<Option<Checksum>, LogError> {
    let place = u64::from(end.offset) + footer_bytes;
    let mut trailer = vec![0; TRAILER_BYTES];
    file.read(&mut trailer, place)?;
    let Some((covered, checksum)) = trailer.split_last_chunk() else {
        return Ok(None);
    };
    if file.salt.checksum(place, covered).0 != u64::from_le_bytes(*checksum) {
        return Ok(None);
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
    Ok(match read() {
        Ok((hash, length, checksum, magic))
            if hash == *end.log_hash.as_bytes() && length == footer_bytes && magic == *MAGIC =>
        {
            Some(Checksum(checksum))
        }
        _ => None,
    })
}

/// Whether the file ends in what is left of a trailer of this segment at this end: the log hash there,
/// which nothing else has after the frames, or the magic in its place and a checksum that is wrong.
fn has_remains(file: &SegmentFile, end: LogPosition, length: u64) -> Result<bool, LogError> {
    let place = length.saturating_sub(2 * TRAILER_BYTES as u64);
    let place = place.max(end.offset.into());
    let mut rest = vec![0; 2 * TRAILER_BYTES];
    file.read(&mut rest, place)?;
    let hash = end.log_hash.as_bytes();
    let is_own = |window: &[u8]| window == hash && end.log_hash != Hash::ZERO;
    if rest.windows(hash.len()).any(is_own) {
        return Ok(true);
    }
    let Some((before, trailer)) = rest.split_last_chunk::<TRAILER_BYTES>() else {
        return Ok(false);
    };
    let Some((covered, checksum)) = trailer.split_last_chunk() else {
        return Ok(false);
    };
    let place = place + before.len() as u64;
    let is_right = file.salt.checksum(place, covered).0 == u64::from_le_bytes(*checksum);
    Ok(covered.ends_with(MAGIC) && !is_right)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SegmentHeader;
    use std::path::Path;
    use strandline_core::fs::{Fs, MemFs, OpenMode};

    /// A segment that is sealed before the end of its file, where the trailer of another end stands.
    #[test]
    fn the_footer_of_another_end_is_none() {
        let header = SegmentHeader {
            identity: [1; 16],
            id: SegmentId::FIRST,
            generation: 0,
            nonce: [2; 16],
            first_sequence: Sequence::ZERO,
            base_log_hash: Hash::ZERO,
        };
        let later = LogPosition {
            offset: 1000,
            log_hash: Hash::of(b"later"),
            ..header.start()
        };
        let path = Path::new("/f");
        let file = MemFs::new().open(path, OpenMode::Create).unwrap();
        let file = SegmentFile::new(&header, path.into(), file);
        file.file.write_all_at(&[7; 1000], 0).unwrap();
        file.file.write_all_at(b"index", 1000).unwrap();
        let trailer = trailer(file.salt, later, b"index");
        file.file.write_all_at(&trailer, 1005).unwrap();
        assert!(read(&file, later, false).unwrap().is_some());
        let earlier = LogPosition {
            offset: 500,
            log_hash: Hash::of(b"earlier"),
            ..later
        };
        for end in [
            earlier,
            LogPosition {
                offset: 1000,
                ..earlier
            },
        ] {
            assert!(read(&file, end, false).unwrap().is_none());
        }
        // A trailer that is damaged is told, though another end is looked for: it has the magic.
        file.file.write_all_at(&[1], 1005).unwrap();
        for end in [earlier, later] {
            let found = read(&file, end, false);
            assert!(matches!(found, Err(LogError::FooterDamaged { .. })));
        }
    }
}
