//! `IndexReader`: where snapshots come from.

use crate::shared::Shared;
use crate::{SequenceGate, Snapshot};
use std::fmt;
use std::sync::Arc;

/// Takes snapshots of an index, beside its writer and from any number of threads.
///
/// [`channel`](crate::channel) makes the first; clone it for more.
#[derive(Clone)]
pub struct IndexReader {
    shared: Arc<Shared>,
}

impl IndexReader {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Everything that is visible now, for as long as it is kept. O(1).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.shared)
    }

    /// The gate of the index.
    #[must_use]
    pub fn gate(&self) -> &Arc<SequenceGate> {
        &self.shared.gate
    }
}

impl fmt::Debug for IndexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexReader")
            .field("gate", self.gate())
            .finish_non_exhaustive()
    }
}
