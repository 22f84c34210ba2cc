//! `ConsistencyProof`: that the tree of one head only grew into that of another.

use super::error::{ProofError, TreeError};
use super::hash::{Hash, node_hash};
use super::head::TreeHead;
use super::nodes::Nodes;
use super::root::{check_size, root_of, split};

/// Most hashes of a consistency proof.
pub const CONSISTENCY_HASHES_MAX: usize = 64;

/// That the log of one head begins with all of the log of an earlier one: the hashes of RFC 6962, section
/// 2.1.2, in that order. At most one more than the greater size has bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ConsistencyProof(Vec<Hash>);

impl ConsistencyProof {
    /// A proof from its hashes.
    ///
    /// # Errors
    ///
    /// [`ProofError::TooManyHashes`] if there are more than [`CONSISTENCY_HASHES_MAX`].
    pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
        let (got, max) = (hashes.len(), CONSISTENCY_HASHES_MAX);
        match got > max {
            true => Err(ProofError::TooManyHashes { got, max }),
            false => Ok(Self(hashes)),
        }
    }

    /// The hashes.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// Checks that the log of `new` begins with all of that of `old`.
    ///
    /// Of the log without events any log is a continuation, so there is nothing to prove and the proof has
    /// no hashes; so it is between equal heads.
    ///
    /// Makes up to twice as many hashes as the proof has.
    ///
    /// # Errors
    ///
    /// [`ProofError`], which says what of it cannot be or is not so.
    pub fn verify(&self, old: &TreeHead, new: &TreeHead) -> Result<(), ProofError> {
        check_size(old.size)?;
        check_size(new.size)?;
        if old.size > new.size {
            let (old, new) = (old.size, new.size);
            return Err(ProofError::Shrinks { old, new });
        }
        let (expected, got) = (length(old.size, new.size), self.0.len());
        if got != expected {
            return Err(ProofError::WrongLength { expected, got });
        }
        let (old_root, new_root) = match old.size {
            0 => (Hash::EMPTY, new.root),
            size if size == new.size => (new.root, new.root),
            _ => self.roots(old, new.size),
        };
        if old_root != old.root {
            return Err(ProofError::WrongOldRoot {
                expected: old.root,
                got: old_root,
            });
        }
        // An empty new head has no proof to lead to it: it must be the root of nothing itself.
        let new_root = if new.size == 0 { Hash::EMPTY } else { new_root };
        if new_root != new.root {
            return Err(ProofError::WrongRoot {
                expected: new.root,
                got: new_root,
            });
        }
        Ok(())
    }

    /// The two roots to which the proof leads, of sizes that are neither 0 nor equal. RFC 9162, section
    /// 2.1.4.2.
    fn roots(&self, old: &TreeHead, new_size: u64) -> (Hash, Hash) {
        // The largest subtree that ends where the old tree does: where the old tree is one, its root is
        // known, and not in the proof.
        let level = old.size.trailing_zeros();
        let mut own = old.size.saturating_sub(1) >> level;
        let mut last = new_size.saturating_sub(1) >> level;
        let mut hashes = self.0.iter();
        let first = match old.size.is_power_of_two() {
            true => old.root,
            false => hashes.next().copied().unwrap_or(Hash::EMPTY),
        };
        let (mut old_root, mut new_root) = (first, first);
        for beside in hashes {
            if own & 1 == 1 || own == last {
                old_root = node_hash(beside, &old_root);
                new_root = node_hash(beside, &new_root);
                // Where the way is the last one of its level, it goes up alone until it is a right child.
                while own & 1 == 0 && own != 0 {
                    own >>= 1;
                    last >>= 1;
                }
            } else {
                new_root = node_hash(&new_root, beside);
            }
            own >>= 1;
            last >>= 1;
        }
        (old_root, new_root)
    }
}

/// How many hashes the proof between these sizes has.
fn length(old: u64, new: u64) -> usize {
    if old == 0 || old == new {
        return 0;
    }
    steps(old, new).count() + usize::from(!old.is_power_of_two())
}

/// The ways down from the root of the new tree to the largest subtree that ends where the old one does.
/// Each is the part that is beside the way.
fn steps(old: u64, new: u64) -> impl Iterator<Item = (u64, u64)> {
    let (mut start, mut end) = (0, new);
    std::iter::from_fn(move || {
        if old == end {
            return None;
        }
        let middle = start + split(end - start);
        Some(if old <= middle {
            let right = (middle, end);
            end = middle;
            right
        } else {
            let left = (start, middle);
            start = middle;
            left
        })
    })
}

/// The proof that the tree over the first `new` leaves begins with all of that over the first `old`.
///
/// Asks for O(log n) nodes.
///
/// # Errors
///
/// [`TreeError::Range`] if `old` is above `new` or `new` is above [`TREE_SIZE_MAX`](super::TREE_SIZE_MAX),
/// [`TreeError::Nodes`] if a node cannot be had.
pub fn consistency<N: Nodes>(
    old: u64,
    new: u64,
    nodes: &N,
) -> Result<ConsistencyProof, TreeError<N::Error>> {
    check_size(new)?;
    if old > new {
        return Err(ProofError::Shrinks { old, new }.into());
    }
    if old == 0 || old == new {
        return Ok(ConsistencyProof::default());
    }
    let part = |(start, end)| root_of(start, end, nodes).map_err(TreeError::Nodes);
    let mut hashes = steps(old, new).map(part).collect::<Result<Vec<_>, _>>()?;
    if !old.is_power_of_two() {
        let leaves = 1 << old.trailing_zeros();
        hashes.push(part((old - leaves, old))?);
    }
    hashes.reverse();
    Ok(ConsistencyProof(hashes))
}
