//! A store written by hand from `docs/format.md` alone, with plain bytes: no encoder of the crates
//! is used, so that the document is held to be enough.

use crate::harness::{at, contents, dir, event, options, write};
use std::collections::BTreeMap;
use strandline::fs::{Fs, MemFs};
use strandline::{ErrorKind, EventId, Hash, Region};
use xxhash_rust::xxh3::xxh3_64;

const IDENTITY: [u8; 16] = *b"written by hand!";
const WALL_MS: u64 = 1_700_000_000_000;

/// `checksum(salt, offset)` of the document.
fn checksum(salt: u64, offset: usize, bytes: &[u8]) -> [u8; 8] {
    let place = (offset as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (xxh3_64(bytes) ^ salt ^ place).to_le_bytes()
}

/// BLAKE3 of parts that follow each other.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    *blake3::hash(&parts.concat()).as_bytes()
}

/// An event as it is to be written, and to be read.
#[derive(Debug, Clone, Default)]
struct Given {
    entity: &'static str,
    scope: &'static str,
    /// Category in the upper 4 bits, type in the lower 12.
    kind: u16,
    encoding: u8,
    id: u128,
    correlation: Option<u128>,
    causation: Option<u128>,
    tags: &'static [&'static str],
    /// Version of the payload's type; 0 is not written.
    version: u16,
    payload: &'static [u8],
    is_redacted: bool,
    counter: u32,
}

impl Given {
    fn extensions(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !self.tags.is_empty() {
            let mut names = Vec::new();
            for tag in self.tags {
                names.push(tag.len() as u8);
                names.extend_from_slice(tag.as_bytes());
            }
            bytes.extend_from_slice(&1_u16.to_le_bytes());
            bytes.extend_from_slice(&(names.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&names);
        }
        if self.version != 0 {
            bytes.extend_from_slice(&2_u16.to_le_bytes());
            bytes.extend_from_slice(&2_u16.to_le_bytes());
            bytes.extend_from_slice(&self.version.to_le_bytes());
        }
        bytes
    }

    /// `event hash` of the document.
    fn hash(&self, previous: [u8; 32], clock: u32, sequence: u64, payload: [u8; 32]) -> [u8; 32] {
        let mut header = Vec::new();
        for name in [self.entity, self.scope] {
            header.extend_from_slice(&(name.len() as u16).to_le_bytes());
            header.extend_from_slice(name.as_bytes());
        }
        header.extend_from_slice(&self.kind.to_le_bytes());
        header.push(self.encoding);
        header.extend_from_slice(&self.id.to_le_bytes());
        header.extend_from_slice(&self.correlation.unwrap_or(self.id).to_le_bytes());
        match self.causation {
            None => header.push(0),
            Some(causation) => {
                header.push(1);
                header.extend_from_slice(&causation.to_le_bytes());
            }
        }
        header.extend_from_slice(&clock.to_le_bytes());
        header.extend_from_slice(&WALL_MS.to_le_bytes());
        header.extend_from_slice(&self.counter.to_le_bytes());
        header.extend_from_slice(&sequence.to_le_bytes());
        let extensions = self.extensions();
        header.extend_from_slice(&(extensions.len() as u16).to_le_bytes());
        header.extend_from_slice(&extensions);
        hash(&[b"strandline/event/1", &previous, &header, &payload])
    }
}

/// A log that grows, segment by segment.
#[derive(Debug, Default)]
struct Log {
    next: u64,
    hash: [u8; 32],
    /// Clock and hash of the newest event of each entity.
    heads: BTreeMap<&'static str, (u32, [u8; 32])>,
    /// Entries of the manifest.
    entries: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Segment {
    number: u32,
    salt: u64,
    bytes: Vec<u8>,
    last_frame: u32,
    names: Vec<(&'static str, &'static str)>,
    entities: Vec<&'static str>,
}

impl Log {
    fn segment(&self, number: u32) -> Segment {
        let nonce = [number as u8 ^ 0x5A; 16];
        let generation = 0_u32;
        let mut bytes = b"STRNDSEG".to_vec();
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        bytes.extend_from_slice(&IDENTITY);
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&generation.to_le_bytes());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&self.next.to_le_bytes());
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&[0; 28]);
        let sum = checksum(0, 0, &bytes);
        bytes.extend_from_slice(&sum);
        assert_eq!(bytes.len(), 128);
        let salt = hash(&[
            b"strandline/segment/1",
            &IDENTITY,
            &number.to_le_bytes(),
            &generation.to_le_bytes(),
            &nonce,
        ]);
        Segment {
            number,
            salt: u64::from_le_bytes(*salt.first_chunk().unwrap()),
            bytes,
            last_frame: 0,
            names: Vec::new(),
            entities: Vec::new(),
        }
    }

    /// The body of a record, and its event's hash.
    fn body(&mut self, segment: &mut Segment, sequence: u64, given: &Given) -> (Vec<u8>, [u8; 32]) {
        let nonce = [sequence as u8; 16];
        let payload_hash = hash(&[&nonce, given.payload]);
        let head = self.heads.get(given.entity).copied();
        let (clock, previous) = head.map_or((0, [0; 32]), |(clock, hash)| (clock + 1, hash));
        let name = (given.entity, given.scope);
        let known = segment.names.iter().position(|own| *own == name);
        let local = known.unwrap_or(segment.names.len());
        let is_first = !segment.entities.contains(&given.entity);
        let extensions = given.extensions();
        let flags = [
            given.correlation.is_some(),
            given.causation.is_some(),
            known.is_none(),
            is_first,
            !extensions.is_empty(),
            given.is_redacted,
        ];
        let flags = flags
            .iter()
            .rev()
            .fold(0, |bits, flag| bits << 1 | u8::from(*flag));
        let mut body = vec![flags, given.encoding];
        body.extend_from_slice(&given.kind.to_le_bytes());
        body.extend_from_slice(&(local as u32).to_le_bytes());
        body.extend_from_slice(&clock.to_le_bytes());
        body.extend_from_slice(&WALL_MS.to_le_bytes());
        body.extend_from_slice(&given.counter.to_le_bytes());
        for id in [Some(given.id), given.correlation, given.causation] {
            body.extend(id.map(u128::to_le_bytes).into_iter().flatten());
        }
        if known.is_none() {
            segment.names.push(name);
            for name in [given.entity, given.scope] {
                body.push(name.len() as u8);
                body.extend_from_slice(name.as_bytes());
            }
        }
        if is_first {
            segment.entities.push(given.entity);
            body.extend_from_slice(&previous);
        }
        if !extensions.is_empty() {
            body.extend_from_slice(&(extensions.len() as u16).to_le_bytes());
            body.extend_from_slice(&extensions);
        }
        if given.is_redacted {
            body.extend_from_slice(&payload_hash);
        } else {
            body.extend_from_slice(&nonce);
            body.extend_from_slice(given.payload);
        }
        let digest = given.hash(previous, clock, sequence, payload_hash);
        self.heads.insert(given.entity, (clock, digest));
        (body, digest)
    }

    fn commit(&mut self, segment: &mut Segment, events: &[Given]) {
        let offset = segment.bytes.len();
        assert_eq!(offset % 8, 0);
        let mut records = Vec::new();
        let mut sums = Vec::new();
        let mut digests = Vec::new();
        for (sequence, given) in (self.next..).zip(events) {
            let (body, digest) = self.body(segment, sequence, given);
            let mut record = (body.len() as u32).to_le_bytes().to_vec();
            record.extend_from_slice(&digest);
            record.extend_from_slice(&body);
            let place = offset + 72 + records.len();
            let sum = checksum(segment.salt, place, &record);
            records.extend_from_slice(&sum);
            records.extend_from_slice(&record);
            sums.extend_from_slice(&sum);
            digests.extend_from_slice(&digest);
        }
        let log_hash = hash(&[b"strandline/log/1", &self.hash, &digests]);
        records.resize(records.len().next_multiple_of(8), 0);
        let mut header = b"FRAM".to_vec();
        header.extend_from_slice(&(72 + records.len() as u32).to_le_bytes());
        header.extend_from_slice(&self.next.to_le_bytes());
        header.extend_from_slice(&self.next.to_le_bytes()); // all before it was durable
        header.extend_from_slice(&(events.len() as u16).to_le_bytes());
        header.extend_from_slice(&[0; 2]);
        header.extend_from_slice(&checksum(segment.salt, offset, &sums)[..4]);
        header.extend_from_slice(&log_hash);
        let sum = checksum(segment.salt, offset, &header);
        header.extend_from_slice(&sum);
        assert_eq!(header.len(), 72);
        segment.bytes.extend_from_slice(&header);
        segment.bytes.extend_from_slice(&records);
        segment.last_frame = offset as u32;
        self.next += events.len() as u64;
        self.hash = log_hash;
    }

    /// Writes the file of a segment, and notes it for the manifest.
    fn end(&mut self, fs: &MemFs, segment: &Segment, is_sealed: bool) {
        let mut entry = segment.bytes[..128].to_vec();
        entry.push(u8::from(is_sealed));
        if is_sealed {
            entry.extend_from_slice(&segment.number.to_le_bytes());
            entry.extend_from_slice(&(segment.bytes.len() as u32).to_le_bytes());
            entry.extend_from_slice(&segment.last_frame.to_le_bytes());
            entry.extend_from_slice(&self.next.to_le_bytes());
            entry.extend_from_slice(&self.hash);
        } else {
            entry.extend_from_slice(&[0; 52]);
        }
        self.entries.push(entry);
        let name = format!("segment-{:010}.log", segment.number);
        write(fs, &dir().join(name), &segment.bytes);
    }

    fn write_manifest(&self, fs: &MemFs, version: u32) {
        let mut bytes = b"STRNDMAN".to_vec();
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&IDENTITY);
        bytes.extend_from_slice(&9_u64.to_le_bytes());
        bytes.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.entries.concat());
        let sum = checksum(0, 0, &bytes);
        bytes.extend_from_slice(&sum);
        write(fs, &dir().join("MANIFEST"), &bytes);
    }
}

/// Everything that a record can have, in the commits of two segments.
fn history() -> [Vec<Vec<Given>>; 2] {
    let first = Given {
        entity: "order:1",
        scope: "eu/payments",
        kind: 0x1001,
        id: 77,
        payload: b"placed",
        ..Given::default()
    };
    let linked = Given {
        id: 5,
        kind: 0x2FFF,
        encoding: 1,
        correlation: Some(77),
        causation: Some(77),
        tags: &["course:3", "student:7"],
        version: 3,
        payload: b"{\"a\":1}",
        counter: 1,
        ..first.clone()
    };
    let other = Given {
        entity: "stock:9",
        id: u128::MAX >> 1,
        payload: b"",
        counter: 2,
        ..first.clone()
    };
    let redacted = Given {
        id: 6,
        payload: b"a secret that is gone",
        is_redacted: true,
        counter: 3,
        ..other.clone()
    };
    let elsewhere = Given {
        scope: "us",
        id: 1000,
        encoding: 200,
        payload: b"own encoding",
        counter: 4,
        ..first.clone()
    };
    let last = Given {
        id: 1001,
        causation: Some(5),
        counter: 5,
        ..elsewhere.clone()
    };
    [
        vec![vec![first], vec![linked, other]],
        vec![vec![redacted, elsewhere], vec![last]],
    ]
}

fn write_history(fs: &MemFs) -> Log {
    fs.create_dir_all(&dir()).unwrap();
    let mut log = Log::default();
    for (number, commits) in (1..).zip(history()) {
        let mut segment = log.segment(number);
        for events in commits {
            log.commit(&mut segment, &events);
        }
        log.end(fs, &segment, number == 1);
    }
    log.write_manifest(fs, 1);
    log
}

#[test]
fn a_store_that_was_written_from_the_document_alone_is_read() {
    let fs = MemFs::new();
    let log = write_history(&fs);
    for round in 0..2 {
        let store = options(&fs).open(dir()).unwrap();
        assert!(store.open_report().is_clean(), "{}", store.open_report());
        let verified = store.verify().unwrap();
        assert!(verified.is_intact(), "{:?}", verified.problems);
        if round == 0 {
            assert_eq!(verified.log_hash, Hash::from_bytes(log.hash));
        }
        let now = store.snapshot();
        let stored = contents(&now);
        let expected = history().into_iter().flatten().flatten();
        let mut clocks = BTreeMap::new();
        for (place, given) in expected.enumerate() {
            let event = &stored[place];
            let clock: &mut u32 = clocks.entry(given.entity).or_default();
            assert_eq!(event.sequence.get(), place as u64);
            assert_eq!(event.id.as_u128(), given.id);
            assert_eq!(event.coordinate, at(given.entity, given.scope));
            assert_eq!(event.kind.bits(), given.kind);
            assert_eq!(event.encoding.code(), given.encoding);
            assert_eq!(event.clock, *clock);
            *clock += 1;
            assert_eq!(event.hlc.wall_ms(), WALL_MS);
            assert_eq!(event.hlc.counter(), given.counter);
            let correlation = given.correlation.unwrap_or(given.id);
            assert_eq!(event.correlation.as_u128(), correlation);
            assert_eq!(event.causation.map(EventId::as_u128), given.causation);
            assert!(event.tags().eq(given.tags.iter().copied()));
            assert_eq!(event.version(), given.version.max(1));
            match event.payload() {
                Ok(payload) => assert_eq!((payload, false), (given.payload, given.is_redacted)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Redacted);
                    assert!(given.is_redacted);
                }
            }
            assert_eq!(now.get(event.id).unwrap().as_ref(), Some(event));
        }
        assert_eq!(now.query(Region::all().tag("student:7")).count(), 1);
        let receipt = store
            .append(&at("order:1", "us"), event("goes on"))
            .unwrap();
        assert_eq!(receipt.sequence.get(), 6 + round);
        assert_eq!(u64::from(receipt.clock), 4 + round);
        store.close().unwrap();
    }
}

#[test]
fn a_store_of_a_later_version_is_said_to_be_one() {
    let fs = MemFs::new();
    write_history(&fs).write_manifest(&fs, 5);
    for options in [options(&fs), options(&fs).read_only()] {
        let error = options.open(dir()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedVersion, "{error}");
        let message = error.to_string();
        let says = ["MANIFEST", "version 5", "4"];
        assert!(says.iter().all(|part| message.contains(part)), "{message}");
    }
}
