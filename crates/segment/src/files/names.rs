//! What the name of a file in the directory of a log says. Opens nothing.

use crate::format::{MANIFEST_FILE, SegmentId};
use std::path::{Path, PathBuf};
use strandline_core::fs::TEMPORARY_SUFFIX;

/// What the file at `path` is called until it is whole.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY_SUFFIX);
    name.into()
}

/// Whether a name looks like that of a segment.
pub(crate) fn is_segment_like(name: &str) -> bool {
    name.starts_with("segment-") && name.ends_with(".log")
}

/// Number and generation of the segment whose file, or temporary file, is called so.
pub(crate) fn segment_of(name: &str) -> Option<(SegmentId, u32)> {
    SegmentId::parse_file_name(name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name))
}

/// Whether a file that is called so was to become a segment.
pub(crate) fn is_temporary_segment(name: &str) -> bool {
    let whole = name.strip_suffix(TEMPORARY_SUFFIX);
    whole.is_some_and(|whole| SegmentId::parse_file_name(whole).is_some())
}

/// Whether a name is that of a file which the log was replacing: its manifest, or a segment.
pub(crate) fn is_own_temporary(name: &str) -> bool {
    name.strip_suffix(TEMPORARY_SUFFIX) == Some(MANIFEST_FILE) || is_temporary_segment(name)
}
