//! Exporting rows of a snapshot as the bytes of a block. How those are built is the block's.

use super::snapshot::Snapshot;
use crate::block::{Piece, build};
use crate::model::BlockError;
use std::ops::Range;
use strandline_core::Sequence;

impl Snapshot {
    /// The events with these sequences as the bytes of a [`Block`](crate::Block). O(n log n) in the names among
    /// them, O(n) in the events.
    ///
    /// Holds the hash of an entity's last event in the range, where that is known: where it is the
    /// newest of the entity that was inserted. Rows of a block that is lost read as zeros, so look at
    /// [`damage`](Self::damage) after it.
    ///
    /// # Errors
    ///
    /// [`BlockError::TooManyRows`] if a block cannot number them: 2^32 rows or more, or as many entries
    /// of tags.
    pub fn export(&self, sequences: Range<Sequence>) -> Result<Vec<u8>, BlockError> {
        self.export_after(Vec::new(), sequences)
    }

    /// As [`export`](Self::export), after bytes of the caller's.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn export_after(
        &self,
        bytes: Vec<u8>,
        sequences: Range<Sequence>,
    ) -> Result<Vec<u8>, BlockError> {
        let pieces: Vec<_> = self
            .bounded_parts()
            .map(|(part, bound)| {
                let start = part.first_row_from(sequences.start.get(), bound);
                let end = part.first_row_from(sequences.end.get(), bound).max(start);
                Piece {
                    part,
                    rows: start..end,
                }
            })
            .filter(|piece| !piece.rows.is_empty())
            .collect();
        build(&pieces, self.layout(), bytes)
    }

    /// Whether the visible rows with these sequences say what this process had by itself, and nothing is
    /// among them that only a file says: each part that has some is live or a
    /// [trusted](crate::Block::trusted) block. O(parts).
    #[must_use]
    pub fn is_trusted(&self, sequences: Range<Sequence>) -> bool {
        self.bounded_parts().all(|(part, bound)| {
            let start = part.first_row_from(sequences.start.get(), bound);
            let end = part.first_row_from(sequences.end.get(), bound);
            start >= end || part.block().is_none_or(|block| block.is_trusted())
        })
    }
}
