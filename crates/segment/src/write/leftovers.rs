//! Files of segments that no manifest lists, whose records are to be gone from a directory. An opening or
//! a writer leaves them where something failed; the next opening makes up for it, and this does without
//! one. What may stand after the frames of a listed segment, its `SealedSegment` removes.

use crate::error::{At, LogError};
use crate::files::{remove, segment_of};
use crate::format::{SegmentId, SegmentInfo};
use crate::read::LogView;
use std::path::Path;
use strandline_core::fs::{EntryKind, Fs};

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
    for entry in fs.list_names(dir).at("list", dir)? {
        let Some((id, _)) = segment_of(&entry.name) else {
            continue;
        };
        let is_listed = log.info(id).map(SegmentInfo::file_name).as_ref() == Some(&entry.name);
        if entry.kind == EntryKind::File && id <= last && !is_listed {
            remove(fs, &dir.join(&entry.name))?;
            any = true;
        }
    }
    if any {
        fs.sync_dir(dir).at("sync", dir)?;
    }
    Ok(())
}
