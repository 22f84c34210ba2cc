//! Merges of the index that fail, come too late, or are of rows that are to be gone.

use crate::answers::Answers;
use crate::compact::{assert_intact, run, small};
use crate::harness::{CREATED, LIMIT, at, dir, event, read, until, write};
use crate::merged_index::{append_segments, inline, merged, of_segments};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode};
use strandline::maintenance::Retention;
use strandline::{Clock, Event, SystemClock};

/// A file was made anew in memory by each process that met its damage, and stayed as it was.
#[test]
fn a_merged_file_that_is_damaged_is_made_anew() {
    let fs = MemFs::new();
    drop(of_segments(&fs, 9));
    let path = merged(&fs).pop().unwrap();
    let whole = read(&fs, &path);
    let answers = Answers::of(&small(&fs).read_only().open(dir()).unwrap());
    for place in [whole.len() / 2, whole.len() * 3 / 4] {
        let path = merged(&fs).pop().unwrap();
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        write(&fs, &path, &damaged);
        let store = inline(&fs).open(dir()).unwrap();
        assert_eq!(store.open_report().merged_used, 1);
        assert_eq!(
            Answers::of(&store).events[..answers.events.len()],
            answers.events
        );
        append_segments(&store, 1);
        let now = merged(&fs);
        assert!(now.len() == 1 && now[0] != path, "{now:?}");
        assert!(
            read(&fs, &now[0]) == whole,
            "the bytes are a function of the segments"
        );
        assert_intact(&store);
    }
}

/// A file system on which some files cannot be made.
#[derive(Debug, Clone)]
struct Refusing {
    below: MemFs,
    prefix: &'static str,
    refused: Arc<AtomicUsize>,
}

impl FsLayer for Refusing {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let name = path.file_name().unwrap().to_string_lossy();
        if matches!(mode, OpenMode::Create) && name.starts_with(self.prefix) {
            self.refused.fetch_add(1, SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.below.open(path, mode)
    }
}

/// The oldest segments were tried again each time, and no others.
#[test]
fn a_merge_that_fails_holds_up_no_others_and_is_seldom_tried_again() {
    let fs = MemFs::new();
    let refusing = Refusing {
        below: fs.clone(),
        prefix: "index-0000000001-",
        refused: Arc::default(),
    };
    let options = inline(&fs).fs(Arc::new(refusing.clone()));
    let store = options.open(dir()).unwrap();
    append_segments(&store, 40);
    let stats = store.stats().unwrap();
    let failed = stats.merge_failed.clone().unwrap();
    assert!(failed.contains("segments 1 to 8"), "{failed}");
    assert_eq!(merged(&fs).len(), 4, "{stats:?}");
    assert!(stats.index_parts <= 8 + 4 + 8, "{stats:?}");
    let refused = refusing.refused.load(SeqCst);
    assert!((4..=6).contains(&refused), "{refused}");
    let answers = Answers::of(&store);
    drop(store);
    // The next opening begins anew, and once there is room nothing is wrong any more.
    let store = inline(&fs).open(dir()).unwrap();
    let stats = store.stats().unwrap();
    assert_eq!((merged(&fs).len(), stats.merge_failed), (5, None));
    assert_eq!(Answers::of(&store), answers);
    assert_intact(&store);
}

/// A file system with little room left, for files that set aside what they will take.
#[derive(Debug, Clone)]
struct Short {
    below: MemFs,
    is_short: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

impl FsLayer for Short {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let below = self.below.open(path, mode)?;
        let name = path.file_name().unwrap().to_string_lossy();
        match matches!(mode, OpenMode::Create) && name.starts_with("index-") {
            true => Ok(Arc::new(ShortFile {
                below,
                fs: self.clone(),
            })),
            false => Ok(below),
        }
    }
}

#[derive(Debug)]
struct ShortFile {
    below: Arc<dyn FsFile>,
    fs: Short,
}

impl FsFileLayer for ShortFile {
    fn below(&self) -> &dyn FsFile {
        &*self.below
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        // A block of eight segments, and one more segment.
        assert!(bytes > 64 << 10, "{bytes}");
        if self.fs.is_short.load(SeqCst) {
            self.fs.refused.fetch_add(1, SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.below.set_len(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        assert!(!self.fs.is_short.load(SeqCst), "it takes the last room");
        self.below.write_at(bytes, offset)
    }
}

/// A merge filled the disk, and began again when the next segment was sealed.
#[test]
fn a_merge_for_which_there_is_no_room_takes_none() {
    let fs = MemFs::new();
    let short = Short {
        below: fs.clone(),
        is_short: Arc::new(AtomicBool::new(true)),
        refused: Arc::default(),
    };
    let options = inline(&fs).fs(Arc::new(short.clone()));
    let store = options.open(dir()).unwrap();
    append_segments(&store, 30);
    let stats = store.stats().unwrap();
    assert!(stats.merge_failed.is_some() && stats.poisoned.is_none());
    assert!(merged(&fs).is_empty());
    let refused = short.refused.load(SeqCst);
    assert!((4..=16).contains(&refused), "{refused}");
    short.is_short.store(false, SeqCst);
    append_segments(&store, 20);
    let stats = store.stats().unwrap();
    assert_eq!(stats.merge_failed, None);
    assert!(stats.index_parts < 16, "{stats:?}");
    assert_intact(&store);
}

const SECRET: &str = "secret:tag";

fn has_secret(bytes: &[u8]) -> bool {
    let mut parts = bytes.windows(SECRET.len());
    parts.any(|part| part == SECRET.as_bytes())
}

/// A file system on which a merged file stops once the secret is in it, until the manifest was replaced and
/// a while after it.
#[derive(Debug, Clone)]
struct Stopping {
    below: MemFs,
    state: Arc<Stop>,
}

#[derive(Debug, Default)]
struct Stop {
    is_armed: AtomicBool,
    is_stopped: Mutex<bool>,
    is_replaced: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self, flag: &Mutex<bool>) {
        *flag.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn wait(&self, flag: &Mutex<bool>) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(flag.lock().unwrap(), LIMIT, |is| !*is);
        *waited.unwrap().0
    }
}

impl FsLayer for Stopping {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let below = self.below.open(path, mode)?;
        let name = path.file_name().unwrap().to_string_lossy();
        match matches!(mode, OpenMode::Create) && name.starts_with("index-") {
            true => Ok(Arc::new(StoppingFile {
                below,
                state: self.state.clone(),
            })),
            false => Ok(below),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.below.rename(from, to)?;
        if to
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("MANIFEST")
            && *self.state.is_stopped.lock().unwrap()
        {
            self.state.set(&self.state.is_replaced);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct StoppingFile {
    below: Arc<dyn FsFile>,
    state: Arc<Stop>,
}

impl FsFileLayer for StoppingFile {
    fn below(&self) -> &dyn FsFile {
        &*self.below
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let done = self.below.write_at(bytes, offset)?;
        if has_secret(bytes) && self.state.is_armed.swap(false, SeqCst) {
            self.state.set(&self.state.is_stopped);
            self.state.wait(&self.state.is_replaced);
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(done)
    }
}

/// A merge that was at work wrote on in its temporary file what was being removed, after the compaction
/// had returned.
#[test]
fn a_merge_at_work_ends_before_a_compaction_returns() {
    let fs = MemFs::new();
    let stopping = Stopping {
        below: fs.clone(),
        state: Arc::default(),
    };
    let options = small(&fs).fs(Arc::new(stopping.clone()));
    let store = options.open(dir()).unwrap();
    let tagged = Event::bytes(CREATED, "payload").tagged(SECRET);
    store.append(&at("entity:gone", "scope/0"), tagged).unwrap();
    append_segments(&store, 7);
    stopping.state.is_armed.store(true, SeqCst);
    append_segments(&store, 2);
    assert!(stopping.state.wait(&stopping.state.is_stopped));

    run(&store, &Retention::new().drop_entity("entity:gone"));
    assert!(*stopping.state.is_replaced.lock().unwrap());
    for path in merged(&fs) {
        assert!(!has_secret(&read(&fs, &path)), "{path:?}");
    }
    // What is left is merged after that.
    until("they are merged", || store.stats().unwrap().merges > 0);
    assert_intact(&store);
}

/// What could not be removed when another file took its place stayed there, with what a compaction removes.
#[test]
fn a_compaction_removes_what_merges_left_behind() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 9);
    let bytes = read(&fs, &merged(&fs)[0]);
    let left = [
        "index-0000000001-0000000008-0000000900.idx",
        "index-0000000002-0000000004-0000000007.idx.tmp",
    ];
    let left = left.map(|name| dir().join(name));
    left.iter().for_each(|path| write(&fs, path, &bytes));
    let other = dir().join("index-0000000070-0000000078-0000000001.idx.tmp");
    write(&fs, &other, b"of segments that nothing was removed from");
    run(&store, &Retention::new().drop_entity("entity:4"));
    let now = merged(&fs);
    assert!(left.iter().all(|path| !now.contains(path)), "{now:?}");
    assert!(now.contains(&other));
    store
        .append(&at("entity:4", "scope/0"), event("next"))
        .unwrap();
    assert_intact(&store);
}

/// Segments are sealed as fast as they can be, and merges keep up with that, once they have a processor.
#[test]
fn merges_keep_up_with_whoever_appends_all_the_time() {
    let fs = MemFs::new();
    let store = small(&fs).segment_events_max(20).open(dir()).unwrap();
    let clock = SystemClock::default();
    let mut number = 0;
    let mut parts = 0;
    while number < 20_000 || parts >= 100 {
        let coordinate = at(&format!("entity:{}", number % 50), "scope/0");
        store.append(&coordinate, event("payload")).unwrap();
        number += 1;
        if number % 500 == 0 {
            parts = store.stats().unwrap().index_parts;
            assert!(clock.elapsed() < LIMIT, "{parts} parts of {number} events");
        }
    }
}
