//! `ReadSegment`: a segment as readers have it, with its mapping.

use crate::LogPosition;
use crate::file::SegmentFile;
use crate::manifest::SegmentInfo;
use std::sync::OnceLock;
use strandline_core::fs::Mapping;

/// A segment with its mapping, which is made when it is first read.
///
/// The active segment is mapped to the length that it may reach, once. Nobody is given a byte
/// beyond its written end, which stands in memory and has nothing to do with the file's length.
#[derive(Debug)]
pub(crate) struct ReadSegment {
    pub(crate) info: SegmentInfo,
    pub(crate) file: SegmentFile,
    mapping: OnceLock<Option<Mapping>>,
}

impl ReadSegment {
    pub(crate) const fn new(info: SegmentInfo, file: SegmentFile) -> Self {
        Self {
            info,
            file,
            mapping: OnceLock::new(),
        }
    }

    /// The segment once it is sealed; it keeps its mapping.
    pub(crate) fn sealed(&self, end: LogPosition) -> Self {
        let mut info = self.info;
        info.end = Some(end);
        Self {
            info,
            file: self.file.clone(),
            mapping: self.mapping.clone(),
        }
    }

    /// Maps the segment, if that has not been tried: what is written, and up to `ahead` bytes if
    /// it is active. A segment that cannot be mapped is read.
    pub(crate) fn map(&self, ahead: Option<u64>) {
        self.mapping.get_or_init(|| {
            let written = u64::from(self.file.written_end());
            let bytes = match self.info.end() {
                Some(_) => written,
                None => written.max(ahead?),
            };
            ahead.and_then(|_| self.file.file.map(bytes))
        });
    }

    /// The written bytes from `offset` on, if they are mapped.
    #[inline]
    pub(crate) fn mapped(&self, offset: u32) -> Option<&[u8]> {
        let mapping = self.mapping.get()?.as_ref()?;
        mapping.get(offset as usize..self.file.written_end() as usize)
    }
}
