//! The footer of a segment as its file has it now, whoever has it open or mapped.

use crate::file::SegmentFile;
use crate::footer::{self, Footer};
use crate::{LogError, SegmentInfo};
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode};

/// Reads the footer of a segment from its file in `dir`, by its name; `None` if it has none, or is
/// active. O(bytes of the footer), all of which are in memory after it.
///
/// # Errors
///
/// [`LogError::SegmentMissing`] if the file is not there, [`LogError::FooterDamaged`] if its trailer is
/// not what was written, [`LogError::Corrupt`] if the file is another one, [`LogError::Io`].
pub fn footer_on_disk(
    fs: &dyn Fs,
    dir: &Path,
    info: &SegmentInfo,
) -> Result<Option<Footer>, LogError> {
    let Some(end) = info.end() else {
        return Ok(None);
    };
    let file = SegmentFile::open(fs, dir, info.header(), OpenMode::Read)?;
    footer::read(&file, end, false)
}
