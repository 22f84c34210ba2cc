//! `RecordPlace`, and the digests of records from one on: lengths and headers are read, and no body.

use super::frame_of::bytes_of;
use super::segment::ReadSegment;
use super::view::LogView;
use crate::error::LogError;
use crate::format::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameHeader, RECORD_HEADER_BYTES, RecordRef,
    SegmentId,
};
use std::borrow::Cow;
use strandline_core::Hash;

/// How much is read at once where a segment is not mapped.
const WINDOW_BYTES: u32 = 8 << 10;

/// Where records are read on in a segment: at a record, in whose commit so many are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPlace {
    /// Offset of the record in the file.
    pub offset: u32,
    /// How many records the commit has from this one on, it included.
    pub left: u16,
}

impl RecordPlace {
    /// The places of the records of a commit, in order; none of a note.
    pub fn of(frame: &Frame<'_>) -> impl Iterator<Item = (Self, Hash)> {
        let records = frame.header().sequences();
        let places = frame.records().zip(0..records);
        places.map(move |(record, before)| {
            let place = Self {
                offset: record.position.offset,
                left: records.saturating_sub(before),
            };
            (place, record.digest)
        })
    }
}

impl LogView {
    /// Adds the digests of `count` records of a segment to `digests`, of the one at a place and of those that
    /// follow it, as they stand there; of the first of the segment without a place. Notes have none.
    ///
    /// Nothing but headers of commits is checked, so whoever asks holds the digests against what was made of them.
    /// Bodies are passed over: O(count) small reads at most, and none of what is mapped or in the same 8 KiB.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there are not so many, or something else stands there; [`LogError::Io`],
    /// [`LogError::SegmentMissing`].
    pub fn digests(
        &self,
        segment: SegmentId,
        from: Option<RecordPlace>,
        count: usize,
        digests: &mut Vec<Hash>,
    ) -> Result<(), LogError> {
        let segment = self.segment(segment)?;
        let mut walk = Walk::new(segment, from);
        for _ in 0..count {
            digests.push(walk.next()?);
        }
        Ok(())
    }
}

/// Goes from record to record.
struct Walk<'s> {
    segment: &'s ReadSegment,
    place: RecordPlace,
    /// Where the frames end that may be read.
    end: u32,
    window: Cow<'s, [u8]>,
    window_start: u32,
}

impl<'s> Walk<'s> {
    fn new(segment: &'s ReadSegment, from: Option<RecordPlace>) -> Self {
        let written = segment.file.written_end();
        let end = segment.info.end();
        Self {
            segment,
            place: from.unwrap_or(RecordPlace {
                offset: segment.info.start().offset,
                left: 0,
            }),
            end: end.map_or(written, |end| end.offset.min(written)),
            window: Cow::Borrowed(&[]),
            window_start: 0,
        }
    }

    fn corrupt(&self, offset: u32, reason: &'static str) -> LogError {
        LogError::corrupt(self.segment.file.name(), offset.into(), reason)
    }

    /// `count` bytes of the frames from an offset on.
    fn bytes(&mut self, offset: u32, count: usize) -> Result<&[u8], LogError> {
        let short = |walk: &Self| walk.corrupt(offset, "the frames end within a record");
        let wanted = u32::try_from(count).unwrap_or(u32::MAX);
        let end = offset.saturating_add(wanted);
        if end > self.end {
            return Err(short(self));
        }
        let held_end = self.window_start as usize + self.window.len();
        if offset < self.window_start || end as usize > held_end {
            let until = offset
                .saturating_add(wanted.max(WINDOW_BYTES))
                .min(self.end);
            self.window = bytes_of(self.segment, offset, until)?;
            self.window_start = offset;
        }
        let from = offset.saturating_sub(self.window_start) as usize;
        let found = self.window.get(from..from.saturating_add(count));
        match found {
            Some(found) => Ok(found),
            None => Err(LogError::corrupt(
                self.segment.file.name(),
                offset.into(),
                "the file ends before its last frame does",
            )),
        }
    }

    /// Goes to the first record of the next commit.
    fn enter(&mut self) -> Result<(), LogError> {
        let salt = self.segment.file.salt;
        while self.place.left == 0 {
            let offset = self.place.offset.next_multiple_of(FRAME_ALIGNMENT);
            let header = FrameHeader::decode(salt, offset, self.bytes(offset, FRAME_HEADER_BYTES)?);
            let header = header.map_err(|reason| self.corrupt(offset, reason))?;
            let header_bytes = u32::try_from(FRAME_HEADER_BYTES).unwrap_or(u32::MAX);
            self.place = match header.sequences() {
                0 => RecordPlace {
                    offset: offset.saturating_add(header.frame_bytes.max(header_bytes)),
                    left: 0,
                },
                left => RecordPlace {
                    offset: offset.saturating_add(header_bytes),
                    left,
                },
            };
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Hash, LogError> {
        self.enter()?;
        let RecordPlace { offset, left } = self.place;
        let head = self.bytes(offset, RECORD_HEADER_BYTES)?;
        let claimed = RecordRef::claimed_bytes(head).and_then(|bytes| u32::try_from(bytes).ok());
        let digest = head.last_chunk().copied().map(Hash::from_bytes);
        let (Some(claimed), Some(digest)) = (claimed, digest) else {
            return Err(self.corrupt(offset, "there is no record"));
        };
        self.place = RecordPlace {
            offset: offset.saturating_add(claimed),
            left: left.saturating_sub(1),
        };
        if self.place.offset > self.end {
            return Err(self.corrupt(offset, "a record ends after the frames do"));
        }
        Ok(digest)
    }
}
