//! Names of kinds against a model: whatever is appended, made, compacted, redacted and opened, a kind has the
//! name that it got first, and a name is of the kind that got it first.

use crate::compact::{assert_intact, run, run_redact};
use crate::harness::{Reopening, at, cases, dir, reopening};
use crate::merged_index::inline;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{ErrorKind, Event, EventKind, MADE_KINDS_CATEGORY, Region, Store};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn kind(number: usize) -> EventKind {
    // Of two categories, one of which the store makes kinds of.
    let category = if number < 2 { 1 } else { MADE_KINDS_CATEGORY };
    EventKind::new(category, number as u16 % 2)
}

#[derive(Debug, Clone)]
enum Step {
    Append { kind: usize, name: Option<usize> },
    Name { kind: usize, name: usize },
    Make { name: usize },
    Compact { newest: u32 },
    Redact { entity: usize },
    Reopen(Reopening),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..4_usize, proptest::option::of(0..NAMES.len()))
            .prop_map(|(kind, name)| Step::Append { kind, name }),
        2 => (0..4_usize, 0..NAMES.len()).prop_map(|(kind, name)| Step::Name { kind, name }),
        2 => (0..NAMES.len()).prop_map(|name| Step::Make { name }),
        1 => (1..3_u32).prop_map(|newest| Step::Compact { newest }),
        1 => (0..3_usize).prop_map(|entity| Step::Redact { entity }),
        2 => reopening().prop_map(Step::Reopen),
    ]
}

/// What there should be.
#[derive(Debug, Default)]
struct Model {
    names: BTreeMap<EventKind, &'static str>,
    /// The kinds whose names are in the log.
    written: BTreeSet<EventKind>,
}

impl Model {
    fn kind_of(&self, name: &str) -> Option<EventKind> {
        let mut names = self.names.iter();
        names.find(|(_, own)| **own == name).map(|(kind, _)| *kind)
    }

    /// Whether a kind may be given a name.
    fn takes(&self, kind: EventKind, name: &str) -> bool {
        let is_own = self.names.get(&kind).is_none_or(|own| *own == name);
        is_own && self.kind_of(name).is_none_or(|other| other == kind)
    }

    fn check(&self, store: &Store) {
        let now = store.snapshot();
        for number in 0..4 {
            let kind = kind(number);
            let name = self.names.get(&kind).copied();
            assert_eq!(store.kind_name(kind).as_deref(), name, "{kind}");
        }
        for name in NAMES {
            assert_eq!(now.kind_named(name), self.kind_of(name), "{name}");
        }
        for counted in now.kinds() {
            let found = now.query(Region::all().kind(counted.kind)).count();
            assert_eq!(counted.events, found as u64);
            assert_eq!(
                counted.name.as_deref(),
                self.names.get(&counted.kind).copied()
            );
            if let Some(name) = &counted.name {
                let named = now.query(Region::all().kind_named(&**name));
                assert_eq!(named.count() as u64, counted.events);
            }
        }
    }
}

fn append(store: &Store, model: &mut Model, number: usize, kind: EventKind, name: Option<usize>) {
    let entity = at(&format!("entity:{}", number % 3), "s");
    let name = name.map(|name| NAMES[name]);
    let mut event = Event::bytes(kind, vec![7; 14 << 10]);
    if let Some(name) = name {
        event = event.with_kind_name(name);
    }
    let appended = store.append(&entity, event);
    if name.is_some_and(|name| !model.takes(kind, name)) {
        assert_eq!(appended.unwrap_err().kind(), ErrorKind::KindConflict);
        return;
    }
    appended.unwrap();
    if let Some(name) = name {
        model.names.insert(kind, name);
    }
    if model.names.contains_key(&kind) {
        model.written.insert(kind);
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn a_kind_keeps_the_name_that_it_got_first(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut fs = MemFs::new();
        let mut store = inline(&fs).open(dir()).unwrap();
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append { kind: own, name } => append(&store, &mut model, number, kind(own), name),
                Step::Name { kind: own, name } => {
                    let (kind, name) = (kind(own), NAMES[name]);
                    let named = store.name_kind(kind, name);
                    prop_assert_eq!(named.is_ok(), model.takes(kind, name));
                    if named.is_ok() {
                        model.names.insert(kind, name);
                    }
                }
                Step::Make { name } => {
                    let name = NAMES[name];
                    let kind = store.kind(name).unwrap();
                    match model.kind_of(name) {
                        Some(known) => prop_assert_eq!(kind, known),
                        None => {
                            let events = store.snapshot().query(Region::all().kind(kind)).count();
                            prop_assert_eq!(events, 0);
                            prop_assert_eq!(kind.category(), MADE_KINDS_CATEGORY);
                            prop_assert_eq!(model.names.insert(kind, name), None);
                        }
                    }
                }
                Step::Compact { newest } => {
                    run(&store, &Retention::new().keep_newest(newest));
                }
                Step::Redact { entity } => {
                    run_redact(&store, &Redaction::new().entity(format!("entity:{entity}")));
                }
                Step::Reopen(way) => {
                    way.end(store, &mut fs, inline);
                    store = inline(&fs).open(dir()).unwrap();
                    let written = &model.written;
                    model.names.retain(|kind, _| written.contains(kind));
                }
            }
            model.check(&store);
        }
        assert_intact(&store);
        let reader = inline(&fs).read_only().open(dir()).unwrap();
        let written = &model.written;
        model.names.retain(|kind, _| written.contains(kind));
        model.check(&reader);
    }
}
