//! `InclusionProof`: that a leaf is at its place in the tree of a head.

use super::error::{ProofError, TreeError};
use super::hash::{Hash, leaf_hash, node_hash};
use super::head::TreeHead;
use super::nodes::Nodes;
use super::root::{check_size, root_of, split};

/// Most hashes of an inclusion proof.
pub const INCLUSION_HASHES_MAX: usize = 63;

/// That a leaf is at its place in the tree of a head: the hashes beside the way from the leaf to the root,
/// from the leaf on (RFC 6962, section 2.1.1). As many as the size has bits, at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct InclusionProof(Vec<Hash>);

impl InclusionProof {
    /// A proof from its hashes, from the leaf on.
    ///
    /// # Errors
    ///
    /// [`ProofError::TooManyHashes`] if there are more than [`INCLUSION_HASHES_MAX`].
    pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
        let (got, max) = (hashes.len(), INCLUSION_HASHES_MAX);
        match got > max {
            true => Err(ProofError::TooManyHashes { got, max }),
            false => Ok(Self(hashes)),
        }
    }

    /// The hashes, from the leaf on.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// Checks that the event with `digest` is number `index`, from 0, of the log of `head`.
    ///
    /// Makes as many hashes as the proof has.
    ///
    /// # Errors
    ///
    /// [`ProofError`], which says what of it cannot be or is not so.
    pub fn verify(&self, digest: &[u8; 32], index: u64, head: &TreeHead) -> Result<(), ProofError> {
        self.verify_leaf(&leaf_hash(digest), index, head)
    }

    /// As [`verify`](Self::verify), of a leaf whose hash was made already.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn verify_leaf(&self, leaf: &Hash, index: u64, head: &TreeHead) -> Result<(), ProofError> {
        let size = head.size;
        check_size(size)?;
        if index >= size {
            return Err(ProofError::NotInTree { index, size });
        }
        let (inner, border) = lengths(index, size);
        let (expected, got) = (inner + border, self.0.len());
        if got != expected {
            return Err(ProofError::WrongLength { expected, got });
        }
        let mut hash = *leaf;
        for (level, sibling) in self.0.iter().enumerate() {
            // Up to where the way meets the right border of the tree a bit says on which side it is; from
            // there on, whatever is beside it is on its left.
            let is_right = level >= inner || index >> level & 1 == 1;
            hash = match is_right {
                true => node_hash(sibling, &hash),
                false => node_hash(&hash, sibling),
            };
        }
        match hash == head.root {
            true => Ok(()),
            false => Err(ProofError::WrongRoot {
                expected: head.root,
                got: hash,
            }),
        }
    }
}

/// How many hashes stand beside the way from a leaf to the root: below the place where it meets the right
/// border of the tree, and above it.
fn lengths(index: u64, size: u64) -> (usize, usize) {
    let bits = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let inner = u64::BITS - (index ^ size.saturating_sub(1)).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    (bits(inner.into()), bits(border.into()))
}

/// The proof that leaf `index`, from 0, is in the tree over the first `size` leaves.
///
/// Asks for O(log n) nodes.
///
/// # Errors
///
/// [`TreeError::Range`] if the leaf is not below `size` or `size` is above
/// [`TREE_SIZE_MAX`](super::TREE_SIZE_MAX), [`TreeError::Nodes`] if a node cannot be had.
pub fn inclusion<N: Nodes>(
    index: u64,
    size: u64,
    nodes: &N,
) -> Result<InclusionProof, TreeError<N::Error>> {
    check_size(size)?;
    if index >= size {
        return Err(ProofError::NotInTree { index, size }.into());
    }
    let (mut start, mut end) = (0, size);
    let mut hashes = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        let beside = if index < middle {
            let right = root_of(middle, end, nodes);
            end = middle;
            right
        } else {
            let left = root_of(start, middle, nodes);
            start = middle;
            left
        };
        hashes.push(beside.map_err(TreeError::Nodes)?);
    }
    hashes.reverse();
    Ok(InclusionProof(hashes))
}
