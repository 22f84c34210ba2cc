//! `InFlight`: the commits that were submitted and are not durable yet.

use std::collections::VecDeque;
use strandline_core::Sequence;

/// Ends of commits that nobody has waited for, ascending.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    ends: VecDeque<Sequence>,
}

impl InFlight {
    /// Forgets those that are durable, and gives how many.
    pub(super) fn settle(&mut self, durable: Sequence) -> usize {
        let before = self.ends.len();
        while self.ends.front().is_some_and(|end| *end <= durable) {
            self.ends.pop_front();
        }
        before - self.ends.len()
    }

    /// How many were not durable when it was looked at last.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The end of the oldest, if there are `most` or more.
    pub(super) fn oldest_if_full(&self, most: usize) -> Option<Sequence> {
        let is_full = self.ends.len() >= most;
        is_full.then(|| self.ends.front().copied()).flatten()
    }

    /// Adds one: the newest, or a repeat of one that was written before others. O(1) for the newest, else
    /// O(commits in flight).
    pub(super) fn add(&mut self, end: Sequence) {
        let later = self.ends.iter().rev().take_while(|own| **own > end);
        let place = self.ends.len() - later.count();
        self.ends.insert(place, end);
    }
}
