//! `PartInfo`: what an index tells of one of its parts, to whoever decides which are to be merged. Reads no
//! row.

use super::index_reader::IndexReader;
use super::snapshot::Snapshot;
use crate::block::MergePart;
use crate::part::Part;
use std::ops::Range;
use strandline_core::Sequence;

/// A sealed part of an index.
#[derive(Debug, Clone)]
pub struct PartInfo {
    /// From the sequence of its first row to that after its last.
    pub sequences: Range<Sequence>,
    /// How many rows it has.
    pub rows: u32,
    /// The rows of a block that it is; none of rows that are still live.
    pub block: Option<MergePart>,
}

impl PartInfo {
    /// Whether it is a block, with all of its rows.
    #[must_use]
    pub fn is_whole_block(&self) -> bool {
        let block = self.block.as_ref();
        block.is_some_and(|part| part.block.rows() == self.rows)
    }
}

impl Snapshot {
    /// The sealed parts that were there when it was taken, and whose rows were all visible, oldest first.
    /// O(parts).
    #[must_use]
    pub fn parts(&self) -> Vec<PartInfo> {
        let infos = self.whole().iter().map(|sealed| PartInfo {
            sequences: sealed.part.sequence_of(0)..sealed.end,
            rows: sealed.part.rows(),
            block: match &sealed.part {
                Part::Live(_) => None,
                Part::Block(view) => Some(MergePart {
                    block: view.block.clone(),
                    rows: view.range(),
                }),
            },
        });
        infos.collect()
    }
}

impl IndexReader {
    /// The sealed parts whose rows are all visible, oldest first. O(parts).
    #[must_use]
    pub fn parts(&self) -> Vec<PartInfo> {
        self.snapshot().parts()
    }
}
