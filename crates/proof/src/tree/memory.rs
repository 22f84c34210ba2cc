//! `MemoryTree`: a tree that is all in memory.

use super::hash::{Hash, node_hash};
use super::head::TreeHead;
use super::nodes::Nodes;
use super::root::root_of;

/// A tree with all of its nodes in memory: about 64 bytes a leaf. For tests, and for logs of some million
/// events.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    /// The nodes of each level, of whole subtrees alone.
    levels: Vec<Vec<Hash>>,
}

/// A node that a tree has not, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree has no node {index} at level {level}")]
pub struct MissingNode {
    /// Level, 0 for leaves.
    pub level: u8,
    /// Number in the level, from 0.
    pub index: u64,
}

impl MemoryTree {
    /// Adds the [hash](super::leaf_hash) of the next leaf. Amortized O(1).
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else {
                return;
            };
            nodes.push(node);
            // A node is whole with its right child.
            let (pairs, []) = nodes.as_chunks::<2>() else {
                return;
            };
            let Some([left, right]) = pairs.last() else {
                return;
            };
            node = node_hash(left, right);
        }
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels
            .first()
            .map_or(0, |leaves| u64::try_from(leaves.len()).unwrap_or(u64::MAX))
    }

    /// Size and root. O(log n).
    #[must_use]
    pub fn head(&self) -> TreeHead {
        let size = self.size();
        // All nodes below the size are there.
        let root = root_of(0, size, self).unwrap_or(Hash::EMPTY);
        TreeHead { size, root }
    }
}

impl Nodes for MemoryTree {
    type Error = MissingNode;

    fn node(&self, level: u8, index: u64) -> Result<Hash, MissingNode> {
        let nodes = self.levels.get(usize::from(level));
        let node = nodes.and_then(|nodes| nodes.get(usize::try_from(index).ok()?));
        node.copied().ok_or(MissingNode { level, index })
    }
}
