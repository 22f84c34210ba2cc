//! `Pace`: how many sequences are looked at before the time is.
//!
//! What a window takes depends on what is asked: rows of one entity are found by their list, those of a prefix that very
//! many entities have by a look at the name of each. So windows begin small, and grow as long as they are fast.

use crate::site::Budget;
use std::time::Duration;

/// A window that takes long takes a few milliseconds then.
const MIN: u64 = 1 << 11;
/// What is more takes no less for a sequence.
const MAX: u64 = 1 << 17;
/// A window that takes less than one part in so many of what is left is followed by one twice as long.
const FAST: u32 = 8;

/// The windows of one request, or of a part of it.
#[derive(Debug)]
pub(crate) struct Pace {
    width: u64,
    left: Duration,
}

impl Pace {
    /// Begins with a small window.
    pub(crate) fn new(budget: &Budget) -> Self {
        Self {
            width: MIN,
            left: budget.left(),
        }
    }

    /// How many sequences the next window has at most.
    pub(crate) const fn width(&self) -> u64 {
        self.width
    }

    /// After a window of so many sequences: whether there is time for one more.
    pub(crate) fn goes_on(&mut self, sequences: u64, budget: &Budget) -> bool {
        #[cfg(test)]
        LOOKED_AT.set(LOOKED_AT.get() + sequences);
        let left = budget.left();
        let took = self.left.saturating_sub(left);
        // A short window says nothing of a long one.
        if sequences >= self.width {
            self.width = match took.saturating_mul(FAST) {
                fast if fast < left => (self.width * 2).min(MAX),
                slow if slow > left.saturating_mul(2) => (self.width / 2).max(MIN),
                _ => self.width,
            };
        }
        self.left = left;
        !left.is_zero()
    }
}

#[cfg(test)]
thread_local! {
    /// How many sequences this thread has looked at: for a clock that goes on with the work.
    pub(crate) static LOOKED_AT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use strandline::{Clock, ManualClock};

    /// How long the windows of a second were, of which `each` sequences take a millisecond.
    fn windows(each: u64) -> Vec<u64> {
        let manual = Arc::new(ManualClock::new(0));
        let clock: Arc<dyn Clock> = manual.clone();
        let budget = Budget::new(&clock, Duration::from_secs(1));
        let mut pace = Pace::new(&budget);
        let (mut all, mut at_ms) = (Vec::new(), 0);
        loop {
            let width = pace.width();
            all.push(width);
            at_ms += width.div_ceil(each);
            manual.set(at_ms);
            if !pace.goes_on(width, &budget) {
                return all;
            }
        }
    }

    #[test]
    fn windows_grow_where_they_are_fast_and_the_last_is_over_soon() {
        let fast = windows(1 << 14);
        assert_eq!((fast.first(), fast.get(6)), (Some(&MIN), Some(&MAX)));
        for each in [1, 16, 256, 4_096, 1 << 14] {
            let all = windows(each);
            let late = all.iter().sum::<u64>() / each;
            let last = all.last().unwrap();
            assert!(late <= 1_100 || *last == MIN, "{each}: {late} ms");
            assert!(all.iter().all(|width| (MIN..=MAX).contains(width)));
        }
    }
}
