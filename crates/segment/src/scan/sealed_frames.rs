//! `SealedFrames`: the frames of one sealed segment, to be gone through now or later. Reads no footer.

use super::check::check_frame_before;
use super::scanner::visit_sealed;
use crate::error::{LogError, ScanError};
use crate::files::SegmentFile;
use crate::format::{Frame, LogPosition, SegmentInfo};

/// The frames of a sealed segment, which never change. Keeps its file open.
#[derive(Debug, Clone)]
pub struct SealedFrames {
    info: SegmentInfo,
    end: LogPosition,
    pub(crate) file: SegmentFile,
}

impl SealedFrames {
    pub(crate) fn new(info: SegmentInfo, file: SegmentFile) -> Option<Self> {
        let end = info.end()?;
        Some(Self { info, end, file })
    }

    /// The segment.
    #[must_use]
    pub const fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// Where they end.
    #[must_use]
    pub const fn end(&self) -> LogPosition {
        self.end
    }

    /// Whether a frame of them ends at `position`, or they begin there, and records before it stand where
    /// they stood when it was noted. Of a segment that was rewritten, or carried into another file, that is
    /// not known: frames may end where they ended while the records within them stand elsewhere.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn has_position(&self, position: &LogPosition) -> Result<bool, LogError> {
        if position.segment != self.info.id()
            || position.offset > self.end.offset
            || self.info.header.rewritings() > 0
        {
            return Ok(false);
        }
        match check_frame_before(&self.file, &self.info, position) {
            Err(LogError::LogBehind { .. }) => Ok(false),
            checked => checked.map(|()| true),
        }
    }

    /// Hands every frame to `visit`, oldest first. Every checksum is checked, and that each frame
    /// follows the one before.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`], [`LogError::Io`], and what `visit` returns.
    pub fn visit<E>(
        &self,
        visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        self.visit_from(self.info.start(), visit)
    }

    /// Hands every frame from a position on to `visit`, as [`visit`](Self::visit) does.
    ///
    /// # Errors
    ///
    /// As there; [`LogError::Corrupt`] if there is no such position.
    pub fn visit_from<E>(
        &self,
        position: LogPosition,
        visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        visit_sealed(&self.file, position, &self.end, visit)
    }
}
