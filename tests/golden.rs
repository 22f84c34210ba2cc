//! A store of format version 1, kept in `fixtures/v1`, that must open for ever.
//!
//! It was made by [`write_the_golden_store`], which is ignored: a change of the format gets a
//! directory of its own, and this one stays as it is. Run it with
//! `cargo test -p strandline-tests write_the_golden_store -- --ignored` where none is yet.

use crate::harness::{KINDS, at, contents, dir, event, files, options, read, remove, write};
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, OpenMode, OsFs};
use strandline::{
    Batch, Event, EventId, Hlc, ManualClock, OpenPath, PayloadEncoding, StoreOptions,
};
use strandline_segment::Manifest;

const NOW: u64 = 1_700_000_000_000;
const EVENTS: usize = 40;
/// The hash of the whole log, in which every byte of every event is.
const LOG_HASH: &str = "bfc2bc4968599acab10b514ff3a9eb2af36eec13c157c4ac8b762db73d58306d";

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/v1")
}

/// An event with its coordinate, from its sequence alone.
struct Given {
    entity: String,
    scope: String,
    id: u128,
    hlc: Hlc,
    tags: Vec<String>,
    payload: Vec<u8>,
    cause: Option<u128>,
    correlation: Option<u128>,
}

/// Ids in no order.
fn id(number: usize) -> u128 {
    (number as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

fn given(number: usize) -> Given {
    let bytes = match number {
        18 => 62_000, // so that there are several segments
        _ => number * 7 % 90,
    };
    Given {
        entity: format!("entity:{}", number % 5),
        scope: format!("scope/{}", number % 3),
        id: id(number),
        hlc: Hlc::new(NOW + number as u64 / 4, number as u32 % 4).unwrap(),
        tags: (0..number % 3).map(|tag| format!("tag:{tag}")).collect(),
        payload: vec![number as u8; bytes],
        cause: (number % 4 == 3).then(|| id(number - 2)),
        correlation: (number % 6 == 5).then(|| id(number - 5)),
    }
}

impl Given {
    fn event(&self, number: usize) -> Event {
        let encoding = PayloadEncoding::from_code(number as u8 % 3);
        let mut event = Event::encoded(KINDS[number % 3], encoding, self.payload.clone())
            .with_id(EventId::from_u128(self.id))
            .with_version(1 + number as u16 % 2)
            .at(self.hlc);
        for tag in &self.tags {
            event = event.tagged(tag);
        }
        if let Some(cause) = self.cause {
            event = event.caused_by(EventId::from_u128(cause));
        }
        if let Some(first) = self.correlation {
            event = event.correlated_with(EventId::from_u128(first));
        }
        event
    }
}

fn small(fs: &MemFs) -> StoreOptions {
    options(fs)
        .clock(Arc::new(ManualClock::new(NOW + 1000)))
        .segment_bytes_max(64 << 10)
        .background_inline()
}

/// A copy in memory.
pub(crate) fn copy() -> MemFs {
    let fs = MemFs::new();
    fs.create_dir_all(&dir()).unwrap();
    for entry in OsFs.list(&golden()).unwrap() {
        let bytes = read(&OsFs, &golden().join(&entry.name));
        write(&fs, &dir().join(&entry.name), &bytes);
    }
    fs
}

/// Opens the copy, and compares every event with what was appended.
fn check(fs: &MemFs, path: OpenPath) {
    let store = small(fs).open(dir()).unwrap();
    let report = store.open_report();
    assert_eq!(report.path, path, "{report}");
    assert!(report.is_clean(), "{report}");
    let verified = store.verify().unwrap();
    assert!(verified.is_intact(), "{:?}", verified.problems);
    assert_eq!(verified.log_hash.to_string(), LOG_HASH);
    let now = store.snapshot();
    let stored = contents(&now);
    assert_eq!(stored.len(), EVENTS);
    for (number, event) in stored.iter().enumerate() {
        let given = given(number);
        assert_eq!(event.sequence.get(), number as u64);
        assert_eq!(event.id.as_u128(), given.id);
        assert_eq!(event.coordinate, at(&given.entity, &given.scope));
        assert_eq!(event.kind, KINDS[number % 3]);
        assert_eq!(event.encoding.code(), number as u8 % 3);
        assert_eq!(event.version(), 1 + number as u16 % 2);
        assert_eq!(event.clock as usize, number / 5);
        assert_eq!(event.hlc, given.hlc);
        assert!(event.tags().eq(&given.tags));
        assert_eq!(event.payload().unwrap(), given.payload);
        assert_eq!(event.causation.map(EventId::as_u128), given.cause);
        let correlation = given.correlation.unwrap_or(given.id);
        assert_eq!(event.correlation.as_u128(), correlation);
        assert_eq!(now.get(event.id).unwrap().as_ref(), Some(event));
    }
    let next = store.append(&at("entity:0", "scope/0"), event("next"));
    let next = next.unwrap();
    assert_eq!((next.sequence.get(), next.clock), (40, 8));
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_store_of_format_version_1_opens_for_ever() {
    let fs = copy();
    let bytes: usize = files(&fs, "")
        .iter()
        .map(|path| read(&fs, path).len())
        .sum();
    assert!(bytes < 100 << 10, "the fixture has {bytes} bytes");
    let manifest = Manifest::read(&fs, &dir()).unwrap().unwrap();
    assert_eq!(manifest.segments().len(), 3);
    check(&fs.fork(), OpenPath::Checkpoint);
    remove(&fs, "checkpoint-");
    check(&fs.fork(), OpenPath::Footers);
    for info in manifest.segments() {
        let Some(end) = info.end() else { continue };
        let path = dir().join(info.file_name());
        let bytes = read(&fs, &path);
        assert!(bytes.len() > end.offset as usize, "there is a footer");
        write(&fs, &path, &bytes[..end.offset as usize]);
    }
    check(&fs, OpenPath::Scan);
}

/// Writes `fixtures/v1` where there is none, and prints the hash of its log.
#[test]
#[ignore = "makes a fixture, which then stays as it is"]
fn write_the_golden_store() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let mut numbers = 0..EVENTS;
    while let Some(first) = numbers.next() {
        let mut batch = Batch::new();
        let members = if first % 10 == 0 { 3 } else { 1 };
        for number in std::iter::once(first).chain(numbers.by_ref().take(members - 1)) {
            let given = given(number);
            batch.add(&at(&given.entity, &given.scope), given.event(number));
        }
        store.append_batch(batch).unwrap();
    }
    println!("{}", store.verify().unwrap().log_hash);
    store.close().unwrap();
    OsFs.create_dir_all(&golden()).unwrap();
    for path in files(&fs, "") {
        let name = path.file_name().unwrap();
        OsFs.open(&golden().join(name), OpenMode::Create)
            .unwrap()
            .write_all_at(&read(&fs, &path), 0)
            .unwrap();
    }
}
