//! Heads of the tree that may be kept.

use super::Store;
use crate::Error;
#[cfg(doc)]
use crate::ErrorKind;
use strandline_proof::TreeHead;

impl Store {
    /// The head of the tree over the events that are visible and durable: what may be signed and kept elsewhere. One
    /// over events that a power cut takes back would look like a forged one afterwards, or like a log that was.
    ///
    /// In a store opened to read only, over the events that are proven durable. Cost as
    /// [`Snapshot::tree_head`](crate::Snapshot::tree_head). Proofs up to it are made by
    /// [`Snapshot::snapshot_at`](crate::Snapshot::snapshot_at) its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] or [`ErrorKind::Io`] if what is needed of the log cannot be read.
    pub fn durable_head(&self) -> Result<TreeHead, Error> {
        // Before the snapshot is taken, which has all that was published by then.
        let durable = self.shared().group.durable();
        let now = self.snapshot();
        now.tree_head_at(durable.min(now.visible()).get())
    }
}
