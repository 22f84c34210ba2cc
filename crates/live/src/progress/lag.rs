//! `Lag`: whether a worker is at the end of the log, as far as that is worth telling.

use std::time::Duration;

/// A worker that has not been at the end for so long is behind: one that takes events as they come is at it again and
/// again.
const BEHIND_AFTER: Duration = Duration::from_secs(10);

/// When a worker was at the end of the log last.
#[derive(Debug)]
pub(crate) struct Lag {
    is_behind: bool,
    at_end: Duration,
}

impl Lag {
    /// That of a worker that begins: behind until it has seen the end.
    pub(crate) const fn new(now: Duration) -> Self {
        Self {
            is_behind: true,
            at_end: now,
        }
    }

    /// There are no more events now. Says whether the worker was behind before.
    pub(crate) const fn at_end(&mut self, now: Duration) -> bool {
        self.at_end = now;
        std::mem::replace(&mut self.is_behind, false)
    }

    /// There may be more events. Says whether the worker fell behind by now.
    pub(crate) fn falls_behind(&mut self, now: Duration) -> bool {
        let is_late = now.saturating_sub(self.at_end) >= BEHIND_AFTER;
        is_late && !std::mem::replace(&mut self.is_behind, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_not_for_each_event() {
        let at = Duration::from_secs;
        let mut lag = Lag::new(at(100));
        assert!(!lag.falls_behind(at(200)));
        assert!(lag.at_end(at(200)));
        assert!(!lag.at_end(at(201)));
        assert!(!lag.falls_behind(at(210)));
        assert!(lag.falls_behind(at(211)));
        assert!(!lag.falls_behind(at(300)));
        assert!(lag.at_end(at(301)));
    }
}
