//! Regions of every shape.

use crate::events::{Event, KINDS, TAGS};
use proptest::prelude::*;
use proptest::sample::Index;
use std::ops::RangeInclusive;
use strandline_core::{EventId, EventKind, KindFilter, Region, Sequence};

/// A region, but for the events that it asks for by id.
#[derive(Debug, Clone)]
pub(crate) struct RegionPlan {
    region: Region,
    correlation: Option<Index>,
    causation: Option<Index>,
}

impl RegionPlan {
    /// The region, with ids of some of `events`, or of none.
    pub(crate) fn region(&self, events: &[Event]) -> Region {
        let id = |index: Index| {
            let event = events.get(index.index(events.len() + 1));
            EventId::from_u128(event.map_or(u128::MAX, |event| event.id))
        };
        let mut region = self.region.clone();
        if let Some(correlation) = self.correlation {
            region = region.correlation(id(correlation));
        }
        if let Some(causation) = self.causation {
            region = region.caused_by(id(causation));
        }
        region
    }
}

pub(crate) fn regions() -> impl Strategy<Value = RegionPlan> {
    let numbers = (kinds(), spans());
    let links = prop_oneof![
        4 => Just((None, None)),
        1 => (any::<Index>().prop_map(Some), Just(None)),
        1 => (Just(None), any::<Index>().prop_map(Some)),
        1 => (any::<Index>().prop_map(Some), any::<Index>().prop_map(Some)),
    ];
    let plan = (names(), numbers, links, tags(), any::<bool>());
    plan.prop_map(|(names, (kinds, spans), links, tags, alone)| {
        // Few events have links; with all the other filters hardly one would be left.
        let region = if alone && (links.0.is_some() || links.1.is_some()) {
            Region::all()
        } else {
            let region = tags.0.into_iter().fold(Region::all(), Region::tag);
            let region = match tags.1 {
                Some(any) => region.any_tag(any),
                None => region,
            };
            spans.narrow(kinds.narrow(names.narrow(region)))
        };
        RegionPlan {
            region,
            correlation: links.0,
            causation: links.1,
        }
    })
}

#[derive(Debug, Clone)]
struct Names {
    entity: Option<(&'static str, bool)>,
    scope: Option<&'static str>,
}

impl Names {
    fn narrow(self, region: Region) -> Region {
        let region = match self.entity {
            None => region,
            Some((name, false)) => region.entity(name),
            Some((prefix, true)) => region.entity_prefix(prefix),
        };
        match self.scope {
            None => region,
            Some(scope) => region.scope(scope),
        }
    }
}

fn names() -> impl Strategy<Value = Names> {
    let exact = prop::sample::select(vec!["a", "a:1", "b", "c", "ä", ""]);
    let prefix = prop::sample::select(vec!["", "a", "a:", "b", "c", "ä"]);
    let entity = prop_oneof![
        2 => Just(None),
        1 => exact.prop_map(|name| Some((name, false))),
        1 => prefix.prop_map(|name| Some((name, true))),
    ];
    let scope = prop::sample::select(vec!["s", "s/t", "u", "x", "ü"]);
    let scope = prop::option::weighted(0.3, scope);
    (entity, scope).prop_map(|(entity, scope)| Names { entity, scope })
}

/// Tags that are all wanted, and tags of which one is; mostly none. Of an empty list no event has one.
fn tags() -> impl Strategy<Value = (Vec<&'static str>, Option<Vec<&'static str>>)> {
    let mut known = TAGS.to_vec();
    known.push("none");
    let some = prop::sample::subsequence(known, 1..4);
    let some = move || prop_oneof![3 => Just(Vec::new()), 1 => some.clone()];
    let any = (0..16_u8, some()).prop_map(|(how, any)| match how {
        0 => Some(Vec::new()),
        _ => Some(any).filter(|any| !any.is_empty()),
    });
    (some(), any)
}

#[derive(Debug, Clone)]
enum Kinds {
    Any,
    Exact(EventKind),
    Category(u8),
    Several(Vec<KindFilter>),
    /// Some, and others that are left out.
    Not(Vec<KindFilter>, Vec<KindFilter>),
}

impl Kinds {
    fn narrow(self, region: Region) -> Region {
        match self {
            Self::Any => region,
            Self::Exact(kind) => region.kind(kind),
            Self::Category(category) => region.category(category),
            Self::Several(kinds) => region.kinds(kinds),
            Self::Not(kinds, out) => region.not_kinds(out).kinds(kinds),
        }
    }
}

fn kinds() -> impl Strategy<Value = Kinds> {
    let mut known = KINDS.to_vec();
    known.push(EventKind::new(3, 3));
    let categories = vec![0_u8, 1, 2, 15, 16, 17];
    let filters = |known: &[EventKind], any: u32| {
        let filter = prop_oneof![
            4 => prop::sample::select(known.to_vec()).prop_map(KindFilter::Exact),
            1 => prop::sample::select(vec![1, 2, 15, 16]).prop_map(KindFilter::Category),
            any => Just(KindFilter::Any),
        ];
        prop::collection::vec(filter, 0..4)
    };
    let several = filters(&known, 1).prop_map(Kinds::Several);
    let not = (filters(&known, 8), filters(&known, 0));
    prop_oneof![
        4 => Just(Kinds::Any),
        2 => prop::sample::select(known).prop_map(Kinds::Exact),
        2 => prop::sample::select(categories).prop_map(Kinds::Category),
        2 => several,
        1 => not.prop_map(|(kinds, out)| Kinds::Not(kinds, out)),
    ]
}

#[derive(Debug, Clone)]
struct Spans {
    clock: Option<(u64, u64)>,
    sequence: Option<(u64, u64)>,
    wall_ms: Option<(u64, u64)>,
    after: Option<u64>,
}

impl Spans {
    fn narrow(self, mut region: Region) -> Region {
        if let Some((first, last)) = self.clock {
            let clock = |clock: u64| u32::try_from(clock).unwrap();
            region = region.clock(clock(first)..=clock(last));
        }
        if let Some((first, last)) = self.sequence {
            region = region.sequence(first..=last);
        }
        if let Some((first, last)) = self.wall_ms {
            region = region.wall_ms(first..=last);
        }
        match self.after {
            Some(after) => region.after(Sequence::new(after)),
            None => region,
        }
    }
}

fn spans() -> impl Strategy<Value = Spans> {
    let of = |weight: f64, numbers: RangeInclusive<u64>| {
        prop::option::weighted(weight, (numbers.clone(), numbers))
    };
    let after = prop::option::weighted(0.2, 0..500_u64);
    (of(0.3, 0..=80), of(0.4, 0..=500), of(0.2, 0..=60), after).prop_map(
        |(clock, sequence, wall_ms, after)| Spans {
            clock,
            sequence,
            wall_ms,
            after,
        },
    )
}
