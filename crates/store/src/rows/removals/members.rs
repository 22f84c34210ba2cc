//! `Members`: which of several removals an event is in, as a log is read in its order. Looks at no event.

use std::cmp::Reverse;
use std::ops::Range;
use strandline_core::Sequence;

/// The removals that sequences are in, for whoever asks in ascending order. Memory: the runs.
#[derive(Debug)]
pub(crate) struct Members {
    /// Runs with their removals, those that begin last first.
    coming: Vec<(Range<u64>, usize)>,
    /// Where those end that have begun, and their removals.
    open: Vec<(u64, usize)>,
}

impl Members {
    /// Of runs, each with the number of its removal.
    pub(crate) fn of(runs: impl IntoIterator<Item = (Range<u64>, usize)>) -> Self {
        let mut coming: Vec<_> = runs.into_iter().collect();
        coming.sort_unstable_by_key(|(run, of)| Reverse((run.start, *of)));
        Self {
            coming,
            open: Vec::new(),
        }
    }

    /// The first sequence that is in one, and was not asked for.
    pub(crate) fn next(&self) -> Option<Sequence> {
        self.coming.last().map(|(run, _)| Sequence::new(run.start))
    }

    /// The removals that a sequence is in. It is higher than the one that was asked for before.
    pub(crate) fn with(&mut self, sequence: Sequence) -> impl Iterator<Item = usize> {
        let sequence = sequence.get();
        while let Some((run, of)) = self.coming.pop_if(|(run, _)| run.start <= sequence) {
            self.open.push((run.end, of));
        }
        self.open.retain(|(end, _)| *end > sequence);
        self.open.iter().map(|(_, of)| *of)
    }

    /// Whether no sequence after the one that was asked for last is in any.
    pub(crate) const fn are_passed(&self) -> bool {
        self.open.is_empty() && self.coming.is_empty()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn each_sequence_is_in_the_removals_whose_runs_have_it() {
        let runs = [(3..5, 1), (0..2, 0), (4..9, 0), (7..8, 2)];
        let mut members = Members::of(runs.clone());
        assert_eq!(members.next(), Some(Sequence::ZERO));
        for sequence in [0, 1, 3, 4, 6, 7, 8] {
            let mut found: Vec<_> = members.with(Sequence::new(sequence)).collect();
            found.sort_unstable();
            let has = |(run, of): &(Range<u64>, usize)| run.contains(&sequence).then_some(*of);
            let mut expected: Vec<_> = runs.iter().filter_map(has).collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{sequence}");
            assert!(!members.are_passed());
        }
        assert_eq!(members.with(Sequence::new(9)).count(), 0);
        assert!(members.are_passed());
    }
}
