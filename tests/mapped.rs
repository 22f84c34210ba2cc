//! Segments in memory: reads through a mapping say what reads of the file say.

use crate::harness::{CHANGED, assert_same, at, contents, event, fill, read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::fs::{Fault, FaultFs, Fs, OpenMode, Operation, OsFs};
use strandline::{
    Batch, Durability, ErrorKind, Event, EventHeader, EventId, Events, Region, Snapshot, Store,
    StoreOptions, StoredEvent,
};

/// Of how many bytes the first read is a system call, whatever else of them is read later.
const PIECE_BYTES: u64 = 64 << 10;

/// Options for small segments, in files.
fn options() -> StoreOptions {
    StoreOptions::new()
        .durability(Durability::Written)
        .segment_bytes_max(64 << 10)
        .random_seed(7)
}

/// A store in files whose system calls are counted.
fn counted(dir: &Path) -> (FaultFs, Store) {
    let fs = FaultFs::new(Arc::new(OsFs));
    let store = options().fs(Arc::new(fs.clone())).open(dir).unwrap();
    (fs, store)
}

/// A few segments with payloads of all sizes, the last of them not full.
fn fill_segments(store: &Store) {
    for size in (0..300).chain([10_000, 30_000, 50_000, 1]) {
        let payload: Vec<_> = (0..size).map(|byte| byte as u8).collect();
        let coordinate = at(&format!("entity:{}", size % 7), "s");
        store
            .append(&coordinate, Event::bytes(CHANGED, payload))
            .unwrap();
    }
    fill(store, 100);
    assert!(store.stats().unwrap().segments >= 3);
}

fn reversed(snapshot: &Snapshot) -> Vec<StoredEvent> {
    let mut events: Vec<_> = snapshot
        .query(Region::all())
        .rev()
        .collect::<Result<_, _>>()
        .unwrap();
    events.reverse();
    events
}

/// The events as they are borrowed, each made into an owned one after a look at its fields.
fn borrowed(mut events: Events<'_>, is_back: bool) -> Vec<StoredEvent> {
    let mut owned = Vec::new();
    loop {
        let event = match is_back {
            true => events.next_back_ref(),
            false => events.next_ref(),
        };
        let Some(event) = event else { break };
        let event = event.unwrap();
        let copy = event.into_owned();
        assert_eq!(event.payload().unwrap(), copy.payload().unwrap());
        let header = EventHeader {
            sequence: event.sequence(),
            id: event.id(),
            coordinate: event.coordinate(),
            kind: event.kind(),
            clock: event.clock(),
            hlc: event.hlc(),
            correlation: event.correlation(),
            causation: event.causation(),
            encoding: event.encoding(),
            extensions: event.extensions(),
            hash: event.hash(),
        };
        assert_eq!(&header, copy.header());
        owned.push(copy);
    }
    owned
}

#[test]
fn an_event_that_is_borrowed_is_the_one_that_is_owned() {
    let dir = tempfile::tempdir().unwrap();
    let (_, store) = counted(dir.path());
    fill_segments(&store);
    let first = contents(&store.snapshot())[0].id;
    let linked = Event::json(CHANGED, &"linked").unwrap().caused_by(first);
    store.append(&at("linked", "s"), linked.clone()).unwrap();
    let linked = linked.correlated_with(first);
    store.append(&at("linked", "s"), linked).unwrap();
    let unmapped = options().no_mapped_reads().read_only();
    let unmapped = unmapped.open(dir.path()).unwrap();
    for store in [&store, &unmapped] {
        let now = store.snapshot();
        let mut events = contents(&now);
        assert_eq!(borrowed(now.query(Region::all()), false), events);
        for event in &events {
            let read = now.get_with(event.id, |event| event.into_owned()).unwrap();
            assert_eq!(read.as_ref(), Some(event));
        }
        let none = now.get_with(EventId::from_u128(1), |event| event.clock());
        assert_eq!(none.unwrap(), None);
        let mut stream = now.stream("linked");
        let last = stream.next_back_ref().unwrap().unwrap();
        assert_eq!(last.payload_json::<&str>().unwrap(), "linked");
        let wrong = last.payload_message_pack::<&str>().unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Payload);
        assert_eq!((last.correlation(), last.causation()), (first, Some(first)));
        assert_eq!(stream.next_ref().unwrap().unwrap().clock(), 0);
        assert!(stream.next_ref().is_none());
        events.reverse();
        assert_eq!(borrowed(now.query(Region::all()), true), events);
    }
}

#[test]
fn a_mapped_store_reads_the_same_as_an_unmapped_one_and_with_few_system_calls() {
    let dir = tempfile::tempdir().unwrap();
    let (_, store) = counted(dir.path());
    fill_segments(&store);
    // Opened again, so that nothing is done beside the reads.
    store.close().unwrap();
    let (fs, store) = counted(dir.path());
    let mapped = store.snapshot();
    let reads = fs.calls(Operation::Read);
    let events = contents(&mapped);
    assert_eq!(reversed(&mapped), events);
    for event in &events {
        assert_eq!(mapped.get(event.id).unwrap().as_ref(), Some(event));
    }
    if cfg!(target_os = "linux") {
        let segments = store.stats().unwrap().segments as u64;
        let first = fs.calls(Operation::Read) - reads;
        // Of a record that is longer than the first read, the rest is read with another.
        let most = segments * (64 << 10) / PIECE_BYTES * 2;
        assert!(first <= most, "{first} reads of {segments} segments");
        assert_eq!(contents(&mapped), events);
        assert_eq!(
            fs.calls(Operation::Read) - reads,
            first,
            "what was read before was read again by a system call"
        );
        assert_eq!(
            fs.calls(Operation::Map),
            segments,
            "each segment is mapped once, with its footer if it is sealed"
        );
    }
    let fs = FaultFs::new(Arc::new(OsFs));
    let unmapped = options().fs(Arc::new(fs.clone())).no_mapped_reads();
    let unmapped = unmapped.read_only().open(dir.path()).unwrap();
    assert_same(&mapped, &unmapped.snapshot());
    assert_eq!(reversed(&unmapped.snapshot()), events);
    assert_eq!(fs.calls(Operation::Map), 0);
    let read_only = options().read_only().open(dir.path()).unwrap();
    assert_same(&mapped, &read_only.snapshot());
}

#[test]
fn a_segment_that_cannot_be_mapped_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (_, store) = counted(dir.path());
    fill_segments(&store);
    store.close().unwrap();
    let (fs, store) = counted(dir.path());
    fs.fail(
        Operation::Map,
        Fault {
            after: 1,
            times: 1,
            error: std::io::ErrorKind::OutOfMemory,
            partial_bytes: 0,
        },
    );
    let reads = fs.calls(Operation::Read);
    let events = contents(&store.snapshot());
    assert!(fs.calls(Operation::Read) > reads);
    assert_eq!(reversed(&store.snapshot()), events);
}

#[test]
fn damage_under_a_mapping_is_found_when_the_event_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (_, store) = counted(dir.path());
    let path: PathBuf = dir.path().join("segment-0000000001.log");
    let mut damaged = Vec::new();
    for number in 0..20 {
        let text = format!("payload {number}");
        let receipt = store.append(&at("e", "s"), event(&text)).unwrap();
        damaged.push((receipt.id, text));
    }
    let events = contents(&store.snapshot());
    for (id, text) in damaged {
        let bytes = read(&OsFs, &path);
        let text = text.as_bytes();
        let place = bytes.windows(text.len()).position(|window| window == text);
        let place = place.unwrap();
        let file = OsFs.open(&path, OpenMode::Append { end: 0 }).unwrap();
        file.write_all_at(&[bytes[place] ^ 1], place as u64)
            .unwrap();
        let now = store.snapshot();
        assert_eq!(now.get(id).unwrap_err().kind(), ErrorKind::Corrupt);
        for (read, event) in now.stream("e").zip(&events) {
            match read {
                Ok(read) => assert_eq!(&read, event),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
        }
    }
    assert_eq!(
        store.snapshot().stream("e").filter(Result::is_ok).count(),
        0
    );
}

/// The payload of the event with this sequence: of a length and with bytes that are its own.
fn payload(sequence: u64) -> Vec<u8> {
    let length = sequence * 37 % 700;
    (0..length)
        .map(|byte| (sequence * 31 + byte) as u8)
        .collect()
}

fn check_payload(event: &StoredEvent) {
    let sequence = event.sequence.get();
    assert_eq!(event.payload().unwrap(), payload(sequence), "{sequence}");
}

/// Reads while events are appended and segments rotate.
fn read_while_it_grows(options: StoreOptions) {
    const EVENTS: u64 = 3000;
    let dir = tempfile::tempdir().unwrap();
    let store = options.open(dir.path()).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for first in (0..EVENTS).step_by(3) {
                let mut batch = Batch::new();
                for sequence in first..first + 3 {
                    let coordinate = at(&format!("e{}", sequence % 5), "s");
                    batch.add(&coordinate, Event::bytes(CHANGED, payload(sequence)));
                }
                store.append_batch(batch).unwrap();
            }
            is_done.store(true, Ordering::Release);
        });
        for reader in 0..2 {
            let (store, is_done) = (&store, &is_done);
            scope.spawn(move || {
                let mut last = false;
                while !last {
                    last = is_done.load(Ordering::Acquire);
                    let now = store.snapshot();
                    for event in now.query(Region::all()).rev().take(40) {
                        check_payload(&event.unwrap());
                    }
                    if reader == 0 {
                        for event in now.stream("e1") {
                            check_payload(&event.unwrap());
                        }
                    } else if let Some(newest) = now.latest("e2").unwrap() {
                        check_payload(&now.get(newest.id).unwrap().unwrap());
                    }
                }
            });
        }
    });
    assert!(store.stats().unwrap().segments > 5);
    let now = store.snapshot();
    assert_eq!(now.len(), EVENTS);
    now.query(Region::all())
        .for_each(|event| check_payload(&event.unwrap()));
}

#[test]
fn readers_of_a_growing_store_see_what_was_written() {
    read_while_it_grows(options());
    read_while_it_grows(options().no_mapped_reads());
}
