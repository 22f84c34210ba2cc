//! The end of writing: what a store that closes owes to whoever appended.

use super::driver::SyncDriver;
use super::poison::Poison;
use super::sync::{GroupSync, SyncTarget};

/// Lets the driver do what it was asked, ends it, and returns when everything that was written is
/// durable and visible, asked for or not.
///
/// Nobody appends any more. Whoever still waits for an append is told by then, or with the error.
pub(crate) fn close<T: SyncTarget>(
    driver: Option<SyncDriver>,
    group: &GroupSync<T>,
) -> Result<(), Poison> {
    drop(driver);
    group.wait(group.written())
}
