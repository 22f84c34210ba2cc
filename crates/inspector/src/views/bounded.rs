//! Tests that a request reads no more of a store of ten times as many events: reads are counted, and the clock moves by a
//! millisecond whenever it is looked at, so that how busy the machine is changes nothing.

use super::*;
use crate::asked::{Asked, FILTER};
use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode};
use strandline::{Batch, Clock, Coordinate, Durability, Event, StoreOptions};

/// How long a segment is: what a request reads of its footer does not grow with how many there are.
const SEGMENT_BYTES: u64 = 1 << 20;
/// A request may read so much more than of a small store: what lies elsewhere in other files.
const MORE_READS: u64 = 64;
const MORE_BYTES: u64 = SEGMENT_BYTES;
/// An answer may be so much longer: a page that is not full of a small store is of a large one.
const MORE_TEXT: u64 = 64 << 10;

thread_local! {
    /// How often this thread has read of files, how many bytes, and how often it has looked at the clock.
    static DONE: Cell<(u64, u64, u64)> = const { Cell::new((0, 0, 0)) };
}

#[derive(Debug)]
struct Counting(MemFs);

#[derive(Debug)]
struct CountingFile(Arc<dyn FsFile>);

impl FsLayer for Counting {
    fn below(&self) -> &dyn Fs {
        &self.0
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        Ok(Arc::new(CountingFile(Fs::open(&self.0, path, mode)?)))
    }
}

impl FsFileLayer for CountingFile {
    fn below(&self) -> &dyn FsFile {
        &*self.0
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (reads, bytes, looks) = DONE.get();
        DONE.set((reads + 1, bytes + buffer.len() as u64, looks));
        self.0.read_at(buffer, offset)
    }
}

#[derive(Debug, Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now_ms(&self) -> u64 {
        1_800_000_000_000
    }

    fn elapsed(&self) -> Duration {
        let (reads, bytes, looks) = DONE.get();
        DONE.set((reads, bytes, looks + 1));
        // Relaxed: it orders nothing else.
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// A store of so many events, of half as many entities but one that has the other half; all belong to the first.
fn context(events: u64) -> Context {
    let fs: Arc<dyn Fs> = Arc::new(Counting(MemFs::default()));
    let dir = Path::new("/orders.strand");
    let options = StoreOptions::new().fs(fs.clone());
    let options = options.durability(Durability::Written);
    let store = options.segment_bytes_max(SEGMENT_BYTES).open(dir).unwrap();
    let kind = store.kind("order.placed").unwrap();
    let mut first = None;
    for batch in 0..events / 500 {
        let mut all = Batch::new();
        for number in batch * 500..batch * 500 + 500 {
            let entity = match number % 2 {
                0 => "busy".to_owned(),
                _ => format!("order:{number}"),
            };
            let at = Coordinate::new(entity, format!("scope:{}", number % 1_000)).unwrap();
            let event = Event::json(kind, &number).unwrap();
            let event = event.tagged(format!("tag:{}", number % 1_000));
            all.add(
                &at,
                match first {
                    Some(first) => event.correlated_with(first).caused_by(first),
                    None => event,
                },
            );
        }
        let receipts = store.append_batch(all).unwrap();
        first = first.or(receipts.first().map(|receipt| receipt.id));
    }
    store.close().unwrap();
    Context::new(dir, fs, Arc::new(Ticking::default()))
}

type Ask = fn(&Context, &Asked) -> Result<usize, Fault>;

/// Each view, asked for what there is most of.
const VIEWS: [(&str, &[&[&str]], Ask); 17] = [
    ("", &[FILTER, OVERVIEW], |at, asked| {
        json(overview(at, asked))
    }),
    ("", &[FILTER, EVENTS], |at, asked| json(events(at, asked))),
    ("kind=order.placed", &[FILTER, EVENTS], |at, asked| {
        json(events(at, asked))
    }),
    (
        "entity=busy&order=oldest",
        &[FILTER, EVENTS],
        |at, asked| json(events(at, asked)),
    ),
    ("tag=tag:7", &[FILTER, EVENTS], |at, asked| {
        json(events(at, asked))
    }),
    ("sequence=0", &[EVENT], |at, asked| json(event(at, asked))),
    ("name=busy", &[ENTITY], |at, asked| json(entity(at, asked))),
    ("name=busy&state=merged", &[ENTITY], |at, asked| {
        json(entity(at, asked))
    }),
    ("", &[NAMES], |at, asked| json(names(at, asked))),
    ("sort=name", &[NAMES], |at, asked| json(names(at, asked))),
    ("of=tags", &[NAMES], |at, asked| json(names(at, asked))),
    ("sequence=0", &[TREE], |at, asked| json(tree(at, asked))),
    ("", &[CONSUMERS], |at, asked| json(consumers(at, asked))),
    ("q=1", &[FILTER, SEARCH], |at, asked| {
        json(search(at, asked))
    }),
    ("q=none&in=payloads", &[FILTER, SEARCH], |at, asked| {
        json(search(at, asked))
    }),
    ("kind=order.placed", &[FILTER, EXPORT], |at, asked| {
        json(export(at, asked))
    }),
    ("sequence=700", &[BYTES], |at, asked| json(bytes(at, asked))),
];

/// How long a view is.
fn json<V: View>(view: Result<V, Fault>) -> Result<usize, Fault> {
    Ok(serde_json::to_string(&view?).unwrap().len())
}

/// What a view takes the second time: the first has pieces of the index checked.
fn taken(context: &Context, (query, known, ask): &(&str, &[&[&str]], Ask)) -> [u64; 4] {
    let asked = Asked::parse(query, known).unwrap();
    ask(context, &asked).unwrap();
    DONE.set((0, 0, 0));
    let bytes = ask(context, &asked).unwrap() as u64;
    let (reads, read, looks) = DONE.get();
    [reads, read, looks, bytes]
}

#[test]
fn ten_times_as_many_events_are_no_more_work_for_a_request() {
    let (small, large) = (context(4_000), context(40_000));
    for view in &VIEWS {
        let [reads, read, looks, bytes] = taken(&small, view);
        let of_large = taken(&large, view);
        let most = [
            reads + reads / 4 + MORE_READS,
            read + read / 4 + MORE_BYTES,
            // What is left of the time of a request, at a millisecond a look, and some waiting.
            looks + looks / 4 + 250,
            bytes + bytes / 4 + MORE_TEXT,
        ];
        let is_bounded = of_large.iter().zip(&most).all(|(own, most)| own <= most);
        assert!(is_bounded, "{}: {of_large:?} is more than {most:?}", view.0);
    }
}
