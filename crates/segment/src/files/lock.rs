//! The lock of the file that is appended to: of two writers of one file, the second is refused.
//!
//! Whoever owns the directory has a lock of its own for that, in a file that can be removed or replaced
//! while it is held. Then this one holds, as the file cannot: it is the one that both would write.

use crate::error::{At, LogError};
use std::path::Path;
use strandline_core::fs::{FileLock, Fs};

/// Locks the file of a segment, which is there.
pub(crate) fn lock_segment(fs: &dyn Fs, path: &Path) -> Result<Box<dyn FileLock>, LogError> {
    let lock = fs.try_lock(path).at("lock", path)?;
    lock.ok_or_else(|| LogError::BeingWritten {
        file: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    })
}
