//! Whether bytes in memory are the frames of a segment from one place to another. Reads no file.

use crate::error::LogError;
use crate::format::{
    COMMIT_BYTES_MAX, Frame, FrameHeader, LogPosition, SEGMENT_HEADER_BYTES, SegmentHeader,
};

/// Checks that `bytes` are whole frames of a segment, which follow what is before `start` and end at `end`.
pub(super) fn check(
    header: &SegmentHeader,
    start: &LogPosition,
    bytes: &[u8],
    end: &LogPosition,
) -> Result<(), LogError> {
    let corrupt =
        |offset: u32, reason| LogError::corrupt(header.file_name(), offset.into(), reason);
    let is_at_start = start.offset == SEGMENT_HEADER_BYTES;
    if start.segment != header.id
        || start.offset < SEGMENT_HEADER_BYTES
        || is_at_start && *start != header.start()
    {
        return Err(corrupt(start.offset, "no frame begins there"));
    }
    let fits = u32::try_from(bytes.len())
        .ok()
        .and_then(|bytes| start.offset.checked_add(bytes));
    if fits.is_none() {
        return Err(corrupt(start.offset, "the bytes go past 4 GiB"));
    }
    let salt = header.salt();
    let (mut at, mut rest) = (*start, bytes);
    while !rest.is_empty() {
        let bad = |reason| corrupt(at.offset, reason);
        let frame = FrameHeader::decode(salt, at.offset, rest).map_err(bad)?;
        let length = usize::try_from(frame.frame_bytes).unwrap_or(usize::MAX);
        let Some((own, after)) = rest.split_at_checked(length) else {
            return Err(bad("a frame is longer than what is left"));
        };
        if frame.frame_bytes > COMMIT_BYTES_MAX {
            return Err(bad("a frame is longer than any commit"));
        }
        let frame = Frame::unchecked(frame, at, salt, own);
        frame.check().map_err(bad)?;
        at = frame.end();
        rest = after;
    }
    match at == *end {
        true => Ok(()),
        false => Err(corrupt(
            at.offset,
            "the bytes do not end where they are said to",
        )),
    }
}
