//! `Runs`: sets of sequences. Knows nothing else.

use std::ops::Range;

/// Sequences, as runs that ascend and do not touch each other. Memory: 16 bytes a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runs(Vec<Range<u64>>);

impl Runs {
    /// The sequences of runs in any order.
    pub(super) fn of(mut runs: Vec<Range<u64>>) -> Self {
        runs.retain(|run| run.start < run.end);
        runs.sort_unstable_by_key(|run| run.start);
        let mut all: Vec<Range<u64>> = Vec::new();
        for run in runs {
            match all.last_mut() {
                Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
                _ => all.push(run),
            }
        }
        Self(all)
    }

    /// The sequences of all of these. Linear in the runs, but for their sorting.
    pub(super) fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let runs = sets.into_iter().flat_map(|set| set.0.iter().cloned());
        Self::of(runs.collect())
    }

    /// The sequences that both have. Linear in the runs of this, times the logarithm of those of `other`, and in what is
    /// found.
    pub(super) fn within(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for run in &self.0 {
            let from = other.0.partition_point(|other| other.end <= run.start);
            let others = other.0.iter().skip(from);
            let others = others.take_while(|other| other.start < run.end);
            both.extend(others.map(|other| run.start.max(other.start)..run.end.min(other.end)));
        }
        Self(both)
    }

    /// The sequences that `other` has not. As [`within`](Self::within).
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for run in &self.0 {
            let mut start = run.start;
            for gone in Self(vec![run.clone()]).within(other).0 {
                left.push(start..gone.start);
                start = gone.end;
            }
            left.push(start..run.end);
        }
        Self::of(left)
    }

    pub(super) fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many sequences there are.
    pub(super) fn count(&self) -> u64 {
        let lengths = self.0.iter().map(|run| run.end.saturating_sub(run.start));
        lengths.fold(0, u64::saturating_add)
    }
}

/// Adds a sequence to runs in any order; one that follows the last takes no more memory.
pub(super) fn push(runs: &mut Vec<Range<u64>>, sequence: u64) {
    match runs.last_mut() {
        Some(last) if last.end == sequence => last.end = last.end.saturating_add(1),
        _ => runs.push(sequence..sequence.saturating_add(1)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn runs() -> impl Strategy<Value = Vec<Range<u64>>> {
        proptest::collection::vec((0..60_u64, 0..9_u64).prop_map(|(a, n)| a..a + n), 0..12)
    }

    fn set(runs: &[Range<u64>]) -> BTreeSet<u64> {
        runs.iter().cloned().flatten().collect()
    }

    proptest! {
        #[test]
        fn runs_are_sets(left in runs(), right in runs()) {
            let (a, b) = (set(&left), set(&right));
            let (left, right) = (Runs::of(left), Runs::of(right));
            prop_assert_eq!(set(left.as_slice()), a.clone());
            prop_assert_eq!(left.count(), a.len() as u64);
            prop_assert_eq!(left.is_empty(), a.is_empty());
            prop_assert_eq!(set(left.within(&right).as_slice()), &a & &b);
            prop_assert_eq!(set(left.without(&right).as_slice()), &a - &b);
            prop_assert_eq!(set(Runs::union([&left, &right]).as_slice()), &a | &b);
            let mut pushed = Vec::new();
            a.iter().for_each(|one| push(&mut pushed, *one));
            prop_assert_eq!(Runs::of(pushed), left);
        }
    }
}
