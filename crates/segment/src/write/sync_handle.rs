//! `SyncHandle`: syncs the segment that is appended to, beside the writer. When that is done is the
//! caller's business.

use super::space::Space;
use std::io;
use std::sync::Arc;
use strandline_core::fs::FsFile;

/// Syncs everything that was written to a segment; may be used from any thread.
#[derive(Debug, Clone)]
pub struct SyncHandle {
    pub(super) file: Arc<dyn FsFile>,
    pub(super) space: Arc<Space>,
}

impl SyncHandle {
    /// Makes everything written to the segment before the call durable. Before it may set disk
    /// space aside for what is to come.
    ///
    /// # Errors
    ///
    /// What the file system says. After an error nothing is known of what is durable, and another
    /// call that succeeds proves nothing.
    pub fn sync(&self) -> io::Result<()> {
        self.space.prepare(&*self.file);
        self.file.sync()
    }
}
