//! `Runs`: sets of sequences.

use std::ops::Range;
use strandline_core::Sequence;

/// Sequences, as runs that ascend and do not touch each other. Memory: 16 bytes a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs(Vec<Range<u64>>);

impl Runs {
    /// The sequences of runs in any order.
    pub(crate) fn of(mut runs: Vec<Range<u64>>) -> Self {
        runs.retain(|run| run.start < run.end);
        runs.sort_unstable_by_key(|run| run.start);
        let mut all = Self::default();
        for run in runs {
            match all.0.last_mut() {
                Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
                _ => all.0.push(run),
            }
        }
        all
    }

    /// Every sequence below `end`.
    pub(crate) fn below(end: Sequence) -> Self {
        let mut all = Self::default();
        if end > Sequence::ZERO {
            all.0.push(0..end.get());
        }
        all
    }

    /// Adds a sequence that is higher than the others. O(1).
    pub(crate) fn push(&mut self, sequence: Sequence) {
        push_run(&mut self.0, sequence);
    }

    /// The runs.
    pub(crate) fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }

    /// How many sequences there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|run| run.end - run.start).sum()
    }

    /// The sequences of both. Linear in the runs, but for their sorting.
    pub(crate) fn with(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The sequences that `other` has not. Linear in the runs, of `other` in those from the first of these
    /// to the last.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let first = self.0.first().map_or(0, |run| run.start);
        let from = other.0.partition_point(|run| run.end <= first);
        let mut others = other.0.iter().skip(from).peekable();
        for run in &self.0 {
            let mut start = run.start;
            while let Some(other) = others.peek() {
                if other.end <= start {
                    others.next();
                    continue;
                }
                if other.start >= run.end {
                    break;
                }
                if other.start > start {
                    left.push(start..other.start);
                }
                start = other.end;
                if other.end >= run.end {
                    break;
                }
            }
            if start < run.end {
                left.push(start..run.end);
            }
        }
        Self(left)
    }

    /// Whether a sequence is one of them. O(log runs).
    pub(crate) fn has(&self, sequence: Sequence) -> bool {
        let sequence = sequence.get();
        let at = self.0.partition_point(|run| run.end <= sequence);
        self.0.get(at).is_some_and(|run| run.start <= sequence)
    }

    /// Whether one of them is in a range. O(log runs).
    pub(crate) fn touches(&self, start: Sequence, end: Sequence) -> bool {
        let at = self.0.partition_point(|run| run.end <= start.get());
        start < end && self.0.get(at).is_some_and(|run| run.start < end.get())
    }

    /// Each sequence.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Sequence> {
        self.0.iter().flat_map(|run| run.clone().map(Sequence::new))
    }
}

/// Adds a sequence to runs in any order; one that follows the last takes no more memory.
pub(crate) fn push_run(runs: &mut Vec<Range<u64>>, sequence: Sequence) {
    let sequence = sequence.get();
    match runs.last_mut() {
        Some(last) if last.end == sequence => last.end = last.end.saturating_add(1),
        _ => runs.push(sequence..sequence.saturating_add(1)),
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
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
            let all = |runs: &Runs| runs.iter().map(Sequence::get).collect::<BTreeSet<_>>();
            prop_assert_eq!(all(&left), a.clone());
            prop_assert_eq!(left.count(), a.len() as u64);
            for sequence in 0..72 {
                prop_assert_eq!(left.has(Sequence::new(sequence)), a.contains(&sequence));
                for end in sequence..72 {
                    let touches = left.touches(Sequence::new(sequence), Sequence::new(end));
                    prop_assert_eq!(touches, a.range(sequence..end).next().is_some());
                }
            }
            prop_assert_eq!(all(&left.with(&right)), &a | &b);
            prop_assert_eq!(all(&left.without(&right)), &a - &b);
            let mut pushed = Runs::default();
            a.iter().for_each(|one| pushed.push(Sequence::new(*one)));
            prop_assert_eq!(pushed, left);
        }
    }
}
