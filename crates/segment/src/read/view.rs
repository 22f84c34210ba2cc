//! `LogView`: the segments of a log at one moment, their records by position, and whole scans of them.
//!
//! Shows no segment that came later.

use super::list::SegmentList;
use super::segment::ReadSegment;
use crate::error::{LogError, ScanError};
use crate::files::SegmentFile;
use crate::format::{
    COMMIT_BYTES_MAX, Frame, LogPosition, RecordPosition, RecordRef, SegmentId, SegmentInfo,
};
use crate::scan::visit_all;
use std::sync::Arc;
use strandline_core::{Hash, Sequence};

/// How much of an unknown length is read first: most records are shorter.
const FIRST_READ_BYTES: usize = 1024;

/// The segments of a log at one moment: reads records and frames; cheap to clone.
///
/// Keeps its files whatever becomes of the log, so a position that was good in it stays good. What is
/// appended to the segment that was active is seen, segments that come later are not.
#[derive(Debug, Clone)]
pub struct LogView {
    pub(super) segments: Arc<SegmentList>,
    /// How much of an active segment is mapped; `None` if nothing is to be.
    pub(super) mapped_bytes: Option<u64>,
}

/// A record with a body of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Its digest.
    pub digest: Hash,
    /// Its body.
    pub body: Vec<u8>,
}

impl LogView {
    fn find(&self, id: SegmentId) -> Option<&Arc<ReadSegment>> {
        self.segments.find(id)
    }

    /// The file of a segment, if there is that segment.
    pub(crate) fn file(&self, id: SegmentId) -> Option<&SegmentFile> {
        self.find(id).map(|segment| &segment.file)
    }

    /// A segment, mapped if it can be.
    pub(crate) fn segment(&self, id: SegmentId) -> Result<&Arc<ReadSegment>, LogError> {
        let segment = self.find(id).ok_or_else(|| LogError::SegmentMissing {
            file: id.file_name(),
        })?;
        segment.map(self.mapped_bytes);
        Ok(segment)
    }

    /// The segments, oldest first. Of the one that was active nothing says where it ends.
    pub fn infos(&self) -> impl Iterator<Item = &SegmentInfo> {
        self.segments.iter().map(|segment| &segment.info)
    }

    /// A segment, if there is that one.
    #[must_use]
    pub fn info(&self, id: SegmentId) -> Option<&SegmentInfo> {
        self.find(id).map(|segment| &segment.info)
    }

    /// The newest segment that begins at a sequence or before it: the one that has its record, if any has.
    /// O(log segments).
    #[must_use]
    pub fn info_at(&self, sequence: Sequence) -> Option<&SegmentInfo> {
        Some(&self.segments.at(sequence)?.info)
    }

    /// The segments from a number on, oldest first. O(log segments) to the first of them.
    pub fn infos_from(&self, id: SegmentId) -> impl Iterator<Item = &SegmentInfo> {
        self.segments.from(id).map(|segment| &segment.info)
    }

    /// How often segments were replaced by rewritten ones since the log was opened. Two views of one
    /// [`LogReader`](crate::LogReader) that say the same have the same sealed segments, as far as both go.
    #[must_use]
    pub fn rewritings(&self) -> u64 {
        self.segments.rewritings()
    }

    /// How many bytes the frames of these segments take.
    #[must_use]
    pub fn frame_bytes_of(&self, ids: impl Iterator<Item = SegmentId>) -> u64 {
        let found = ids.filter_map(|id| self.find(id));
        found
            .map(|segment| u64::from(segment.file.written_end()))
            .sum()
    }

    /// How many segments there are.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Fills `buffer` with the bytes of a segment's file from `from` on, as far as its frames are written by now,
    /// and gives how many these are. They are as they stand in the file, and nothing of them is checked. A
    /// footer is none of them. O(bytes).
    ///
    /// # Errors
    ///
    /// [`LogError::SegmentMissing`], [`LogError::Io`].
    pub fn read_raw(
        &self,
        segment: SegmentId,
        from: u32,
        buffer: &mut [u8],
    ) -> Result<usize, LogError> {
        let segment = self.find(segment).ok_or_else(|| LogError::SegmentMissing {
            file: segment.file_name(),
        })?;
        segment.file.read_raw(buffer, from)
    }

    /// The record at `position`, checked. Without a mapping, one read for a record of up to 1 KiB,
    /// two for others.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there is no such record or it was damaged, [`LogError::Io`].
    pub fn read(&self, position: RecordPosition) -> Result<OwnedRecord, LogError> {
        self.read_with(position, |record| OwnedRecord {
            digest: record.digest,
            body: record.body.to_vec(),
        })
    }

    /// What `read` makes of the record at `position`, which is checked first. Copies nothing where
    /// the segment is mapped.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_with<T>(
        &self,
        position: RecordPosition,
        read: impl FnOnce(RecordRef<'_>) -> T,
    ) -> Result<T, LogError> {
        let segment = self.segment(position.segment)?;
        let file = &segment.file;
        if let Some(bytes) = segment.mapped(position.offset) {
            return parse(file, position, bytes).map(read);
        }
        let mut bytes = vec![0; FIRST_READ_BYTES];
        file.read_written(&mut bytes, u64::from(position.offset))?;
        let claimed = claimed_bytes(file, position, &bytes)?;
        if claimed > bytes.len() {
            bytes.resize(claimed, 0);
            file.read_written(&mut bytes, u64::from(position.offset))?;
        }
        parse(file, position, &bytes).map(read)
    }

    /// Reads every frame that is written by now, as [`scan`](Self::scan) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn scan_written<E>(
        &self,
        visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let Some(last) = self.segments.last() else {
            return Ok(());
        };
        let until = LogPosition {
            offset: last.file.written_end(),
            ..last.info.start()
        };
        self.scan(until, None, visit).map(drop)
    }

    /// Reads every frame from `from`, or from the start, up to `until`, and hands it to `visit`.
    /// Every checksum is checked, and that each frame follows the one before. Gives where it ended.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`], [`LogError::Io`], and what `visit` returns.
    pub fn scan<E>(
        &self,
        until: LogPosition,
        from: Option<LogPosition>,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<LogPosition, ScanError<E>> {
        let mut position = from;
        let first = from.map_or(SegmentId::FIRST, |from| from.segment);
        for segment in self.segments.from(first) {
            let ReadSegment { info, file, .. } = &**segment;
            let start = match position {
                Some(position) if info.id() == position.segment => position,
                Some(before) => {
                    let start = info.start();
                    if !start.is_same_place(&before) {
                        return Err(LogError::corrupt(
                            file.name(),
                            0,
                            "the segment does not follow the one before it",
                        )
                        .into());
                    }
                    start
                }
                None => info.start(),
            };
            if info.id() > until.segment {
                break;
            }
            let last = info.id() == until.segment;
            let end = if last { Some(until) } else { info.end() };
            let end = end.map_or(u64::from(u32::MAX), |end| u64::from(end.offset));
            let reached = visit_all(file, start, end, &mut visit)?;
            if u64::from(reached.offset) != end {
                return Err(LogError::corrupt(
                    file.name(),
                    u64::from(reached.offset),
                    format!("its frames end here, and should at {end}"),
                )
                .into());
            }
            position = Some(reached);
        }
        Ok(position.unwrap_or(until))
    }
}

/// The length that the record at the front of `bytes` claims, if that can be.
pub(crate) fn claimed_bytes(
    file: &SegmentFile,
    position: RecordPosition,
    bytes: &[u8],
) -> Result<usize, LogError> {
    let left = u64::from(file.written_end()).saturating_sub(position.offset.into());
    let most = left.min(COMMIT_BYTES_MAX.into());
    let claimed = RecordRef::claimed_bytes(bytes).filter(|bytes| *bytes <= most);
    let claimed = claimed.and_then(|claimed| usize::try_from(claimed).ok());
    claimed
        .ok_or_else(|| LogError::corrupt(file.name(), position.offset.into(), "there is no record"))
}

pub(crate) fn parse<'a>(
    file: &SegmentFile,
    position: RecordPosition,
    bytes: &'a [u8],
) -> Result<RecordRef<'a>, LogError> {
    RecordRef::parse(file.salt, position.offset, bytes)
        .map(|(record, _)| record)
        .map_err(|reason| LogError::corrupt(file.name(), position.offset.into(), reason))
}
