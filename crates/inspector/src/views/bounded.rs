//! Tests that a request reads no more of a store of ten times as many events: reads are counted, and the clock moves by a
//! millisecond whenever it is looked at, and by more for what was read and for the sequences that were looked at in the
//! index, as on a machine that is slow at both. So how busy the machine is changes nothing.

use super::pace::LOOKED_AT;
use super::*;
use crate::asked::{Asked, FILTER};
use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode, read_file, replace_file};
use strandline::{Batch, Clock, Coordinate, Durability, Event, StoreOptions};

/// How long a segment is: what a request reads of its footer does not grow with how many there are.
const SEGMENT_BYTES: u64 = 1 << 20;
/// A request may read so much more than of a small store: what lies elsewhere in other files.
const MORE_READS: u64 = 64;
const MORE_BYTES: u64 = SEGMENT_BYTES;
/// How many sequences are looked at in the index in a millisecond.
const SEQUENCES_A_MS: u64 = 256;
/// How much is read in a millisecond.
const BYTES_A_MS: u64 = 256 << 10;
/// How long a request may take by that clock.
const MS_MAX: u64 = 100;
/// An answer may be so much longer: a page that is not full of a small store is of a large one.
const MORE_TEXT: u64 = 64 << 10;

thread_local! {
    /// How often this thread has read of files, how many bytes, and how many milliseconds it has moved the clock by.
    static DONE: Cell<(u64, u64, u64)> = const { Cell::new((0, 0, 0)) };
    /// How many bytes it has read since it looked at the clock.
    static READ: Cell<u64> = const { Cell::new(0) };
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
        let (reads, bytes, took_ms) = DONE.get();
        DONE.set((reads + 1, bytes + buffer.len() as u64, took_ms));
        READ.set(READ.get() + buffer.len() as u64);
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
        let (reads, bytes, took_ms) = DONE.get();
        let ms = 1 + LOOKED_AT.take() / SEQUENCES_A_MS + READ.take() / BYTES_A_MS;
        DONE.set((reads, bytes, took_ms + ms));
        // Relaxed: it orders nothing else.
        Duration::from_millis(self.0.fetch_add(ms, Ordering::Relaxed))
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
const VIEWS: [(&str, &[&[&str]], Ask); 22] = [
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
    ("prefix=order:", &[FILTER, EVENTS], |at, asked| {
        json(events(at, asked))
    }),
    // None has it, and each name is looked at to know.
    (
        "prefix=order:&scope=none",
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
    ("", &[FILES], |at, asked| json(files(at, asked))),
    ("keep_newest=1", &[FILES], |at, asked| {
        json(files(at, asked))
    }),
    ("verify=1", &[INTEGRITY], |at, asked| {
        json(integrity(at, asked))
    }),
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
    let (reads, read, took_ms) = DONE.get();
    [reads, read, took_ms, bytes]
}

#[test]
fn ten_times_as_many_events_are_no_more_work_for_a_request() {
    let (small, large) = (context(4_000), context(40_000));
    for view in &VIEWS {
        let [reads, read, took_ms, bytes] = taken(&small, view);
        let of_large = taken(&large, view);
        let most = [
            reads + reads / 4 + MORE_READS,
            read + read / 4 + MORE_BYTES,
            // What is left of the time of a request, at a millisecond a look, and some waiting.
            took_ms + took_ms / 4 + 250,
            bytes + bytes / 4 + MORE_TEXT,
        ];
        let is_bounded = of_large.iter().zip(&most).all(|(own, most)| own <= most);
        assert!(is_bounded, "{}: {of_large:?} is more than {most:?}", view.0);
    }
}

/// An active segment has an end of 32 MiB that nothing is known of: more than there is time for.
#[test]
fn damage_as_long_as_a_segment_is_shown_a_piece_at_a_time() {
    const LONG: usize = 32 << 20;
    let context = context(1_000);
    let names = context.fs.list_names(&context.dir).unwrap().into_iter();
    let names = names.map(|entry| entry.name);
    let name = names.filter(|name| name.ends_with(".log")).max().unwrap();
    let path = context.dir.join(&name);
    let mut file = read_file(&*context.fs, &path, 1 << 30).unwrap();
    let begin = file.len().next_multiple_of(8);
    file.resize(begin, 0);
    file.resize(begin + LONG, 0x5a);
    replace_file(&*context.fs, &path, &file).unwrap();
    let number: String = name.chars().filter(char::is_ascii_digit).collect();
    let number: u32 = number.parse().unwrap();
    let (mut next, mut at, mut requests) = (Some((begin as u64, begin as u64)), begin as u64, 0);
    while let Some((offset, from)) = next {
        let query = format!("segment={number}&offset={offset}&from={from}");
        let asked = Asked::parse(&query, &[BYTES]).unwrap();
        DONE.set((0, 0, 0));
        let seen = bytes(&context, &asked).unwrap();
        let took_ms = DONE.get().2;
        assert!(took_ms <= MS_MAX, "{took_ms} ms from {from}");
        for one in seen.stretches.iter().filter(|one| one.depth == 0) {
            assert_eq!(one.name, "damaged");
            // What goes on within one begins with its heading again.
            if one.offset < at {
                assert_eq!((one.offset, one.offset + one.length), (offset, at));
                continue;
            }
            assert_eq!(one.offset, at);
            at += one.length;
        }
        next = seen.next.map(|(offset, from)| (u64::from(offset), from));
        assert_eq!(seen.is_partial, next.is_some());
        requests += 1;
    }
    assert_eq!(at, file.len() as u64);
    assert!(requests > 1);
}
