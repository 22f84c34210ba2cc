//! `IndexReader`: where snapshots come from.

use crate::shared::Shared;
use crate::{Block, BlockError, CoordinateId, SequenceGate, Snapshot};
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

    /// Puts a block in the place of the sealed rows that it was made of, in one step: a snapshot
    /// taken before keeps the rows that it has. O(parts).
    ///
    /// Makes live rows that were [sealed](crate::IndexWriter::seal) take less memory.
    ///
    /// # Errors
    ///
    /// [`BlockError::OtherRows`] if no sealed and visible rows have exactly its sequences. Nothing has
    /// changed then.
    pub fn replace(&self, block: Block) -> Result<(), BlockError> {
        self.shared.replace(block)
    }

    /// The number of `coordinate`, if it was interned since the last seal. Expected O(1).
    ///
    /// The number holds until the next seal. That there is one shows nothing of visible events.
    #[must_use]
    pub fn lookup(&self, coordinate: &Coordinate) -> Option<CoordinateId> {
        let parts = self.shared.parts();
        parts.live.by_coordinate.read(coordinate, |id| *id)
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
