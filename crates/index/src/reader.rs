//! `IndexReader`: where snapshots come from.

use crate::shared::Shared;
use crate::{CoordinateId, SequenceGate, Snapshot};
use std::fmt;
use std::sync::Arc;
use strandline_core::Coordinate;

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

    /// The number of `coordinate`, if it was interned. Expected O(1).
    ///
    /// Numbers never change, so it may be kept. That there is one shows nothing of visible events.
    #[must_use]
    pub fn lookup(&self, coordinate: &Coordinate) -> Option<CoordinateId> {
        self.shared.by_coordinate.read(coordinate, |id| *id)
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
