//! `CommitAt`: the commit that has a sequence, as its header tells of it. Reads no record.

use super::frame_of::{bytes_of, header_before, nearest};
use super::segment::ReadSegment;
use super::view::LogView;
use crate::error::LogError;
use crate::format::{FRAME_HEADER_BYTES, FrameHeader, LogPosition, RecordPosition};
use strandline_core::{Hash, Sequence};

/// A commit: which sequences it has, and the log hash after it, which chains it to all before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitAt {
    /// Its first sequence.
    pub first: Sequence,
    /// The sequence after its last.
    pub end: Sequence,
    /// Hash of the log after it.
    pub log_hash: Hash,
    /// Whether it is a run: of several commits, of which this is known of the last alone.
    pub is_run: bool,
    /// Where it stands: where the frame ends.
    pub after: LogPosition,
}

impl LogView {
    /// The commit that has `sequence`, whatever became of its records since; `None` if none has.
    ///
    /// `near` is the position of a record of that commit, or of one before it: with the first, this is mostly
    /// one small read. Else some headers from there on are read, or from the start of the segment, and then it
    /// is sought by halves: O(log commits).
    ///
    /// # Errors
    ///
    /// [`LogError::Io`], [`LogError::SegmentMissing`]; [`LogError::Corrupt`] if there is no frame where one
    /// should begin.
    pub fn commit_at(
        &self,
        sequence: Sequence,
        near: Option<RecordPosition>,
    ) -> Result<Option<CommitAt>, LogError> {
        let Some(info) = self.info_at(sequence) else {
            return Ok(None);
        };
        let segment = self.segment(info.id())?;
        let near = near.filter(|near| near.segment == info.id());
        let begins = |start: u32, header: &FrameHeader| {
            Ok((header.first_sequence <= sequence).then_some(start))
        };
        let nearest = near.map(|near| nearest(segment, near.offset, begins));
        let start = nearest.transpose()?.flatten();
        walk(
            segment,
            start.unwrap_or(segment.info.start().offset),
            sequence,
        )
    }
}

/// How many headers are read one after the other before the commit is sought by halves, and how many bytes are
/// not halved any more.
const HEADERS_BEFORE_LEAP: u32 = 16;
const LEAP_BYTES_MIN: u32 = 4 << 10;

/// The start of the commit with this sequence, or of a frame near before it: between that at `start`, which is
/// before it, and `end`.
fn leap(
    segment: &ReadSegment,
    mut start: u32,
    mut end: u32,
    sequence: Sequence,
) -> Result<u32, LogError> {
    while end.saturating_sub(start) > LEAP_BYTES_MIN {
        let middle = start + (end - start) / 2;
        let found = header_before(segment, middle, |at, header| {
            let after = header.first_sequence.checked_add(header.sequences());
            Ok(Some((at, header.first_sequence, after, header.frame_bytes)))
        })?;
        match found {
            Some((at, first, ..)) if first > sequence => end = at,
            Some((at, _, Some(after), _)) if sequence < after => return Ok(at),
            Some((at, .., bytes)) => start = at.saturating_add(bytes),
            None => break,
        }
    }
    Ok(start)
}

/// The commit with this sequence, from the frame at `start` on.
fn walk(
    segment: &ReadSegment,
    mut start: u32,
    sequence: Sequence,
) -> Result<Option<CommitAt>, LogError> {
    let written_end = segment.file.written_end();
    let end = segment
        .info
        .end()
        .map_or(written_end, |end| end.offset.min(written_end));
    let header_bytes = u32::try_from(FRAME_HEADER_BYTES).unwrap_or(u32::MAX);
    let mut headers = 0;
    while start < end {
        if headers == HEADERS_BEFORE_LEAP {
            start = leap(segment, start, end, sequence)?;
        }
        headers += 1;
        let bytes = bytes_of(segment, start, start.saturating_add(header_bytes))?;
        let header = FrameHeader::decode(segment.file.salt, start, &bytes)
            .map_err(|reason| LogError::corrupt(segment.file.name(), start.into(), reason))?;
        let first = header.first_sequence;
        let after = first.checked_add(header.sequences());
        match after {
            Some(after) if !header.is_note && (first..after).contains(&sequence) => {
                return Ok(Some(CommitAt {
                    first,
                    end: after,
                    log_hash: header.log_hash,
                    is_run: header.is_run,
                    after: LogPosition {
                        segment: segment.info.id(),
                        offset: start.saturating_add(header.frame_bytes),
                        last_frame: start,
                        sequence: after,
                        log_hash: header.log_hash,
                    },
                }));
            }
            _ if first > sequence => break,
            _ => start = start.saturating_add(header.frame_bytes.max(header_bytes)),
        }
    }
    Ok(None)
}
