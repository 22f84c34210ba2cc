//! `MergeFailures`: which merges of the index failed, and from when on they are tried again.

use strandline_segment::SegmentId;

/// A merge that failed is left out of this many requests at most, before it is tried again.
const REQUESTS_MAX: u64 = 1 << 10;

/// Merges that failed. What of the index they were to merge is left alone for a time, so that the others
/// go on: until merges are asked for once more, and twice as often after each further failure. They are
/// asked for when a segment is sealed. An opening begins anew.
#[derive(Debug, Default)]
pub(crate) struct MergeFailures {
    /// How often merges were asked for.
    asked: u64,
    all: Vec<Failed>,
}

#[derive(Debug)]
struct Failed {
    first: SegmentId,
    last: SegmentId,
    message: String,
    /// For how many requests it waits the next time.
    waits: u64,
    /// The request from which on it is tried again.
    due: u64,
}

impl Failed {
    fn meets(&self, (first, last): (SegmentId, SegmentId)) -> bool {
        self.first <= last && first <= self.last
    }
}

impl MergeFailures {
    /// Notes that merges are asked for.
    pub(crate) const fn ask(&mut self) {
        self.asked = self.asked.saturating_add(1);
    }

    /// Whether a merge with one of the segments up to the last of `ends` has failed, and is not tried yet.
    /// O(failures).
    pub(crate) fn hold(&self, ends: (SegmentId, SegmentId)) -> bool {
        let mut all = self.all.iter();
        all.any(|one| one.due > self.asked && one.meets(ends))
    }

    /// Notes that the merge of the segments up to the last of `ends` failed.
    pub(crate) fn add(&mut self, ends: (SegmentId, SegmentId), message: String) {
        let mut waits = 1;
        self.all.retain(|one| {
            let meets = one.meets(ends);
            if meets {
                waits = waits.max(one.waits.saturating_mul(2)).min(REQUESTS_MAX);
            }
            !meets
        });
        self.all.push(Failed {
            first: ends.0,
            last: ends.1,
            message,
            waits,
            due: self.asked.saturating_add(waits),
        });
    }

    /// Notes that the segments up to the last of `ends` were merged.
    pub(crate) fn merged(&mut self, ends: (SegmentId, SegmentId)) {
        self.all.retain(|one| !one.meets(ends));
    }

    /// Notes that there is nothing to merge, but for what waits.
    pub(crate) fn nothing_left(&mut self) {
        let asked = self.asked;
        self.all.retain(|one| one.due > asked);
    }

    /// What the last one failed by that was not done since.
    pub(crate) fn last(&self) -> Option<&str> {
        self.all.last().map(|one| one.message.as_str())
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    fn ends(first: u32, last: u32) -> (SegmentId, SegmentId) {
        (SegmentId::new(first), SegmentId::new(last))
    }

    /// How many requests it takes until a segment is no longer held.
    fn held(failures: &mut MergeFailures, segment: u32) -> u64 {
        let mut requests = 0;
        while failures.hold(ends(segment, segment)) {
            failures.ask();
            requests += 1;
        }
        requests
    }

    #[test]
    fn what_fails_again_waits_twice_as_long_and_others_do_not() {
        let mut failures = MergeFailures::default();
        let waited: Vec<_> = (0..13)
            .map(|_| {
                failures.add(ends(3, 10), "it is damaged".to_owned());
                assert!(!failures.hold(ends(2, 2)) && !failures.hold(ends(11, 11)));
                held(&mut failures, 7)
            })
            .collect();
        let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024];
        assert_eq!(waited, expected);
        failures.add(ends(20, 27), "the disk is full".to_owned());
        assert_eq!(failures.last(), Some("the disk is full"));
        failures.merged(ends(20, 90));
        assert_eq!(failures.last(), Some("it is damaged"));
        failures.nothing_left();
        assert_eq!(failures.last(), None, "nothing is left to be tried");
        failures.add(ends(3, 10), "it is damaged".to_owned());
        failures.nothing_left();
        assert_eq!(failures.last(), Some("it is damaged"));
        assert_eq!(held(&mut failures, 3), 1);
    }
}
