//! Compactions and redactions against a model, through kills, closes and lost footers.

use crate::compact::{assert_intact, copy, cut_footers, run, run_redact, sequences, small};
use crate::harness::{CREATED, at, contents, dir, remove};
use proptest::prelude::*;
use std::collections::BTreeMap;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{Event, Sequence, Store};

#[derive(Debug, Clone)]
enum Step {
    Append(u8, u16),
    KeepNewest(u8),
    KeepHeaders(u8),
    Drop(u8),
    Redact(u8),
    Kill,
    Close,
    WithoutFooters,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..6_u8, 0..4_000_u16).prop_map(|(entity, bytes)| Step::Append(entity, bytes)),
        2 => (1..5_u8).prop_map(Step::KeepNewest),
        1 => (1..5_u8).prop_map(Step::KeepHeaders),
        2 => (0..6_u8).prop_map(Step::Drop),
        2 => (0..6_u8).prop_map(Step::Redact),
        2 => Just(Step::Kill),
        1 => Just(Step::Close),
        1 => Just(Step::WithoutFooters),
    ]
}

/// What should be there: entity, clock and payload by sequence; no payload once redacted.
#[derive(Debug, Default)]
struct Model {
    events: BTreeMap<u64, (u8, u32, Option<Vec<u8>>)>,
    clocks: BTreeMap<u8, u32>,
    next: u64,
}

impl Model {
    fn of_entity(&self, entity: u8) -> Vec<u64> {
        let own = self.events.iter().filter(|(_, (of, ..))| *of == entity);
        own.map(|(sequence, _)| *sequence).collect()
    }

    fn check(&self, store: &Store) {
        let now = store.snapshot();
        assert_eq!(now.visible(), Sequence::new(self.next));
        assert_eq!(now.len(), self.events.len() as u64);
        let stored = contents(&now);
        assert_eq!(stored.len(), self.events.len());
        for (event, (sequence, (entity, clock, payload))) in stored.iter().zip(&self.events) {
            assert_eq!(event.sequence.get(), *sequence);
            assert_eq!(event.coordinate.entity(), format!("e:{entity}"));
            assert_eq!(event.clock, *clock);
            assert_eq!(event.payload().ok(), payload.as_deref());
        }
        for entity in 0..6 {
            assert_eq!(
                sequences(store, &format!("e:{entity}")),
                self.of_entity(entity)
            );
        }
        assert_intact(store);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_was_compacted_the_rest_is_there(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut fs = MemFs::new();
        let mut store = small(&fs).open(dir()).unwrap();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append(entity, bytes) => {
                    let payload = vec![entity; usize::from(bytes)];
                    let coordinate = at(&format!("e:{entity}"), "s");
                    let receipt = store
                        .append(&coordinate, Event::bytes(CREATED, payload.clone()))
                        .unwrap();
                    let clock = model.clocks.entry(entity).or_default();
                    assert_eq!((receipt.sequence.get(), receipt.clock), (model.next, *clock));
                    model.events.insert(model.next, (entity, *clock, Some(payload)));
                    *clock += 1;
                    model.next += 1;
                }
                Step::KeepNewest(count) => {
                    let rules = Retention::new().keep_newest(count.into());
                    let rules = if count % 2 == 0 { rules.forget_digests() } else { rules };
                    run(&store, &rules);
                    for entity in 0..6 {
                        let own = model.of_entity(entity);
                        for old in own.iter().rev().skip(count.into()) {
                            model.events.remove(old);
                        }
                    }
                }
                Step::KeepHeaders(count) => {
                    let rules = Retention::new().keep_newest(count.into());
                    let done = run(&store, &rules.keep_headers_of(CREATED));
                    assert_eq!(done.events, 0);
                    for entity in 0..6 {
                        let own = model.of_entity(entity);
                        for old in own.iter().rev().skip(count.into()) {
                            model.events.get_mut(old).unwrap().2 = None;
                        }
                    }
                }
                Step::Drop(entity) => {
                    let rules = Retention::new().drop_entity(format!("e:{entity}"));
                    let rules = if entity % 2 == 0 { rules.forget_digests() } else { rules };
                    run(&store, &rules);
                    model.events.retain(|_, (of, ..)| *of != entity);
                }
                Step::Redact(entity) => {
                    run_redact(&store, &Redaction::new().entity(format!("e:{entity}")));
                    let own = model.events.values_mut().filter(|(of, ..)| *of == entity);
                    own.for_each(|(.., payload)| *payload = None);
                }
                Step::Kill | Step::WithoutFooters => {
                    let copied = copy(&fs);
                    drop(store);
                    fs = copied;
                    if matches!(step, Step::WithoutFooters) {
                        cut_footers(&fs);
                        remove(&fs, "checkpoint-");
                    }
                    store = small(&fs).open(dir()).unwrap();
                    model.check(&store);
                }
                Step::Close => {
                    store.close().unwrap();
                    store = small(&fs).open(dir()).unwrap();
                    model.check(&store);
                }
            }
        }
        model.check(&store);
    }
}
