//! `MergePart`: consecutive rows of a block, for whoever merges or attaches them.

use crate::block::open::Block;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::Sequence;

/// Consecutive rows of a block, by their numbers in it.
#[derive(Debug, Clone)]
pub struct MergePart {
    /// The block.
    pub block: Arc<Block>,
    /// Which of its rows.
    pub rows: Range<u32>,
}

impl Block {
    /// The rows with these sequences. O(log gaps in the sequences).
    #[must_use]
    pub fn rows_within(&self, sequences: &Range<Sequence>) -> Range<u32> {
        let rows = self.rows();
        let end = self.first_row_from(sequences.end.get(), rows);
        self.first_row_from(sequences.start.get(), rows).min(end)..end
    }
}
