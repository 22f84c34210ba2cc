//! Which parts of the index are merged next: a function of how large they are. Merges nothing.
//!
//! A part that spans 8^t segments or more, and less than 8^(t + 1), is of tier t. Adjacent parts of tier t or
//! less are merged once there are eight of them that span 8^(t + 1) segments together, so a row is
//! written no more than once a tier, and no more than seven parts of a tier are left. Rewritings cut
//! large parts in pieces, of which small ones may stand between large ones; once there are too many, those
//! eight are merged that are the fewest rows. No part gets more than [`ROWS_MAX`] rows.

use crate::engine::merged_files::{FANOUT, tier};
use std::ops::Range;

/// How many parts are merged at once at most, which bounds the memory that merging takes.
const UNITS_MAX: usize = 64;
/// Most rows of a merged part.
pub(super) const ROWS_MAX: u64 = 1 << 27;
/// A part with more rows is merged no more.
const ROWS_FULL: u64 = ROWS_MAX / 2;

/// One part of the index, as far as it matters for merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    /// How many segments it spans; at least 1.
    pub(super) segments: u32,
    pub(super) rows: u64,
    /// Whether it can be merged now: it is a block, and so is what is made of it.
    pub(super) is_ready: bool,
    /// The merged file that it was in, if that is gone: what was in one is merged anew.
    pub(super) lost: Option<u64>,
}

impl Unit {
    fn tier(self) -> u32 {
        tier(usize::try_from(self.segments).unwrap_or(usize::MAX))
    }

    fn can_grow(self) -> bool {
        self.is_ready && self.rows <= ROWS_FULL
    }
}

/// The adjacent parts that are merged next; none if there is nothing to merge. O(parts · tiers).
pub(super) fn choose(units: &[Unit]) -> Option<Range<usize>> {
    lost(units)
        .or_else(|| {
            (0..=highest(units))
                .rev()
                .find_map(|tier| of_tier(units, tier))
        })
        .or_else(|| in_pieces(units))
}

fn highest(units: &[Unit]) -> u32 {
    units.iter().map(|unit| unit.tier()).max().unwrap_or(0)
}

fn rows(units: &[Unit]) -> u64 {
    units.iter().map(|unit| unit.rows).sum()
}

/// The pieces of a merged file that is gone.
fn lost(units: &[Unit]) -> Option<Range<usize>> {
    let mut start = 0;
    for run in units.chunk_by(|a, b| a.lost == b.lost && a.is_ready && b.is_ready) {
        let end = start + run.len();
        let is_one = |unit: &Unit| unit.lost.is_some() && unit.is_ready && unit.segments > 1;
        if let Some(at) = run.iter().position(is_one) {
            // With the single segments before it as far as there is room.
            let from = at.saturating_sub(UNITS_MAX / 2);
            let most = run.len().min(from + UNITS_MAX);
            let fits = (at + 1..=most).rev().find_map(|to| {
                let from = if rows(run.get(from..to)?) > ROWS_MAX {
                    at
                } else {
                    from
                };
                (rows(run.get(from..to)?) <= ROWS_MAX).then_some(from..to)
            });
            return fits.map(|fits| start + fits.start..start + fits.end);
        }
        start = end;
    }
    None
}

/// Adjacent parts of a tier or less that make one of the next, or as many as fit in one that is full.
fn of_tier(units: &[Unit], tier: u32) -> Option<Range<usize>> {
    let wanted = 1_u64 << (FANOUT.ilog2() * (tier + 1)).min(63);
    let (mut start, mut segments, mut rows) = (0, 0_u64, 0_u64);
    for (at, unit) in units.iter().enumerate() {
        if !unit.can_grow() || unit.tier() > tier {
            (start, segments, rows) = (at + 1, 0, 0);
            continue;
        }
        if rows + unit.rows > ROWS_MAX {
            // Each has half of that at most, so it is two at least, and full.
            return Some(start..at);
        }
        segments += u64::from(unit.segments);
        rows += unit.rows;
        if at + 1 - start > UNITS_MAX
            && let Some(first) = units.get(start)
        {
            segments -= u64::from(first.segments);
            rows -= first.rows;
            start += 1;
        }
        if at + 1 - start >= FANOUT && segments >= wanted {
            return Some(start..at + 1);
        }
    }
    None
}

/// The fewest rows in adjacent parts, if there are more parts than there should be.
fn in_pieces(units: &[Unit]) -> Option<Range<usize>> {
    if units.len() <= allowed(units) {
        return None;
    }
    let windows = (0..).zip(units.windows(FANOUT));
    let fit = windows
        .filter(|(_, window)| window.iter().all(|unit| unit.is_ready) && rows(window) <= ROWS_MAX);
    let (start, _) = fit.min_by_key(|(_, window)| rows(window))?;
    Some(start..start + FANOUT)
}

/// How many parts there may be: as many for each tier as are left after merging, and for each
/// [`ROWS_MAX`] rows those that can no longer grow and what is between them.
fn allowed(units: &[Unit]) -> usize {
    let segments = units.iter().map(|unit| u64::from(unit.segments)).sum();
    allowed_of(segments, rows(units))
}

/// Whether there are so many parts that merging comes before all else.
pub(super) fn is_behind(parts: usize, segments: u64, rows: u64) -> bool {
    parts > 2 * allowed_of(segments, rows)
}

fn allowed_of(segments: u64, rows: u64) -> usize {
    let tiers = segments.max(1).ilog2() / FANOUT.ilog2() + 1;
    let tiers = usize::try_from(tiers).unwrap_or(usize::MAX);
    let full = usize::try_from(rows / ROWS_MAX).unwrap_or(usize::MAX);
    FANOUT * (tiers + 1) + full.saturating_mul(2 * FANOUT)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A part with the numbers of its segments, and its rows by segment.
    #[derive(Debug, Clone)]
    struct Part {
        segments: Vec<usize>,
        file: Option<u64>,
        is_lost: bool,
        /// A merge of it failed, and it is left alone.
        is_held: bool,
    }

    /// A store whose parts are merged as [`choose`] says.
    #[derive(Debug, Default)]
    struct Model {
        rows: Vec<u64>,
        parts: Vec<Part>,
        files: u64,
        /// By segment: how often its rows were written into merged files.
        written: Vec<u32>,
        merges: usize,
    }

    impl Model {
        fn seal(&mut self, rows: u64) {
            self.parts.push(single(self.rows.len()));
            self.rows.push(rows);
            self.written.push(0);
        }

        /// A segment gets a new file; its merged file is gone if that would hold what was removed.
        fn rewrite(&mut self, segment: usize, is_removed: bool) {
            let at = self
                .parts
                .iter()
                .position(|part| part.segments.contains(&segment))
                .unwrap();
            let part = self.parts[at].clone();
            let place = part
                .segments
                .iter()
                .position(|own| *own == segment)
                .unwrap();
            let (before, after) = (&part.segments[..place], &part.segments[place + 1..]);
            let is_lost = part.is_lost || is_removed && part.file.is_some();
            let piece = |segments: &[usize]| Part {
                segments: segments.to_vec(),
                is_lost,
                ..part.clone()
            };
            let own = Part {
                segments: vec![segment],
                is_held: false,
                ..piece(&[])
            };
            let pieces = [piece(before), own, piece(after)];
            let pieces = pieces.into_iter().filter(|part| !part.segments.is_empty());
            self.parts.splice(at..=at, pieces);
        }

        /// A merged file is lost before an opening.
        fn lose(&mut self, at: usize) {
            let at = at % self.parts.len();
            let pieces: Vec<_> = self.parts[at]
                .segments
                .iter()
                .copied()
                .map(single)
                .collect();
            self.parts.splice(at..=at, pieces);
        }

        fn units(&self) -> Vec<Unit> {
            let units = self.parts.iter().map(|part| Unit {
                segments: u32::try_from(part.segments.len()).unwrap(),
                rows: part.segments.iter().map(|one| self.rows[*one]).sum(),
                is_ready: !part.is_held,
                lost: part.file.filter(|_| part.is_lost),
            });
            units.collect()
        }

        fn settle(&mut self) {
            while let Some(chosen) = choose(&self.units()) {
                let units = &self.units()[chosen.clone()];
                assert!(units.len() <= UNITS_MAX);
                assert!(units.iter().all(|unit| unit.is_ready));
                assert!(rows(units) <= ROWS_MAX);
                assert!(units.len() > 1 || units[0].lost.is_some());
                let segments: Vec<_> = self.parts[chosen.clone()]
                    .iter()
                    .flat_map(|part| part.segments.clone())
                    .collect();
                for segment in &segments {
                    self.written[*segment] += 1;
                }
                self.files += 1;
                self.merges += 1;
                assert!(self.merges < 100_000, "it merges for ever");
                let merged = Part {
                    segments,
                    file: Some(self.files),
                    is_lost: false,
                    is_held: false,
                };
                self.parts.splice(chosen, [merged]);
            }
            // Every segment is in one part, in order.
            let all = self.parts.iter().flat_map(|part| &part.segments);
            assert!(all.copied().eq(0..self.rows.len()));
            // What is left alone parts the others: between two of them there may be seven.
            let held = self.parts.iter().filter(|part| part.is_held).count();
            let between = if held == 0 { 0 } else { FANOUT * (held + 1) };
            assert!(self.parts.len() <= allowed(&self.units()) + between);
        }
    }

    fn single(segment: usize) -> Part {
        Part {
            segments: vec![segment],
            file: None,
            is_lost: false,
            is_held: false,
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Seal(u64),
        SealMany(usize),
        Rewrite(usize, bool),
        Lose(usize),
        /// Merges of a part fail from now on, or no longer.
        Fail(usize, bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => prop_oneof![Just(0), 1..100_000_u64, 1..ROWS_MAX].prop_map(Step::Seal),
            2 => (1..200_usize).prop_map(Step::SealMany),
            4 => (any::<usize>(), any::<bool>()).prop_map(|(at, removed)| Step::Rewrite(at, removed)),
            1 => any::<usize>().prop_map(Step::Lose),
            1 => (any::<usize>(), any::<bool>()).prop_map(|(at, fails)| Step::Fail(at, fails)),
        ]
    }

    proptest! {
        #[test]
        fn parts_stay_few_whatever_happens(steps in proptest::collection::vec(step(), 1..80)) {
            let mut model = Model::default();
            for step in steps {
                match step {
                    Step::Seal(rows) => model.seal(rows),
                    Step::SealMany(count) => (0..count).for_each(|_| model.seal(1000)),
                    Step::Rewrite(at, removed) if !model.rows.is_empty() => {
                        model.rewrite(at % model.rows.len(), removed);
                    }
                    Step::Lose(at) if !model.parts.is_empty() => model.lose(at),
                    Step::Fail(at, fails) if !model.parts.is_empty() => {
                        let at = at % model.parts.len();
                        model.parts[at].is_held = fails;
                    }
                    _ => continue,
                }
                model.settle();
            }
        }

        /// Where nothing is rewritten, no row is written twice in a tier, and once more to be full.
        #[test]
        fn a_row_is_written_once_a_tier(
            seals in proptest::collection::vec((1..60_usize, 0..3_000_000_u64), 1..80),
        ) {
            let mut model = Model::default();
            for (count, rows) in seals {
                (0..count).for_each(|_| model.seal(rows));
                model.settle();
                let segments = u32::try_from(model.rows.len()).unwrap();
                let tiers = segments.ilog2() / 3 + 2;
                prop_assert!(model.written.iter().all(|times| *times <= tiers));
            }
        }
    }

    #[test]
    fn segments_of_one_length_leave_seven_parts_a_tier() {
        let mut model = Model::default();
        for sealed in 1..=1100_u32 {
            model.seal(10);
            model.settle();
            let tiers = usize::try_from(sealed.ilog2() / 3 + 1).unwrap();
            assert!(model.parts.len() <= 7 * tiers, "{sealed}");
        }
        assert!(model.written.iter().all(|times| *times <= 3));
    }

    #[test]
    fn what_cannot_be_merged_yet_is_left_and_divides_the_rest() {
        let unit = Unit {
            segments: 1,
            rows: 10,
            is_ready: true,
            lost: None,
        };
        let mut units = [unit; 15];
        units[7].is_ready = false;
        assert_eq!(choose(&units), None);
        units[7].is_ready = true;
        assert_eq!(choose(&units), Some(0..8));
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn a_file_that_is_gone_is_made_anew_with_what_was_rewritten_in_it() {
        let unit = |segments, lost| Unit {
            segments,
            rows: 10,
            is_ready: true,
            lost,
        };
        let units = [
            unit(8, None),
            unit(3, Some(1)),
            unit(1, Some(1)),
            unit(4, Some(1)),
            unit(1, None),
        ];
        assert_eq!(choose(&units), Some(1..4));
        let alone = [unit(1, Some(1)), unit(1, None)];
        assert_eq!(choose(&alone), None);
    }
}
