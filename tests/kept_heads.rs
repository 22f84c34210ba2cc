//! Heads of entities that are kept across rotations: whatever there is room for, the log is the same, byte for
//! byte, and so are the conflicts.

use crate::compact::{copy, run, run_redact, small};
use crate::harness::{CREATED, at, dir, files, read};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{Batch, Event, ExpectedVersion, ManualClock, Store};

/// How much is kept: nothing, a few heads, all of them.
const CACHES: [usize; 3] = [0, 1_600, 64 << 20];
const ENTITIES: u8 = 24;

#[derive(Debug, Clone)]
enum Step {
    /// Entities, and what is expected of their streams: any, or what is there and so much more.
    Append(Vec<(u8, Option<u8>)>, u16),
    Seal,
    KeepNewest(u8),
    Drop(u8),
    Redact(u8),
    Kill,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let entity = (0..ENTITIES, proptest::option::weighted(0.3, 0..2_u8));
    let batch = proptest::collection::vec(entity, 1..8);
    prop_oneof![
        16 => (batch, 0..6_000_u16).prop_map(|(batch, bytes)| Step::Append(batch, bytes)),
        3 => Just(Step::Seal),
        2 => (1..4_u8).prop_map(Step::KeepNewest),
        2 => (0..ENTITIES).prop_map(Step::Drop),
        1 => (0..ENTITIES).prop_map(Step::Redact),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
    ]
}

fn name(entity: u8) -> String {
    format!("e:{entity}")
}

/// A store that keeps so many bytes, and what it said.
struct Bench {
    fs: MemFs,
    clock: Arc<ManualClock>,
    cache_bytes_max: usize,
    store: Option<Store>,
    said: Vec<String>,
}

impl Bench {
    fn new(cache_bytes_max: usize) -> Self {
        let mut bench = Self {
            fs: MemFs::new(),
            clock: Arc::new(ManualClock::new(1_700_000_000_000)),
            cache_bytes_max,
            store: None,
            said: Vec::new(),
        };
        bench.open();
        bench
    }

    fn open(&mut self) {
        let options = small(&self.fs)
            .clock(self.clock.clone())
            .background_inline()
            .cache_bytes_max(self.cache_bytes_max);
        self.store = Some(options.open(dir()).unwrap());
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// The clock of the newest event that is there.
    fn version(&self, entity: u8) -> Option<u32> {
        let snapshot = self.store().snapshot();
        snapshot
            .stream(&name(entity))
            .last()
            .map(|event| event.unwrap().clock)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(batch, bytes) => {
                let mut all = Batch::new();
                for (entity, more) in batch {
                    let payload = vec![*entity; usize::from(*bytes) / batch.len()];
                    let event = Event::bytes(CREATED, payload);
                    let expected = more.map(|more| match (self.version(*entity), more) {
                        (version, 0) => ExpectedVersion::of(version),
                        (version, more) => {
                            ExpectedVersion::of(Some(version.unwrap_or(0) + u32::from(more)))
                        }
                    });
                    let event = match expected {
                        Some(expected) => event.expecting(expected),
                        None => event,
                    };
                    all = all.push(&at(&name(*entity), "s"), event);
                }
                let said = match self.store().append_batch(all) {
                    Ok(receipts) => format!("{receipts:?}"),
                    Err(error) => format!("{error:?}"),
                };
                self.said.push(said);
            }
            Step::Seal => {
                // Longer than half a segment, so that the next one does not fit.
                for _ in 0..2 {
                    let filler = Event::bytes(CREATED, vec![0; 40_000]);
                    self.store().append(&at("filler", "s"), filler).unwrap();
                }
            }
            Step::KeepNewest(count) => {
                run(self.store(), &Retention::new().keep_newest((*count).into()));
            }
            Step::Drop(entity) => {
                run(self.store(), &Retention::new().drop_entity(name(*entity)));
            }
            Step::Redact(entity) => {
                run_redact(self.store(), &Redaction::new().entity(name(*entity)));
            }
            Step::Kill => {
                let copied = copy(&self.fs);
                self.store = None;
                self.fs = copied;
                self.open();
            }
            Step::Close => {
                self.store.take().unwrap().close().unwrap();
                self.open();
            }
        }
    }

    /// The files of the log.
    fn segments(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let all = files(&self.fs, "").into_iter();
        let is_log = |path: &PathBuf| !path.ends_with("LOCK");
        all.filter(is_log)
            .map(|path| (path.clone(), read(&self.fs, &path)))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_log_is_the_same_whatever_heads_are_kept(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut benches = CACHES.map(Bench::new);
        for step in &steps {
            for bench in &mut benches {
                bench.step(step);
            }
            let [nothing, few, all] = &benches;
            prop_assert_eq!(few.said.last(), nothing.said.last());
            prop_assert_eq!(all.said.last(), nothing.said.last());
        }
        let [nothing, few, all] = &benches;
        prop_assert!(few.segments() == nothing.segments());
        prop_assert!(all.segments() == nothing.segments());
        prop_assert!(all.store().verify().unwrap().is_intact());
    }
}

#[test]
fn an_entity_that_was_appended_to_is_known_in_the_next_segment() {
    for (cache_bytes_max, known) in [(0, 0), (64 << 20, 9)] {
        let mut bench = Bench::new(cache_bytes_max);
        for number in 0..10 {
            bench.step(&Step::Append(vec![(0, None), (1, None), (0, None)], 3));
            bench.step(&Step::Seal);
            let caches = bench.store().stats().unwrap().caches;
            assert_eq!(caches.bytes_max, cache_bytes_max as u64);
            let heads = caches.heads;
            // Twice the filler, and two entities; each is looked up once in a segment.
            assert_eq!(heads.bytes > 0, known > 0, "after {number}");
        }
        let heads = bench.store().stats().unwrap().caches.heads;
        assert!(heads.hits >= known * 2, "{heads:?}");
        assert!(known == 0 || heads.misses == 3, "{heads:?}");
    }
}
