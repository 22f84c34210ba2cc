//! `FooterOf`: the footer of a segment of a view, of which parts are read. Knows nothing of what they say.

use super::view::LogView;
use crate::error::LogError;
use crate::files::{SegmentFile, footer_bytes};
use crate::format::{SegmentId, TRAILER_BYTES};
use std::fmt;
use std::ops::Range;
use strandline_core::fs::Mapping;

/// The footer of a sealed segment, found by its trailer, of which parts are read as they are asked for. Keeps no
/// descriptor.
#[derive(Clone)]
pub struct FooterOf {
    file: SegmentFile,
    /// Where it begins in the file.
    start: u64,
    bytes: u64,
    is_mapped: bool,
}

/// Bytes of a footer: in memory, or mapped.
#[derive(Debug, Clone)]
pub enum FooterPart {
    /// They were read.
    Read(Vec<u8>),
    /// They are where the file is mapped.
    Mapped(Mapping, Range<usize>),
}

impl fmt::Debug for FooterOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, bytes, .. } = self;
        write!(f, "FooterOf({}, {bytes} at {start})", self.file.name())
    }
}

impl AsRef<[u8]> for FooterPart {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(mapping, range) => mapping.get(range.clone()).unwrap_or_default(),
        }
    }
}

impl LogView {
    /// The footer of a sealed segment; `None` if none was written, or the segment is active. Looks at its
    /// trailer alone: one read.
    ///
    /// # Errors
    ///
    /// [`LogError::FooterDamaged`] if its trailer is not what was written; [`LogError::Corrupt`] if the file ends
    /// before the frames do; [`LogError::Io`], [`LogError::SegmentMissing`].
    pub fn footer_of(&self, segment: SegmentId) -> Result<Option<FooterOf>, LogError> {
        let missing = || LogError::SegmentMissing {
            file: segment.file_name(),
        };
        let info = self.info(segment).ok_or_else(missing)?;
        let file = self.file(segment).ok_or_else(missing)?;
        let Some(end) = info.end() else {
            return Ok(None);
        };
        let bytes = footer_bytes(file, end)?;
        Ok(bytes.map(|bytes| FooterOf {
            file: file.clone(),
            start: end.offset.into(),
            bytes,
            is_mapped: self.mapped_bytes.is_some(),
        }))
    }
}

impl FooterOf {
    /// How long it is, its trailer not included.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of it, as far as it goes, as they stand there: mapped with `maps`, where that can be done, else read.
    /// O(bytes).
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn part(&self, range: Range<u64>, maps: bool) -> Result<FooterPart, LogError> {
        let start = self.start.saturating_add(range.start.min(self.bytes));
        let end = self
            .start
            .saturating_add(range.end.min(self.bytes))
            .max(start);
        let file_bytes = self.start.saturating_add(self.bytes);
        let length = file_bytes.saturating_add(TRAILER_BYTES as u64);
        if maps
            && self.is_mapped
            && let Some(mapping) = self.file.file.map(length)
            && let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end))
        {
            return Ok(FooterPart::Mapped(mapping, start..end));
        }
        // A footer has at most 1 GiB.
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(0)];
        self.file.read(&mut bytes, start)?;
        Ok(FooterPart::Read(bytes))
    }
}
