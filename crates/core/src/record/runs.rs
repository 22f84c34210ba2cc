//! `Runs`: sets of sequences, as the notes of removals name them. Knows neither notes nor events.

use crate::model::Sequence;
use std::ops::Range;

/// Sequences, as runs that ascend and do not touch each other. Memory: 16 bytes a run.
///
/// ```
/// use strandline_core::Sequence;
/// use strandline_core::record::Runs;
///
/// let gone = Runs::of(vec![7..9, 2..4, 4..5]);
/// assert_eq!(gone.as_slice(), [2..5, 7..9]);
/// let below = gone.within(&Runs::below(Sequence::new(8)));
/// assert_eq!((below.as_slice(), below.count()), ([2..5, 7..8].as_slice(), 4));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs(Vec<Range<u64>>);

impl Runs {
    /// The sequences of runs in any order.
    #[must_use]
    pub fn of(mut runs: Vec<Range<u64>>) -> Self {
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
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let runs = sets.into_iter().flat_map(|set| set.0.iter().cloned());
        Self::of(runs.collect())
    }

    /// Every sequence below `end`.
    #[must_use]
    pub fn below(end: Sequence) -> Self {
        let mut all = Self::default();
        if end > Sequence::ZERO {
            all.0.push(0..end.get());
        }
        all
    }

    /// Adds a sequence that is higher than the others. O(1).
    pub fn push(&mut self, sequence: Sequence) {
        push_run(&mut self.0, sequence);
    }

    /// Adds sequences that are higher than the others. O(1).
    pub fn push_all(&mut self, sequences: Range<Sequence>) {
        push_all(&mut self.0, sequences);
    }

    /// The runs.
    #[must_use]
    pub fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }

    /// Whether there is no sequence.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many sequences there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|run| run.end - run.start).sum()
    }

    /// The sequences of both. Linear in the runs, but for their sorting.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self::union([self, other])
    }

    /// The sequences that both have. Linear in the runs, of `other` in those from the first of these to the last.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let mut others = self.others(other).iter().peekable();
        for run in &self.0 {
            while let Some(other) = others.peek().filter(|other| other.start < run.end) {
                let common = run.start.max(other.start)..run.end.min(other.end);
                if common.start < common.end {
                    both.push(common);
                }
                if other.end > run.end {
                    break;
                }
                others.next();
            }
        }
        Self(both)
    }

    /// The sequences that `other` has not. Linear as [`within`](Self::within).
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = self.others(other).iter().peekable();
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

    /// The runs of `other` from the first that does not end before these begin.
    fn others<'a>(&self, other: &'a Self) -> &'a [Range<u64>] {
        let first = self.0.first().map_or(0, |run| run.start);
        let from = other.0.partition_point(|run| run.end <= first);
        other.0.get(from..).unwrap_or_default()
    }

    /// Whether a sequence is one of them. O(log runs).
    #[must_use]
    pub fn has(&self, sequence: Sequence) -> bool {
        let sequence = sequence.get();
        let at = self.0.partition_point(|run| run.end <= sequence);
        self.0.get(at).is_some_and(|run| run.start <= sequence)
    }

    /// Whether one of them is in a range. O(log runs).
    #[must_use]
    pub fn touches(&self, start: Sequence, end: Sequence) -> bool {
        let at = self.0.partition_point(|run| run.end <= start.get());
        start < end && self.0.get(at).is_some_and(|run| run.start < end.get())
    }

    /// Each sequence.
    pub fn iter(&self) -> impl Iterator<Item = Sequence> {
        self.0.iter().flat_map(|run| run.clone().map(Sequence::new))
    }
}

/// Adds sequences, higher than the others, to runs that ascend. O(1).
pub fn push_all(runs: &mut Vec<Range<u64>>, sequences: Range<Sequence>) {
    let (start, end) = (sequences.start.get(), sequences.end.get());
    match runs.last_mut() {
        Some(last) if last.end == start => last.end = end,
        _ => runs.push(start..end),
    }
}

/// Adds a sequence to runs in any order; one that follows the last takes no more memory.
pub fn push_run(runs: &mut Vec<Range<u64>>, sequence: Sequence) {
    let sequence = sequence.get();
    match runs.last_mut() {
        Some(last) if last.end == sequence => last.end = last.end.saturating_add(1),
        _ => runs.push(sequence..sequence.saturating_add(1)),
    }
}

#[cfg(test)]
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

    /// The sequences, each run of which is not empty and does not touch the one before.
    fn all(runs: &Runs) -> BTreeSet<u64> {
        let ascend = |pair: &[Range<u64>]| pair[0].end < pair[1].start;
        assert!(runs.as_slice().windows(2).all(ascend), "{runs:?}");
        assert!(runs.as_slice().iter().all(|run| run.start < run.end));
        runs.iter().map(Sequence::get).collect()
    }

    proptest! {
        #[test]
        fn runs_are_sets(left in runs(), right in runs()) {
            let (a, b) = (set(&left), set(&right));
            let (left, right) = (Runs::of(left), Runs::of(right));
            prop_assert_eq!(all(&left), a.clone());
            prop_assert_eq!(left.count(), a.len() as u64);
            prop_assert_eq!(left.is_empty(), a.is_empty());
            for sequence in 0..72 {
                prop_assert_eq!(left.has(Sequence::new(sequence)), a.contains(&sequence));
                for end in sequence..72 {
                    let touches = left.touches(Sequence::new(sequence), Sequence::new(end));
                    prop_assert_eq!(touches, a.range(sequence..end).next().is_some());
                }
                let below: BTreeSet<_> = (0..sequence).collect();
                prop_assert_eq!(all(&Runs::below(Sequence::new(sequence))), below);
            }
            prop_assert_eq!(all(&left.with(&right)), &a | &b);
            prop_assert_eq!(all(&Runs::union([&left, &right])), &a | &b);
            prop_assert_eq!(all(&left.within(&right)), &a & &b);
            prop_assert_eq!(all(&left.without(&right)), &a - &b);
            let mut pushed = Runs::default();
            a.iter().for_each(|one| pushed.push(Sequence::new(*one)));
            prop_assert_eq!(pushed, left);
        }
    }
}
