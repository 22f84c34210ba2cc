//! `KeepOptions`: how often rules are followed, and what they may come to.

use std::time::Duration;

/// An interval that is right for most: ages of days, and what a compaction costs.
const EVERY_DEFAULT: Duration = Duration::from_secs(60 * 60);

/// How rules are followed in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct KeepOptions {
    pub(super) every: Duration,
    pub(super) may_remove_all: bool,
}

impl Default for KeepOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl KeepOptions {
    /// Once an hour, and never so that nothing is left.
    pub const fn new() -> Self {
        Self {
            every: EVERY_DEFAULT,
            may_remove_all: false,
        }
    }

    /// How long it is between two runs, from the end of one to the beginning of the next; at least a millisecond.
    /// Default: an hour.
    pub const fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// Follows the rules also where they leave no event with its payload. Default: such a run fails, and nothing is
    /// changed, as a clock that is wrong looks the same.
    pub const fn may_remove_all(mut self) -> Self {
        self.may_remove_all = true;
        self
    }
}
