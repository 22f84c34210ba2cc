//! Positions in sources against a model: whatever is appended, refused, compacted, redacted, cut off and opened, a
//! source is where it was last, and never where its events are not.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy, cut_footers, run, run_redact};
use crate::harness::{at, cases, dir, event, remove};
use crate::merged_index::inline;
use crate::tracked::{positions, track};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{CopyMode, Existing, Redaction, Retention, backup, rebuild, restore};
use strandline::{Batch, ErrorKind, Event, EventId, EventKind, Store};

const SOURCES: [&str; 4] = ["a", "b", "orders/eu", "é"];

#[derive(Debug, Clone, Copy)]
enum Way {
    Closed,
    Killed,
    NoCheckpoint,
    NoMerged,
    NoFooters,
    Rebuilt,
    Restored,
}

#[derive(Debug, Clone)]
enum Step {
    Append {
        source: Option<usize>,
        position: u64,
        events: usize,
        is_repeat: bool,
    },
    Checkpoint,
    Compact {
        newest: u32,
    },
    Redact {
        entity: usize,
    },
    Reopen {
        way: Way,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let way = prop_oneof![
        Just(Way::Closed),
        Just(Way::Killed),
        Just(Way::NoCheckpoint),
        Just(Way::NoMerged),
        Just(Way::NoFooters),
        Just(Way::Rebuilt),
        Just(Way::Restored),
    ];
    let source = proptest::option::weighted(0.7, 0..SOURCES.len());
    prop_oneof![
        14 => (source, 0..40_u64, 1..3_usize, prop::bool::weighted(0.2)).prop_map(
            |(source, position, events, is_repeat)| Step::Append {
                source,
                position,
                events,
                is_repeat,
            }
        ),
        1 => Just(Step::Checkpoint),
        1 => (0..3_u32).prop_map(|newest| Step::Compact { newest }),
        1 => (0..3_usize).prop_map(|entity| Step::Redact { entity }),
        2 => way.prop_map(|way| Step::Reopen { way }),
    ]
}

/// What there should be: of each source, the last position and the sequence of its event.
#[derive(Debug, Default)]
struct Model {
    last: BTreeMap<&'static str, (u64, u64)>,
    /// The ids of the events of the last batch.
    ids: Vec<u128>,
    next_id: u128,
}

impl Model {
    fn check(&self, store: &Store) {
        let last = self.last.iter();
        let expected: Vec<_> = last
            .map(|(source, (at, _))| ((*source).to_owned(), *at))
            .collect();
        assert_eq!(positions(store), expected);
        for source in SOURCES {
            let found = store.tracked(source);
            let found = found.map(|at| (at.position, at.sequence.get()));
            assert_eq!(found, self.last.get(source).copied(), "{source}");
        }
    }

    fn append(
        &mut self,
        store: &Store,
        (source, position): (Option<usize>, u64),
        events: usize,
        is_repeat: bool,
    ) {
        if !is_repeat || self.ids.is_empty() {
            self.ids = (self.next_id..).take(events).collect();
            self.next_id += events as u128;
        }
        let before = store.snapshot();
        let mut batch = Batch::new();
        let mut new = Vec::new();
        for id in &self.ids {
            let own = EventId::from_u128(*id + 1);
            let entity = at(&format!("entity:{}", id % 3), "s");
            let payload = vec![*id as u8; 9 << 10];
            batch.add(
                &entity,
                Event::bytes(EventKind::new(1, 1), payload).with_id(own),
            );
            if before.get(own).unwrap().is_none() {
                new.push(own);
            }
        }
        let source = source.map(|source| SOURCES[source]);
        let options = source.map_or_else(Default::default, |source| track(source, position));
        let appended = store.append_batch_with(batch, options);
        let rises = |source| {
            let last = self.last.get(source);
            last.is_none_or(|(last, _)| position > *last)
        };
        if !new.is_empty() && source.is_some_and(|source| !rises(source)) {
            let error = appended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TrackingConflict);
            assert_eq!(store.snapshot().len(), before.len());
            return;
        }
        let receipts = appended.unwrap();
        let mut written = receipts.iter().filter(|receipt| !receipt.repeated);
        if let (Some(source), Some(first)) = (source, written.next()) {
            self.last.insert(source, (position, first.sequence.get()));
        }
    }
}

fn reopen(store: Store, fs: &mut MemFs, way: Way) -> Store {
    match way {
        Way::Killed => {
            let killed = copy(fs);
            drop(store);
            *fs = killed;
        }
        Way::Restored => {
            let shared: Arc<dyn Fs> = Arc::new(fs.clone());
            let to = Path::new("/backup");
            backup(&shared, &dir(), to, CopyMode::Copy, &mut go_on).unwrap();
            // What is lost goes back with its events.
            let other = at("lost", "s");
            store
                .append_with(&other, event("lost"), track("lost", 1))
                .unwrap();
            store.close().unwrap();
            restore(&shared, to, &dir(), Existing::MoveAside, &mut go_on).unwrap();
        }
        _ => store.close().unwrap(),
    }
    match way {
        Way::NoCheckpoint => remove(fs, "checkpoint-"),
        Way::NoMerged => remove(fs, "index-"),
        Way::NoFooters => {
            remove(fs, "index-");
            cut_footers(fs);
        }
        Way::Rebuilt => drop(rebuild(inline(fs), &dir(), &mut go_on).unwrap()),
        Way::Closed | Way::Killed | Way::Restored => {}
    }
    inline(fs).open(dir()).unwrap()
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn a_source_is_where_it_was_last(steps in proptest::collection::vec(step(), 1..80)) {
        let mut fs = MemFs::new();
        let mut store = inline(&fs).open(dir()).unwrap();
        let reader = inline(&fs).read_only().open(dir()).unwrap();
        let mut model = Model::default();
        let mut is_beside = true;
        for step in steps {
            match step {
                Step::Append { source, position, events, is_repeat } => {
                    model.append(&store, (source, position), events, is_repeat);
                }
                Step::Checkpoint => drop(store.checkpoint().unwrap()),
                Step::Compact { newest } => {
                    is_beside = false;
                    run(&store, &Retention::new().keep_newest(newest.max(1)));
                    if newest == 0 {
                        run(&store, &Retention::new().drop_entity("entity:1"));
                    }
                }
                Step::Redact { entity } => {
                    is_beside = false;
                    run_redact(&store, &Redaction::new().entity(format!("entity:{entity}")));
                }
                Step::Reopen { way } => {
                    is_beside = false;
                    store = reopen(store, &mut fs, way);
                }
            }
            model.check(&store);
            if is_beside {
                reader.refresh().unwrap();
                model.check(&reader);
            }
        }
        assert_intact(&store);
        let reader = inline(&fs).read_only().open(dir()).unwrap();
        model.check(&reader);
    }
}
