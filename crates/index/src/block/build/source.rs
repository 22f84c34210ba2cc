//! `Source`: rows that a block is built of, wherever they are. Writes nothing.

use crate::model::{BlockError, Link};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{EventId, EventKind, Hash, Sequence};

/// Rows of a source.
pub(crate) struct Piece<'s, S> {
    pub(crate) part: &'s S,
    pub(crate) rows: Range<u32>,
}

/// Rows with ascending sequences, numbered from 0; each method is about one that there is.
pub(crate) trait Source {
    fn id(&self, row: u32) -> EventId;
    fn kind(&self, row: u32) -> EventKind;
    fn wall_ms(&self, row: u32) -> u64;
    fn clock(&self, row: u32) -> u32;
    fn position(&self, row: u32) -> u64;
    fn link(&self, row: u32) -> Option<Link>;
    fn sequence_of(&self, row: u32) -> Sequence;
    /// The first row after `row` whose sequence does not follow from those before it.
    fn run_end(&self, row: u32) -> u32;
    /// The number of a row's coordinate.
    fn coordinate_number(&self, row: u32) -> u32;
    /// How many coordinates have a number.
    fn coordinate_count(&self) -> usize;
    /// What `read` makes of the names of the coordinate with a number, entity and scope; none only in a
    /// damaged block.
    fn with_names<T>(&self, number: u32, read: impl FnOnce(&str, &str) -> T) -> Option<T>;
    /// The hash of a row, if that is the last of its entity and the hash is known.
    fn hash_if_last(&self, row: u32) -> Option<Hash>;
    /// The tags that any of these rows have, each with those rows, ascending.
    fn tags_within(&self, rows: &Range<u32>) -> Vec<(Arc<str>, Vec<u32>)>;
}

/// Each row of all pieces.
pub(super) fn rows<'p, S: Source>(
    pieces: &'p [Piece<'p, S>],
) -> impl Iterator<Item = (&'p S, u32)> + Clone {
    pieces
        .iter()
        .flat_map(|piece| piece.rows.clone().map(|row| (piece.part, row)))
}

/// How many there are together, if a block can number them.
pub(super) fn numbered(lengths: impl Iterator<Item = usize>) -> Result<u32, BlockError> {
    let rows = lengths.fold(0, |sum: u64, length| sum.saturating_add(length as u64));
    u32::try_from(rows).map_err(|_| BlockError::TooManyRows { rows })
}

/// Every count is at most that of rows, of which there are as many as 32 bits can say.
pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn more_rows_than_a_block_can_number_are_refused() {
        let most = u32::MAX as usize;
        assert_eq!(numbered([most - 1, 1].into_iter()), Ok(u32::MAX));
        let error = numbered([most, 1].into_iter()).unwrap_err();
        assert_eq!(error, BlockError::TooManyRows { rows: 1 << 32 });
        assert!(error.to_string().contains("4294967296"));
    }
}
