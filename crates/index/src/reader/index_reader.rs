//! `IndexReader`: where snapshots come from, and where blocks take the place of sealed rows.

use super::snapshot::Snapshot;
use crate::block::Block;
use crate::gate::SequenceGate;
use crate::model::{BlockError, CoordinateId};
use crate::shared::Shared;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, Sequence};

/// Takes snapshots of an index, beside its writer and from any number of threads.
///
/// [`channel`](crate::channel) makes the first; clone it for more.
#[derive(Clone)]
pub struct IndexReader {
    pub(super) shared: Arc<Shared>,
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

    /// Puts a block in the place of the sealed parts that it was made of, one or several, in one step: a
    /// snapshot taken before keeps the rows that it has. O(parts).
    ///
    /// Makes live rows that were [sealed](crate::IndexWriter::seal) take less memory.
    ///
    /// # Errors
    ///
    /// [`BlockError::OtherRows`] if no sealed and visible parts have exactly its sequences. Nothing has
    /// changed then.
    pub fn replace(&self, block: Block) -> Result<(), BlockError> {
        self.shared.replace(block)
    }

    /// Puts blocks in the place of all sealed rows with the sequences given for each, in one step: for
    /// rows that were taken away, or whose positions have changed. What is in no block is gone from
    /// later snapshots; its sequence and its clock are not given again. O(parts) for each.
    ///
    /// A block may be empty. Ranges ascend and do not overlap. Where a block that is there has rows of a
    /// range and others, it stays for the others.
    ///
    /// # Errors
    ///
    /// [`BlockError::OtherRows`] if a range is not that of sealed and visible rows, if it has some rows of
    /// a part that is no block and not all, or if its block has more rows than there are, or rows beyond
    /// the range. Nothing has changed then.
    pub fn replace_all(&self, blocks: Vec<(Range<Sequence>, Block)>) -> Result<(), BlockError> {
        self.shared.replace_all(blocks)
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
