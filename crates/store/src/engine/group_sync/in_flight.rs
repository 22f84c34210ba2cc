//! `InFlight`: the commits that were submitted and are not done yet.

use std::collections::VecDeque;
use strandline_core::Sequence;

/// Ends of commits that nobody has waited for, ascending.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    ends: VecDeque<Sequence>,
}

impl InFlight {
    /// Forgets those that are done, and gives how many.
    pub(super) fn settle(&mut self, done: Sequence) -> usize {
        let before = self.ends.len();
        while self.ends.front().is_some_and(|end| *end <= done) {
            self.ends.pop_front();
        }
        before - self.ends.len()
    }

    /// How many were not done when it was looked at last.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The end of the oldest.
    pub(super) fn oldest(&self) -> Option<Sequence> {
        self.ends.front().copied()
    }

    /// Adds one: the newest, or a repeat of one that was written before others. O(1) for the newest, else
    /// O(commits in flight).
    pub(super) fn add(&mut self, end: Sequence) {
        let later = self.ends.iter().rev().take_while(|own| **own > end);
        let place = self.ends.len() - later.count();
        self.ends.insert(place, end);
    }
}
