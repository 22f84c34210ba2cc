//! `PoisonOnPanic`: a panic under the commit lock stops all writing.

use super::sync::GroupSync;
use strandline_segment::SyncHandle;

/// Stops all writing if whoever writes panics: the writer's state may be half changed.
pub(crate) struct PoisonOnPanic<'a>(pub(crate) &'a GroupSync<SyncHandle>);

impl PoisonOnPanic<'_> {
    pub(crate) fn finish(self) {
        std::mem::forget(self);
    }
}

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.set_poison("a thread panicked while it was writing");
    }
}
