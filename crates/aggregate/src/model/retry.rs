//! `Retry`: how often a decision is made again because another writer was faster, and after how long.

use std::time::Duration;

/// How often a decision is made again because another writer was faster, and after how long.
///
/// The second try comes at once, for what was in its way is visible by then; the others wait for a time that chance
/// draws between nothing and a limit, so that those who met once do not meet again. The limit doubles each time.
///
/// Of all who try at the same time one succeeds, so none waits for the others to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Most tries, the first one included. 20, if nothing else is said; 0 counts as 1.
    pub tries_max: u32,
    /// The limit before the third try. 1 ms, if nothing else is said.
    pub first: Duration,
    /// The highest limit. 100 ms, if nothing else is said.
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries_max: 20,
            first: Duration::from_millis(1),
            max: Duration::from_millis(100),
        }
    }
}

impl Retry {
    /// One try.
    #[must_use]
    pub const fn never() -> Self {
        Self {
            tries_max: 1,
            first: Duration::ZERO,
            max: Duration::ZERO,
        }
    }

    /// How long to wait after so many tries, with 64 bits of chance.
    #[must_use]
    pub fn delay(&self, tries: u32, chance: u64) -> Duration {
        let Some(doublings) = tries.checked_sub(2) else {
            return Duration::ZERO;
        };
        let whole = self
            .first
            .saturating_mul(1 << doublings.min(31))
            .min(self.max);
        // The upper half is enough, and an f64 has it exactly.
        let high = u32::try_from(chance >> 32).unwrap_or(u32::MAX);
        whole
            .mul_f64(f64::from(high) / (f64::from(u32::MAX) + 1.0))
            .min(whole)
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
            tries in any::<u32>(),
            chance in any::<u64>(),
        ) {
            let (first, max) = (Duration::from_nanos(first), Duration::from_nanos(max));
            let retry = Retry { first, max, tries_max: 9 };
            prop_assert!(retry.delay(tries, chance) <= max);
            prop_assert_eq!(retry.delay(tries.min(1), chance), Duration::ZERO);
        }
    }

    #[test]
    fn the_limit_doubles() {
        let retry = Retry::default();
        let half = |tries| retry.delay(tries, 1 << 63);
        assert_eq!(half(2), Duration::from_micros(500));
        assert_eq!(half(4), Duration::from_millis(2));
        assert_eq!(half(u32::MAX), Duration::from_millis(50));
    }
}
