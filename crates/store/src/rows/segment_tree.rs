//! `SegmentTree`: of the tree over the log, whose leaves are the digests of all records, the nodes that lie in one
//! segment as a whole. Grows with the segment's records. What is kept of it in a footer is in
//! [`tree_section`](super::tree_section).
//!
//! Leaves are numbered as records are, by sequence. Groups of 64 leaves, aligned, are the smallest nodes that are
//! kept, with where their first record stands: what is below is made of the records when it is asked for.

use super::partial::{GROUP_LEVEL, Partial};
use super::run::RunSaid;
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::{Hash, Sequence};
use strandline_proof::{Hash as TreeHash, leaf_hash, node_hash};
use strandline_segment::{Frame, RecordPlace, SegmentInfo};

/// How many leaves the smallest nodes have that are kept.
pub(crate) const GROUP: u64 = 1 << GROUP_LEVEL;
/// The same, as a length.
const GROUP_LEN: usize = 1 << GROUP_LEVEL;

/// The nodes over the first records of a segment that lie in it, about a byte a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentTree {
    /// The number of the first leaf.
    base: u64,
    count: u64,
    /// The leaves before the first group that begins in the segment.
    head: Partial,
    /// The leaves of the last group that begins there, until it is whole.
    tail: Partial,
    /// Where the groups begin that begin there.
    places: Vec<RecordPlace>,
    /// The nodes of each level from [`GROUP_LEVEL`] up.
    levels: Vec<Vec<TreeHash>>,
}

impl SegmentTree {
    /// The tree of a segment without records, to which they are added.
    pub(crate) const fn of(info: &SegmentInfo) -> Self {
        Self::from(info.start().sequence.get())
    }

    /// As [`of`](Self::of), of a segment that begins with this leaf.
    pub(crate) const fn from(base: u64) -> Self {
        Self {
            base,
            count: 0,
            head: Partial::new(),
            tail: Partial::new(),
            places: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// The leaves that were added.
    pub(crate) const fn leaves(&self) -> Range<u64> {
        self.base..self.base.saturating_add(self.count)
    }

    /// Where the groups begin that begin in the segment.
    pub(crate) fn places(&self) -> &[RecordPlace] {
        &self.places
    }

    /// The nodes of each level from [`GROUP_LEVEL`] up.
    pub(crate) fn levels(&self) -> &[Vec<TreeHash>] {
        &self.levels
    }

    /// Where a group begins, if it begins in the segment.
    pub(crate) fn place(&self, group: u64) -> Option<RecordPlace> {
        let number = group.checked_sub(first_of(self.base, GROUP_LEVEL))?;
        self.places.get(usize::try_from(number).ok()?).copied()
    }

    /// How many bytes it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let hashes = self.levels.iter().map(Vec::capacity).sum::<usize>();
        let partial = self.head.bytes() + self.tail.bytes();
        partial + hashes * TreeHash::BYTES + self.places.capacity() * size_of::<RecordPlace>()
    }

    /// Adds the records of a frame, which begin where those before end.
    ///
    /// # Errors
    ///
    /// `Corrupt` if sequences are left out before them.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.check_next(frame.first_sequence())?;
        let run = RunSaid::of(frame).map_err(|what| Error::new(ErrorKind::Corrupt, what))?;
        if let Some(run) = run {
            let place = RecordPlace::of_frame(frame);
            for (level, index, hash) in run.tree.items() {
                self.push_root(place, *level, *index, *hash);
            }
            return Ok(());
        }
        for (place, digest) in RecordPlace::of(frame) {
            self.push(place, &digest);
        }
        Ok(())
    }

    fn check_next(&self, next: Sequence) -> Result<(), Error> {
        let end = self.leaves().end;
        if next.get() == end {
            return Ok(());
        }
        let message = format!("the log has {next} after the records before {end}, and so no tree");
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, place: RecordPlace, digest: &Hash) {
        self.push_root(place, 0, self.leaves().end, leaf_hash(digest.as_bytes()));
    }

    /// Adds the root over the next leaves, of a group at most, which can be read from `place` on.
    fn push_root(&mut self, place: RecordPlace, level: u8, index: u64, root: TreeHash) {
        let number = self.leaves().end;
        self.count = self.count.saturating_add(1 << level);
        if number.is_multiple_of(GROUP) {
            self.places.push(place);
        } else if self.places.is_empty() {
            return self.head.push(level, index, root);
        }
        self.tail.push(level, index, root);
        if !self.leaves().end.is_multiple_of(GROUP) {
            return;
        }
        let leaves = self.tail.items();
        let node = match leaves.len() {
            GROUP_LEN => {
                let mut leaves: Vec<_> = leaves.iter().map(|(.., leaf)| *leaf).collect();
                Some(root_in_place(&mut leaves))
            }
            _ => self.tail.node(GROUP_LEVEL, number / GROUP),
        };
        self.tail.clear();
        if let Some(node) = node {
            self.push_group(node);
        }
    }

    /// Adds the node of a group, and the nodes above it that it makes whole.
    fn push_group(&mut self, node: TreeHash) {
        let mut node = node;
        for at in 0_u8.. {
            let place = usize::from(at);
            if self.levels.len() == place {
                self.levels.push(Vec::new());
            }
            let first = first_of(self.base, GROUP_LEVEL.saturating_add(at));
            let Some(level) = self.levels.get_mut(place) else {
                return;
            };
            let number = first.saturating_add(level.len() as u64);
            level.push(node);
            // A left child waits for the right one, and a right one may have its left one in another segment.
            node = match level.as_slice() {
                [.., left, right] if number % 2 == 1 => node_hash(left, right),
                _ => return,
            };
        }
    }

    /// The node over the leaves `index << level .. (index + 1) << level`, if they are there and either it is of
    /// [`GROUP_LEVEL`] or above, or below that and its leaves are in no whole group.
    pub(crate) fn node(&self, level: u8, index: u64) -> Option<TreeHash> {
        if let Some(at) = level.checked_sub(GROUP_LEVEL) {
            let level_nodes = self.levels.get(usize::from(at))?;
            let place = index.checked_sub(first_of(self.base, level))?;
            return level_nodes.get(usize::try_from(place).ok()?).copied();
        }
        let of_head = || self.head.node(level, index);
        self.tail.node(level, index).or_else(of_head)
    }
}

/// The number of the first node of a level that begins at a leaf or after it.
pub(super) const fn first_of(leaf: u64, level: u8) -> u64 {
    match leaf >> level << level == leaf {
        true => leaf >> level,
        false => (leaf >> level).saturating_add(1),
    }
}

/// The root of the perfect tree over some nodes, as many as a power of two, which are overwritten.
pub(crate) fn root_in_place(nodes: &mut [TreeHash]) -> TreeHash {
    let mut count = nodes.len();
    while count > 1 {
        count /= 2;
        for at in 0..count {
            if let Some([left, right]) = nodes.get(2 * at..2 * at + 2) {
                let node = node_hash(left, right);
                if let Some(to) = nodes.get_mut(at) {
                    *to = node;
                }
            }
        }
    }
    nodes.first().copied().unwrap_or(TreeHash::EMPTY)
}

/// The perfect subtrees that leaves are made of, level and number, each as large as it can be: ascending, and at most
/// two of each level.
pub(crate) fn perfect(leaves: Range<u64>) -> impl Iterator<Item = (u8, u64)> {
    let mut start = leaves.start;
    std::iter::from_fn(move || {
        let left = leaves.end.checked_sub(start).filter(|left| *left > 0)?;
        let level = start.trailing_zeros().min(left.ilog2());
        let node = (u8::try_from(level).ok()?, start >> level);
        start = start.saturating_add(1 << level);
        Some(node)
    })
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn digest(number: u64) -> Hash {
        Hash::of(&number.to_le_bytes())
    }

    pub(in super::super) fn grown(leaves: Range<u64>) -> SegmentTree {
        let mut tree = SegmentTree::from(leaves.start);
        for number in leaves {
            let place = RecordPlace {
                offset: u32::try_from(number * 3).unwrap(),
                left: 1,
            };
            tree.push(place, &digest(number));
        }
        tree
    }

    pub(in super::super) fn naive(leaves: Range<u64>) -> TreeHash {
        let leaf = |number| leaf_hash(digest(number).as_bytes());
        root_in_place(&mut leaves.map(leaf).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn nodes_are_those_of_the_leaves(base in 0..400_u64, count in 0..500_u64) {
            let tree = grown(base..base + count);
            prop_assert_eq!(tree.leaves(), base..base + count);
            for level in 0..12_u8 {
                for index in 0..(base + count + 64) >> level {
                    let leaves = index << level..(index + 1) << level;
                    let is_in = leaves.start >= base && leaves.end <= base + count;
                    let group = leaves.start / 64 * 64..leaves.start / 64 * 64 + 64;
                    let is_below = level < GROUP_LEVEL && group.start >= base && group.end <= base + count;
                    let expected = (is_in && !is_below).then(|| naive(leaves));
                    prop_assert_eq!(tree.node(level, index), expected, "{} {}", level, index);
                }
            }
            let groups = (base..base + count).filter(|number| number % 64 == 0);
            let groups: Vec<_> = groups.map(|number| u32::try_from(number * 3).unwrap()).collect();
            let offsets: Vec<_> = tree.places().iter().map(|place| place.offset).collect();
            prop_assert_eq!(offsets, groups);
        }

        #[test]
        fn perfect_subtrees_are_all_leaves_once(start in 0..1_u64 << 40, count in 0..1_u64 << 40) {
            let mut at = start;
            let mut levels = Vec::new();
            for (level, index) in perfect(start..start + count) {
                prop_assert_eq!(index << level, at);
                at += 1 << level;
                levels.push(level);
            }
            prop_assert_eq!(at, start + count);
            let greatest = levels.iter().position(|level| Some(level) == levels.iter().max());
            let (up, down) = levels.split_at(greatest.unwrap_or(0));
            prop_assert!(up.is_sorted_by(|a, b| a < b));
            prop_assert!(down.is_sorted_by(|a, b| a >= b));
        }
    }
}
