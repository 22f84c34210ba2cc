//! Events as the list has them, and how they are made.

use proptest::prelude::*;
use strandline_core::{EventId, EventKind, Hash, Hlc, Region, Sequence};

pub(crate) const ENTITIES: [&str; 6] = ["a", "a:1", "a:2", "b", "b:1", "ä"];
pub(crate) const SCOPES: [&str; 4] = ["s", "s/t", "u", "ü"];
pub(crate) const TAGS: [&str; 4] = ["a", "t:1", "t:2", "ü"];
pub(crate) const KINDS: [EventKind; 5] = [
    EventKind::new(1, 1),
    EventKind::new(1, 2),
    EventKind::new(1, 66),
    EventKind::new(2, 1),
    EventKind::new(15, 0xFFF),
];

/// An event as the list has it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) id: u128,
    pub(crate) entity: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) kind: EventKind,
    pub(crate) clock: u32,
    pub(crate) wall_ms: u64,
    pub(crate) correlation: Option<u128>,
    pub(crate) causation: Option<u128>,
    pub(crate) hash: Option<Hash>,
    pub(crate) tags: Vec<&'static str>,
}

impl Event {
    pub(crate) fn id(&self) -> EventId {
        EventId::from_u128(self.id)
    }

    pub(crate) fn correlation(&self) -> EventId {
        EventId::from_u128(self.correlation.unwrap_or(self.id))
    }

    pub(crate) fn causation(&self) -> Option<EventId> {
        self.causation.map(EventId::from_u128)
    }

    pub(crate) fn is_in(&self, region: &Region) -> bool {
        let sequence = Sequence::new(self.sequence);
        region.matches_numbers(self.kind, self.clock, sequence, self.wall_ms)
            && region.matches_names(self.entity, self.scope)
            && region.matches_links(self.correlation(), self.causation())
            && region.matches_tags(self.tags.iter().copied())
    }
}

/// How one event differs from the one before it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    entity: usize,
    scope: usize,
    kind: usize,
    sequence_gap: u64,
    clock_gap: u32,
    wall_ms: u64,
    /// How far back are the events that it belongs to and was caused by; 0 for itself.
    correlation: Option<usize>,
    causation: Option<usize>,
    is_hashed: bool,
    is_random: bool,
    /// Which of the tags it has.
    tags: Vec<&'static str>,
}

/// Which ids events have.
#[derive(Debug, Clone, Copy)]
enum Ids {
    Ascending,
    Random,
    Mixed,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = prop_oneof![8 => Just(0_u64), 1 => 1..4_u64];
    let back = || prop::option::weighted(0.2, 0..6_usize);
    let step = (
        (0..ENTITIES.len(), 0..SCOPES.len(), 0..KINDS.len()),
        (gap, 0..3_u32, 0..50_u64),
        (back(), back()),
        (any::<bool>(), prop::bool::weighted(0.15)),
        prop::sample::subsequence(TAGS.to_vec(), 0..=TAGS.len()),
    );
    let step = step.prop_map(|(names, numbers, links, flags, tags)| Step {
        tags,
        entity: names.0,
        scope: names.1,
        kind: names.2,
        sequence_gap: numbers.0,
        clock_gap: numbers.1,
        wall_ms: numbers.2,
        correlation: links.0,
        causation: links.1,
        is_hashed: flags.0,
        is_random: flags.1,
    });
    let ids = prop::sample::select(vec![Ids::Ascending, Ids::Random, Ids::Mixed]);
    let times_ascend = any::<bool>();
    let all = (prop::collection::vec(step, 0..400), ids, times_ascend);
    all.prop_map(|(mut steps, ids, times_ascend)| {
        let mut wall_ms = 0;
        for step in &mut steps {
            if times_ascend {
                // Several in a millisecond, as a store gives them.
                wall_ms += u64::from(step.wall_ms > 30);
                step.wall_ms = wall_ms;
            }
            step.is_random = match ids {
                Ids::Ascending => false,
                Ids::Random => true,
                Ids::Mixed => step.is_random,
            };
        }
        steps
    })
}

pub(crate) fn events(steps: &[Step]) -> Vec<Event> {
    let mut clocks = [0; ENTITIES.len()];
    let mut next = 0;
    let mut events: Vec<Event> = Vec::new();
    for step in steps {
        let sequence = next + step.sequence_gap;
        next = sequence + 1;
        let clock = clocks[step.entity] + step.clock_gap;
        clocks[step.entity] = clock + 1;
        let id = if step.is_random {
            spread(sequence)
        } else {
            ascending(sequence)
        };
        let linked = |back: Option<usize>| match back? {
            0 => Some(id),
            5 => Some(u128::MAX),
            back => Some(events.get(events.len().checked_sub(back)?)?.id),
        };
        events.push(Event {
            sequence,
            id,
            entity: ENTITIES[step.entity],
            scope: SCOPES[step.scope],
            kind: KINDS[step.kind],
            clock,
            wall_ms: step.wall_ms,
            correlation: linked(step.correlation).filter(|linked| *linked != id),
            causation: linked(step.causation),
            tags: step.tags.clone(),
            hash: step.is_hashed.then(|| Hash::of(&sequence.to_le_bytes())),
        });
    }
    events
}

/// An id as a clock gives it: some in a millisecond.
fn ascending(number: u64) -> u128 {
    let counter = u32::try_from(number % 7).unwrap();
    let hlc = Hlc::new(1_700_000_000_000 + number / 7, counter).unwrap();
    EventId::from_hlc(hlc, number).as_u128()
}

/// Odd, so that no two numbers have the same id.
fn spread(number: u64) -> u128 {
    u128::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}
