//! Roots: of a whole tree, and of the subtrees that a proof names.

use super::error::{ProofError, TreeError};
use super::hash::{Hash, node_hash};
use super::head::TREE_SIZE_MAX;
use super::nodes::Nodes;

/// The root of the tree over the first `size` leaves: MTH of RFC 6962, section 2.1.
///
/// Asks for as many nodes as `size` has bits set, 63 at most.
///
/// # Errors
///
/// [`TreeError::Range`] if `size` is above [`TREE_SIZE_MAX`], [`TreeError::Nodes`] if a node cannot be had.
pub fn root<N: Nodes>(size: u64, nodes: &N) -> Result<Hash, TreeError<N::Error>> {
    check_size(size)?;
    root_of(0, size, nodes).map_err(TreeError::Nodes)
}

/// The root over the leaves from `start` up to, and without, `end`, where `start` is where a subtree of the
/// tree over `end` leaves begins.
pub(super) fn root_of<N: Nodes>(start: u64, end: u64, nodes: &N) -> Result<Hash, N::Error> {
    // The perfect subtrees of which it consists stand from the largest on the left to the smallest on the
    // right, one for each bit of the number of leaves. They are joined from the right.
    let mut left_to_do = end.saturating_sub(start);
    let mut end = end;
    let mut joined = None;
    while left_to_do > 0 {
        let (level, leaves) = lowest_bit(left_to_do);
        let index = end.wrapping_sub(leaves) >> level;
        let subtree = nodes.node(level, index)?;
        joined = Some(match joined {
            None => subtree,
            Some(right) => node_hash(&subtree, &right),
        });
        left_to_do &= left_to_do.wrapping_sub(1);
        end = end.wrapping_sub(leaves);
    }
    Ok(joined.unwrap_or(Hash::EMPTY))
}

/// How many leaves the left one of the two subtrees has in which the tree over `leaves` leaves is split:
/// the largest power of two below. `leaves` is 2 or more.
pub(super) const fn split(leaves: u64) -> u64 {
    1 << 63_u32.saturating_sub(leaves.saturating_sub(1).leading_zeros())
}

pub(super) const fn check_size(size: u64) -> Result<(), ProofError> {
    if size > TREE_SIZE_MAX {
        return Err(ProofError::TreeTooLarge { size });
    }
    Ok(())
}

/// The place of the lowest bit that is set, and that bit alone.
fn lowest_bit(number: u64) -> (u8, u64) {
    let place = number.trailing_zeros();
    // A place in 64 bits.
    let level = u8::try_from(place).unwrap_or(u8::MAX);
    (level, number & number.wrapping_neg())
}
