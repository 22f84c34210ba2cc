//! What a directory may hold of records that are to be gone from it: bytes after the frames of sealed
//! segments, and files of segments that no manifest lists. An opening or a writer leaves them where
//! something failed; the next opening makes up for it, and this does without one.

use crate::error::At;
use crate::file::SegmentFile;
use crate::footer::{self, TRAILER_BYTES};
use crate::sealed_segment::is_unwritten;
use crate::{LogError, LogPosition, LogView, SegmentId, SegmentInfo};
use std::path::Path;
use strandline_core::fs::{EntryKind, Fs, TEMPORARY_SUFFIX};

/// Whether something stands after the frames that is neither a footer of that end, and nothing else, nor
/// space that was set aside.
pub(crate) fn has_remains(file: &SegmentFile, end: LogPosition) -> Result<bool, LogError> {
    let after = file.len()?.saturating_sub(end.offset.into());
    if let Some(footer_bytes) = after.checked_sub(TRAILER_BYTES as u64)
        && footer::read_trailer(file, end, footer_bytes)?.is_some()
    {
        return Ok(false);
    }
    Ok(!is_unwritten(file, end.offset.into())?)
}

/// Removes the files of segments up to `last` that the log does not have, which are whatever a failed
/// call left: temporary ones, and other generations. Durable when this returns. Not to be called beside
/// a rewriting, or while the footer of one of these segments is being written.
///
/// # Errors
///
/// [`LogError::Io`].
pub fn remove_leftovers(
    fs: &dyn Fs,
    dir: &Path,
    log: &LogView,
    last: SegmentId,
) -> Result<(), LogError> {
    let mut any = false;
    for entry in fs.list(dir).at("list", dir)? {
        let name = entry.name.strip_suffix(TEMPORARY_SUFFIX);
        let name = name.unwrap_or(&entry.name);
        let Some((id, _)) = SegmentId::parse_file_name(name) else {
            continue;
        };
        let is_listed = log.info(id).map(SegmentInfo::file_name).as_ref() == Some(&entry.name);
        if entry.kind == EntryKind::File && id <= last && !is_listed {
            crate::copy::remove(fs, &dir.join(&entry.name))?;
            any = true;
        }
    }
    if any {
        fs.sync_dir(dir).at("sync", dir)?;
    }
    Ok(())
}
