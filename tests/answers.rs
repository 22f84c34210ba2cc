//! `Answers`: everything that a store answers, to compare stores by.

use crate::harness::{CHANGED, KINDS};
use strandline::{EventId, Hash, Problem, ProblemKind, Region, Snapshot, Store, StoredEvent};

/// Everything that a store answers.
#[derive(Debug, PartialEq)]
pub(crate) struct Answers {
    pub(crate) visible: u64,
    pub(crate) log_hash: Hash,
    pub(crate) events: Vec<StoredEvent>,
    /// For each region the sequences of its events.
    pub(crate) regions: Vec<(Region, Vec<u64>)>,
    /// Entities, scopes and tags, each with its count.
    pub(crate) names: [Vec<(String, u64)>; 3],
    /// For each entity its stream and its newest event.
    pub(crate) streams: Vec<(Vec<u64>, StoredEvent)>,
    /// For each event the sequences of what caused it.
    pub(crate) causes: Vec<Vec<u64>>,
}

fn sequences(events: strandline::Events<'_>) -> Vec<u64> {
    events.map(|event| event.unwrap().sequence.get()).collect()
}

/// Regions of every shape, some of which depend on the events that there are.
pub(crate) fn regions(events: &[StoredEvent]) -> Vec<Region> {
    let all = Region::all;
    let middle = &events[events.len() / 2];
    let wall = middle.hlc.wall_ms();
    let caused = events.iter().filter_map(|event| event.causation);
    let correlated = events.iter().filter(|event| event.is_correlated());
    let mut regions = vec![
        all(),
        all().entity("entity:1"),
        all().entity("entity:"),
        all().entity_prefix("entity:"),
        all().entity_prefix("entity:3"),
        all().scope("scope/1"),
        all().kind(CHANGED),
        all().category(1),
        all().category(9),
        all().clock(3..9),
        all().sequence(10..=60),
        all().after(middle.sequence),
        all().wall_ms(..=wall),
        all().wall_ms(wall..),
        all().tag("tag:0"),
        all().tag("tag:0").tag("tag:2"),
        all().any_tag(["tag:1", "tag:2", "none"]),
        all().entity("entity:2").clock(3..=5),
        all().entity("entity:2").scope("scope/0").kind(KINDS[0]),
        all().scope("scope/1").category(1).sequence(20..),
        all().entity_prefix("entity:").kind(CHANGED).clock(..7),
        all().tag("tag:1").scope("scope/2").kind(KINDS[2]),
        all().correlation(middle.id),
        all().caused_by(middle.id),
    ];
    regions.extend(caused.take(10).map(|cause| all().caused_by(cause)));
    let correlations = correlated.take(10).map(|event| event.correlation);
    regions.extend(correlations.map(|first| all().correlation(first)));
    regions
}

impl Answers {
    pub(crate) fn of(store: &Store) -> Self {
        let verified = store.verify().unwrap();
        // What is damaged of an index changes no answer.
        let of_log = |problem: &&Problem| problem.kind != ProblemKind::Index;
        let wrong = verified.problems.iter().find(of_log);
        assert_eq!(wrong, None);
        let now = store.snapshot();
        let events: Vec<_> = now.query(Region::all()).map(Result::unwrap).collect();
        for event in &events {
            assert_eq!(now.get(event.id).unwrap().as_ref(), Some(event));
        }
        assert_eq!(now.get(EventId::from_u128(u128::MAX)).unwrap(), None);
        let names = [now.entities(""), now.scopes(""), now.tags("")].map(Iterator::collect);
        let entities: &Vec<(String, u64)> = &names[0];
        let stream = |(entity, count): &(String, u64)| {
            let stream = sequences(now.stream(entity));
            assert_eq!(stream.len() as u64, *count);
            (stream, now.latest(entity).unwrap().unwrap())
        };
        let causes = |event: &StoredEvent| {
            let causes = now.causes(event.id);
            causes.map(|row| row.sequence().get()).collect()
        };
        Self {
            visible: now.visible().get(),
            log_hash: verified.log_hash,
            regions: regions(&events)
                .into_iter()
                .map(|region| Self::region(&now, region))
                .collect(),
            streams: entities.iter().map(stream).collect(),
            causes: events.iter().map(causes).collect(),
            names,
            events,
        }
    }

    /// What a region has, found forward, and backward without reading events.
    fn region(now: &Snapshot, region: Region) -> (Region, Vec<u64>) {
        let forward = sequences(now.query(&region));
        let rows = now.rows(&region).rev().map(|row| row.sequence().get());
        assert!(rows.eq(forward.iter().rev().copied()), "{region:?}");
        (region, forward)
    }
}
