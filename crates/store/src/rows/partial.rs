//! `Partial`: some leaves of the tree over the log that follow each other, as leaves or, where these are gone, as roots
//! of perfect subtrees up to a group of 64. Adjacent ones can be joined to larger ones, as a run of removed events has
//! them.

use std::ops::Range;
use strandline_proof::{Hash as TreeHash, node_hash};

/// The level of the smallest nodes that are kept of a segment.
pub(crate) const GROUP_LEVEL: u8 = 6;

/// A root of a perfect subtree: level, number, hash.
type Item = (u8, u64, TreeHash);

/// Roots that ascend without a gap, none above [`GROUP_LEVEL`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Partial {
    items: Vec<Item>,
}

impl Partial {
    pub(crate) const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// Adds the next root as it is.
    pub(crate) fn push(&mut self, level: u8, index: u64, hash: TreeHash) {
        self.items.push((level, index, hash));
    }

    /// Adds the next root, and makes larger ones of those that it makes whole, up to [`GROUP_LEVEL`].
    pub(crate) fn join(&mut self, level: u8, index: u64, hash: TreeHash) {
        let (mut level, mut index, mut hash) = (level, index, hash);
        while level < GROUP_LEVEL
            && index % 2 == 1
            && let Some((_, _, left)) = self
                .items
                .pop_if(|(own, number, _)| (*own, Some(*number)) == (level, index.checked_sub(1)))
        {
            hash = node_hash(&left, &hash);
            (level, index) = (level.saturating_add(1), index / 2);
        }
        self.items.push((level, index, hash));
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }

    /// The roots, ascending.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many bytes it takes in memory.
    pub(crate) const fn bytes(&self) -> usize {
        self.items.capacity() * size_of::<Item>()
    }

    /// A node over some of the leaves, of [`GROUP_LEVEL`] at most; none where they are not there, or are within a larger
    /// root. O(leaves of the node).
    pub(crate) fn node(&self, level: u8, index: u64) -> Option<TreeHash> {
        if level > GROUP_LEVEL {
            return None;
        }
        let first = index.checked_mul(1 << level)?;
        let at = self
            .items
            .partition_point(|(own, number, _)| number << own < first);
        self.node_at(&mut self.items.get(at..)?.iter(), level, index)
    }

    /// The node whose leaves begin with the next of the items, of which it takes those that it is made of.
    fn node_at(
        &self,
        items: &mut std::slice::Iter<'_, Item>,
        level: u8,
        index: u64,
    ) -> Option<TreeHash> {
        let (own, number, hash) = items.as_slice().first()?;
        if (*own, *number) == (level, index) {
            items.next();
            return Some(*hash);
        }
        let below = level.checked_sub(1)?;
        let left = self.node_at(items, below, index.checked_mul(2)?)?;
        let right = self.node_at(items, below, index.checked_mul(2)?.checked_add(1)?)?;
        Some(node_hash(&left, &right))
    }
}

/// The perfect subtrees that leaves are made of, level and number, each as large as it can be, but no larger than a
/// group: what a run keeps.
pub(crate) fn in_groups(leaves: Range<u64>) -> impl Iterator<Item = (u8, u64)> {
    let mut start = leaves.start;
    std::iter::from_fn(move || {
        let left = leaves.end.checked_sub(start).filter(|left| *left > 0)?;
        let level = start.trailing_zeros().min(left.ilog2());
        let level = u8::try_from(level).ok()?.min(GROUP_LEVEL);
        let node = (level, start >> level);
        start = start.saturating_add(1 << level);
        Some(node)
    })
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::super::segment_tree::tests::{digest, naive};
    use super::*;
    use proptest::prelude::*;
    use strandline_proof::leaf_hash;

    fn leaf(number: u64) -> TreeHash {
        leaf_hash(digest(number).as_bytes())
    }

    fn joined(leaves: Range<u64>) -> Partial {
        let mut all = Partial::new();
        leaves.for_each(|number| all.join(0, number, leaf(number)));
        all
    }

    proptest! {
        #[test]
        fn what_is_joined_is_what_a_run_has(start in 0..300_u64, one in 0..200_u64, two in 0..200_u64) {
            let (middle, end) = (start + one, start + one + two);
            let all = joined(start..end);
            let expected: Vec<_> = in_groups(start..end)
                .map(|(level, index)| (level, index, naive(index << level..(index + 1) << level)))
                .collect();
            prop_assert_eq!(all.items(), expected);
            // Runs of runs.
            let mut again = joined(start..middle);
            for (level, index, hash) in joined(middle..end).items() {
                again.join(*level, *index, *hash);
            }
            prop_assert_eq!(again, all);
        }

        #[test]
        fn nodes_are_those_of_leaves_and_roots(
            start in 0..64_u64,
            gone in 0..64_u64,
            count in 0..64_u64,
        ) {
            let group = 5_u64 * 64;
            let (from, to) = (group + start.min(gone), group + (start.min(gone) + count).min(64));
            let mut all = Partial::new();
            (group..from).for_each(|number| all.push(0, number, leaf(number)));
            for (level, index, hash) in joined(from..to).items() {
                all.push(*level, *index, *hash);
            }
            (to..group + 64).for_each(|number| all.push(0, number, leaf(number)));
            prop_assert_eq!(all.node(6, 5), Some(naive(group..group + 64)));
            for level in 0..6_u8 {
                for index in group >> level..(group + 64) >> level {
                    let leaves = index << level..(index + 1) << level;
                    let is_within = in_groups(from..to).any(|(own, number)| {
                        let root = number << own..(number + 1) << own;
                        own > level && root.start <= leaves.start && leaves.end <= root.end
                    });
                    let expected = (!is_within).then(|| naive(leaves));
                    prop_assert_eq!(all.node(level, index), expected, "{} {}", level, index);
                }
            }
            prop_assert_eq!(all.node(0, group + 64), None);
            prop_assert_eq!(all.node(7, 2), None);
        }
    }
}
