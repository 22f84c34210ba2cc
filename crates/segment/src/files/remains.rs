//! What stands after the frames of a sealed segment and is not its footer: nothing, space that was set
//! aside, or remains of what was written there. Removes nothing.

use super::footer::read_trailer;
use super::segment_file::SegmentFile;
use crate::error::LogError;
use crate::format::{LogPosition, TRAILER_BYTES};

/// How much is looked at at once.
const LOOK_BYTES: u64 = 1 << 20;
/// Most bytes of space that was set aside for frames: more is not looked through for anything but
/// zeros, and a new file is made.
const SPACE_BYTES_MAX: u64 = 16 << 20;

/// Whether something stands after the frames that is neither a footer of that end, and nothing else, nor
/// space that was set aside.
pub(crate) fn has_remains(file: &SegmentFile, end: LogPosition) -> Result<bool, LogError> {
    let after = file.len()?.saturating_sub(end.offset.into());
    if let Some(footer_bytes) = after.checked_sub(TRAILER_BYTES as u64)
        && read_trailer(file, end, footer_bytes)?.is_some()
    {
        return Ok(false);
    }
    Ok(!is_unwritten(file, end.offset.into())?)
}

/// Whether nothing was written from `offset` on: there is nothing, or space that was set aside.
pub(crate) fn is_unwritten(file: &SegmentFile, mut offset: u64) -> Result<bool, LogError> {
    let length = file.len()?;
    if length.saturating_sub(offset) > SPACE_BYTES_MAX {
        return Ok(false);
    }
    while offset < length {
        let count = (length - offset).min(LOOK_BYTES);
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
        file.read(&mut bytes, offset)?;
        if bytes.is_empty() || bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += bytes.len() as u64;
    }
    Ok(true)
}
