//! Every answer of the index agrees with a filter over a list: in every layout, whatever was
//! appended, sealed, replaced by blocks, replayed and undone before and after the snapshot was taken.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a property fails by panicking as well as by returning"
)]

mod check;
mod events;
mod expected;
#[path = "../common/forge.rs"]
mod forge;
mod regions;
mod run;

use events::{Event, events, steps};
use proptest::prelude::*;
use proptest::sample::Index;
use regions::{RegionPlan, regions};
use run::{Act, Run, acts, layouts};
use strandline_core::Sequence;
use strandline_index::{Block, IndexError};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn answers_agree_with_a_filter(
        steps in steps(),
        layout in layouts(),
        acts in acts(),
        regions in prop::collection::vec(regions(), 1..8),
        turns in prop::collection::vec(any::<bool>(), 1..8),
        limit in 1..40_usize,
    ) {
        let events = events(&steps);
        let mut run = Run::new(layout, &events);
        acts.iter().for_each(|act| run.act(act));
        run.act(&Act::Publish);
        run.act(&Act::Snapshot);
        let regions = |events: &[Event]| -> Vec<_> {
            regions.iter().map(|plan: &RegionPlan| plan.region(events)).collect()
        };
        for (snapshot, visible) in &run.snapshots {
            let (before, later) = events.split_at(*visible);
            check::lookups(snapshot, before, later);
            for region in regions(&events) {
                check::query(snapshot, before, &region, &turns, limit);
            }
        }
        let inserted = &events[..run.inserted];
        check::lookups(&run.writer.inserted(), inserted, &events[run.inserted..]);
        check::heads(&run.writer, inserted);
    }

    #[test]
    fn what_was_exported_and_attached_answers_the_same(
        steps in steps(),
        layout in layouts(),
        acts in acts(),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
        within in (any::<Index>(), any::<Index>()),
        region in regions(),
    ) {
        let events = events(&steps);
        let mut run = Run::new(layout, &events);
        acts.iter().for_each(|act| run.act(act));
        run.act(&Act::Publish);
        run.act(&Act::Snapshot);
        let (snapshot, visible) = run.snapshots.last().unwrap();
        let events = &events[..*visible];
        let end = usize::try_from(snapshot.visible().get()).unwrap() + 2;
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(end) as u64).collect();
        cuts.extend([0, u64::MAX]);
        cuts.sort_unstable();
        let blocks = cuts.windows(2).map(|ends| {
            snapshot.export(Sequence::new(ends[0])..Sequence::new(ends[1])).unwrap()
        });
        let copy = run::attached(layout, blocks);
        check::lookups(&copy, events, &[]);
        check::query(&copy, events, &region.region(events), &[true, false], 7);
        let all = Sequence::ZERO..Sequence::new(u64::MAX);
        prop_assert_eq!(copy.export(all.clone()).unwrap(), snapshot.export(all).unwrap());

        let (start, end) = (within.0.index(end) as u64, within.1.index(end) as u64);
        let range = Sequence::new(start)..Sequence::new(end);
        let some = run::attached(layout, [snapshot.export(range).unwrap()].into_iter());
        let within: Vec<_> = events
            .iter()
            .filter(|event| (start..end).contains(&event.sequence))
            .cloned()
            .collect();
        check::lookups(&some, &within, &[]);
    }

    #[test]
    fn rows_of_larger_blocks_answer_like_blocks_of_their_own(
        steps in steps(),
        layouts in (layouts(), layouts()),
        cuts in prop::collection::vec((any::<Index>(), any::<Index>(), any::<Index>()), 0..5),
        regions in prop::collection::vec(regions(), 1..6),
        turns in prop::collection::vec(any::<bool>(), 1..8),
        limit in 1..40_usize,
    ) {
        let events = events(&steps);
        let count = events.len();
        let mut ends: Vec<_> = cuts.iter().map(|(cut, _, _)| cut.index(count + 1)).collect();
        ends.push(count);
        ends.sort_unstable();
        let mut start = 0;
        let more = cuts.iter().map(|(_, before, after)| (Some(before), Some(after)));
        let views = ends.iter().zip(more.chain([(None, None)])).map(|(end, (before, after))| {
            let rows = start..*end;
            start = *end;
            // Rows of the block that are not of the view.
            let first = before.map_or(rows.start, |before| before.index(rows.start + 1));
            let last = after.map_or(rows.end, |after| rows.end + after.index(count - rows.end + 1));
            (run::block_of(layouts.0, &events[first..last]), rows.start - first..rows.end - first)
        });
        let snapshot = run::of_views(layouts.1, views);
        check::lookups(&snapshot, &events, &[]);
        for region in &regions {
            check::query(&snapshot, &events, &region.region(&events), &turns, limit);
        }
        let bytes = snapshot.export(Sequence::ZERO..Sequence::new(u64::MAX)).unwrap();
        let expected = expected::expected(layouts.1, &events);
        prop_assert_eq!(Block::from_vec(bytes).unwrap().differences(&expected), []);
    }

    #[test]
    fn what_is_taken_already_is_refused_whatever_part_has_it(
        steps in steps(),
        layout in layouts(),
        acts in acts(),
        taken in any::<Index>(),
        before in 0..5_u32,
    ) {
        let events = events(&steps);
        let mut run = Run::new(layout, &events);
        acts.iter().for_each(|act| run.act(act));
        prop_assume!(run.inserted > 0);
        let inserted = &events[..run.inserted];
        let other = &inserted[taken.index(inserted.len())];
        let newest = inserted.iter().rfind(|event| event.entity == other.entity).unwrap();
        let next = Event {
            sequence: run.writer.gate().allocated().get(),
            id: other.id ^ 1 << 127,
            clock: newest.clock + 1,
            ..other.clone()
        };
        prop_assume!(inserted.iter().all(|event| event.id != next.id));
        let again = Event { id: other.id, ..next.clone() };
        prop_assert_eq!(run.try_insert(&again), Err(IndexError::DuplicateId {
            id: other.id(),
            sequence: Sequence::new(other.sequence),
        }));
        let early = Event { clock: newest.clock.saturating_sub(before), ..next.clone() };
        prop_assert_eq!(run.try_insert(&early), Err(IndexError::ClockNotAfterHead {
            clock: early.clock,
            head: newest.clock,
        }));
        prop_assert_eq!(run.try_insert(&next), Ok(()));
    }

    #[test]
    fn damaged_blocks_are_refused(
        steps in steps(),
        layout in layouts(),
        at in any::<Index>(),
        bit in 0..8_u32,
    ) {
        let events = events(&steps);
        let mut block = run::block_of(layout, &events);
        let cut = at.index(block.len());
        prop_assert!(Block::from_vec(block[..cut].to_vec()).is_err());
        block[cut] ^= 1 << bit;
        prop_assert!(Block::from_vec(block).is_err());
    }

    #[test]
    fn every_block_is_the_one_that_a_list_of_its_events_makes(
        steps in steps(),
        layout in layouts(),
        acts in acts(),
        within in (any::<Index>(), any::<Index>()),
    ) {
        let events = events(&steps);
        let mut run = Run::new(layout, &events);
        acts.iter().for_each(|act| run.act(act));
        run.act(&Act::Publish);
        run.act(&Act::Snapshot);
        let (snapshot, visible) = run.snapshots.last().unwrap();
        let end = usize::try_from(snapshot.visible().get()).unwrap() + 2;
        let range = [within.0, within.1].map(|at| at.index(end) as u64);
        for range in [0..u64::MAX, range[0]..range[1]] {
            let within = events[..*visible].iter();
            let within = within.filter(|event| range.contains(&event.sequence));
            let expected = expected::expected(layout, &within.cloned().collect::<Vec<_>>());
            let bytes = snapshot.export(Sequence::new(range.start)..Sequence::new(range.end));
            let block = Block::from_vec(bytes.unwrap()).unwrap();
            prop_assert_eq!(block.differences(&expected), []);
        }
    }

    #[test]
    fn any_byte_that_is_changed_makes_a_block_another_one(
        steps in steps(),
        layout in layouts(),
        flips in prop::collection::vec((any::<Index>(), 0..8_u32), 1..64),
    ) {
        let events = events(&steps);
        let good = run::block_of(layout, &events);
        let expected = expected::expected(layout, &events);
        for (at, bit) in flips {
            let mut bytes = good.clone();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let Ok(block) = expected::forged(bytes) else {
                continue;
            };
            // A checksum is made right again.
            let is_same = expected::is_checksum(&good, at);
            prop_assert_eq!(block.differences(&expected).is_empty(), is_same, "byte {}", at);
        }
    }
}
