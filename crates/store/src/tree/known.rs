//! `Trees`: what is known of the tree over a log in this process. Never wrong, whatever becomes of the log: a digest
//! stays that of its record. Holds no rule of what is asked.

use super::of_segment::OfSegment;
use std::collections::HashMap;
use std::sync::Arc;
use strandline_core::sync::Mutex;
use strandline_proof::Hash as TreeHash;
use strandline_segment::{SegmentHeader, SegmentId, SegmentInfo};

/// Of how many generations of a segment something is known at once: older snapshots have an older one.
const GENERATIONS: usize = 2;
/// How many segments have a section in memory at most, where files are not mapped: a byte a record each.
const READ_MAX: usize = 16;
/// What a node of several segments takes in memory, about.
const SPINE_NODE_BYTES: usize = 64;

/// What is known of a tree.
#[derive(Debug, Default)]
pub(crate) struct Trees {
    segments: Mutex<Segments>,
    spine: Mutex<Spine>,
}

#[derive(Debug, Default)]
struct Segments {
    known: HashMap<SegmentId, Vec<(SegmentHeader, Arc<OfSegment>)>>,
    /// Those whose sections are in memory, that which was read first in front.
    read: Vec<SegmentId>,
}

/// The nodes of several segments.
#[derive(Debug, Default)]
struct Spine {
    /// By level and number.
    nodes: HashMap<(u8, u64), TreeHash>,
    /// How often they were forgotten.
    forgotten: u64,
}

impl Trees {
    /// What is known of a segment.
    pub(super) fn of_segment(&self, info: &SegmentInfo) -> Arc<OfSegment> {
        let mut segments = self.segments.lock();
        let known = segments.known.entry(info.id()).or_default();
        let same = known.iter().find(|(header, _)| header == info.header());
        if let Some((_, same)) = same {
            return same.clone();
        }
        if known.len() == GENERATIONS {
            known.remove(0);
        }
        let new = Arc::new(OfSegment::default());
        known.push((*info.header(), new.clone()));
        new
    }

    /// Notes that a section of a segment was used, and forgets those that were read before, if there are too many.
    pub(super) fn used(&self, id: SegmentId, of_segment: &OfSegment) {
        if !of_segment.is_read() {
            return;
        }
        let mut segments = self.segments.lock();
        let Segments { known, read } = &mut *segments;
        if read.contains(&id) {
            return;
        }
        read.push(id);
        if read.len() > READ_MAX {
            known.remove(&read.remove(0));
        }
    }

    /// Forgets what is known of a segment: it has another footer, or other frames.
    pub(crate) fn forget(&self, id: SegmentId) {
        let mut segments = self.segments.lock();
        segments.read.retain(|read| *read != id);
        let forgotten = segments.known.remove(&id);
        drop(segments);
        // Files are let go of without the lock.
        drop(forgotten);
    }

    /// A node of several segments, if it was made before, and what [`keep`](Self::keep) wants to know.
    pub(super) fn spine(&self, level: u8, index: u64) -> (Option<TreeHash>, u64) {
        let spine = self.spine.lock();
        (spine.nodes.get(&(level, index)).copied(), spine.forgotten)
    }

    /// Keeps a node of several segments, unless these were forgotten since it was begun.
    pub(super) fn keep(&self, level: u8, index: u64, node: TreeHash, begun: u64) {
        let mut spine = self.spine.lock();
        if spine.forgotten == begun {
            spine.nodes.insert((level, index), node);
        }
    }

    /// Forgets the nodes of several segments: what they were made of turned out to be wrong.
    pub(super) fn forget_spine(&self) {
        let mut spine = self.spine.lock();
        spine.nodes.clear();
        spine.forgotten = spine.forgotten.wrapping_add(1);
    }

    /// Bytes that it takes in memory, about. O(segments that were asked for).
    pub(crate) fn bytes(&self) -> usize {
        let known: Vec<_> = {
            let segments = self.segments.lock();
            let all = segments.known.values().flatten();
            all.map(|(_, known)| known.clone()).collect()
        };
        let spine = self.spine.lock().nodes.capacity() * SPINE_NODE_BYTES;
        let segments = known.iter().map(|known| known.bytes()).sum::<usize>();
        segments.saturating_add(spine)
    }
}
