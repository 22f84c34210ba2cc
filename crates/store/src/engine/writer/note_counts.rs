//! `NoteCounts`: how many notes were written, and how many of them are durable.

/// How many notes were written since the store was opened, and how many of them are durable. A sequence
/// that is durable says nothing of a note after it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoteCounts {
    pub(crate) written: u64,
    pub(crate) synced: u64,
}

impl NoteCounts {
    /// Whether a note may not be durable.
    pub(crate) const fn wait_for_sync(self) -> bool {
        self.synced < self.written
    }
}
