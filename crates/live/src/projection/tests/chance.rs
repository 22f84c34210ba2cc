//! States made step by step, with compactions, redactions and appends in between, held to a model.

use super::{COUNTED, OTHER, Sums, Tally, append_long, live, made, memory, open, saved, worker};
use crate::projection::fold::Whole;
use crate::projection::worker::Worker;
use crate::projection::{project, project_entities};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::Fs;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{Sequence, Store};

/// Of a payload: some ten of them fill a segment.
const LONG_BYTES: usize = 6000;

#[derive(Debug, Clone)]
enum Op {
    Append(u64, u64),
    AppendOther,
    Redact(u64),
    DropEntity(u64),
    KeepNewest(u32),
    Apply(usize),
    Save,
    /// The process is killed: what was not saved is gone.
    Kill,
    /// The store is closed and opened.
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..4_u64, 1..1000_u64).prop_map(|(entity, number)| Op::Append(entity, number)),
        4 => Just(Op::AppendOther),
        2 => (0..4_u64).prop_map(Op::Redact),
        1 => (0..4_u64).prop_map(Op::DropEntity),
        1 => (1..4_u32).prop_map(Op::KeepNewest),
        8 => (1..9_usize).prop_map(Op::Apply),
        3 => Just(Op::Save),
        2 => Just(Op::Kill),
        1 => Just(Op::Reopen),
    ]
}

/// An event as it is by now.
#[derive(Debug, Clone)]
struct Known {
    sequence: u64,
    entity: u64,
    /// None if it is redacted.
    number: Option<u64>,
    is_counted: bool,
}

#[derive(Debug, Default)]
struct Model {
    events: Vec<Known>,
    next: u64,
    /// What the worker has in memory, and before which event; and the same in its file.
    memory: (Sums, u64),
    file: (Sums, u64),
}

impl Model {
    fn append(&mut self, entity: u64, number: u64, is_counted: bool) {
        self.events.push(Known {
            sequence: self.next,
            entity,
            number: Some(number),
            is_counted,
        });
        self.next += 1;
    }

    fn drop_but_newest(&mut self, keep: u32) {
        let mut newer = std::collections::BTreeMap::new();
        for at in (0..self.events.len()).rev() {
            let count: &mut u32 = newer.entry(self.events[at].entity).or_default();
            *count += 1;
            if *count > keep {
                self.events.remove(at);
            }
        }
    }

    /// Applies events as they are by now, up to a sequence.
    fn apply(&mut self, end: u64) {
        let (sums, next) = &mut self.memory;
        let events = self.events.iter();
        for event in events.filter(|event| (*next..end).contains(&event.sequence)) {
            add(sums, event);
        }
        *next = end;
    }

    fn fold(&self) -> Sums {
        let mut sums = Sums::new();
        self.events.iter().for_each(|event| add(&mut sums, event));
        sums
    }
}

fn add(sums: &mut Sums, event: &Known) {
    if event.is_counted {
        let of_entity = sums.entry(format!("e:{}", event.entity)).or_default();
        of_entity.0 += 1;
        of_entity.1 += event.number.unwrap_or_default();
    }
}

fn keep(store: &Store, rules: &Retention) {
    compact(store, rules, &mut |_| ControlFlow::Continue(())).unwrap();
}

/// A worker of a store and its handle, which are opened anew together.
struct Process {
    fs: Arc<dyn Fs>,
    store: Arc<Store>,
    worker: Worker<Whole<Tally<1>>>,
}

impl Process {
    fn start(fs: Arc<dyn Fs>) -> Self {
        let store = open(&fs);
        let worker = worker::<1>(&live(&store)).unwrap();
        Self { fs, store, worker }
    }

    fn restart(self) -> Self {
        let Self { fs, store, worker } = self;
        drop(worker);
        drop(store);
        Self::start(fs)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_state_is_the_fold_of_the_events_as_they_were_when_it_came_by(
        ops in proptest::collection::vec(op(), 1..120),
    ) {
        let mut process = Process::start(memory());
        let mut model = Model::default();
        for op in ops {
            let store = &process.store;
            match op {
                Op::Append(entity, number) => {
                    append_long(store, entity, COUNTED, number, LONG_BYTES);
                    model.append(entity, number, true);
                }
                Op::AppendOther => {
                    append_long(store, 9, OTHER, 1, LONG_BYTES);
                    model.append(9, 1, false);
                }
                Op::Redact(entity) => {
                    let redaction = Redaction::new().entity(format!("e:{entity}"));
                    redact(store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
                    let own = model.events.iter_mut().filter(|event| event.entity == entity);
                    own.for_each(|event| event.number = None);
                }
                Op::DropEntity(entity) => {
                    keep(store, &Retention::new().drop_entity(format!("e:{entity}")));
                    model.events.retain(|event| event.entity != entity);
                }
                Op::KeepNewest(count) => {
                    keep(store, &Retention::new().keep_newest(count));
                    model.drop_but_newest(count);
                }
                Op::Apply(most) => {
                    process.worker.step(most).unwrap();
                    model.apply(process.worker.next().get());
                }
                Op::Save => {
                    process.worker.save_moved().unwrap();
                    model.file = model.memory.clone();
                }
                Op::Kill | Op::Reopen => {
                    process = process.restart();
                    model.memory = model.file.clone();
                }
            }
            prop_assert_eq!(&made(&process.worker), &model.memory.0);
            prop_assert_eq!(process.worker.next(), Sequence::new(model.memory.1));
        }
        // One that is made anew now is the fold of what is there, in any of its forms.
        let (store, live) = (&process.store, live(&process.store));
        let expected = model.fold();
        let mut rebuilt = worker::<2>(&live).unwrap();
        while rebuilt.step(5).unwrap() > 0 {}
        prop_assert_eq!(&made(&rebuilt), &expected);
        let now = store.snapshot();
        prop_assert_eq!(&project(&now, &Tally::<1>).unwrap(), &expected);
        let by_entity = project_entities(&now, &Tally::<1>).unwrap();
        prop_assert_eq!(&by_entity.into_iter().collect::<Sums>(), &expected);
        if let Some((sums, next)) = saved::<1>(&live) {
            prop_assert_eq!((sums, next.get()), model.file);
        }
    }
}
