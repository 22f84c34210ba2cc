//! The lock of the file that is appended to: of two writers of one file, the second is refused.
//!
//! Whoever owns the directory has a lock of its own for that, in a file that can be removed or replaced
//! while it is held. Then this one holds, as the file cannot: it is the one that both would write.

use crate::error::At;
use crate::{LogError, MANIFEST_FILE, UncheckedLog};
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

impl UncheckedLog {
    /// Locks the active segment, until the log or the writer that is made of it is dropped. Before
    /// anything is changed that is done by itself; earlier, a second writer is refused earlier.
    ///
    /// # Errors
    ///
    /// [`LogError::BeingWritten`] if a writer has it, in this process or another; [`LogError::Io`].
    pub fn lock(&mut self) -> Result<(), LogError> {
        let Some(last) = self.files.last() else {
            return Err(LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment"));
        };
        if self.lock.is_none() {
            self.lock = Some(lock_segment(&*self.fs, &last.path)?);
        }
        Ok(())
    }
}
