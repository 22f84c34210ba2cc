//! `Pace`: a rest of the hub while events come steadily, so that it looks at many at once.
//!
//! A round costs about as much for one event as for some tens of them, and a hub that waits for each has whoever
//! appends wake it each time: a call to the system. While it rests nobody wakes it but the bell.

use super::rounds::Round;
use std::time::Duration;
use strandline_core::Sequence;

/// How long it rests. With what the system adds, events are not kept back for more than some 150 µs.
pub(super) const REST: Duration = Duration::from_micros(100);
/// How soon one round comes after another where events come steadily.
const SOON: Duration = Duration::from_micros(200);
/// How many such rounds come before the first rest.
const STEADY: u32 = 16;
/// A rest that brought fewer events was not worth it.
const FEW: u64 = 4;

/// When the hub rests.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the last round was over.
    last: Duration,
    /// How many rounds in a row came as where events come steadily.
    steady: u32,
    seen: Sequence,
}

impl Pace {
    /// Whether to rest after a round that is over `now`, a time from any moment on, after which everybody who does not wait for room has all up to `seen`, and
    /// `has_more` came meanwhile.
    ///
    /// A subscriber may append, or have others append, once it was given something. So where something was given,
    /// events come steadily only if they come before that could be.
    pub(super) fn rests(
        &mut self,
        now: Duration,
        round: Round,
        seen: Sequence,
        has_more: bool,
    ) -> bool {
        let since = now.saturating_sub(std::mem::replace(&mut self.last, now));
        let before = std::mem::replace(&mut self.seen, seen);
        let comes_soon = has_more || (round == Round::Passed && since < SOON);
        self.steady = match self.steady {
            STEADY if seen.get().saturating_sub(before.get()) >= FEW => STEADY,
            STEADY => STEADY / 2,
            steady if comes_soon => steady + 1,
            _ => 0,
        };
        self.steady == STEADY
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    /// Notes so many rounds, each so long after the one before, with so many events; how many are followed by a rest.
    fn rests(
        pace: &mut Pace,
        rounds: u32,
        each: (Duration, u64),
        round: Round,
        has_more: bool,
    ) -> u32 {
        let mut rests = 0;
        for _ in 0..rounds {
            let now = pace.last + each.0;
            let seen = Sequence::new(pace.seen.get() + each.1);
            rests += u32::from(pace.rests(now, round, seen, has_more));
        }
        rests
    }

    #[test]
    fn it_rests_once_events_come_steadily_and_for_as_long() {
        let (soon, late) = (Duration::from_micros(5), Duration::from_micros(150));
        let mut pace = Pace::default();
        assert_eq!(rests(&mut pace, 15, (soon, 1), Round::Passed, false), 0);
        assert_eq!(rests(&mut pace, 9, (soon, 50), Round::Passed, false), 9);
        assert_eq!(rests(&mut pace, 9, (late, 50), Round::Given, false), 9);
        assert_eq!(rests(&mut pace, 8, (late, 3), Round::Given, true), 0);
        assert_eq!(rests(&mut pace, 4, (late, 50), Round::Given, true), 4);
        assert_eq!(rests(&mut pace, 2, (late, 3), Round::Given, false), 0);
        assert_eq!(rests(&mut pace, 15, (late, 50), Round::Given, true), 0);
    }

    #[test]
    fn it_does_not_rest_where_somebody_answers_what_is_given() {
        let soon = Duration::from_micros(5);
        let mut pace = Pace::default();
        for events in [1, 100] {
            let answered = rests(&mut pace, 500, (soon, events), Round::Given, false);
            assert_eq!(answered, 0);
        }
        let seldom = Duration::from_millis(1);
        assert_eq!(rests(&mut pace, 500, (seldom, 1), Round::Passed, false), 0);
    }
}
