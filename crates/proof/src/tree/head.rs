//! `TreeHead`: what stands for a log up to a place.

use super::hash::Hash;

/// Most leaves of a tree: 2^63.
pub const TREE_SIZE_MAX: u64 = 1 << 63;

/// A size and a root: what stands for the first `size` events of a log, with all that they say.
///
/// Any two values can be put together, so a head is worth as much as whoever gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl TreeHead {
    /// The head of the log without events.
    pub const EMPTY: Self = Self {
        size: 0,
        root: Hash::EMPTY,
    };
}

impl Default for TreeHead {
    fn default() -> Self {
        Self::EMPTY
    }
}
