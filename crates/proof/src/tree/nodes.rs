//! `Nodes`: where the hashes of a tree come from.

use super::hash::Hash;

/// The hashes of perfect subtrees: what roots and proofs are made of.
///
/// Node `index` of `level` is the root over the leaves from `index << level` up to, and without,
/// `(index + 1) << level`; level 0 has the hashes of the leaves themselves. Nodes are asked for only if
/// all of their leaves are below the size of the tree in question, and such a node never changes.
pub trait Nodes {
    /// Why a node cannot be had.
    type Error;

    /// A node.
    ///
    /// # Errors
    ///
    /// Whatever keeps the node from being had.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl<N: Nodes + ?Sized> Nodes for &N {
    type Error = N::Error;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        (**self).node(level, index)
    }
}
