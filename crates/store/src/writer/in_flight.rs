//! `InFlight`: the commits that were submitted and are not durable yet.

use std::collections::VecDeque;
use strandline_core::Sequence;

/// Ends of commits that nobody has waited for, in the order of their writing.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    ends: VecDeque<Sequence>,
}

impl InFlight {
    /// How many are not durable.
    pub(crate) fn count(&mut self, durable: Sequence) -> usize {
        while self.ends.front().is_some_and(|end| *end <= durable) {
            self.ends.pop_front();
        }
        self.ends.len()
    }

    /// The end of the oldest, if there are `most` or more.
    pub(crate) fn oldest_if_full(&mut self, durable: Sequence, most: usize) -> Option<Sequence> {
        let is_full = self.count(durable) >= most;
        is_full.then(|| self.ends.front().copied()).flatten()
    }

    /// Adds one, the newest.
    pub(crate) fn add(&mut self, end: Sequence) {
        self.ends.push_back(end);
    }
}
