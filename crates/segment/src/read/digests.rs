//! `RecordPlace`, and the digests of records from one on: lengths and headers are read, and no body but what runs say
//! of themselves.

use super::frame_of::bytes_of;
use super::segment::ReadSegment;
use super::view::LogView;
use crate::error::LogError;
use crate::format::{
    COMMIT_BYTES_MAX, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameHeader, RECORD_HEADER_BYTES,
    RecordRef, RunHead, SegmentId,
};
use std::borrow::Cow;
use std::ops::Range;
use strandline_core::{Hash, Sequence};

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
    /// The places of the records of a commit, in order; none of a note. Of a run there is no such place.
    pub fn of(frame: &Frame<'_>) -> impl Iterator<Item = (Self, Hash)> {
        let records = match (frame.note(), frame.run()) {
            (None, None) => frame.header().records,
            _ => 0,
        };
        let places = frame.records().zip(0..records);
        places.map(move |(record, before)| {
            let place = Self {
                offset: record.position.offset,
                left: records.saturating_sub(before),
            };
            (place, record.digest)
        })
    }

    /// The place of a frame as a whole, for who reads on from a sequence that is within a run.
    #[must_use]
    pub fn of_frame(frame: &Frame<'_>) -> Self {
        Self {
            offset: frame.start().offset,
            left: 0,
        }
    }
}

/// What a log has of sequences that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digests<'a> {
    /// The digest of a record.
    Of(Hash),
    /// None: they are in a run.
    Run {
        /// All that it has.
        sequences: Range<Sequence>,
        /// What the layer above says of it.
        said: &'a [u8],
    },
}

impl LogView {
    /// Hands the digests of the records of a segment with some sequences to `visit`, as they stand there, from the one
    /// at a place on, or from the first of the segment without a place. Notes have none. A run is handed on as a whole,
    /// also where some of it is not asked for.
    ///
    /// Nothing but headers of commits is checked, and what runs say of themselves, so whoever asks holds the digests
    /// against what was made of them. Bodies are passed over: a small read for each at most, and none of what is mapped
    /// or in the same 8 KiB.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there are not so many, or something else stands there; [`LogError::Io`],
    /// [`LogError::SegmentMissing`].
    pub fn digests(
        &self,
        segment: SegmentId,
        from: Option<RecordPlace>,
        sequences: Range<u64>,
        mut visit: impl FnMut(Digests<'_>),
    ) -> Result<(), LogError> {
        let segment = self.segment(segment)?;
        let mut walk = Walk::new(segment, from, sequences.start);
        while walk.next < sequences.end {
            walk.step(&mut visit)?;
        }
        Ok(())
    }
}

/// Goes from record to record.
struct Walk<'s> {
    segment: &'s ReadSegment,
    place: RecordPlace,
    /// The sequence of the record there.
    next: u64,
    /// Where the frames end that may be read.
    end: u32,
    window: Cow<'s, [u8]>,
    window_start: u32,
}

impl<'s> Walk<'s> {
    fn new(segment: &'s ReadSegment, from: Option<RecordPlace>, next: u64) -> Self {
        let written = segment.file.written_end();
        let end = segment.info.end();
        Self {
            segment,
            place: from.unwrap_or(RecordPlace {
                offset: segment.info.start().offset,
                left: 0,
            }),
            next,
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

    /// Goes to the first record of the next commit, or past a run, which is given to `visit`.
    fn enter(&mut self, visit: &mut impl FnMut(Digests<'_>)) -> Result<(), LogError> {
        let salt = self.segment.file.salt;
        let offset = self.place.offset.next_multiple_of(FRAME_ALIGNMENT);
        let header = FrameHeader::decode(salt, offset, self.bytes(offset, FRAME_HEADER_BYTES)?);
        let header = header.map_err(|reason| self.corrupt(offset, reason))?;
        let header_bytes = u32::try_from(FRAME_HEADER_BYTES).unwrap_or(u32::MAX);
        if header.is_run {
            self.run(offset, &header, visit)?;
        }
        self.place = match header.is_run || header.is_note {
            true => RecordPlace {
                offset: offset.saturating_add(header.frame_bytes.max(header_bytes)),
                left: 0,
            },
            false => RecordPlace {
                offset: offset.saturating_add(header_bytes),
                left: header.records,
            },
        };
        Ok(())
    }

    /// Gives the run with this header, which has the next sequence.
    fn run(
        &mut self,
        frame: u32,
        header: &FrameHeader,
        visit: &mut impl FnMut(Digests<'_>),
    ) -> Result<(), LogError> {
        let sequences = header.first_sequence..header.durable_through;
        if !self.segment.file.has_runs || !sequences.contains(&Sequence::new(self.next)) {
            return Err(self.corrupt(frame, "there is a run of other sequences"));
        }
        let salt = self.segment.file.salt;
        let header_bytes = u32::try_from(FRAME_HEADER_BYTES).unwrap_or(u32::MAX);
        let offset = frame.saturating_add(header_bytes);
        let claimed = RecordRef::claimed_bytes(self.bytes(offset, RECORD_HEADER_BYTES)?);
        let most = u64::from(header.frame_bytes.min(COMMIT_BYTES_MAX));
        let claimed = claimed.filter(|claimed| *claimed < most);
        let claimed = claimed.and_then(|claimed| usize::try_from(claimed).ok());
        let claimed =
            claimed.ok_or_else(|| self.corrupt(frame, "a run does not say what it is"))?;
        let bytes = self.bytes(offset, claimed)?;
        let own = RecordRef::parse(salt, offset, bytes).map(|(own, _)| own);
        match own.and_then(|own| RunHead::decode(own.body)) {
            Ok(RunHead { said, .. }) => visit(Digests::Run {
                sequences: sequences.clone(),
                said,
            }),
            Err(reason) => return Err(self.corrupt(frame, reason)),
        }
        self.next = sequences.end.get();
        Ok(())
    }

    fn step(&mut self, visit: &mut impl FnMut(Digests<'_>)) -> Result<(), LogError> {
        if self.place.left == 0 {
            return self.enter(visit);
        }
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
        self.next = self.next.saturating_add(1);
        visit(Digests::Of(digest));
        Ok(())
    }
}
