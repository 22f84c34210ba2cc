//! Finding a live row by its id: among those that ascend, else in the table of the others. Keeps
//! neither.

use super::ascending;
use super::by_id::{IdHasher, IdTable, fingerprint};
use super::chunk::{Chunk, cell};
use strandline_core::EventId;

/// The row with this id among the first `rows`, of which `ids` has those that do not ascend.
pub(crate) fn find(
    chunks: &[Chunk],
    ids: &IdTable,
    hasher: &IdHasher,
    rows: u32,
    id: EventId,
) -> Option<u32> {
    ascending::find(chunks, rows, id).or_else(|| {
        if ids.is_empty() {
            return None;
        }
        let is_it = |row| row < rows && cell(chunks, row).id() == id;
        ids.find(fingerprint(hasher, id), is_it)
    })
}
