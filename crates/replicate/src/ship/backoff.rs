//! `Backoff`: how long is waited after a request that failed.

use std::time::Duration;
use strandline_core::Random;

/// Twice as long after each failure in a row, to a limit, less up to a half by chance.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, max: Duration, random: Random) -> Self {
        Self {
            first,
            max,
            failures: 0,
            random,
        }
    }

    /// Something succeeded.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self
            .first
            .saturating_mul(1 << self.failures.min(20))
            .min(self.max);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        // The upper half is enough, and an f64 has it exactly.
        let chance = u32::try_from(self.random.number() >> 32).unwrap_or(u32::MAX);
        whole.saturating_sub(half.mul_f64(f64::from(chance) / (f64::from(u32::MAX) + 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_begin_anew_after_a_success() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(2));
        let mut backoff = Backoff::new(first, max, Random::from_seed(1));
        for whole in [100, 200, 400, 800, 1600, 2000, 2000] {
            let whole = Duration::from_millis(whole);
            let wait = backoff.next();
            assert!(wait <= whole && wait >= whole / 2, "{wait:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= first);
    }
}
