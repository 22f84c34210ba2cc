//! Positions in sources against a model: whatever is appended, refused, compacted, redacted, cut off and opened, a
//! source is where it was last, and never where its events are not.

use crate::backup::go_on;
use crate::compact::{assert_intact, run, run_redact};
use crate::harness::{Reopening, at, cases, dir, event, reopening};
use crate::merged_index::inline;
use crate::tracked::{positions, track};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{CopyMode, Existing, Redaction, Retention, backup, restore};
use strandline::{Batch, ErrorKind, Event, EventId, EventKind, Store};

const SOURCES: [&str; 4] = ["a", "b", "orders/eu", "é"];

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
    Reopen(Reopening),
    /// Goes back to a backup.
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let source = proptest::option::weighted(0.7, 0..SOURCES.len());
    prop_oneof![
        28 => (source, 0..40_u64, 1..3_usize, prop::bool::weighted(0.2)).prop_map(
            |(source, position, events, is_repeat)| Step::Append {
                source,
                position,
                events,
                is_repeat,
            }
        ),
        2 => Just(Step::Checkpoint),
        2 => (0..3_u32).prop_map(|newest| Step::Compact { newest }),
        2 => (0..3_usize).prop_map(|entity| Step::Redact { entity }),
        4 => reopening().prop_map(Step::Reopen),
        1 => Just(Step::Restore),
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

/// Backs a store up, loses what comes after, and goes back.
fn restore_it(store: Store, fs: &MemFs) {
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let to = Path::new("/backup");
    backup(&shared, &dir(), to, CopyMode::Copy, &mut go_on).unwrap();
    // What is lost goes back with its events.
    let lost = store.append_with(&at("lost", "s"), event("lost"), track("lost", 1));
    lost.unwrap();
    store.close().unwrap();
    restore(&shared, to, &dir(), Existing::MoveAside, &mut go_on).unwrap();
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
                Step::Reopen(way) => {
                    is_beside = false;
                    way.end(store, &mut fs, inline);
                    store = inline(&fs).open(dir()).unwrap();
                }
                Step::Restore => {
                    is_beside = false;
                    restore_it(store, &fs);
                    store = inline(&fs).open(dir()).unwrap();
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
