//! Loom models of append conditions: `xtask loom`.

use super::condition::{check_condition, look_ahead};
use crate::AppendCondition;
use crate::engine::group_sync::model::{Bench, Fails, bench_of, check};
use crate::model::Kinds;
use std::sync::Arc;
use strandline_core::sync::{Mutex, thread};
use strandline_core::{Coordinate, EventId, EventKind, Region, Sequence};
use strandline_index::{IndexReader, IndexWriter, Row, channel};

const REGISTERED: EventKind = EventKind::new(1, 1);
const OTHER: EventKind = EventKind::new(1, 2);

/// A writer under the commit lock, and what syncs its events.
struct Store {
    writer: Mutex<IndexWriter>,
    index: IndexReader,
    bench: Arc<Bench>,
}

/// A store with an event that is visible and concerns no condition, so that there is something to pass
/// before the lock.
fn store() -> Arc<Store> {
    let (mut writer, index) = channel();
    let bench = bench_of(Fails::Never, writer.gate().clone());
    let end = insert(&mut writer, OTHER, 3);
    bench.wrote(end);
    bench.group.wait(end).expect("the disk works");
    Arc::new(Store {
        writer: Mutex::new(writer),
        index,
        bench,
    })
}

/// Inserts an event and gives the sequence after it.
fn insert(writer: &mut IndexWriter, kind: EventKind, id: u128) -> Sequence {
    let coordinate = Coordinate::new("user", "users").expect("names");
    let coordinate = writer.intern(&coordinate).expect("there is room");
    let sequence = writer.reserve(1).expect("there is room");
    let id = EventId::from_u128(id);
    let row = Row {
        sequence,
        id,
        coordinate,
        kind,
        wall_ms: 0,
        clock: u32::try_from(sequence.get()).expect("it is small"),
        position: 0,
        correlation: id,
        causation: None,
        hash: None,
    };
    writer.insert(&row).expect("it is new");
    Sequence::new(sequence.get() + 1)
}

impl Store {
    /// A synced append on condition that nobody has registered; whether it was done.
    fn register(&self, user: u128) -> bool {
        let taken = Region::all().kind(REGISTERED);
        let condition = AppendCondition::since(Sequence::ZERO).none_in(taken);
        let ahead = look_ahead((&self.index, &Kinds::default()), &condition, &[])
            .expect("it is within its limits");
        let end = {
            let mut writer = self.writer.lock();
            if check_condition(&writer, |_| None, Some(ahead)).is_err() {
                return false;
            }
            let end = insert(&mut writer, REGISTERED, user);
            self.bench.wrote(end);
            end
        };
        self.bench.group.wait(end).expect("the disk works");
        true
    }
}

#[test]
fn of_two_appends_that_exclude_each_other_one_wins() {
    check(|| {
        let store = store();
        let other = store.clone();
        let thread = thread::spawn(move || other.register(1));
        let own = store.register(2);
        let others = thread.join().expect("the other ends");
        assert!(own ^ others, "one has registered, and not both");
        let (gate, writer) = (&store.bench.gate, store.writer.lock());
        assert_eq!(gate.visible(), Sequence::new(2));
        assert_eq!(writer.reader().snapshot().len(), 2);
    });
}
