//! Stores of format versions 1 and 2, kept in `fixtures`, that must open for ever: `v1`, `v2`, and `v2-sources`, whose
//! commits have positions of sources and whose kinds have names.
//!
//! Those of version 2 were made by [`write_the_golden_store`] and [`write_the_golden_store_of_sources`], which are
//! ignored, and that of version 1 by what the first was then: a change of the format gets a directory of its own, and
//! the others stay as they are. Run one with
//! `cargo test -p strandline-tests write_the_golden_store -- --ignored --exact golden::NAME` where none is yet.

use crate::harness::{KINDS, at, contents, dir, event, files, options, read, remove, write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, OpenMode, OsFs};
use strandline::maintenance::{Redaction, Retention, compact, redact, removals};
use strandline::{
    AppendOptions, Batch, ErrorKind, Event, EventId, Hlc, ManualClock, OpenPath, PayloadEncoding,
    Store, StoreOptions, StoredEvent,
};
use strandline_segment::Manifest;

const NOW: u64 = 1_700_000_000_000;
const EVENTS: usize = 40;
/// The sequence of the event whose payload is redacted in the store of version 2.
const REDACTED: usize = 7;
/// The entity whose events are removed there.
const REMOVED: &str = "entity:3";
/// The hash of the whole log of version 2, in which the records of both are.
const LOG_HASH_2: &str = "1cf63ebbac307ca82a253f856d5591542abf1250702e754d3559011605ec073d";
/// That of the store of sources: every extension is in it.
const LOG_HASH_SOURCES: &str = "737d1d224fc35fd1ef641bdf085df09bd69c06e8d94f83bc1c051a89127b946d";
/// Its sources, each with its last position and the sequence of the event that has it. The last event of the second
/// one was removed.
const SOURCES: [(&str, u64, u64); 3] = [("lager/é", 36, 36), ("orders", 39, 39), ("stock", 38, 38)];
/// The hash of the whole log of version 1, in which every byte of every event is.
const LOG_HASH: &str = "bfc2bc4968599acab10b514ff3a9eb2af36eec13c157c4ac8b762db73d58306d";

fn golden(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(version)
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

/// A copy of the store of version 1 in memory.
pub(crate) fn copy() -> MemFs {
    copy_of("v1")
}

fn copy_of(version: &str) -> MemFs {
    let fs = MemFs::new();
    fs.create_dir_all(&dir()).unwrap();
    for entry in OsFs.list(&golden(version)).unwrap() {
        let bytes = read(&OsFs, &golden(version).join(&entry.name));
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
        assert_eq!(event.sequence.get(), number as u64);
        check_event(event, number);
        assert_eq!(event.payload().unwrap(), given(number).payload);
        assert_eq!(now.get(event.id).unwrap().as_ref(), Some(event));
    }
    let next = store.append(&at("entity:0", "scope/0"), event("next"));
    let next = next.unwrap();
    assert_eq!((next.sequence.get(), next.clock), (40, 8));
    assert!(store.verify().unwrap().is_intact());
}

/// Compares an event with what was appended, but for its payload.
fn check_event(event: &StoredEvent, number: usize) {
    let given = given(number);
    assert_eq!(event.id.as_u128(), given.id);
    assert_eq!(event.coordinate, at(&given.entity, &given.scope));
    assert_eq!(event.kind, KINDS[number % 3]);
    assert_eq!(event.encoding.code(), number as u8 % 3);
    assert_eq!(event.version(), 1 + number as u16 % 2);
    assert_eq!(event.clock as usize, number / 5);
    assert_eq!(event.hlc, given.hlc);
    assert!(event.tags().eq(&given.tags));
    assert_eq!(event.causation.map(EventId::as_u128), given.cause);
    let correlation = given.correlation.unwrap_or(given.id);
    assert_eq!(event.correlation.as_u128(), correlation);
}

/// The tags of these stores were sorted when they were written, whatever order they were given in, so a
/// caller who repeats an append gives them in another one.
#[test]
fn a_repeat_of_an_old_event_may_have_its_tags_in_another_order() {
    for version in ["v1", "v2"] {
        let store = small(&copy_of(version)).open(dir()).unwrap();
        let mut given = given(11);
        given.tags.reverse();
        assert_eq!(given.tags, ["tag:1", "tag:0"]);
        let at = at(&given.entity, &given.scope);
        let receipt = store.append(&at, given.event(11)).unwrap();
        assert!(receipt.repeated);
        let stored = store.snapshot().get(receipt.id).unwrap().unwrap();
        assert!(stored.tags().eq(["tag:0", "tag:1"]), "as they are stored");
    }
}

/// Opens a copy of the store of version 2, in which events were redacted and removed.
fn check_recorded(fs: &MemFs, path: OpenPath) {
    let store = small(fs).open(dir()).unwrap();
    let report = store.open_report();
    assert_eq!(report.path, path, "{report}");
    assert!(report.is_clean(), "{report}");
    let verified = store.verify().unwrap();
    assert!(verified.is_intact(), "{:?}", verified.problems);
    assert_eq!(verified.log_hash.to_string(), LOG_HASH_2);
    assert_eq!((verified.removed, verified.redacted), (8, 1));
    assert_eq!((verified.removals, verified.interrupted), (2, 0));
    assert_eq!(verified.unrecorded_before, None);
    let stored = contents(&store.snapshot());
    let kept = (0..EVENTS).filter(|number| given(*number).entity != REMOVED);
    assert!(
        stored
            .iter()
            .map(|event| event.sequence.get() as usize)
            .eq(kept)
    );
    for event in &stored {
        let number = event.sequence.get() as usize;
        check_event(event, number);
        match event.payload() {
            Ok(payload) => assert_eq!(payload, given(number).payload),
            Err(error) => assert_eq!((number, error.kind()), (REDACTED, ErrorKind::Redacted)),
        }
    }
    let recorded = removals(&store, &mut |_| ControlFlow::Continue(())).unwrap();
    let rules: Vec<_> = recorded
        .iter()
        .map(|one| (one.rule.as_str(), one.events))
        .collect();
    let redacted = format!("event {}", EventId::from_u128(id(REDACTED)));
    assert_eq!(rules, [(redacted.as_str(), 1), ("drop entity:3", 8)]);
    let next = store
        .append(&at(REMOVED, "scope/0"), event("next"))
        .unwrap();
    assert_eq!((next.sequence.get(), next.clock), (40, 8));
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_store_of_format_version_2_opens_for_ever() {
    let fs = copy_of("v2");
    check_recorded(&fs.fork(), OpenPath::Checkpoint);
    remove(&fs, "checkpoint-");
    check_recorded(&fs.fork(), OpenPath::Footers);
    without_footers(&fs);
    check_recorded(&fs, OpenPath::Scan);
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
    without_footers(&fs);
    check(&fs, OpenPath::Scan);
}

/// Opens a copy of the store of sources, in which events were redacted and removed.
fn check_sources(fs: &MemFs, path: OpenPath) {
    let store = small(fs).open(dir()).unwrap();
    let report = store.open_report();
    assert_eq!(report.path, path, "{report}");
    assert!(report.is_clean(), "{report}");
    let verified = store.verify().unwrap();
    assert!(verified.is_intact(), "{:?}", verified.problems);
    assert_eq!(verified.log_hash.to_string(), LOG_HASH_SOURCES);
    assert_eq!((verified.removed, verified.redacted), (8, 1));
    let tracked = store.tracked_sources();
    let tracked: Vec<_> = tracked
        .iter()
        .map(|at| (&*at.source, at.position, at.sequence.get()))
        .collect();
    assert_eq!(tracked, SOURCES);
    for (kind, name) in KINDS.into_iter().zip(KIND_NAMES) {
        assert_eq!(store.kind_name(kind).as_deref(), Some(name));
    }
    for event in contents(&store.snapshot()) {
        let number = event.sequence.get() as usize;
        check_event(&event, number);
        let own = event.extensions.tracking();
        assert_eq!(own, tracking(number), "event {number}");
    }
    for (source, position, _) in SOURCES {
        let again = AppendOptions::new().tracking(source, position);
        let refused = store.append_with(&at("next", "s"), event("next"), again);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::TrackingConflict);
        let next = AppendOptions::new().tracking(source, position + 1);
        store
            .append_with(&at("next", "s"), event("next"), next)
            .unwrap();
    }
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_store_with_positions_of_sources_opens_for_ever() {
    let fs = copy_of("v2-sources");
    check_sources(&fs.fork(), OpenPath::Checkpoint);
    remove(&fs, "checkpoint-");
    check_sources(&fs.fork(), OpenPath::Footers);
    without_footers(&fs);
    check_sources(&fs, OpenPath::Scan);
}

fn without_footers(fs: &MemFs) {
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    for info in manifest.segments() {
        let Some(end) = info.end() else { continue };
        let path = dir().join(info.file_name());
        let bytes = read(fs, &path);
        assert!(bytes.len() > end.offset as usize, "there is a footer");
        write(fs, &path, &bytes[..end.offset as usize]);
    }
}

/// The names of the kinds in the store of sources.
const KIND_NAMES: [&str; 3] = ["created", "changed", "removed"];

/// Whether an event is the first of its commit in the golden stores, and how many are in that.
fn members(number: usize) -> Option<usize> {
    match number % 10 {
        0 => Some(3),
        1 | 2 => None,
        _ => Some(1),
    }
}

/// The position of a source that is written with an event in the store of sources, and so as that of its commit.
fn tracking(number: usize) -> Option<(&'static str, u64)> {
    members(number)?;
    match number % 5 {
        0 | 1 => Some(("lager/é", number as u64)),
        // All that is removed is among these.
        3 => Some(("stock", number as u64)),
        4 => Some(("orders", number as u64)),
        _ => None,
    }
}

/// Appends the events of a golden store, redacts one and removes an entity; gives the files.
fn write_store(append: impl Fn(&Store, usize, Batch)) -> MemFs {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for first in 0..EVENTS {
        let Some(members) = members(first) else {
            continue;
        };
        let mut batch = Batch::new();
        for number in first..first + members {
            let given = given(number);
            batch.add(&at(&given.entity, &given.scope), given.event(number));
        }
        append(&store, first, batch);
    }
    let mut go_on = |_| ControlFlow::Continue(());
    let chosen = Redaction::new().event(EventId::from_u128(id(REDACTED)));
    redact(&store, &chosen, &mut go_on).unwrap();
    compact(&store, &Retention::new().drop_entity(REMOVED), &mut go_on).unwrap();
    println!("{}", store.verify().unwrap().log_hash);
    store.close().unwrap();
    fs
}

/// Keeps a store as a fixture.
fn keep(fs: &MemFs, version: &str) {
    let golden = golden(version);
    OsFs.create_dir_all(&golden).unwrap();
    for path in files(fs, "") {
        let name = path.file_name().unwrap();
        OsFs.open(&golden.join(name), OpenMode::Create)
            .unwrap()
            .write_all_at(&read(fs, &path), 0)
            .unwrap();
    }
}

/// Writes `fixtures/v2` where there is none, and prints the hash of its log.
#[test]
#[ignore = "makes a fixture, which then stays as it is"]
fn write_the_golden_store() {
    let fs = write_store(|store, _, batch| drop(store.append_batch(batch).unwrap()));
    keep(&fs, "v2");
}

/// Writes `fixtures/v2-sources` where there is none, and prints the hash of its log.
#[test]
#[ignore = "makes a fixture, which then stays as it is"]
fn write_the_golden_store_of_sources() {
    let fs = write_store(|store, first, batch| {
        for (kind, name) in KINDS.into_iter().zip(KIND_NAMES) {
            store.name_kind(kind, name).unwrap();
        }
        let options = AppendOptions::new();
        let options = match tracking(first) {
            Some((source, position)) => options.tracking(source, position),
            None => options,
        };
        store.append_batch_with(batch, options).unwrap();
    });
    keep(&fs, "v2-sources");
}
