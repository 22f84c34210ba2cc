//! `Run`: rows whose sequences follow each other without a gap, and searching them. Who keeps runs adds
//! to them.
//!
//! A store has one run, where row and sequence differ by a constant. Every gap adds one.

use strandline_core::Sequence;

/// Rows from `first_row` on have the sequences from `first_sequence` on, up to the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first_sequence: u64,
    pub(crate) first_row: u32,
}

/// The sequence of `row`, which is in one of `runs`. O(log runs).
pub(crate) fn sequence_of(runs: &[Run], row: u32) -> Sequence {
    let run = match runs {
        [run] => run,
        runs => {
            let after = runs.partition_point(|run| run.first_row <= row);
            match after.checked_sub(1).and_then(|at| runs.get(at)) {
                Some(run) => run,
                None => return Sequence::ZERO,
            }
        }
    };
    let offset = row.saturating_sub(run.first_row);
    Sequence::new(run.first_sequence + u64::from(offset))
}

/// The first of `rows` rows whose sequence is `sequence` or later; `rows` if there is none.
/// O(log runs).
#[inline]
pub(crate) fn first_row_from(runs: &[Run], rows: u32, sequence: u64) -> u32 {
    let after = runs.partition_point(|run| run.first_sequence <= sequence);
    let end = runs
        .get(after)
        .map_or(rows, |next| next.first_row.min(rows));
    let Some(run) = after.checked_sub(1).and_then(|at| runs.get(at)) else {
        return 0;
    };
    let offset = sequence - run.first_sequence;
    u32::try_from(u64::from(run.first_row) + offset).map_or(end, |row| row.min(end))
}

/// The first of `rows` rows after `row` whose sequence does not follow from those before it; `rows` if
/// there is none. O(log runs).
pub(crate) fn run_end(runs: &[Run], rows: u32, row: u32) -> u32 {
    let next = runs.get(runs.partition_point(|run| run.first_row <= row));
    next.map_or(rows, |run| run.first_row)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn rows_and_sequences_agree_across_gaps() {
        let sequences = [3, 4, 5, 9, 20, 21];
        let runs = [(3, 0), (9, 3), (20, 4)].map(|(first_sequence, first_row)| Run {
            first_sequence,
            first_row,
        });
        for (row, sequence) in (0..).zip(sequences) {
            assert_eq!(sequence_of(&runs, row), Sequence::new(sequence));
        }
        for from in 0..25 {
            let expected = sequences
                .iter()
                .filter(|sequence| **sequence < from)
                .count();
            let row = first_row_from(&runs, 6, from);
            assert_eq!(row as usize, expected, "from {from}");
        }
        assert_eq!(first_row_from(&[], 0, 7), 0);
    }
}
