//! `SyncTarget`: what is synced.

use std::io;

/// Something that can be synced: everything that was written to it before.
pub(crate) trait SyncTarget: Clone {
    fn sync(&self) -> io::Result<()>;
}

impl SyncTarget for strandline_segment::SyncHandle {
    fn sync(&self) -> io::Result<()> {
        Self::sync(self)
    }
}
