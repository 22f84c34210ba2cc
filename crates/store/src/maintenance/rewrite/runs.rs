//! `runs`: which adjacent segments should become one. Reads and merges nothing.
//!
//! Segments that are short together become one. So that no byte is written again and again, the longest of
//! them has no more than half of the new one; below a length that is nothing to write, any are taken. So
//! there are, beside segments that are too long for it, no more of them than the logarithm of their lengths.

use std::ops::RangeInclusive;
use strandline_segment::{LogOptions, SegmentId};

/// What is merged whatever the lengths of its parts are.
const ALWAYS_BYTES: u64 = 256 << 10;
const ALWAYS_OF_MOST: u64 = 16;
/// A segment that is merged, and has events left, is no longer than this part of a full one.
const MOST_OF_A_SEGMENT: u64 = 4;

/// A sealed segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short {
    pub(super) id: SegmentId,
    /// Where its frames end.
    pub(super) bytes: u64,
    /// Records of it at most.
    pub(super) records: u64,
    /// Whether all of its events were removed.
    pub(super) is_empty: bool,
    /// Whether it can get a new file under its number.
    pub(super) can_be_first: bool,
}

/// Adjacent segments of `all` that should become one, oldest first, each at least two. `all` are adjacent and
/// ascend. O(segments) if most are merged or few may be.
pub(super) fn runs(all: &[Short], options: &LogOptions) -> Vec<RangeInclusive<SegmentId>> {
    let mut found = Vec::new();
    let mut rest = all;
    while let Some((first, others)) = rest.split_first() {
        let more = match first.can_be_first {
            true => following(first, others, options),
            false => 0,
        };
        let (taken, left) = others.split_at_checked(more).unwrap_or((&[], others));
        if let Some(last) = taken.last() {
            found.push(first.id..=last.id);
        }
        rest = left;
    }
    found
}

/// How many segments after `first` should be merged with it.
fn following(first: &Short, others: &[Short], options: &LogOptions) -> usize {
    let full = options.segment_bytes();
    let most = full / MOST_OF_A_SEGMENT;
    let always = ALWAYS_BYTES.min(most / ALWAYS_OF_MOST);
    let (mut all, mut longest, mut count) = (*first, first.bytes, 0);
    for (before, next) in others.iter().enumerate() {
        all.bytes = all.bytes.saturating_add(next.bytes);
        all.records = all.records.saturating_add(next.records);
        all.is_empty &= next.is_empty;
        longest = longest.max(next.bytes);
        // What was removed cannot become longer.
        let limit = if all.is_empty { full } else { most };
        if all.bytes > limit || !options.fits_merged(all.bytes, all.records) {
            break;
        }
        if all.bytes <= always || longest <= all.bytes / 2 {
            count = before + 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn short(id: u32, bytes: u64, is_empty: bool) -> Short {
        Short {
            id: SegmentId::new(id),
            bytes,
            records: bytes / 144,
            is_empty,
            can_be_first: true,
        }
    }

    fn options() -> LogOptions {
        LogOptions::default()
    }

    /// Merges runs as a log does, and gives how many bytes were written.
    fn merge(all: &mut Vec<Short>, options: &LogOptions) -> u64 {
        let mut written = 0;
        for run in runs(all, options) {
            let at = all.iter().position(|one| one.id == *run.start()).unwrap();
            let count = all.iter().filter(|one| run.contains(&one.id)).count();
            assert!(count > 1);
            let parts: Vec<_> = all.splice(at..at + count, []).collect();
            let bytes = parts.iter().map(|one| one.bytes).sum();
            written += bytes;
            let is_empty = parts.iter().all(|one| one.is_empty);
            all.insert(at, short(run.start().get(), bytes, is_empty));
        }
        written
    }

    #[test]
    fn many_small_compactions_leave_few_segments_and_write_little() {
        let (mut all, mut written, mut added) = (Vec::new(), 0, 0);
        for id in 1..=20_000 {
            all.push(short(id, 700, true));
            added += 700;
            written += merge(&mut all, &options());
            assert!(all.len() <= 12, "{} after {id}", all.len());
        }
        // Half of what is always merged for each, and then twice the length for each time.
        assert!(written < 20_000 * (256 << 10) / 2 + added * 10, "{written}");
        let first = all.first().unwrap().bytes;
        assert!(first > added / 2, "{first} of {added}");
    }

    #[test]
    fn long_segments_and_those_with_many_events_stay() {
        let mib = 1 << 20;
        let mut all = vec![
            short(1, 200 * mib, false),
            short(2, 40 * mib, false),
            short(3, 30 * mib, false),
            short(4, 700, true),
        ];
        assert_eq!(runs(&all, &options()), []);
        all[2].bytes = 24 * mib;
        assert_eq!(runs(&all, &options()), [], "one has more than half");
        all[1].bytes = 24 * mib;
        let two_to_four = SegmentId::new(2)..=SegmentId::new(4);
        assert_eq!(runs(&all, &options()), [two_to_four]);
        all[1].can_be_first = false;
        assert_eq!(runs(&all, &options()), []);
        // Where nothing is left, a full segment of it.
        let empty: Vec<_> = (1..=4).map(|id| short(id, 60 * mib, true)).collect();
        let all_four = SegmentId::new(1)..=SegmentId::new(4);
        assert_eq!(runs(&empty, &options()), [all_four]);
        let few = options().segment_records_max(10);
        assert_eq!(runs(&empty, &few), []);
    }

    proptest! {
        #[test]
        fn runs_ascend_are_apart_and_fit(
            sizes in proptest::collection::vec((128_u64..80 << 20, any::<bool>(), any::<bool>()), 0..40),
        ) {
            let mut all: Vec<_> = (1..).zip(sizes).map(|(id, (bytes, is_empty, can_be_first))| Short {
                can_be_first,
                ..short(id, bytes, is_empty)
            }).collect();
            let mut before = SegmentId::new(0);
            for run in runs(&all, &options()) {
                prop_assert!(before < *run.start() && run.start() < run.end());
                before = *run.end();
                let parts = all.iter().filter(|one| run.contains(&one.id));
                let bytes: u64 = parts.clone().map(|one| one.bytes).sum();
                let is_empty = parts.clone().all(|one| one.is_empty);
                let limit = if is_empty { 256 << 20 } else { 64 << 20 };
                prop_assert!(bytes <= limit);
                prop_assert!(parts.clone().next().unwrap().can_be_first);
            }
            // What was merged is not merged again but with what comes later.
            let mut rounds = 0;
            while merge(&mut all, &options()) > 0 {
                rounds += 1;
                prop_assert!(rounds < 8);
            }
        }
    }
}
