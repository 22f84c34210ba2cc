//! `Footer`: the bytes of the caller's after the last frame of a sealed segment, found by their trailer.
//!
//! Does not write them, and knows nothing of what they say. What the trailer has is in `format`.

use super::segment_file::SegmentFile;
use crate::error::LogError;
use crate::format::{
    FOOTER_BYTES_MAX, LogPosition, SegmentInfo, TRAILER_BYTES, TRAILER_MAGIC, decode_trailer,
};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, Mapping, OpenMode};
use strandline_core::{Checksum, Hash, Salt};

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
pub(crate) fn read_footer(
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

/// Reads the footer of a segment from its file in `dir`, by its name, whoever has it open or mapped; `None`
/// if it has none, or is active. O(bytes of the footer), all of which are in memory after it.
///
/// # Errors
///
/// [`LogError::SegmentMissing`] if the file is not there, [`LogError::FooterDamaged`] if its trailer is
/// not what was written, [`LogError::Corrupt`] if the file is another one, [`LogError::Io`].
pub fn footer_on_disk(
    fs: &dyn Fs,
    dir: &Path,
    info: &SegmentInfo,
) -> Result<Option<Footer>, LogError> {
    let Some(end) = info.end() else {
        return Ok(None);
    };
    let file = SegmentFile::open(fs, dir, info.header(), OpenMode::Read)?;
    read_footer(&file, end, false)
}

/// Whether a footer of a segment that ends at `end` is there, going by its trailer.
pub(crate) fn has_footer(file: &SegmentFile, end: LogPosition) -> Result<bool, LogError> {
    let least = u64::from(end.offset) + TRAILER_BYTES as u64;
    match file.len()?.checked_sub(least) {
        Some(footer_bytes) => Ok(read_trailer(file, end, footer_bytes)?.is_some()),
        None => Ok(false),
    }
}

/// How long the footer of a sealed segment that ends at `end` is; none if nothing was written, or another
/// process is writing it.
pub(crate) fn footer_bytes(file: &SegmentFile, end: LogPosition) -> Result<Option<u64>, LogError> {
    let length = file.len()?;
    match look(file, end, length) {
        // What is being written grows from one look to the next.
        Err(LogError::FooterDamaged { .. }) if file.len()? != length => Ok(None),
        found => Ok(found?.map(|(bytes, _)| bytes)),
    }
}

/// Length and checksum of the footer in a file of this length, if there is one.
fn look(
    file: &SegmentFile,
    end: LogPosition,
    length: u64,
) -> Result<Option<(u64, Checksum)>, LogError> {
    let Some(after) = length.checked_sub(u64::from(end.offset)) else {
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
        return match has_trailer_remains(file, end, length)? {
            true => Err(damaged(file, "its trailer is cut short or damaged")),
            false => Ok(None),
        };
    };
    if after > FOOTER_BYTES_MAX {
        return Err(damaged(file, "it is longer than any footer"));
    }
    let footer_bytes = after.saturating_sub(TRAILER_BYTES as u64);
    Ok(Some((footer_bytes, checksum)))
}

fn find(
    file: &SegmentFile,
    end: LogPosition,
    length: u64,
    mapped: bool,
) -> Result<Option<Footer>, LogError> {
    let offset = u64::from(end.offset);
    let Some((footer_bytes, checksum)) = look(file, end, length)? else {
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

/// The checksum of the footer of this length, if its trailer is one of this segment at this end.
pub(super) fn read_trailer(
    file: &SegmentFile,
    end: LogPosition,
    footer_bytes: u64,
) -> Result<Option<Checksum>, LogError> {
    let mut trailer = vec![0; TRAILER_BYTES];
    file.read(&mut trailer, u64::from(end.offset) + footer_bytes)?;
    Ok(decode_trailer(file.salt, &end, footer_bytes, &trailer))
}

/// Whether the file ends in what is left of a trailer of this segment at this end: the log hash there,
/// which nothing else has after the frames, or the magic in its place and a checksum that is wrong.
fn has_trailer_remains(
    file: &SegmentFile,
    end: LogPosition,
    length: u64,
) -> Result<bool, LogError> {
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
    Ok(covered.ends_with(TRAILER_MAGIC) && !is_right)
}

fn damaged(file: &SegmentFile, reason: &'static str) -> LogError {
    LogError::FooterDamaged {
        file: file.name(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{SegmentHeader, SegmentId, encode_trailer};
    use std::path::Path;
    use strandline_core::Sequence;
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
            has_runs: false,
        };
        let later = LogPosition {
            offset: 1000,
            log_hash: Hash::of(b"later"),
            ..header.start()
        };
        let path = Path::new("/f");
        let file = MemFs::new().open(path, OpenMode::Create).unwrap();
        let file = SegmentFile::new(&header, path.to_path_buf(), file);
        file.file.write_all_at(&[7; 1000], 0).unwrap();
        file.file.write_all_at(b"index", 1000).unwrap();
        let trailer = encode_trailer(file.salt, later, b"index");
        file.file.write_all_at(&trailer, 1005).unwrap();
        assert!(read_footer(&file, later, false).unwrap().is_some());
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
            assert!(read_footer(&file, end, false).unwrap().is_none());
        }
        // A trailer that is damaged is told, though another end is looked for: it has the magic.
        file.file.write_all_at(&[1], 1005).unwrap();
        for end in [earlier, later] {
            let found = read_footer(&file, end, false);
            assert!(matches!(found, Err(LogError::FooterDamaged { .. })));
        }
    }
}
