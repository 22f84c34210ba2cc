//! `Pace`: when a worker saves its state.

use std::time::Duration;

/// How much of the time may go to saving: a tenth.
const WORK_OVER_SAVING: u32 = 9;

/// When a state is saved: every so many events or so often, but never so often that it costs more than a tenth of the
/// time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// No sooner than this after the last save, unless there were many events.
    pub(super) interval: Duration,
    /// How many events are many.
    pub(super) events: u64,
}

/// What there is to save, and since when.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// Events that were looked at since.
    pub(super) events: u64,
    /// When the last save ended.
    pub(super) saved_at: Duration,
    /// How long it took.
    pub(super) cost: Duration,
}

impl Pace {
    /// Whether it is time to save.
    pub(super) fn is_due(&self, unsaved: &Unsaved, now: Duration) -> bool {
        let since = now.saturating_sub(unsaved.saved_at);
        let is_time = since >= self.interval || unsaved.events >= self.events;
        is_time && since >= unsaved.cost.saturating_mul(WORK_OVER_SAVING)
    }

    /// After how long it is time, if nothing more comes.
    pub(super) fn due_in(&self, unsaved: &Unsaved, now: Duration) -> Duration {
        let after = self
            .interval
            .max(unsaved.cost.saturating_mul(WORK_OVER_SAVING));
        (unsaved.saved_at + after).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_that_takes_long_comes_seldom() {
        let pace = Pace {
            interval: Duration::from_secs(1),
            events: 1000,
        };
        let unsaved = |events, cost| Unsaved {
            events,
            saved_at: Duration::from_secs(10),
            cost: Duration::from_secs(cost),
        };
        let at = Duration::from_secs;
        assert!(!pace.is_due(&unsaved(1, 0), Duration::from_millis(10_999)));
        assert!(pace.is_due(&unsaved(1, 0), at(11)));
        assert!(pace.is_due(&unsaved(1000, 0), at(10)));
        assert!(!pace.is_due(&unsaved(1000, 2), at(27)));
        assert!(pace.is_due(&unsaved(1000, 2), at(28)));
    }
}
