//! `Rewritten`: which sequences were rewritten since a moment. Keeps the newest rewritings alone: of what is
//! older, everything counts as rewritten.

use std::collections::VecDeque;
use std::ops::Range;
use strandline_core::Sequence;

/// How many rewritings are known one by one.
const KNOWN_MAX: usize = 64;

/// The sequences of rewritings, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    count: u32,
    newest: VecDeque<Range<Sequence>>,
}

impl Rewritten {
    /// How many rewritings there were.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn add(&mut self, sequences: Range<Sequence>) {
        self.count = self.count.saturating_add(1);
        self.newest.push_back(sequences);
        if self.newest.len() > KNOWN_MAX {
            self.newest.pop_front();
        }
    }

    /// Whether a sequence may have been rewritten after the first `count` rewritings. O(64) at most.
    pub(super) fn since(&self, count: u32, sequence: Sequence) -> bool {
        if count == self.count {
            // What is not counted any more may have been any.
            return count == u32::MAX;
        }
        let since = usize::try_from(self.count.saturating_sub(count)).unwrap_or(usize::MAX);
        let mut newest = self.newest.iter().rev().take(since);
        since > self.newest.len() || newest.any(|range| range.contains(&sequence))
    }
}
