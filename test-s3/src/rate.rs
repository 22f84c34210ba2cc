//! `Rate`: how many requests a second are served. Reads no clock.

use std::time::Duration;

/// A second's worth of requests at once, and then as many a second.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u32,
    /// Millionths of a request that may be served at `at`.
    left: u64,
    at: Duration,
}

const REQUEST: u64 = 1_000_000;

impl Rate {
    pub(crate) fn new(per_second: u32, now: Duration) -> Self {
        Self {
            per_second,
            left: REQUEST * u64::from(per_second),
            at: now,
        }
    }

    /// Whether a request that arrives `now` is served.
    pub(crate) fn takes(&mut self, now: Duration) -> bool {
        let since_us = now.saturating_sub(self.at).as_micros();
        let more = u64::try_from(since_us)
            .unwrap_or(u64::MAX)
            .saturating_mul(u64::from(self.per_second));
        let most = REQUEST * u64::from(self.per_second);
        self.left = self.left.saturating_add(more).min(most);
        self.at = self.at.max(now);
        match self.left.checked_sub(REQUEST) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}
