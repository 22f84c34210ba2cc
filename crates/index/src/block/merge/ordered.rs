//! `Ordered`: several ascending sequences as one. What they are of is the caller's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// The items of several iterators, each ascending, in their order, each with whose it is; of items that
/// are the same, that of the first iterator first. O(log iterators) an item.
pub(super) struct Ordered<I: Iterator> {
    sources: Vec<I>,
    /// The next item of each.
    next: BinaryHeap<Reverse<(I::Item, usize)>>,
}

impl<I: Iterator<Item: Ord>> Ordered<I> {
    pub(super) fn new(mut sources: Vec<I>) -> Self {
        let first = sources.iter_mut().enumerate();
        let next = first
            .filter_map(|(at, source)| Some(Reverse((source.next()?, at))))
            .collect();
        Self { sources, next }
    }
}

impl<I: Iterator<Item: Ord>> Iterator for Ordered<I> {
    type Item = (I::Item, usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let mut top = self.next.peek_mut()?;
        let at = top.0.1;
        let Reverse(least) = match self.sources.get_mut(at).and_then(Iterator::next) {
            Some(next) => std::mem::replace(&mut *top, Reverse((next, at))),
            None => PeekMut::pop(top),
        };
        Some(least)
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn items_come_in_order_and_of_the_same_those_of_the_first(
            mut lists in proptest::collection::vec(proptest::collection::vec(0..20_u8, 0..20), 0..6),
        ) {
            lists.iter_mut().for_each(|list| list.sort_unstable());
            let mut expected: Vec<(u8, usize)> = Vec::new();
            for (at, list) in lists.iter().enumerate() {
                expected.extend(list.iter().map(|item| (*item, at)));
            }
            expected.sort_unstable();
            let sources = lists.iter().map(|list| list.iter().copied()).collect();
            prop_assert_eq!(Ordered::new(sources).collect::<Vec<_>>(), expected);
        }
    }
}
