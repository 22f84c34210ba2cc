//! Cursors by chance: random batches, rotations, fast and slow cursors, compactions, redactions and reopenings, held
//! against what a list of the events says.

use crate::compact::{run, run_redact, small};
use crate::harness::{KINDS, at, dir};
use proptest::prelude::*;
use std::collections::BTreeMap;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    Batch, Cursor, Delivery, ErrorKind, Event, Query, Region, SavedPosition, Sequence, Start, Store,
};

#[derive(Debug, Clone)]
enum Step {
    /// A batch of so many events of so many bytes.
    Append {
        count: usize,
        bytes: usize,
    },
    /// A cursor takes so many, in one way or another.
    Take {
        cursor: usize,
        most: usize,
        how: u8,
    },
    Save {
        cursor: usize,
    },
    /// A cursor goes on from the last position that was saved of it.
    Resume {
        cursor: usize,
    },
    Sync,
    Compact {
        keep: u32,
    },
    Redact {
        one_of: usize,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40_usize, 0..900_usize).prop_map(|(count, bytes)| Step::Append { count, bytes }),
        8 => (0..CURSORS, 0..120_usize, 0..5_u8)
            .prop_map(|(cursor, most, how)| Step::Take { cursor, most, how }),
        3 => (0..CURSORS).prop_map(|cursor| Step::Save { cursor }),
        2 => (0..CURSORS).prop_map(|cursor| Step::Resume { cursor }),
        2 => Just(Step::Sync),
        1 => (1..20_u32).prop_map(|keep| Step::Compact { keep }),
        1 => (0..1000_usize).prop_map(|one_of| Step::Redact { one_of }),
        1 => Just(Step::Reopen),
    ]
}

const CURSORS: usize = 5;
/// The cursor that leaves events out, as their rows say.
const LEAVES_OUT: usize = 4;

fn query_of(cursor: usize) -> Query {
    match cursor {
        0 | 1 | LEAVES_OUT => Query::from(Region::all()),
        2 => Query::any_of([
            Region::all().entity("entity:1"),
            Region::all().kinds([KINDS[1]]),
        ]),
        _ => Query::from(Region::all().entity_prefix("entity:").clock(3..)),
    }
}

/// Whether the last cursor gives what an entity has.
fn is_kept(entity: &str) -> bool {
    entity.ends_with(['1', '4'])
}

const fn delivery_of(cursor: usize) -> Delivery {
    match cursor {
        1 => Delivery::Durable,
        _ => Delivery::Visible,
    }
}

struct Follower {
    cursor: Cursor,
    saved: Option<SavedPosition>,
}

fn follower(store: &Store, number: usize, saved: Option<SavedPosition>) -> Follower {
    let mut cursor = store.follow(query_of(number), saved).unwrap();
    if number == LEAVES_OUT {
        cursor = cursor.only(|row| is_kept(row.coordinate().entity()));
    }
    Follower {
        cursor: cursor.at(delivery_of(number)),
        saved,
    }
}

/// What is durable moves where a step says so, and when the store syncs ahead of a rotation.
fn open(fs: &MemFs) -> Store {
    small(fs).no_background_sync().open(dir()).unwrap()
}

struct World {
    fs: MemFs,
    /// None while it is reopened.
    store: Option<Store>,
    followers: Vec<Follower>,
    /// Every event that is there.
    model: BTreeMap<u64, Known>,
    appended: usize,
}

#[derive(Debug, Clone)]
struct Known {
    is_of: [bool; CURSORS],
    is_redacted: bool,
    id: strandline::EventId,
}

impl World {
    fn new() -> Self {
        let fs = MemFs::new();
        let store = open(&fs);
        let followers = (0..CURSORS).map(|number| follower(&store, number, None));
        Self {
            followers: followers.collect(),
            store: Some(store),
            fs,
            model: BTreeMap::new(),
            appended: 0,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn append(&mut self, count: usize, bytes: usize) {
        let mut batch = Batch::new();
        for number in self.appended..self.appended + count {
            let entity = at(&format!("entity:{}", number % 5), "s");
            batch = batch.push(&entity, Event::bytes(KINDS[number % 3], vec![b'x'; bytes]));
        }
        self.appended += count;
        let receipts = self.store().append_batch(batch).unwrap();
        let now = self.store().snapshot();
        for receipt in receipts {
            let event = now.get(receipt.id).unwrap().unwrap();
            let is_of = std::array::from_fn(|cursor| {
                let is_kept = cursor != LEAVES_OUT || is_kept(event.coordinate.entity());
                is_kept && query_of(cursor).matches(event.header())
            });
            let event = Known {
                is_of,
                is_redacted: false,
                id: receipt.id,
            };
            self.model.insert(receipt.sequence.get(), event);
        }
    }

    /// What a cursor may give next.
    fn wanted(&self, number: usize, from: Sequence, most: usize) -> Vec<u64> {
        let bound = match delivery_of(number) {
            Delivery::Durable => self.store().stats().unwrap().durable.get(),
            Delivery::Visible => u64::MAX,
        };
        let range = from.get()..bound.max(from.get());
        let events = self.model.range(range);
        let wanted = events.filter(|(_, event)| event.is_of[number]);
        wanted.map(|(sequence, _)| *sequence).take(most).collect()
    }

    fn take(&mut self, number: usize, most: usize, how: u8) {
        let from = self.followers[number].cursor.sequence();
        let wanted = self.wanted(number, from, most);
        let cursor = &mut self.followers[number].cursor;
        let mut seen = Vec::new();
        let mut redacted = Vec::new();
        match how {
            0 => {
                while seen.len() < most
                    && let Some(event) = cursor.try_next().unwrap()
                {
                    seen.push(event.sequence.get());
                    redacted.push(event.payload().is_err());
                }
            }
            1 => {
                for event in cursor.try_batch(most).unwrap() {
                    seen.push(event.sequence.get());
                    redacted.push(event.payload().is_err());
                }
            }
            2 => {
                while seen.len() < most {
                    let left = most - seen.len();
                    let taken = cursor.try_batch_with(left, |event| {
                        seen.push(event.sequence().get());
                        redacted.push(event.payload().is_err());
                    });
                    if taken.unwrap() == 0 {
                        break;
                    }
                }
            }
            3 => {
                while seen.len() < most {
                    let left = most - seen.len();
                    let rows = cursor.try_rows_with(left, |row| seen.push(row.sequence().get()));
                    if rows.unwrap() == 0 {
                        break;
                    }
                }
            }
            _ => {
                for event in cursor.next_batch(most, std::time::Duration::ZERO).unwrap() {
                    seen.push(event.sequence.get());
                    redacted.push(event.payload().is_err());
                }
            }
        }
        // More may have become durable meanwhile.
        let there = self.wanted(number, from, seen.len());
        assert_eq!(seen, there, "cursor {number} from {from}");
        assert!(seen.starts_with(&wanted), "cursor {number} from {from}");
        for (sequence, is_redacted) in seen.iter().zip(redacted) {
            assert_eq!(is_redacted, self.model[sequence].is_redacted);
        }
    }

    /// Of cursors that have read ahead, what they have read stays as it was: this takes it from them.
    fn drop_what_was_read(&mut self) {
        for follower in &mut self.followers {
            follower.cursor.try_rows_with(1, |_| ()).unwrap();
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Append { count, bytes } => self.append(count, bytes),
            Step::Take { cursor, most, how } => self.take(cursor, most, how),
            Step::Save { cursor } => {
                let follower = &mut self.followers[cursor];
                let saved = follower.cursor.position().unwrap();
                assert_eq!(saved.sequence(), follower.cursor.sequence());
                follower.saved = Some(saved.to_string().parse().unwrap());
            }
            Step::Resume { cursor } => {
                let saved = self.followers[cursor].saved;
                self.followers[cursor] = follower(self.store(), cursor, saved);
            }
            Step::Sync => self.store().sync().unwrap(),
            Step::Compact { keep } => {
                self.drop_what_was_read();
                run(self.store(), &Retention::new().keep_newest(keep));
                let now = self.store().snapshot();
                let there = now.rows(Region::all()).map(|row| row.sequence().get());
                let there: std::collections::BTreeSet<_> = there.collect();
                self.model.retain(|sequence, _| there.contains(sequence));
            }
            Step::Redact { one_of } => {
                self.drop_what_was_read();
                let count = self.model.len().max(1);
                let Some(event) = self.model.values_mut().nth(one_of % count) else {
                    return;
                };
                event.is_redacted = true;
                let id = event.id;
                run_redact(self.store(), &Redaction::new().event(id));
            }
            Step::Reopen => {
                self.drop_what_was_read();
                let store = self.store.take().unwrap();
                store.close().unwrap();
                for follower in &mut self.followers {
                    let kind = follower.cursor.try_next().unwrap_err().kind();
                    assert_eq!(kind, ErrorKind::Closed);
                }
                let store = open(&self.fs);
                for (number, slot) in self.followers.iter_mut().enumerate() {
                    *slot = follower(&store, number, slot.saved);
                }
                self.store = Some(store);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cursors_give_what_a_list_of_the_events_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        world.store().sync().unwrap();
        for number in 0..CURSORS {
            world.take(number, usize::MAX, 1);
            let end = world.store().snapshot().visible();
            prop_assert_eq!(world.followers[number].cursor.sequence(), end);
        }
        // From the beginning, too.
        for number in 0..CURSORS {
            world.followers[number] = follower(world.store(), number, None);
            world.take(number, usize::MAX, 0);
            let position = world.followers[number].cursor.position().unwrap();
            let start = Start::from(position);
            prop_assert_eq!(world.store().follow(query_of(number), start).unwrap().try_next().unwrap(), None);
        }
    }
}
