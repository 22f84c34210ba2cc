//! The first use of a sealed segment that was not opened with the log: whether its file is the one that the
//! manifest lists. Goes through no frames.

use super::segment_file::SegmentFile;
use crate::error::LogError;
use crate::format::{
    FRAME_HEADER_BYTES, FrameHeader, LogPosition, Manifest, SegmentHeader, SegmentInfo,
};
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode};

/// Opens the file of a segment that is sealed at `end`, and checks its header, that it is as long as its
/// frames are, and that its last frame is no other than the log had there: a store that was put back
/// from a copy may have gone on otherwise after the same header. A last frame that is damaged is found by
/// who reads it; one that is not there, while the manifest in the directory lists another file, is that of
/// such a store.
///
/// # Errors
///
/// [`LogError::SegmentMissing`], [`LogError::Corrupt`], [`LogError::VersionUnsupported`] or
/// [`LogError::Io`]; [`LogError::OtherCourse`] if the manifest in the directory lists another file by now.
pub(crate) fn open_sealed(
    fs: &dyn Fs,
    dir: &Path,
    header: &SegmentHeader,
    end: &LogPosition,
) -> Result<SegmentFile, LogError> {
    open_checked(fs, dir, header, end).map_err(|error| match error {
        LogError::Io { .. } => error,
        error => match is_listed(fs, dir, header, end) {
            true => error,
            false => LogError::OtherCourse {
                file: header.file_name(),
                sequence: end.sequence.get(),
                reason: "the segment was replaced before it was read first",
            },
        },
    })
}

fn open_checked(
    fs: &dyn Fs,
    dir: &Path,
    header: &SegmentHeader,
    end: &LogPosition,
) -> Result<SegmentFile, LogError> {
    let file = SegmentFile::open(fs, dir, header, OpenMode::Read)?;
    check_length(&file, end)?;
    match last_frame(&file, end)? {
        LastFrame::Own => Ok(file),
        LastFrame::Other(error) => Err(error),
        LastFrame::Damaged if is_listed(fs, dir, header, end) => Ok(file),
        LastFrame::Damaged => {
            let reason = "its last frame is not there";
            Err(LogError::corrupt(
                file.name(),
                end.last_frame.into(),
                reason,
            ))
        }
    }
}

/// What stands where the last frame of a sealed segment is to be.
#[derive(Debug)]
pub(crate) enum LastFrame {
    /// Its header; or it has no frames.
    Own,
    /// The header of another frame: the file went on otherwise.
    Other(LogError),
    /// No header that is right.
    Damaged,
}

/// Reads the header of the last frame of a segment that is sealed at `end`.
pub(crate) fn last_frame(file: &SegmentFile, end: &LogPosition) -> Result<LastFrame, LogError> {
    if end.last_frame == 0 {
        return Ok(LastFrame::Own);
    }
    let mut bytes = vec![0; FRAME_HEADER_BYTES];
    file.read(&mut bytes, end.last_frame.into())?;
    Ok(
        match FrameHeader::decode(file.salt, end.last_frame, &bytes) {
            Ok(last) if last.log_hash == end.log_hash => LastFrame::Own,
            Ok(_) => LastFrame::Other(LogError::corrupt(
                file.name(),
                end.last_frame.into(),
                "its last frame is another one than that of the log",
            )),
            Err(_) => LastFrame::Damaged,
        },
    )
}

/// Checks that a file is as long as its frames are.
pub(crate) fn check_length(file: &SegmentFile, end: &LogPosition) -> Result<(), LogError> {
    let (found, needed) = (file.len()?, u64::from(end.offset));
    if found >= needed {
        return Ok(());
    }
    Err(LogError::corrupt(
        file.name(),
        found,
        format!("the file ends here, its frames end at {needed}"),
    ))
}

/// Whether the manifest in the directory lists the segment, with this header and end. One that cannot be
/// read says nothing else.
fn is_listed(fs: &dyn Fs, dir: &Path, header: &SegmentHeader, end: &LogPosition) -> bool {
    let Ok(Some(manifest)) = Manifest::read(fs, dir) else {
        return true;
    };
    let own = SegmentInfo {
        header: *header,
        end: Some(*end),
    };
    manifest.segment(header.id) == Some(&own)
}
