//! Every query agrees with a filter over a list: both directions, gaps, earlier snapshots, and an
//! index that was exported and imported.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a property fails by panicking as well as by returning"
)]

use proptest::prelude::*;
use std::ops::RangeInclusive;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Region, Sequence};
use strandline_index::{Block, IndexReader, IndexWriter, Row, RowView, Snapshot, channel};

const ENTITIES: [&str; 5] = ["a", "a:1", "a:2", "b", "b:1"];
const SCOPES: [&str; 3] = ["s", "s/t", "u"];
const KINDS: [EventKind; 4] = [
    EventKind::new(1, 1),
    EventKind::new(1, 2),
    EventKind::new(2, 1),
    EventKind::new(15, 0xFFF),
];

/// An event as the list has it.
#[derive(Debug, Clone)]
struct Event {
    sequence: u64,
    entity: &'static str,
    scope: &'static str,
    kind: EventKind,
    clock: u32,
    wall_ms: u64,
    correlation: Option<u64>,
    causation: Option<u64>,
}

impl Event {
    fn id(&self) -> EventId {
        id_of(self.sequence)
    }

    fn is_in(&self, region: &Region) -> bool {
        let sequence = Sequence::new(self.sequence);
        region.matches_numbers(self.kind, self.clock, sequence, self.wall_ms)
            && region.matches_names(self.entity, self.scope)
    }
}

fn id_of(number: u64) -> EventId {
    EventId::from_u128(u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

/// How one event differs from the one before it: entity, scope, kind, gap in sequences, gap in
/// clocks, time, whether it has links.
type Step = (usize, usize, usize, u64, u32, u64, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = prop_oneof![6 => Just(0_u64), 1 => 1..4_u64];
    let step = (
        0..ENTITIES.len(),
        0..SCOPES.len(),
        0..KINDS.len(),
        gap,
        0..3_u32,
        0..50_u64,
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(step, 0..600)
}

fn events(steps: &[Step]) -> Vec<Event> {
    let mut clocks = [0; ENTITIES.len()];
    let mut next = 0;
    let mut events = Vec::new();
    for (entity, scope, kind, gap, clock_gap, wall_ms, linked) in steps.iter().copied() {
        let sequence = next + gap;
        next = sequence + 1;
        let clock = clocks[entity] + clock_gap;
        clocks[entity] = clock + 1;
        events.push(Event {
            sequence,
            entity: ENTITIES[entity],
            scope: SCOPES[scope],
            kind: KINDS[kind],
            clock,
            wall_ms,
            correlation: linked.then_some(sequence / 2),
            causation: (linked && sequence > 3).then(|| sequence - 3),
        });
    }
    events
}

fn regions() -> impl Strategy<Value = Region> {
    let entity = prop_oneof![
        2 => Just(None),
        1 => prop::sample::select(vec!["a", "a:1", "b", "c"]).prop_map(|name| Some((name, false))),
        1 => prop::sample::select(vec!["", "a", "a:", "b", "c"]).prop_map(|name| Some((name, true))),
    ];
    let scope = prop::option::weighted(0.3, prop::sample::select(vec!["s", "s/t", "u", "x"]));
    let kind = prop::option::weighted(0.3, 0..KINDS.len() + 1);
    let category = prop::option::weighted(0.3, prop::sample::select(vec![0_u8, 1, 2, 15, 16, 17]));
    let clock = prop::option::weighted(0.3, span(0..=80));
    let sequence = prop::option::weighted(0.4, span(0..=700));
    let wall_ms = prop::option::weighted(0.2, span(0..=60));
    let after = prop::option::weighted(0.2, 0..700_u64);
    let parts = (
        entity, scope, kind, category, clock, sequence, wall_ms, after,
    );
    parts.prop_map(
        |(entity, scope, kind, category, clock, sequence, wall_ms, after)| {
            let mut region = Region::all();
            region = match entity {
                None => region,
                Some((name, false)) => region.entity(name),
                Some((prefix, true)) => region.entity_prefix(prefix),
            };
            if let Some(scope) = scope {
                region = region.scope(scope);
            }
            if let Some(kind) = kind {
                region = region.kind(KINDS.get(kind).copied().unwrap_or(EventKind::new(3, 3)));
            } else if let Some(category) = category {
                region = region.category(category);
            }
            if let Some((first, last)) = clock {
                let narrow = |clock: u64| u32::try_from(clock).unwrap();
                region = region.clock(narrow(first)..=narrow(last));
            }
            if let Some((first, last)) = sequence {
                region = region.sequence(first..=last);
            }
            if let Some((first, last)) = wall_ms {
                region = region.wall_ms(first..=last);
            }
            match after {
                Some(after) => region.after(Sequence::new(after)),
                None => region,
            }
        },
    )
}

fn span(numbers: RangeInclusive<u64>) -> impl Strategy<Value = (u64, u64)> {
    (numbers.clone(), numbers)
}

fn insert(writer: &mut IndexWriter, event: &Event) {
    let coordinate = Coordinate::new(event.entity, event.scope).unwrap();
    let coordinate = writer.intern(&coordinate).unwrap();
    let allocated = writer.gate().allocated().get();
    writer.reserve(event.sequence + 1 - allocated).unwrap();
    writer
        .insert(&Row {
            sequence: Sequence::new(event.sequence),
            id: event.id(),
            coordinate,
            kind: event.kind,
            wall_ms: event.wall_ms,
            clock: event.clock,
            position: event.sequence * 10,
            correlation: event.correlation.map_or(event.id(), id_of),
            causation: event.causation.map(id_of),
            hash: None,
        })
        .unwrap();
}

fn assert_same(view: &RowView<'_>, event: &Event) {
    assert_eq!(view.sequence().get(), event.sequence);
    assert_eq!(view.id(), event.id());
    assert_eq!(view.kind(), event.kind);
    assert_eq!(view.clock(), event.clock);
    assert_eq!(view.wall_ms(), event.wall_ms);
    assert_eq!(view.position(), event.sequence * 10);
    assert_eq!(
        view.correlation(),
        event.correlation.map_or(event.id(), id_of)
    );
    assert_eq!(view.causation(), event.causation.map(id_of));
    let coordinate = view.coordinate();
    assert_eq!(
        (coordinate.entity(), coordinate.scope()),
        (event.entity, event.scope)
    );
}

/// Checks every way of asking `snapshot` for `region` against a filter over `events`.
fn check(snapshot: &Snapshot, events: &[Event], region: &Region, turns: &[bool], limit: usize) {
    let expected: Vec<_> = events.iter().filter(|event| event.is_in(region)).collect();
    let sequences: Vec<_> = expected.iter().map(|event| event.sequence).collect();
    let found: Vec<_> = snapshot.query(region).collect();
    assert_eq!(sequences_of(found.iter().copied()), sequences, "{region:?}");
    for (view, event) in found.iter().zip(&expected) {
        assert_same(view, event);
    }
    let mut backward = sequences_of(snapshot.query(region).rev());
    backward.reverse();
    assert_eq!(backward, sequences, "backward, {region:?}");
    let limited = sequences_of(snapshot.query(region).take(limit));
    assert_eq!(limited, sequences[..limit.min(sequences.len())]);
    let plan = snapshot.explain(region);
    assert!(plan.candidates() >= sequences.len() as u64, "{plan}");
    assert!(
        !plan.is_exact() || plan.candidates() == sequences.len() as u64,
        "{plan}"
    );

    let mut rows = snapshot.query(region);
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for forward in turns.iter().copied().cycle() {
        let next = if forward {
            rows.next()
        } else {
            rows.next_back()
        };
        let Some(next) = next else { break };
        let side = if forward { &mut front } else { &mut back };
        side.push(next.sequence().get());
        let taken = front.len() + back.len();
        assert!(rows.size_hint().1.unwrap() + taken >= sequences.len());
        if taken == limit {
            let mut rest = snapshot.query(region);
            assert!(front.iter().all(|_| rest.next().is_some()));
            assert!(back.iter().all(|_| rest.next_back().is_some()));
            assert_eq!(rest.count(), sequences.len() - taken, "rest of {region:?}");
        }
    }
    assert!(rows.next().is_none() && rows.next_back().is_none(), "fused");
    back.reverse();
    front.extend(back);
    assert_eq!(front, sequences, "from both ends, {region:?}");
    assert_eq!(snapshot.query(region).count(), sequences.len());
}

fn sequences_of<'s>(rows: impl Iterator<Item = RowView<'s>>) -> Vec<u64> {
    rows.map(|view| view.sequence().get()).collect()
}

/// Checks what a snapshot answers without a region.
fn check_lookups(snapshot: &Snapshot, events: &[Event], later: &[Event]) {
    assert_eq!(snapshot.len(), events.len() as u64);
    assert_eq!(snapshot.is_empty(), events.is_empty());
    for event in events {
        assert_same(&snapshot.get(event.id()).unwrap(), event);
        assert_same(
            &snapshot.row_at(Sequence::new(event.sequence)).unwrap(),
            event,
        );
    }
    for event in later {
        assert!(snapshot.get(event.id()).is_none());
        assert!(snapshot.row_at(Sequence::new(event.sequence)).is_none());
    }
    for entity in ENTITIES {
        let newest = events.iter().rfind(|event| event.entity == entity);
        let latest = snapshot.latest(entity).map(|view| view.sequence().get());
        assert_eq!(latest, newest.map(|event| event.sequence));
    }
    for prefix in ["", "a", "a:", "s", "x"] {
        let count = |is_it: &dyn Fn(&Event) -> bool| {
            events.iter().filter(|event| is_it(event)).count() as u64
        };
        let expected = |names: &[&str], of: fn(&Event) -> &'static str| -> Vec<_> {
            names
                .iter()
                .filter(|name| name.starts_with(prefix))
                .map(|name| ((*name).to_owned(), count(&|event| of(event) == *name)))
                .filter(|(_, count)| *count > 0)
                .collect()
        };
        let entities: Vec<_> = snapshot.entities(prefix).collect();
        assert_eq!(entities, expected(&ENTITIES, |event| event.entity));
        let scopes: Vec<_> = snapshot.scopes(prefix).collect();
        assert_eq!(scopes, expected(&SCOPES, |event| event.scope));
    }
}

/// An index with the events of `snapshot` that have `sequences`, by way of two blocks.
fn copied(snapshot: &Snapshot, middle: u64) -> (IndexWriter, IndexReader) {
    let middle = Sequence::new(middle);
    let blocks = [
        snapshot.export(Sequence::ZERO..middle),
        snapshot.export(middle..Sequence::new(u64::MAX)),
    ]
    .map(|bytes| Arc::new(Block::from_vec(bytes).unwrap()));
    let (mut writer, reader) = channel();
    let mut cursor = writer.replay();
    for block in blocks {
        cursor.attach(block).unwrap();
    }
    cursor.commit(snapshot.visible());
    (writer, reader)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn queries_agree_with_a_filter(
        steps in steps(),
        regions in prop::collection::vec(regions(), 1..12),
        turns in prop::collection::vec(any::<bool>(), 1..8),
        limit in 0..40_usize,
        early in 0..600_usize,
        middle in 0..800_u64,
    ) {
        let events = events(&steps);
        let early = early.min(events.len());
        let (before, later) = events.split_at(early);
        let (mut writer, reader) = channel();
        before.iter().for_each(|event| insert(&mut writer, event));
        writer.publish(writer.gate().allocated());
        let early = reader.snapshot();
        later.iter().for_each(|event| insert(&mut writer, event));
        let unpublished = reader.snapshot();
        writer.publish(writer.gate().allocated());
        let all = reader.snapshot();
        let (_copier, copy) = copied(&all, middle);
        let copy = copy.snapshot();

        check_lookups(&early, before, later);
        check_lookups(&unpublished, before, later);
        check_lookups(&all, &events, &[]);
        check_lookups(&copy, &events, &[]);
        for region in &regions {
            check(&early, before, region, &turns, limit);
            check(&unpublished, before, region, &turns, limit);
            check(&all, &events, region, &turns, limit);
            check(&copy, &events, region, &turns, limit);
        }
        let range = Sequence::ZERO..Sequence::new(u64::MAX);
        prop_assert_eq!(all.export(range.clone()), copy.export(range));
    }

    #[test]
    fn damaged_blocks_are_refused(
        steps in steps(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let (mut writer, reader) = channel();
        events(&steps).iter().for_each(|event| insert(&mut writer, event));
        writer.publish(writer.gate().allocated());
        let range = Sequence::ZERO..Sequence::new(u64::MAX);
        let mut block = reader.snapshot().export(range);
        let cut = at.index(block.len());
        prop_assert!(Block::from_vec(block[..cut].to_vec()).is_err());
        block[cut] ^= 1 << bit;
        prop_assert!(Block::from_vec(block).is_err());
    }
}
