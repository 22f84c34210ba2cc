//! `BackupOptions`: how a backup is made.

use strandline_segment::CopyMode;

/// How a backup is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct BackupOptions {
    pub(super) mode: CopyMode,
    pub(super) verify: bool,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl BackupOptions {
    /// Everything is copied, so that the backup shares no bytes on the disk, and the copy is not read again.
    pub const fn new() -> Self {
        Self {
            mode: CopyMode::Copy,
            verify: false,
        }
    }

    /// How segments are brought. Default: [`CopyMode::Copy`].
    pub const fn mode(mut self, mode: CopyMode) -> Self {
        self.mode = mode;
        self
    }

    /// Verifies all of the copy, what an earlier backup had brought too, before it takes that one's
    /// place. Default: frames that are copied are checked as they are copied, and of the other segments
    /// the end.
    pub const fn verify(mut self) -> Self {
        self.verify = true;
        self
    }
}
