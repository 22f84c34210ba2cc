//! `FrameOf`: the frame that a record stands in, found from the record's position alone.
//!
//! A position says where a record is, and nothing in a record says which sequence it has: that is told by
//! the header of its frame, and by how many records come before it there. A header is valid at one offset of
//! one segment only, so of the places before a record the nearest with a header whose frame has the record
//! is where its frame begins.

use super::segment::ReadSegment;
use super::view::LogView;
use crate::error::LogError;
use crate::format::{
    COMMIT_BYTES_MAX, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader, MAGIC, RecordPosition,
    RecordRef, SEGMENT_HEADER_BYTES, SegmentId,
};
use std::borrow::Cow;
use strandline_core::Sequence;

/// How much is looked through at once.
const WINDOW_BYTES: u32 = 64 << 10;

/// A frame, and where its records are.
#[derive(Debug)]
pub struct FrameOf {
    segment: SegmentId,
    start: u32,
    first_sequence: Sequence,
    /// Of each record, ascending.
    offsets: Vec<u32>,
}

impl FrameOf {
    /// Where it begins in the file of its segment, in bytes.
    #[must_use]
    pub const fn start(&self) -> u32 {
        self.start
    }

    /// The sequence of the record at a position, if it is one of this frame. O(log records).
    #[must_use]
    pub fn sequence_of(&self, position: RecordPosition) -> Option<Sequence> {
        let place = match position.segment == self.segment {
            true => self.offsets.binary_search(&position.offset).ok()?,
            false => return None,
        };
        self.first_sequence.checked_add(place as u64)
    }
}

impl LogView {
    /// The frame of the record at `position`; `None` if there is no such record in any frame.
    ///
    /// Looks at the bytes before the record, 64 KiB at a time, back to where its commit begins: mostly one
    /// read. Then O(records of the frame).
    ///
    /// # Errors
    ///
    /// [`LogError::Io`], [`LogError::SegmentMissing`].
    pub fn frame_of(&self, position: RecordPosition) -> Result<Option<FrameOf>, LogError> {
        let segment = self.segment(position.segment)?;
        nearest(segment, position.offset, |start, header| {
            frame_at(segment, start, header, position)
        })
    }
}

/// What `found` makes of the nearest header before a place in a segment, of those that may be the one of the
/// record there: it is not of a note, and its frame goes past the place.
///
/// Looks at the bytes before, 64 KiB at a time, and not further back than a commit can begin.
pub(super) fn nearest<T>(
    segment: &ReadSegment,
    offset: u32,
    mut found: impl FnMut(u32, &FrameHeader) -> Result<Option<T>, LogError>,
) -> Result<Option<T>, LogError> {
    header_before(segment, offset, |start, header| {
        let end = start.saturating_add(header.frame_bytes);
        let is_past = end > offset && end <= segment.file.written_end();
        match is_past && !header.is_note {
            true => found(start, header),
            false => Ok(None),
        }
    })
}

/// As [`nearest`], of all headers that end before the place, those of notes too.
pub(super) fn header_before<T>(
    segment: &ReadSegment,
    offset: u32,
    mut found: impl FnMut(u32, &FrameHeader) -> Result<Option<T>, LogError>,
) -> Result<Option<T>, LogError> {
    let least = offset.saturating_sub(COMMIT_BYTES_MAX);
    let least = least.max(SEGMENT_HEADER_BYTES);
    let header_bytes = u32::try_from(FRAME_HEADER_BYTES).unwrap_or(u32::MAX);
    let Some(nearest) = offset.checked_sub(header_bytes) else {
        return Ok(None);
    };
    // Where a header may begin last, and at first so that one look is enough for a lone record.
    let mut last = nearest - nearest % FRAME_ALIGNMENT;
    let mut window = header_bytes;
    while last >= least {
        let first = least.max((last + header_bytes).saturating_sub(window));
        let first = first.next_multiple_of(FRAME_ALIGNMENT).min(last);
        let bytes = bytes_of(segment, first, last + header_bytes)?;
        for start in (first..=last).rev().step_by(FRAME_ALIGNMENT as usize) {
            let header = bytes.get((start - first) as usize..).unwrap_or_default();
            if let Some(header) = header_at(segment, start, header)
                && let Some(found) = found(start, &header)?
            {
                return Ok(Some(found));
            }
        }
        let Some(before) = first.checked_sub(FRAME_ALIGNMENT) else {
            break;
        };
        last = before;
        window = WINDOW_BYTES;
    }
    Ok(None)
}

/// The header that `bytes` begin with, at `start`.
fn header_at(segment: &ReadSegment, start: u32, bytes: &[u8]) -> Option<FrameHeader> {
    match bytes.starts_with(&MAGIC) {
        true => FrameHeader::decode(segment.file.salt, start, bytes).ok(),
        false => None,
    }
}

/// The frame with this header at `start`, if it has the record. Events are in no run.
fn frame_at(
    segment: &ReadSegment,
    start: u32,
    header: &FrameHeader,
    position: RecordPosition,
) -> Result<Option<FrameOf>, LogError> {
    if header.is_run {
        return Ok(None);
    }
    let end = start.saturating_add(header.frame_bytes);
    let frame = bytes_of(segment, start, end)?;
    let mut offsets = Vec::with_capacity(usize::from(header.records));
    let mut offset = FRAME_HEADER_BYTES;
    for _ in 0..header.records {
        let rest = frame.get(offset..).unwrap_or_default();
        let claimed =
            RecordRef::claimed_bytes(rest).filter(|claimed| *claimed <= rest.len() as u64);
        let Some(claimed) = claimed.and_then(|claimed| usize::try_from(claimed).ok()) else {
            return Ok(None);
        };
        // Within the frame, whose end has 32 bits.
        offsets.push(start.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX)));
        offset += claimed;
    }
    let found = FrameOf {
        segment: position.segment,
        start,
        first_sequence: header.first_sequence,
        offsets,
    };
    Ok(found.sequence_of(position).is_some().then_some(found))
}

/// Written bytes of a segment, as many as there are.
pub(super) fn bytes_of(
    segment: &ReadSegment,
    start: u32,
    end: u32,
) -> Result<Cow<'_, [u8]>, LogError> {
    let length = end.saturating_sub(start) as usize;
    if let Some(mapped) = segment.mapped(start) {
        return Ok(Cow::Borrowed(mapped.get(..length).unwrap_or(mapped)));
    }
    let mut bytes = vec![0; length];
    segment.file.read_written(&mut bytes, start.into())?;
    Ok(Cow::Owned(bytes))
}
