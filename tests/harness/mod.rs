//! What the tests share: stores in memory, file systems that hold or hinder, events, comparison of stores, ways
//! to open one again, and waiting for what has to happen.

mod held;
mod lockless;
mod reopening;

pub(crate) use held::{HeldFs, Panics};
pub(crate) use lockless::LocklessFs;
pub(crate) use reopening::{Reopening, reopening};

use proptest::prelude::ProptestConfig;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{FaultFs, Fs, MemFs};
use strandline::{
    Clock, Coordinate, Durability, Event, EventKind, Query, Region, Snapshot, Store, StoreOptions,
    StoredEvent, SystemClock,
};
use strandline_transfer::{LineFormat, export};

pub(crate) const CREATED: EventKind = EventKind::new(0x1, 0x001);
pub(crate) const CHANGED: EventKind = EventKind::new(0x1, 0x002);
pub(crate) const REMOVED: EventKind = EventKind::new(0x2, 0x001);
pub(crate) const KINDS: [EventKind; 3] = [CREATED, CHANGED, REMOVED];

pub(crate) const DIR: &str = "/store";

/// How long something may take that has to happen: only what stands still takes as long, whoever else has
/// the processor.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// Waits until something holds.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let clock = SystemClock::default();
    while !holds() {
        assert!(clock.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a case on a thread of its own, and fails if it does not end in time.
pub(crate) fn bounded(case: impl FnOnce() + Send + 'static) {
    let (ended, end) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        case();
        ended.send(()).unwrap();
    });
    if end.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("it stands still");
    }
    thread.join().unwrap();
}

pub(crate) fn dir() -> PathBuf {
    PathBuf::from(DIR)
}

/// Options for a store in `fs` whose random bytes repeat themselves.
pub(crate) fn options(fs: &MemFs) -> StoreOptions {
    StoreOptions::new().fs(Arc::new(fs.clone())).random_seed(7)
}

pub(crate) fn open(fs: &MemFs) -> Store {
    options(fs).open(DIR).unwrap()
}

/// A store whose file system fails on demand.
pub(crate) fn open_faulty(fs: &FaultFs) -> Store {
    StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .random_seed(7)
        .no_background_sync()
        .open(DIR)
        .unwrap()
}

pub(crate) fn at(entity: &str, scope: &str) -> Coordinate {
    Coordinate::new(entity, scope).unwrap()
}

pub(crate) fn event(text: &str) -> Event {
    Event::bytes(CREATED, text.as_bytes())
}

/// Appends `count` events over a few entities, some of them in batches, and gives how many.
pub(crate) fn fill(store: &Store, count: usize) -> usize {
    for number in 0..count {
        let coordinate = at(
            &format!("entity:{}", number % 5),
            &format!("scope/{}", number % 3),
        );
        let event = Event::bytes(KINDS[number % 3], format!("payload {number}").into_bytes());
        store.append(&coordinate, event).unwrap();
    }
    count
}

/// Every event with its payload, in commit order.
pub(crate) fn contents(snapshot: &Snapshot) -> Vec<StoredEvent> {
    snapshot
        .query(Region::all())
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Payloads as text, in commit order.
pub(crate) fn texts(store: &Store) -> Vec<String> {
    contents(&store.snapshot())
        .iter()
        .map(|event| String::from_utf8(event.payload().unwrap().to_vec()).unwrap())
        .collect()
}

/// Files of the store's directory whose names start so.
pub(crate) fn files(fs: &dyn Fs, prefix: &str) -> Vec<PathBuf> {
    fs.list(Path::new(DIR))
        .unwrap()
        .into_iter()
        .filter(|entry| entry.name.starts_with(prefix))
        .map(|entry| dir().join(entry.name))
        .collect()
}

/// The only segment of a small store.
pub(crate) fn segment(fs: &MemFs) -> PathBuf {
    files(fs, "segment-").pop().unwrap()
}

pub(crate) fn read(fs: &dyn Fs, path: &Path) -> Vec<u8> {
    strandline::fs::read_file(fs, path, 1 << 30).unwrap()
}

/// Replaces the bytes of a file.
pub(crate) fn write(fs: &dyn Fs, path: &Path, bytes: &[u8]) {
    strandline::fs::replace_file(fs, path, bytes).unwrap();
}

pub(crate) fn remove(fs: &dyn Fs, prefix: &str) {
    for path in files(fs, prefix) {
        fs.remove_file(&path).unwrap();
    }
}

/// Checks that two stores answer alike, event by event and query by query.
pub(crate) fn assert_same(left: &Snapshot, right: &Snapshot) {
    assert_eq!(left.visible(), right.visible());
    assert_eq!(contents(left), contents(right));
    assert!(left.entities("").eq(right.entities("")));
    assert!(left.scopes("").eq(right.scopes("")));
    for (entity, _) in left.entities("") {
        assert_eq!(
            left.latest(&entity).unwrap(),
            right.latest(&entity).unwrap()
        );
        let stream = |snapshot: &Snapshot| -> Vec<_> {
            snapshot
                .stream(&entity)
                .map(|event| event.unwrap().id)
                .collect()
        };
        assert_eq!(stream(left), stream(right));
    }
    for event in contents(left) {
        assert_eq!(right.get(event.id).unwrap(), Some(event));
    }
}

/// Cases of a property: so many, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if is_asked { config.cases } else { usual },
        failure_persistence: None,
        ..config
    }
}

/// Options for appends that a killed process does not lose.
pub(crate) fn written(fs: &MemFs) -> StoreOptions {
    options(fs)
        .durability(Durability::Written)
        .no_background_sync()
}

/// The lines of an export of what is asked for.
pub(crate) fn exported(store: &Store, asked: impl Into<Query>, format: LineFormat) -> String {
    let (mut lines, mut go_on) = (Vec::new(), |_| ControlFlow::Continue(()));
    let (now, asked) = (store.snapshot(), asked.into());
    export(&now, asked, format, &mut lines, &mut go_on).unwrap();
    String::from_utf8(lines).unwrap()
}
