//! `Lead`: the turn of the thread that syncs.

use super::sync::GroupSync;
use super::target::SyncTarget;

/// Stops everything if the leader panics inside the sync: the others would wait for ever.
pub(super) struct Lead<'a, T: SyncTarget> {
    pub(super) group: &'a GroupSync<T>,
    pub(super) finished: bool,
}

impl<T: SyncTarget> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        if !self.finished {
            self.group
                .set_poison("the thread that was syncing panicked");
        }
    }
}
