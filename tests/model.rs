//! The store against a model: a list of events, through appends, batches, refusals, checkpoints,
//! closes, kills and reopens.

use crate::harness::{CREATED, KINDS, assert_same, at, dir, options, remove};
use proptest::prelude::*;
use std::collections::BTreeMap;
use strandline::fs::MemFs;
use strandline::{Batch, Durability, Event, Region, Store};

#[derive(Debug, Clone)]
enum Step {
    Append(u8, Vec<u8>),
    Batch(Vec<(u8, Vec<u8>)>),
    RefusedBatch,
    Sync,
    Checkpoint,
    Close,
    Kill,
    LoseCheckpoints,
}

fn step() -> impl Strategy<Value = Step> {
    let event = || (0..6u8, proptest::collection::vec(any::<u8>(), 0..3000));
    prop_oneof![
        8 => event().prop_map(|(entity, payload)| Step::Append(entity, payload)),
        4 => proptest::collection::vec(event(), 1..8).prop_map(Step::Batch),
        1 => Just(Step::RefusedBatch),
        1 => Just(Step::Sync),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Close),
        2 => Just(Step::Kill),
        1 => Just(Step::LoseCheckpoints),
    ]
}

/// What the store should hold: entity, clock and payload of each event, by sequence.
#[derive(Debug, Default)]
struct Model {
    events: Vec<(u8, u32, Vec<u8>)>,
    clocks: BTreeMap<u8, u32>,
}

impl Model {
    fn push(&mut self, entity: u8, payload: &[u8]) {
        let clock = self.clocks.entry(entity).or_default();
        self.events.push((entity, *clock, payload.to_vec()));
        *clock += 1;
    }

    fn check(&self, store: &Store) {
        let now = store.snapshot();
        assert_eq!(now.len(), self.events.len() as u64);
        let events = now.query(Region::all()).map(Result::unwrap);
        for ((sequence, expected), event) in self.events.iter().enumerate().zip(events) {
            let (entity, clock, payload) = expected;
            assert_eq!(event.sequence.get(), sequence as u64);
            assert_eq!(event.coordinate, coordinate(*entity));
            assert_eq!(
                (event.clock, event.payload().unwrap()),
                (*clock, payload.as_slice())
            );
        }
        for (entity, clocks) in &self.clocks {
            let name = coordinate(*entity).entity().to_owned();
            assert_eq!(now.stream(&name).count(), *clocks as usize);
            let latest = now.latest(&name).unwrap().unwrap();
            assert_eq!(latest.clock, clocks - 1);
        }
    }
}

fn coordinate(entity: u8) -> strandline::Coordinate {
    at(
        &format!("entity:{entity}"),
        &format!("scope:{}", entity % 2),
    )
}

fn event(entity: u8, payload: &[u8]) -> Event {
    Event::bytes(KINDS[usize::from(entity) % 3], payload.to_vec())
}

fn open(fs: &MemFs) -> Store {
    options(fs)
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(4000)
        .durability(Durability::Written)
        .open(dir())
        .unwrap()
}

/// What becomes of the open store after a step.
enum After {
    GoOn,
    Close,
    Reopen(MemFs),
}

fn run(steps: Vec<Step>) {
    let mut fs = MemFs::new();
    let mut store = Some(open(&fs));
    let mut model = Model::default();
    for step in steps {
        let now = store.take().unwrap();
        let mut after = After::GoOn;
        match step {
            Step::Append(entity, payload) => {
                now.append(&coordinate(entity), event(entity, &payload))
                    .unwrap();
                model.push(entity, &payload);
            }
            Step::Batch(events) => {
                let mut batch = Batch::new();
                for (entity, payload) in &events {
                    batch.add(&coordinate(*entity), event(*entity, payload));
                    model.push(*entity, payload);
                }
                now.append_batch(batch).unwrap();
            }
            Step::RefusedBatch => {
                let batch = Batch::new()
                    .push(&coordinate(0), event(0, b"fits"))
                    .push(&at("never", "seen"), Event::bytes(CREATED, vec![0; 4001]));
                now.append_batch(batch).unwrap_err();
            }
            Step::Sync => now.sync().unwrap(),
            Step::Checkpoint => drop(now.checkpoint().unwrap()),
            Step::Close => after = After::Close,
            Step::Kill => after = After::Reopen(fs.fork()),
            Step::LoseCheckpoints => {
                let image = fs.fork();
                remove(&image, "checkpoint-");
                after = After::Reopen(image);
            }
        }
        model.check(&now);
        let live = now.snapshot();
        store = Some(match after {
            After::GoOn => now,
            After::Close => {
                now.close().unwrap();
                open(&fs)
            }
            After::Reopen(image) => {
                // A kill: what was on the disk then, whatever the old store still does.
                fs = image;
                open(&fs)
            }
        });
        assert_same(&store.as_ref().unwrap().snapshot(), &live);
        model.check(store.as_ref().unwrap());
    }
    let store = store.unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!(report.events, model.events.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_reopened_store_equals_the_live_one(steps in proptest::collection::vec(step(), 1..40)) {
        run(steps);
    }
}
