//! `ProofError`: why something is no proof. `TreeError`: why a proof cannot be made.

use super::hash::Hash;
use super::head::TREE_SIZE_MAX;

/// Why something is no proof of what is claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A tree has at most [`TREE_SIZE_MAX`] leaves.
    #[error("a tree of {size} leaves: there can be {TREE_SIZE_MAX}")]
    TreeTooLarge {
        /// The size claimed.
        size: u64,
    },
    /// The leaf is not in a tree of this size.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    NotInTree {
        /// Number of the leaf, from 0.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// A tree does not grow into a smaller one.
    #[error("a tree of {old} leaves cannot have grown into one of {new}")]
    Shrinks {
        /// Size of the tree that is to be the earlier one.
        old: u64,
        /// Size of the other.
        new: u64,
    },
    /// No proof has so many hashes.
    #[error("{got} hashes: no proof has more than {max}")]
    TooManyHashes {
        /// How many there are.
        got: usize,
        /// How many there can be.
        max: usize,
    },
    /// The proof has not the number of hashes that the sizes ask for.
    #[error("the proof has {got} hashes, not the {expected} that it must have")]
    WrongLength {
        /// How many the sizes ask for.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// The proof leads to another root than that of the head.
    #[error("the proof leads to the root {got}, not to {expected}")]
    WrongRoot {
        /// Root of the head.
        expected: Hash,
        /// Where the proof leads.
        got: Hash,
    },
    /// The proof leads to another root than that of the earlier head.
    #[error("the proof leads to the earlier root {got}, not to {expected}")]
    WrongOldRoot {
        /// Root of the earlier head.
        expected: Hash,
        /// Where the proof leads.
        got: Hash,
    },
}

/// Why a root or a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError<E> {
    /// What is asked for cannot be.
    #[error(transparent)]
    Range(#[from] ProofError),
    /// A node cannot be had.
    #[error("a node of the tree cannot be had")]
    Nodes(#[source] E),
}
