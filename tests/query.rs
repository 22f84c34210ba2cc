//! Queries: every filter, both directions, against a filter over everything.

use crate::harness::{CHANGED, KINDS, at, contents, fill, open};
use strandline::fs::MemFs;
use strandline::{Batch, Event, KindFilter, Region, Sequence, Snapshot};

fn check(snapshot: &Snapshot, region: &Region) {
    let expected: Vec<_> = contents(snapshot)
        .into_iter()
        .filter(|event| region.matches(event.header()))
        .collect();
    let forward: Vec<_> = snapshot.query(region).map(Result::unwrap).collect();
    let mut backward: Vec<_> = snapshot.query(region).rev().map(Result::unwrap).collect();
    backward.reverse();
    assert_eq!(forward, expected, "{region:?}");
    assert_eq!(backward, expected, "{region:?} backward");
    assert_eq!(
        snapshot.rows(region).count(),
        expected.len(),
        "{region:?} counted"
    );
}

#[test]
fn every_filter_agrees_with_a_filter_over_everything() {
    let store = open(&MemFs::new());
    fill(&store, 300);
    let now = store.snapshot();
    let all = Region::all;
    let regions = [
        all(),
        all().entity("entity:1"),
        all().entity("entity:"),
        all().entity_prefix("entity:"),
        all().entity_prefix("entity:3"),
        all().entity_prefix("x"),
        all().entity_prefix(""),
        all().scope("scope/1"),
        all().scope("scope"),
        all().kind(CHANGED),
        all().kind(KindFilter::Category(1)),
        all().category(9),
        all().clock(10..20),
        all().sequence(100..=110),
        all().after(Sequence::new(290)),
        all().entity("entity:2").clock(3..=5),
        all().entity("entity:2").scope("scope/0").kind(KINDS[0]),
        all().scope("scope/1").category(1).sequence(50..),
        all().entity_prefix("entity:").kind(CHANGED).clock(..7),
        all().clock(5..5),
    ];
    for region in &regions {
        check(&now, region);
    }
}

#[test]
fn a_scope_is_only_that_scope_of_an_entity() {
    let store = open(&MemFs::new());
    store
        .append(&at("a", "one"), Event::bytes(CHANGED, b"1".to_vec()))
        .unwrap();
    store
        .append(&at("a", "two"), Event::bytes(CHANGED, b"2".to_vec()))
        .unwrap();
    let now = store.snapshot();
    assert_eq!(now.query(Region::all().scope("one")).count(), 1);
    assert!(now.entities("").eq([("a".to_owned(), 2)]));
    assert!(
        now.scopes("")
            .eq([("one".to_owned(), 1), ("two".to_owned(), 1)])
    );
}

#[test]
fn pages_continue_where_the_last_one_ended() {
    let store = open(&MemFs::new());
    fill(&store, 100);
    let now = store.snapshot();
    let mut seen = Vec::new();
    let mut region = Region::all().scope("scope/2");
    loop {
        let page: Vec<_> = now.query(&region).take(7).map(Result::unwrap).collect();
        let Some(last) = page.last() else { break };
        region = Region::all().scope("scope/2").after(last.sequence);
        seen.extend(page.iter().map(|event| event.sequence.get()));
    }
    assert_eq!(seen, (0..100).filter(|n| n % 3 == 2).collect::<Vec<_>>());
}

#[test]
fn a_batch_is_seen_whole_by_readers_that_race_it() {
    let store = open(&MemFs::new());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..200 {
                let mut batch = Batch::new();
                for entity in ["a", "b", "c"] {
                    batch.add(&at(entity, "s"), Event::bytes(CHANGED, b"x".to_vec()));
                }
                store.append_batch(batch).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let now = store.snapshot();
            assert_eq!(now.len() % 3, 0);
            assert!(now.len() >= last);
            last = now.len();
            let counts = ["a", "b", "c"].map(|entity| now.stream(entity).count() as u64);
            assert_eq!(counts, [last / 3; 3]);
            assert_eq!(now.latest("a").unwrap().is_some(), last > 0);
        }
    });
}

#[test]
fn a_stream_gives_each_event_once_from_whichever_end() {
    let store = open(&MemFs::new());
    fill(&store, 300);
    let now = store.snapshot();
    for (name, _) in now.entities("").collect::<Vec<_>>() {
        let all: Vec<_> = now.stream(&name).map(|event| event.unwrap().id).collect();
        assert_eq!(now.stream(&name).count(), all.len());
        // Ends by chance, mostly the front; in the last ones some are left.
        for pattern in 0..200_u64 {
            let mut chance = pattern.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut events = now.stream(&name);
            let (mut first, mut end) = (0, all.len());
            let taken = all.len().min(usize::try_from(pattern).unwrap());
            for left in (all.len() - taken..all.len()).rev() {
                chance ^= chance << 13;
                chance ^= chance >> 7;
                chance ^= chance << 17;
                let (event, at) = if chance % 4 > 0 {
                    first += 1;
                    (events.next(), first - 1)
                } else {
                    end -= 1;
                    (events.next_back(), end)
                };
                assert_eq!(event.unwrap().unwrap().id, all[at], "{pattern}");
                let (least, most) = events.size_hint();
                assert!(least <= left && most.is_none_or(|most| left <= most));
            }
            assert_eq!(events.count(), end - first);
        }
        let mut events = now.stream(&name);
        assert_eq!(events.by_ref().count(), all.len());
        assert!(events.next().is_none() && events.next_back().is_none());
    }
}
