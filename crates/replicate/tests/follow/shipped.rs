//! A store, and a plain way to ship it: one request after the other, each file whole in each state.

use bytes::Bytes;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::{Coordinate, Durability, Event, EventKind, Hash, Sequence, Store, StoreOptions};
use strandline_core::fs::{Fs, OsFs, read_file};
use strandline_replicate::{
    Bucket, BucketOptions, Chunk, FileParts, Key, Owner, Predecessor, PutAnswer, State, Term,
    TermKind, TermRecord,
};
use strandline_segment::{LogOptions, LogPosition, Manifest, SegmentHeader, UncheckedLog};

pub(crate) const KIND: EventKind = EventKind::new(0x1, 0x001);

pub(crate) fn term(number: u64) -> Term {
    Term::new(number).unwrap()
}

/// Every kind of bucket that needs no server.
pub(crate) fn buckets(dir: &Path) -> Vec<Bucket> {
    let url = format!("file://{}", dir.join("bucket").display());
    ["memory:", &url]
        .map(|url| Bucket::open(url, BucketOptions::new()).unwrap())
        .into()
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions::new().segment_events_max(20)
}

pub(crate) fn append(store: &Store, count: usize) {
    for _ in 0..count {
        let next = store.snapshot().visible();
        let entity = format!("order:{}", next.get() % 7);
        let coordinate = Coordinate::new(&entity, "eu").unwrap();
        let event = Event::bytes(KIND, next.to_string().into_bytes());
        store.append(&coordinate, event).unwrap();
    }
    store.sync().unwrap();
}

/// What a store shows, all of it.
pub(crate) fn shown(store: &Store) -> Vec<(u64, String, Vec<u8>)> {
    let snapshot = store.snapshot();
    let all = snapshot.query(strandline::Region::all());
    all.map(|event| {
        let event = event.unwrap();
        let payload = event.payload().map(<[u8]>::to_vec).unwrap_or_default();
        (
            event.sequence.get(),
            event.coordinate.entity().to_owned(),
            payload,
        )
    })
    .collect()
}

/// A frame of the log.
struct Sent {
    header: SegmentHeader,
    start: LogPosition,
    end: LogPosition,
    bytes: Vec<u8>,
}

/// Ships the log in a directory, which may be open.
pub(crate) struct Shipper {
    bucket: Bucket,
    dir: PathBuf,
    term: Term,
    next: u64,
    state: u64,
    predecessor: Option<Predecessor>,
    position: LogPosition,
}

impl Shipper {
    /// Takes a term, and begins it with what the directory has.
    pub(crate) fn begin(bucket: &Bucket, dir: &Path, number: u64, before: Option<&Self>) -> Self {
        let manifest = manifest(dir);
        let frames = frames(dir, &manifest);
        let start = manifest.segments().last().unwrap().start();
        let mut shipper = Self {
            bucket: bucket.clone(),
            dir: dir.to_path_buf(),
            term: term(number),
            next: 0,
            state: 0,
            predecessor: before.map(|before| Predecessor {
                term: before.term,
                chunks: before.next,
            }),
            position: frames.last().map_or(start, |frame| frame.end),
        };
        if shipper.position.segment != start.segment {
            shipper.position = start;
        }
        shipper.take();
        shipper.write_state();
        shipper
    }

    /// Takes the term alone.
    pub(crate) fn take(&self) {
        take(
            &self.bucket,
            self.term.get(),
            *manifest(&self.dir).identity(),
        );
    }

    /// Ships what came since, so many frames in a chunk.
    pub(crate) fn ship(&mut self, frames_each: usize) {
        let manifest = manifest(&self.dir);
        let frames = frames(&self.dir, &manifest);
        let from = frames
            .iter()
            .position(|frame| frame.start.is_same_place(&self.position));
        let mut rest = &frames[from.unwrap_or(frames.len())..];
        while let Some(first) = rest.first() {
            let own = rest.iter().take_while(|frame| frame.header == first.header);
            let count = own.take(frames_each).count();
            let chunk = &rest[..count];
            let body: Vec<u8> = chunk.iter().flat_map(|frame| frame.bytes.clone()).collect();
            self.position = chunk[count - 1].end;
            self.put_chunk(first.header, first.start, body);
            rest = &rest[count..];
        }
        let active = manifest.segments().last().unwrap();
        if self.position.segment != active.id() {
            self.position = active.start();
            self.put_chunk(*active.header(), active.start(), Vec::new());
        }
    }

    fn put_chunk(&mut self, header: SegmentHeader, start: LogPosition, body: Vec<u8>) {
        let chunk = Chunk {
            term: self.term,
            number: self.next,
            state: self.state,
            header,
            start,
            end: self.position,
            body: body.into(),
        };
        put(&self.bucket, &chunk.key(), chunk.encode());
        self.next += 1;
    }

    /// Writes a state of all that is shipped, and tells of it in an empty chunk.
    pub(crate) fn list(&mut self) {
        self.ship(5);
        self.write_state();
        self.state = self.next;
        let manifest = manifest(&self.dir);
        let header = *manifest.segments().last().unwrap().header();
        self.put_chunk(header, self.position, Vec::new());
    }

    pub(crate) fn write_state(&self) {
        let manifest = manifest(&self.dir);
        let mut files = Vec::new();
        for entry in OsFs.list(&self.dir).unwrap() {
            let name = &entry.name;
            let segments = manifest.segments();
            let segment = segments.iter().find(|info| info.file_name() == *name);
            let is_merged = name.starts_with("index-") && name.ends_with(".idx");
            if segment.is_none() && !is_merged {
                continue;
            }
            let mut bytes = read_file(&OsFs, &self.dir.join(name), 1 << 30).unwrap();
            if segment.is_some_and(|info| !info.is_sealed()) {
                bytes.truncate(self.position.offset as usize);
            }
            let name = name.parse().unwrap();
            let key = Key::data(self.term, Clone::clone(&name), &Hash::of(&bytes));
            let length = bytes.len() as u64;
            let _ = self.bucket.put_new(&key.to_string(), Bytes::from(bytes));
            files.push(FileParts::whole(name, length, key));
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        let state = State {
            term: self.term,
            number: self.next,
            owner: Owner([7; 16]),
            predecessor: self.predecessor,
            end: self.position,
            manifest,
            files,
        };
        state.check().unwrap();
        put(&self.bucket, &state.key(), state.encode());
    }

    /// Deletes the chunks that the newest state covers, and the earlier states.
    pub(crate) fn sweep(&self) {
        let chunks = (0..self.state).map(|number| Key::Chunk {
            term: self.term,
            number,
        });
        let states = (0..self.state).map(|number| Key::State {
            term: self.term,
            number,
        });
        let keys: Vec<String> = chunks.chain(states).map(|key| key.to_string()).collect();
        self.bucket.delete(&keys).unwrap();
    }
}

pub(crate) fn take(bucket: &Bucket, number: u64, identity: [u8; 16]) {
    let record = TermRecord {
        identity,
        term: term(number),
        owner: Owner([number as u8; 16]),
        host: format!("host-{number}"),
        process: 1,
        taken_ms: 1,
        how: TermKind::TakeOver,
    };
    put(bucket, &record.key(), record.encode());
}

fn put(bucket: &Bucket, key: &Key, bytes: Vec<u8>) {
    let put = bucket.put_new(&key.to_string(), bytes.into());
    assert!(matches!(put, PutAnswer::Created), "{key}: {put:?}");
}

fn manifest(dir: &Path) -> Manifest {
    Manifest::read(&OsFs, dir).unwrap().unwrap()
}

fn frames(dir: &Path, manifest: &Manifest) -> Vec<Sent> {
    let log = UncheckedLog::open(Arc::new(OsFs), dir, LogOptions::default().beside_writer());
    let start = manifest.segments()[0].start();
    let mut frames = Vec::new();
    let log = log.unwrap().unwrap();
    let scanned = log.scan(Some(start), Sequence::ZERO, |frame| {
        let id = frame.start().segment;
        let info = manifest.segments().iter().find(|info| info.id() == id);
        frames.push(Sent {
            header: *info.unwrap().header(),
            start: frame.start(),
            end: frame.end(),
            bytes: frame.bytes().to_vec(),
        });
        Ok::<_, Infallible>(())
    });
    scanned.unwrap();
    frames
}

/// Options of a store that syncs each append.
pub(crate) fn synced() -> StoreOptions {
    options().durability(Durability::Synced)
}
