//! Descriptors: how many files a store has open, however fast it is written and whatever falls
//! behind; and how often an opening lists them all.

use crate::harness::{CREATED, at};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use strandline::fs::{DirName, Fs, FsFile, FsFileLayer, FsLayer, OpenMode, OsFs};
use strandline::maintenance::{Retention, compact};
use strandline::{Durability, Event, Region, Snapshot, Store, StoreOptions};

const OPEN_FILES_MAX: usize = 16;
/// Beside those of sealed segments: the active segment, the next one, the manifest and a checkpoint
/// while they are written, and for each thread at work the file that it has in hand.
const OTHERS_MAX: usize = 8;

/// The real file system, which counts the files that are open and whose syncs take long on the
/// background thread.
#[derive(Debug, Clone, Default)]
struct CountedFs(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    most: AtomicUsize,
    listings: AtomicUsize,
}

impl CountedFs {
    fn listings(&self) -> usize {
        self.0.listings.load(Ordering::Relaxed)
    }

    fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }
}

impl FsLayer for CountedFs {
    fn below(&self) -> &dyn Fs {
        &OsFs
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let inner = OsFs.open(path, mode)?;
        let open = self.0.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most.fetch_max(open, Ordering::Relaxed);
        Ok(Arc::new(CountedFile {
            inner,
            counts: self.0.clone(),
        }))
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        self.0.listings.fetch_add(1, Ordering::Relaxed);
        OsFs.list_names(path)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct CountedFile {
    inner: Arc<dyn FsFile>,
    counts: Arc<Counts>,
}

impl Drop for CountedFile {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl FsFileLayer for CountedFile {
    fn below(&self) -> &dyn FsFile {
        &*self.inner
    }

    fn sync(&self) -> io::Result<()> {
        // A disk that syncs at once, but for the background: so that it falls behind.
        if std::thread::current().name() == Some("strandline") {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn options(fs: &CountedFs) -> StoreOptions {
    StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .random_seed(7)
        .durability(Durability::Written)
        .no_background_sync()
        .segment_bytes_max(64 << 10)
        .open_files_max(OPEN_FILES_MAX)
}

/// Writes two events a segment, from as many threads as are asked for.
fn fill(store: &Store, threads: usize, segments: usize) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for _ in 0..2 * segments / threads {
                    let event = Event::bytes(CREATED, vec![0; 30 << 10]);
                    store
                        .append(&at(&format!("entity:{thread}"), "s"), event)
                        .unwrap();
                }
            });
        }
    });
}

/// Reads every event, and gives how many there are.
fn read(snapshot: &Snapshot) -> usize {
    snapshot.query(Region::all()).map(Result::unwrap).count()
}

/// Each sealed segment that waited for its footer kept its descriptor, and its rows in memory; as many
/// waited as were written faster than the background wrote footers.
#[test]
fn a_background_that_falls_behind_is_helped_and_few_files_are_open() {
    for (threads, segments) in [(1, 1_000), (3, 210)] {
        let dir = tempfile::tempdir().unwrap();
        let fs = CountedFs::default();
        let store = options(&fs).open(dir.path().join("store")).unwrap();
        fill(&store, threads, segments);
        assert!(store.stats().unwrap().segments >= segments);
        let limit = OPEN_FILES_MAX + OTHERS_MAX + threads;
        assert!(fs.most() <= limit, "{} open files", fs.most());
        assert_eq!(read(&store.snapshot()), 2 * segments);
        store.close().unwrap();
        assert_eq!(fs.0.open.load(Ordering::Relaxed), 0);
        let reopened = options(&fs).open(dir.path().join("store")).unwrap();
        assert_eq!(read(&reopened.snapshot()), 2 * segments);
        assert!(fs.most() <= limit, "{} open files", fs.most());
    }
}

#[test]
fn a_store_without_threads_has_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let fs = CountedFs::default();
    let inline = options(&fs).background_inline();
    let store = inline.open(dir.path().join("store")).unwrap();
    fill(&store, 1, 300);
    assert!(
        fs.most() <= OPEN_FILES_MAX + OTHERS_MAX,
        "{} open files",
        fs.most()
    );
}

/// A rewriting kept the files of all new segments open until it was done.
#[test]
fn a_compaction_of_many_segments_has_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let fs = CountedFs::default();
    let store = options(&fs)
        .background_inline()
        .open(dir.path().join("store"))
        .unwrap();
    fill(&store, 1, 200);
    let rules = Retention::new().drop_entity("entity:0");
    let before = store.snapshot();
    let done = compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(done.events, 400);
    assert_eq!(read(&before), 400);
    assert!(
        fs.most() <= OPEN_FILES_MAX + OTHERS_MAX,
        "{} open files",
        fs.most()
    );
}

/// Segments without footers, as a store that was killed leaves them, were all opened at once.
#[test]
fn an_opening_that_has_many_footers_to_write_has_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = options(&CountedFs::default()).open(&path).unwrap();
    fill(&store, 1, 100);
    store.close().unwrap();
    let entries = OsFs.list(&path).unwrap();
    let last = entries.iter().map(|entry| entry.name.clone());
    let last = last
        .filter(|name| name.starts_with("segment-"))
        .max()
        .unwrap();
    for entry in entries {
        if entry.name.starts_with("index-") {
            // It would stand for footers.
            OsFs.remove_file(&path.join(&entry.name)).unwrap();
        }
        let is_segment = entry.name.starts_with("segment-");
        if is_segment && entry.name != last {
            // The trailer goes, and with it the footer.
            let end = entry.bytes - 8;
            let mode = OpenMode::Append { end };
            let file = OsFs.open(&path.join(&entry.name), mode).unwrap();
            file.set_len(end).unwrap();
        }
    }
    let fs = CountedFs::default();
    let store = options(&fs).open(&path).unwrap();
    assert!(store.open_report().footers_missing > 90);
    drop(store);
    assert!(
        fs.most() <= OPEN_FILES_MAX + OTHERS_MAX,
        "{} open files",
        fs.most()
    );
}

/// Snapshots keep the segments that they were taken of; the one that was active then too.
#[test]
fn snapshots_of_many_segments_keep_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let fs = CountedFs::default();
    let inline = options(&fs).background_inline();
    let store = inline.open(dir.path().join("store")).unwrap();
    let mut kept = Vec::new();
    for _ in 0..100 {
        fill(&store, 1, 1);
        kept.push(store.snapshot());
    }
    assert!(
        fs.most() <= OPEN_FILES_MAX + OTHERS_MAX,
        "{} open files",
        fs.most()
    );
    for (snapshot, events) in kept.iter().zip((2..).step_by(2)) {
        assert_eq!(read(snapshot), events);
    }
    assert!(
        fs.most() <= OPEN_FILES_MAX + OTHERS_MAX,
        "{} open files",
        fs.most()
    );
}

/// Cause: each of four steps of an opening listed the directory, half of its time at 4,000 segments.
#[test]
fn an_opening_lists_the_directory_once_and_again_when_it_has_changed_it() {
    let dir = tempfile::tempdir().unwrap();
    let fs = CountedFs::default();
    let open = || options(&fs).background_inline().open(dir.path()).unwrap();
    let store = open();
    fill(&store, 1, 40);
    store.close().unwrap();
    let before = fs.listings();
    let store = open();
    assert_eq!(fs.listings() - before, 1);
    store.close().unwrap();
    // Left by a rewriting and a merge that were interrupted.
    let left = [
        "segment-0000000003-0000000007.log.tmp",
        "index-0000000001-0000000002-0000000009.idx.tmp",
    ];
    for name in left {
        let file = OsFs.open(&dir.path().join(name), OpenMode::Create).unwrap();
        file.write_all_at(b"begun", 0).unwrap();
    }
    let store = open();
    let names = OsFs.list_names(dir.path()).unwrap();
    assert!(names.iter().all(|entry| !left.contains(&&*entry.name)));
    store.close().unwrap();
}
