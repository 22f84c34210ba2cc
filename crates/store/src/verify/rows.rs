//! `SegmentRows`: what the frames of a segment say, which its indexes have to say too. Judges nothing.

use crate::rows::{HeadMap, HeadPlace, RemovedHead, SegmentTree, Summary, row_of};
use std::collections::HashMap;
use std::sync::Arc;
use strandline_core::record::{Record, RemovedRecord};
use strandline_core::{Coordinate, Hlc};
use strandline_index::{BlockBuilder, CoordinateId, IndexError};
use strandline_segment::{FrameRecord, SegmentInfo};

/// What is wrong with a summary that another should be in the place of.
pub(super) const SUMMARY_DIFFERS: &str =
    "the list of the names of kinds and positions of sources differs from what the frames say";

/// The rows of one segment, as far as it was read.
#[derive(Debug, Clone)]
pub(super) struct SegmentRows {
    pub(super) info: SegmentInfo,
    pub(super) rows: BlockBuilder,
    /// By local number.
    pub(super) names: Vec<Named>,
    /// By local number, those that come after records which are damaged.
    after_gaps: HashMap<usize, Named>,
    /// Where streams end whose newest event was removed.
    pub(super) removed: HeadMap,
    /// What its records say beside their rows.
    pub(super) summary: Summary,
    /// The nodes of the tree that lie in it; none where records were not whole.
    pub(super) tree: Option<SegmentTree>,
    /// The newest clock reading up to here.
    pub(super) newest: Option<Hlc>,
    /// Whether every record could be taken: with what is damaged nothing is compared.
    pub(super) is_whole: bool,
}

/// A coordinate that the segment has named.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) coordinate: Arc<Coordinate>,
    id: CoordinateId,
    /// The place of the entity's chain among all.
    pub(super) chain: usize,
    /// The offset of the record that named it.
    at: u32,
}

impl SegmentRows {
    /// Of a segment after those whose newest clock reading is `newest`.
    pub(super) fn new(info: SegmentInfo, newest: Option<Hlc>) -> Self {
        Self {
            info,
            rows: BlockBuilder::default(),
            names: Vec::new(),
            after_gaps: HashMap::new(),
            removed: HeadMap::new(),
            summary: Summary::default(),
            tree: info.is_sealed().then(|| SegmentTree::of(&info)),
            newest,
            is_whole: true,
        }
    }

    /// Gives a coordinate its local number, which is the next, `has_gaps` aside. `place` is the number, and
    /// the offset of the record that names it.
    pub(super) fn name(
        &mut self,
        coordinate: &Coordinate,
        chain: usize,
        (local, at): (usize, u32),
        has_gaps: bool,
    ) -> Result<(), IndexError> {
        let id = self.rows.intern(coordinate)?;
        let named = Named {
            coordinate: Arc::new(coordinate.clone()),
            id,
            chain,
            at,
        };
        if has_gaps && local != self.names.len() {
            self.after_gaps.insert(local, named);
        } else {
            self.names.push(named);
        }
        Ok(())
    }

    /// The coordinate with a local number.
    pub(super) fn named(&self, local: usize) -> Option<&Named> {
        self.after_gaps
            .get(&local)
            .or_else(|| self.names.get(local))
    }

    pub(super) fn event(
        &mut self,
        at: &FrameRecord<'_>,
        record: &Record<'_>,
        local: usize,
    ) -> Result<(), IndexError> {
        self.newest = self.newest.max(Some(record.hlc));
        let Some(named) = self.named(local) else {
            return Ok(());
        };
        let id = named.id;
        if !self.removed.is_empty() {
            let entity = named.coordinate.clone();
            self.removed.remove(entity.entity());
        }
        let tags: Vec<_> = record.extensions.tags().collect();
        let row = row_of(at, record, id);
        self.rows.push(&row, &tags)
    }

    pub(super) fn removed(&mut self, at: &FrameRecord<'_>, record: &RemovedRecord, local: usize) {
        self.newest = self.newest.max(Some(record.hlc));
        if let Some(named) = self.named(local) {
            let head = RemovedHead {
                clock: record.clock,
                sequence: at.sequence,
                hash: at.digest,
                place: Some(HeadPlace {
                    offset: at.position.offset,
                    named_at: named.at,
                }),
            };
            let entity = named.coordinate.entity().into();
            self.removed.insert(entity, head);
        }
    }
}
