//! Every answer of the index agrees with a filter over a list: in every layout, whatever was
//! appended, sealed, replaced by blocks, replayed and undone before and after the snapshot was taken.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a property fails by panicking as well as by returning"
)]

mod any_of;
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
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_index::{Block, ComparingSink, IndexError, IndexLayout, MergePart, merge};

/// Where events are cut into views; of each, the layout of its block, and which events before and after
/// them the block has too.
type Cuts = Vec<(Index, IndexLayout, Index, Index)>;

fn cuts() -> impl Strategy<Value = Cuts> {
    prop::collection::vec(
        (any::<Index>(), layouts(), any::<Index>(), any::<Index>()),
        1..12,
    )
}

/// All events as rows of blocks, some of which have more rows.
fn views(events: &[Event], cuts: &Cuts) -> Vec<MergePart> {
    let mut ends: Vec<_> = cuts
        .iter()
        .skip(1)
        .map(|(cut, ..)| cut.index(events.len() + 1))
        .collect();
    ends.push(events.len());
    ends.sort_unstable();
    let mut start = 0;
    let views = ends
        .into_iter()
        .zip(cuts)
        .map(|(end, (cut, layout, before, after))| {
            let rows = start..end;
            start = end;
            let (mut first, mut last) = (rows.start, rows.end);
            // Half of them have no others.
            if cut.index(2) == 0 {
                first = before.index(rows.start + 1);
                last += after.index(events.len() - rows.end + 1);
            }
            let block = Block::from_vec(run::block_of(*layout, &events[first..last])).unwrap();
            let rows = [rows.start, rows.end].map(|row| u32::try_from(row - first).unwrap());
            MergePart {
                block: Arc::new(block),
                rows: rows[0]..rows[1],
            }
        });
    views.collect()
}

/// Cases of a property: so many, or as many as `PROPTEST_CASES` says.
fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if is_asked { config.cases } else { usual },
        failure_persistence: None,
        ..config
    }
}

/// A sequence of some event, or one after them.
fn end_in(events: &[Event], end: Index) -> Sequence {
    let last = events.last().map_or(0, |event| event.sequence);
    Sequence::new(end.index(usize::try_from(last).unwrap() + 3) as u64)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn answers_agree_with_a_filter(
        steps in steps(),
        layout in layouts(),
        acts in acts(),
        regions in prop::collection::vec(regions(), 1..8),
        turns in prop::collection::vec(any::<bool>(), 1..8),
        limit in 1..40_usize,
        end in any::<Index>(),
    ) {
        let events = events(&steps);
        let mut run = Run::new(layout, &events);
        acts.iter().for_each(|act| run.act(act));
        run.act(&Act::Publish);
        run.act(&Act::Snapshot);
        let end = end_in(&events, end);
        let regions = |events: &[Event]| -> Vec<_> {
            regions.iter().map(|plan: &RegionPlan| plan.region(events)).collect()
        };
        for (snapshot, visible) in &run.snapshots {
            let (before, later) = events.split_at(*visible);
            check::lookups(snapshot, before, later);
            for region in regions(&events) {
                check::query(snapshot, before, &region, &turns, limit);
            }
            any_of::any_of(snapshot, before, &regions(&events), &turns, limit);
            check::earlier(snapshot, before, end);
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
        layout in layouts(),
        cuts in cuts(),
        regions in prop::collection::vec(regions(), 1..6),
        turns in prop::collection::vec(any::<bool>(), 1..8),
        limit in 1..40_usize,
        end in any::<Index>(),
    ) {
        let events = events(&steps);
        let snapshot = run::of_views(layout, &views(&events, &cuts));
        check::lookups(&snapshot, &events, &[]);
        let regions: Vec<_> = regions.iter().map(|plan| plan.region(&events)).collect();
        for region in &regions {
            check::query(&snapshot, &events, region, &turns, limit);
        }
        any_of::any_of(&snapshot, &events, &regions, &turns, limit);
        check::earlier(&snapshot, &events, end_in(&events, end));
        let bytes = snapshot.export(Sequence::ZERO..Sequence::new(u64::MAX)).unwrap();
        let expected = expected::expected(layout, &events);
        prop_assert_eq!(Block::from_vec(bytes).unwrap().differences(&expected), []);
    }

    #[test]
    fn what_is_merged_is_byte_for_byte_what_is_built(
        steps in steps(),
        layout in layouts(),
        cuts in cuts(),
        left_out in 0..2_usize,
        flip in (any::<Index>(), 0..8_u32),
    ) {
        let events = events(&steps);
        let mut views = views(&events, &cuts);
        // Entities may have later rows in the blocks then.
        views.truncate(views.len().saturating_sub(left_out).max(1));
        let rows: usize = views.iter().map(|view| view.rows.len()).sum();
        let built = run::of_views(layout, &views)
            .export(Sequence::ZERO..Sequence::new(u64::MAX))
            .unwrap();
        let mut merged = vec![7; 3];
        let mut go_on = |_| ControlFlow::Continue(());
        let done = merge(&views, layout, &mut merged, &mut go_on).unwrap();
        prop_assert_eq!(done.rows as usize, rows);
        prop_assert_eq!(done.bytes, merged.len() as u64);
        let block = Block::from_vec(merged.clone()).unwrap();
        prop_assert_eq!(done.sequences, block.sequences());
        let expected = Block::from_vec(built.clone()).unwrap();
        prop_assert_eq!(block.differences(&expected), []);
        prop_assert!(merged == built);

        let mut comparing = ComparingSink::new(&built);
        merge(&views, layout, &mut comparing, &mut go_on).unwrap();
        prop_assert_eq!(comparing.difference(), None);
        let at = flip.0.index(merged.len());
        merged[at] ^= 1 << flip.1;
        let mut comparing = ComparingSink::new(&merged);
        merge(&views, layout, &mut comparing, &mut go_on).unwrap();
        prop_assert_eq!(comparing.difference(), Some(at));
        let mut comparing = ComparingSink::new(&built[..at]);
        merge(&views, layout, &mut comparing, &mut go_on).unwrap();
        prop_assert_eq!(comparing.difference(), Some(at));
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
