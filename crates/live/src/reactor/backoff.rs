//! `Backoff`: how long a try that failed is waited for to be repeated.

use std::time::Duration;

/// How long an event waits after a try that failed: `first`, then twice as long each time, `max` at most, less a
/// part that is drawn by chance so that what failed together is not tried again together.
///
/// ```
/// use std::time::Duration;
/// use strandline_live::Backoff;
///
/// let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
/// assert_eq!(backoff.delay(1, 0), Duration::from_millis(100));
/// assert_eq!(backoff.delay(4, 0), Duration::from_millis(800));
/// assert_eq!(backoff.delay(99, 0), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// After the first try. 100 ms, if nothing else is said.
    pub first: Duration,
    /// At most. 60 s, if nothing else is said.
    pub max: Duration,
    /// The part of each delay that chance decides: 0 is none of it, 1 all. 0.5, if nothing else is said; less than 0,
    /// more than 1 and what is no number count as the nearer of both, or as 0.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(60),
            jitter: 0.5,
        }
    }
}

impl Backoff {
    /// No delay at all.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            first: Duration::ZERO,
            max: Duration::ZERO,
            jitter: 0.0,
        }
    }

    /// How long to wait after so many tries, with 64 bits of chance.
    #[must_use]
    pub fn delay(&self, tries: u32, chance: u64) -> Duration {
        let doublings = tries.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.max);
        // The upper half is enough, and an f64 has it exactly.
        let high = u32::try_from(chance >> 32).unwrap_or(u32::MAX);
        let part = f64::from(high) / (f64::from(u32::MAX) + 1.0);
        let jitter = match self.jitter {
            jitter if jitter > 0.0 => jitter.min(1.0),
            _ => 0.0,
        };
        // Rounded up, it might be more than the whole.
        whole.mul_f64(jitter.mul_add(-part, 1.0)).min(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_is_within_its_bounds(
            first in 0..u64::MAX,
            max in 0..u64::MAX,
            jitter in any::<f64>(),
            tries in any::<u32>(),
            chance in any::<u64>(),
        ) {
            let (first, max) = (Duration::from_nanos(first), Duration::from_nanos(max));
            let backoff = Backoff { first, max, jitter };
            let delay = backoff.delay(tries, chance);
            prop_assert!(delay <= max);
            let least = Backoff { jitter: 0.0, ..backoff }.delay(tries, chance);
            prop_assert!(delay <= least);
            let jitter = if jitter > 0.0 { jitter.min(1.0) } else { 0.0 };
            let at_least = least.mul_f64(1.0 - jitter).as_secs_f64();
            prop_assert!(delay.as_secs_f64() >= at_least * 0.999_999);
        }
    }

    #[test]
    fn chance_takes_its_part_and_no_more() {
        let backoff = Backoff {
            first: Duration::from_secs(8),
            ..Backoff::default()
        };
        assert_eq!(backoff.delay(1, 0), Duration::from_secs(8));
        assert_eq!(backoff.delay(1, 1 << 63), Duration::from_secs(6));
        assert_eq!(backoff.delay(2, 1 << 63), Duration::from_secs(12));
        let no_number = Backoff {
            jitter: f64::NAN,
            ..backoff
        };
        assert_eq!(no_number.delay(1, u64::MAX), Duration::from_secs(8));
    }
}
