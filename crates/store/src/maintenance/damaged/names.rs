//! `Names`: which coordinates a damaged segment has, by its records, or else by what was made of them.

use crate::rows::checkpoint::Restored;
use crate::rows::footer;
use crate::{Coordinate, Sequence};
use std::collections::HashMap;
use std::sync::Arc;
use strandline_core::record::{Record, StoredRecord};
use strandline_index::{Block, IndexLayout, SequenceGate, Snapshot};
use strandline_segment::{Examiner, FooterFound, FrameRecord};

/// The coordinates of a segment.
#[derive(Debug, Default)]
pub(in crate::maintenance) struct Names {
    /// By local number.
    named: HashMap<u32, Coordinate>,
    /// The rows of a footer or checkpoint, which tell the coordinate of an event whose own segment does
    /// not.
    rows: Vec<Snapshot>,
}

impl Names {
    /// Those of a segment, of which a checkpoint may have rows.
    pub(in crate::maintenance) fn of(examiner: &Examiner, checkpoint: Option<&Restored>) -> Self {
        let header = examiner.header();
        let in_footer = match examiner.footer() {
            FooterFound::Whole { bytes, .. } => block_of_footer(bytes),
            _ => None,
        };
        let of_segment =
            |found: &&Restored| found.position.segment == header.id && header.generation == 0;
        let in_checkpoint = checkpoint
            .filter(of_segment)
            .and_then(|found| found.stored().ok())
            .map(|stored| stored.block);
        let blocks = in_footer.into_iter().chain(in_checkpoint);
        Self {
            named: HashMap::new(),
            rows: blocks.filter_map(rows).collect(),
        }
    }

    /// The coordinate of a record: as it says itself, as an earlier one of the segment does, or as a row of
    /// the same event at the same place does. What is taken from a row is no more than that; whoever can
    /// follow the chain of the event proves it.
    pub(in crate::maintenance) fn coordinate(
        &mut self,
        at: &FrameRecord<'_>,
        record: &StoredRecord<'_>,
    ) -> Result<Coordinate, String> {
        let local = record.local_coordinate();
        let known = match record.coordinate() {
            Some(coordinate) => Some(coordinate.clone()),
            None => self.named.get(&local).cloned(),
        };
        let found = known.or_else(|| match record {
            StoredRecord::Event(event) => self.in_rows(at, event),
            StoredRecord::Removed(_) => None,
        });
        let coordinate = found
            .ok_or_else(|| "its entity and scope were named by a record that is lost".to_owned())?;
        if record.coordinate().is_some() || !self.named.contains_key(&local) {
            self.named.insert(local, coordinate.clone());
        }
        Ok(coordinate)
    }

    /// The coordinate that a row of the same event at the same place has.
    pub(in crate::maintenance) fn in_rows(
        &self,
        at: &FrameRecord<'_>,
        record: &Record<'_>,
    ) -> Option<Coordinate> {
        let rows = self.rows.iter().filter_map(|rows| rows.row_at(at.sequence));
        let mut same =
            rows.filter(|row| row.id() == record.id && row.position() == at.position.to_bits());
        same.next().map(|row| row.coordinate())
    }
}

fn block_of_footer(bytes: &[u8]) -> Option<Block> {
    let head = footer::head(bytes).ok()?;
    let block = bytes.get(head.block)?.to_vec();
    Block::open(Arc::new(block), None).ok()
}

/// The rows of a block, if all of it is whole.
fn rows(block: Block) -> Option<Snapshot> {
    block.check_all().ok()?;
    if block.sequences().end > SequenceGate::BOUND_MAX {
        return None;
    }
    let (mut index, reader) = strandline_index::channel_with(IndexLayout::default());
    let mut cursor = index.replay();
    let attached = cursor.attach(Arc::new(block));
    cursor.commit(Sequence::ZERO);
    attached.ok()?;
    Some(reader.snapshot())
}
