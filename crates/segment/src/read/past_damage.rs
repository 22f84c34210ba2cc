//! Reading a view past whatever is damaged. What stands in a segment is told by `scan`.

use super::segment::ReadSegment;
use super::view::LogView;
use crate::error::{LogError, ScanError};
use crate::format::{LogPosition, SEGMENT_HEADER_BYTES, SegmentInfo};
use crate::scan::{Examiner, Piece, Walk};
use std::io;
use std::path::Path;
use strandline_core::fs::{self, Fs};

impl LogView {
    /// Reads every frame up to `until`, past whatever is damaged or a disk does not give back, and hands every piece to
    /// `visit`, with the segment that it is of. Gives whether all of it is whole. Linear in the bytes. Of a
    /// segment that was not used before, and whose file in `fs` is not the one that it should be, what stands in
    /// that file is told as an [`Examiner`] tells it, with what the manifest says of it.
    ///
    /// # Errors
    ///
    /// What `visit` returns, and [`LogError::Io`] if a file cannot be read for another reason than a failing disk: who
    /// asks may have another right then, or a network that is there. Damage is no error: it is a piece.
    pub fn pieces<E>(
        &self,
        fs: &dyn Fs,
        until: LogPosition,
        mut visit: impl FnMut(&SegmentInfo, Piece<'_>) -> Result<(), E>,
    ) -> Result<bool, ScanError<E>> {
        let mut is_whole = true;
        let mut before: Option<LogPosition> = None;
        for segment in self.segments.iter() {
            let ReadSegment { info, file, .. } = &**segment;
            if info.id() > until.segment {
                break;
            }
            let start = info.start();
            if let Some(before) = before
                && (!start.is_same_place(&before))
            {
                is_whole = false;
                let piece = Piece::Damaged {
                    offset: 0,
                    bytes: u64::from(SEGMENT_HEADER_BYTES),
                    reason: "the segment does not follow the one before it",
                };
                visit(info, piece).map_err(ScanError::Visit)?;
            }
            let end = match info.id() == until.segment {
                true => Some(until),
                false => info.end(),
            };
            let limit = end.map_or(u64::from(u32::MAX), |end| end.offset.into());
            if let Err(error) = file.len() {
                if !is_other_file(&error) && !is_of_failing_disk(&error) {
                    return Err(error.into());
                }
                is_whole = false;
                before = None;
                let ends = (file.path.as_path(), limit);
                unlike_listed(fs, info, ends, &mut |piece| visit(info, piece))?;
                continue;
            }
            let walk = Walk::new(file, start, limit).sealed(end.map(|end| end.sequence));
            let walk = walk.patient(is_of_failing_disk);
            let walked = walk.run(|piece| visit(info, piece))?;
            is_whole &= walked.is_whole;
            before = walked.is_whole.then_some(walked.end);
        }
        Ok(is_whole)
    }
}

/// Hands what is left in the file of a sealed segment to `visit`, which is not as the manifest says: `limit` is
/// where its frames should end. Nothing is left of one that is not there.
fn unlike_listed<E>(
    fs: &dyn Fs,
    info: &SegmentInfo,
    (path, limit): (&Path, u64),
    visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), ScanError<E>> {
    let examiner = match Examiner::open(fs, path, Some(info)) {
        Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let piece = Piece::Damaged {
                offset: 0,
                bytes: limit,
                reason: "the file is missing",
            };
            return visit(piece).map_err(ScanError::Visit);
        }
        Err(problem) if is_of_failing_disk(&problem) => {
            let problem = &problem;
            visit(Piece::WrongFile { problem }).map_err(ScanError::Visit)?;
            let piece = Piece::Damaged {
                offset: 0,
                bytes: limit,
                reason: "the file cannot be opened",
            };
            return visit(piece).map_err(ScanError::Visit);
        }
        opened => opened?.forgiving(is_of_failing_disk),
    };
    if let Some(problem) = examiner.file_problem() {
        visit(Piece::WrongFile { problem }).map_err(ScanError::Visit)?;
    }
    examiner.pieces(visit).map(drop)
}

/// Whether a disk does not give back what is on it.
fn is_of_failing_disk(error: &LogError) -> bool {
    matches!(error, LogError::Io { source, .. } if fs::is_of_failing_disk(source))
}

/// Whether the first use of a segment found that its file is not the one that it should be.
const fn is_other_file(error: &LogError) -> bool {
    error.is_corruption() || matches!(error, LogError::VersionUnsupported { .. })
}
