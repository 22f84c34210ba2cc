//! The tree section of a footer: the nodes of the tree over the log that lie in a segment, one byte a record.
//!
//! | field | bytes |
//! |---|---|
//! | of each level from 6 up: the nodes whose leaves are all in the segment | 32 each |
//! | of each group of 64 leaves, aligned, that begins in the segment: offset of its first record in the file, how many records the commit of that has from it on | 4 + 2 |
//! | zeros, up to a multiple of 8 bytes | 0 to 7 |
//! | checksum of what follows, with no salt, at offset 0 | 8 |
//! | number of the first leaf, number of leaves | 8 + 8 |
//! | checksum of the levels, groups and zeros, with no salt, at offset 0 | 8 |
//! | edges: the nodes of the largest perfect subtrees that the leaves are made of, ascending | 32 each |
//!
//! The edges are what the nodes of several segments are made of. With what is before them they are checked and read
//! alone, and stand at the end of the footer beside its trailer, so that one block of a file that is elsewhere has both;
//! the rest is checked before its first use. How many nodes there are says the range of the leaves, and a segment
//! without records has no section.

use super::partial::GROUP_LEVEL;
use super::segment_tree::{GROUP, SegmentTree, first_of, perfect};
use std::ops::Range;
use strandline_core::Salt;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_proof::Hash as TreeHash;
use strandline_segment::RecordPlace;

const FIXED_BYTES: usize = 8 + 8 + 8 + 8;
const CHECKSUM_BYTES: usize = 8;
const PLACE_BYTES: u64 = 4 + 2;
const HASH_BYTES: u64 = 32;
const ALIGNMENT: usize = 8;
/// No node has more leaves.
const LEVEL_MAX: u8 = 63;

/// The bytes of the section; none if there are no records. O(records / 64).
pub(crate) fn encode(tree: &SegmentTree) -> Vec<u8> {
    let leaves = tree.leaves();
    if leaves.is_empty() {
        return Vec::new();
    }
    let mut rest = Vec::new();
    let mut out = Writer::new(&mut rest);
    for node in tree.levels().iter().flatten() {
        out.bytes(node.as_bytes());
    }
    for place in tree.places() {
        out.u32(place.offset);
        out.u16(place.left);
    }
    rest.resize(rest.len().next_multiple_of(ALIGNMENT), 0);
    let mut bytes = vec![0; CHECKSUM_BYTES];
    let mut out = Writer::new(&mut bytes);
    out.u64(leaves.start);
    out.u64(leaves.end.saturating_sub(leaves.start));
    out.u64(Salt::NONE.checksum(0, &rest).0);
    for (level, index) in perfect(leaves) {
        // Each is there: it lies in the segment, and is in no whole group or is one.
        let node = tree.node(level, index).unwrap_or(TreeHash::EMPTY);
        out.bytes(node.as_bytes());
    }
    if let Some((to, covered)) = bytes.split_first_chunk_mut() {
        *to = Salt::NONE.checksum(0, covered).0.to_le_bytes();
    }
    rest.extend_from_slice(&bytes);
    rest
}

/// Where what is in the section of these leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    leaves: Range<u64>,
}

impl Layout {
    pub(crate) const fn of(leaves: Range<u64>) -> Self {
        Self { leaves }
    }

    pub(crate) fn leaves(&self) -> Range<u64> {
        self.leaves.clone()
    }

    /// How many bytes the section has from its checksum on: at most some 4 KiB.
    pub(crate) fn edges_bytes(&self) -> u64 {
        let edges = perfect(self.leaves.clone()).count() as u64;
        FIXED_BYTES as u64 + edges * HASH_BYTES
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        let groups = first_of(self.leaves.end, GROUP_LEVEL);
        let groups = groups.saturating_sub(first_of(self.leaves.start, GROUP_LEVEL));
        let places = groups.saturating_mul(PLACE_BYTES);
        let rest = self.places_start().saturating_add(places);
        let rest = rest.checked_next_multiple_of(ALIGNMENT as u64);
        self.edges_bytes().saturating_add(rest.unwrap_or(u64::MAX))
    }

    /// How many nodes of a level there are.
    fn nodes(&self, level: u8) -> u64 {
        let first = first_of(self.leaves.start, level);
        (self.leaves.end >> level).saturating_sub(first)
    }

    /// Where the places of groups are, from the levels on.
    fn places_start(&self) -> u64 {
        let nodes = (GROUP_LEVEL..=LEVEL_MAX).map(|level| self.nodes(level));
        nodes.sum::<u64>().saturating_mul(HASH_BYTES)
    }

    /// A node of level 6 or above, if it is there. `rest` is the section up to its edges.
    pub(crate) fn node(&self, rest: &[u8], level: u8, index: u64) -> Option<TreeHash> {
        if !(GROUP_LEVEL..=LEVEL_MAX).contains(&level) {
            return None;
        }
        let place = index.checked_sub(first_of(self.leaves.start, level))?;
        if place >= self.nodes(level) {
            return None;
        }
        let before = (GROUP_LEVEL..level).map(|level| self.nodes(level));
        let at = before.sum::<u64>().saturating_add(place);
        let at = at.saturating_mul(HASH_BYTES);
        let bytes = rest.get(usize::try_from(at).ok()?..)?;
        bytes.first_chunk().copied().map(TreeHash::from_bytes)
    }

    /// Where a group begins that begins in the segment. `rest` is the section up to its edges.
    pub(crate) fn place(&self, rest: &[u8], group: u64) -> Option<RecordPlace> {
        let number = group.checked_sub(first_of(self.leaves.start, GROUP_LEVEL))?;
        if group.checked_mul(GROUP)? >= self.leaves.end {
            return None;
        }
        let at = self
            .places_start()
            .checked_add(number.checked_mul(PLACE_BYTES)?)?;
        let bytes = rest.get(usize::try_from(at).ok()?..)?;
        let mut reader = Reader::new(bytes);
        Some(RecordPlace {
            offset: reader.u32("offset").ok()?,
            left: reader.u16("left").ok()?,
        })
    }
}

/// What a section ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edges {
    pub(crate) layout: Layout,
    nodes: Vec<TreeHash>,
    rest_checksum: u64,
}

impl Edges {
    /// Reads what a section of these leaves ends with: [`Layout::edges_bytes`]. O(log leaves).
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is damaged, or of other leaves.
    pub(crate) fn decode(bytes: &[u8], leaves: Range<u64>) -> Result<Self, DecodeError> {
        let layout = Layout::of(leaves.clone());
        let length = usize::try_from(layout.edges_bytes()).unwrap_or(usize::MAX);
        let mut reader = Reader::new(bytes);
        let covered = reader.bytes("edges of a tree section", length)?;
        let mut reader = Reader::new(covered);
        let checksum = reader.u64("checksum")?;
        let (base, count) = (reader.u64("first leaf")?, reader.u64("number of leaves")?);
        let rest_checksum = reader.u64("checksum of the rest")?;
        let covered = covered.get(CHECKSUM_BYTES..).unwrap_or_default();
        if Salt::NONE.checksum(0, covered).0 != checksum {
            return Err(reader.invalid("edges of a tree section", "their checksum is wrong"));
        }
        if Some(leaves.end) != base.checked_add(count) || leaves.start != base {
            return Err(reader.invalid("leaves", "are not those of the segment"));
        }
        let nodes = perfect(leaves).map(|_| reader.array("edge").map(TreeHash::from_bytes));
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
            layout,
            rest_checksum,
        })
    }

    /// The node, if it is one of the edges. O(log leaves).
    pub(crate) fn node(&self, level: u8, index: u64) -> Option<TreeHash> {
        let mut perfect = perfect(self.layout.leaves.clone());
        let at = perfect.position(|node| node == (level, index))?;
        self.nodes.get(at).copied()
    }

    /// Whether these are the bytes of the section up to its edges. O(bytes).
    pub(crate) fn is_rest(&self, rest: &[u8]) -> bool {
        Salt::NONE.checksum(0, rest).0 == self.rest_checksum
    }

    /// How many bytes it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.nodes.capacity() * TreeHash::BYTES
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::segment_tree::tests::{grown, naive};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(base in 0..400_u64, count in 0..900_u64) {
            let leaves = base..base + count;
            let tree = grown(leaves.clone());
            let bytes = encode(&tree);
            if count == 0 {
                prop_assert!(bytes.is_empty());
                return Ok(());
            }
            let layout = Layout::of(leaves.clone());
            prop_assert_eq!(layout.bytes(), bytes.len() as u64);
            prop_assert!(bytes.len().is_multiple_of(ALIGNMENT));
            let edges_bytes = usize::try_from(layout.edges_bytes()).unwrap();
            let (rest, front) = bytes.split_at(bytes.len() - edges_bytes);
            let front = Edges::decode(front, leaves.clone()).unwrap();
            prop_assert!(front.is_rest(rest));
            for (level, index) in perfect(leaves.clone()) {
                let expected = naive(index << level..(index + 1) << level);
                prop_assert_eq!(front.node(level, index), Some(expected));
            }
            for level in 0..12 {
                for index in 0..leaves.end + 2 {
                    let expected = tree.node(level, index).filter(|_| level >= GROUP_LEVEL);
                    prop_assert_eq!(layout.node(rest, level, index), expected);
                }
            }
            for group in 0..leaves.end / 64 + 3 {
                let starts = leaves.contains(&(group * 64));
                let before = (base..group * 64).filter(|number| number % 64 == 0).count();
                let expected = tree.places().get(before).copied().filter(|_| starts);
                prop_assert_eq!(layout.place(rest, group), expected);
            }
        }

        #[test]
        fn what_is_changed_is_found(base in 0..200_u64, count in 1..300_u64, bit: prop::sample::Index) {
            let leaves = base..base + count;
            let mut bytes = encode(&grown(leaves.clone()));
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let edges_bytes = usize::try_from(Layout::of(leaves.clone()).edges_bytes()).unwrap();
            let (rest, front) = bytes.split_at(bytes.len() - edges_bytes);
            match Edges::decode(front, leaves) {
                Ok(front) => prop_assert!(!front.is_rest(rest)),
                Err(_) => prop_assert!(bit / 8 >= rest.len()),
            }
        }

        /// Whatever is there, of whatever leaves, with a right checksum.
        #[test]
        fn any_bytes_are_refused_or_read(
            mut bytes in prop::collection::vec(any::<u8>(), 0..3000),
            base: u64,
            count: u64,
            is_small: bool,
            asked: (u8, u64),
        ) {
            let (base, count) = match is_small {
                true => (base % 1000, count % 1000),
                false => (base, count),
            };
            let leaves = base..base.saturating_add(count);
            let edges_bytes = usize::try_from(Layout::of(leaves.clone()).edges_bytes()).unwrap();
            if let Some(front) = bytes.get_mut(..edges_bytes) {
                front[8..16].copy_from_slice(&leaves.start.to_le_bytes());
                front[16..24].copy_from_slice(&(leaves.end - leaves.start).to_le_bytes());
                let checksum = Salt::NONE.checksum(0, &front[8..]).0;
                front[..8].copy_from_slice(&checksum.to_le_bytes());
                let front = Edges::decode(&bytes, leaves.clone()).unwrap();
                front.node(asked.0, asked.1);
            }
            prop_assert!(leaves.is_empty() || Edges::decode(&bytes, base..base).is_err());
            let layout = Layout::of(leaves);
            layout.bytes();
            layout.node(&bytes, asked.0, asked.1);
            layout.place(&bytes, asked.1);
        }
    }
}
