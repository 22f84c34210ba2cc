//! Whether a frame ends at a position, or a segment begins there, without reading what is before it.

use super::scanner::{FrameScanner, Step};
use crate::error::LogError;
use crate::files::SegmentFile;
use crate::format::{FRAME_HEADER_BYTES, FrameHeader, LogPosition, SegmentInfo};
use strandline_core::Sequence;

/// Why a log is behind in which no record is missing.
pub(crate) const NOTES_MISSING: &str =
    "notes that were durable are not there, and every record before them is";

/// Checks that a frame ends at `position` with the sequence and log hash that it has, or that a
/// segment begins so.
pub(crate) fn check_position(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
) -> Result<(), LogError> {
    let behind = |reason| behind(file, info, position, reason);
    if let Some(end) = info.end.filter(|_| info.header.rewritings() > 0) {
        // The position may be one in the segment before it was rewritten. A segment is durable as a
        // whole when it is sealed, and keeps its sequences when it is rewritten.
        return if position.sequence <= end.sequence {
            Ok(())
        } else {
            Err(behind("the segment was rewritten and ends before"))
        };
    }
    check_frame_before(file, info, position)
}

/// Checks a position as [`check_position`] does, of the segment that is appended to. If the log ends before it, its
/// frames are read to tell where, and whether more is missing than notes. O(1), or linear in the frames.
pub(crate) fn check_position_of_active(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
) -> Result<(), LogError> {
    let Err(mut error) = check_position(file, info, position) else {
        return Ok(());
    };
    if let LogError::LogBehind {
        found_sequence,
        reason,
        is_notes_alone,
        ..
    } = &mut error
        && let Ok(Some(end)) = end_before(file, info, position)
    {
        *found_sequence = end.sequence.get();
        *is_notes_alone = end.sequence == position.sequence;
        if *is_notes_alone {
            *reason = NOTES_MISSING;
        }
    }
    Err(error)
}

/// Where the frames of a segment end, if that is before the last one that a position knows.
fn end_before(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
) -> Result<Option<LogPosition>, LogError> {
    let mut scanner = FrameScanner::new(file, info.start(), file.readable_bytes()?);
    while let Step::Frame(frame) = scanner.next()? {
        if frame.end().offset > position.last_frame {
            return Ok(None);
        }
    }
    Ok(Some(scanner.position()))
}

/// The error of a position in a segment that the manifest does not list, where the log has sequences up
/// to `found`.
pub(crate) fn not_listed(position: &LogPosition, found: Sequence) -> LogError {
    LogError::LogBehind {
        file: position.segment.file_name(),
        expected_sequence: position.sequence.get(),
        found_sequence: found.get(),
        reason: "the MANIFEST does not list the segment",
        is_notes_alone: false,
    }
}

/// Checks that the frame that ends at `position` is in the file, or that its segment begins so.
pub(crate) fn check_frame_before(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
) -> Result<(), LogError> {
    let behind = |reason| behind(file, info, position, reason);
    if position.last_frame == 0 {
        return if *position == info.start() {
            Ok(())
        } else {
            Err(behind("the segment begins elsewhere"))
        };
    }
    let length = position.offset.checked_sub(position.last_frame);
    let length = length.ok_or_else(|| behind("the position is malformed"))?;
    if file.len()? < u64::from(position.offset) {
        return Err(behind("the file is shorter"));
    }
    // The frame before, found by its own place; what it continues is not known here.
    let mut bytes = vec![0; FRAME_HEADER_BYTES];
    file.read(&mut bytes, u64::from(position.last_frame))?;
    let header = FrameHeader::decode(file.salt, position.last_frame, &bytes)
        .map_err(|_| behind("its last frame is not there"))?;
    let same = header.frame_bytes == length
        && header.log_hash == position.log_hash
        && header.end_sequence() == Some(position.sequence);
    if same {
        Ok(())
    } else {
        Err(behind("its last frame is another one"))
    }
}

fn behind(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
    reason: &'static str,
) -> LogError {
    LogError::LogBehind {
        file: file.name(),
        expected_sequence: position.sequence.get(),
        found_sequence: info.start().sequence.get(),
        reason,
        is_notes_alone: false,
    }
}
