//! The end of writing: what a store that closes owes to whoever appended.

use super::driver::SyncDriver;
use super::levels::Reach;
use super::poison::Poison;
use super::sync::GroupSync;
use super::target::SyncTarget;

/// Lets the driver do what it was asked, ends it, and returns when everything that was written is
/// durable, asked for or not, and visible but for what is to be replicated first. Ends the replication.
///
/// Nobody appends any more. Whoever still waits for an append is told by then, or with the error.
pub(crate) fn close<T: SyncTarget>(
    driver: Option<SyncDriver>,
    group: &GroupSync<T>,
) -> Result<(), Poison> {
    drop(driver);
    let synced = group.wait_for(Reach::Synced, group.written());
    group.detach("the store was closed before the events were replicated");
    synced
}
