//! Which files there are, what becomes of them when they are written, locked, moved or removed, and what the cache
//! keeps.

use crate::bucket::TestBucket;
use crate::held::HeldWrites;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;
use strandline_core::fs::{Fault, FaultFs, Fs, MemFs, OpenMode, Operation, OsFs, read_file};
use strandline_replicate::{BucketFs, Catalog, NotFetched, RemoteFile, RemoteOptions, RemotePart};

const MIB: usize = 1 << 20;

struct Place {
    bucket: Arc<TestBucket>,
    below: Arc<dyn Fs>,
    catalog: Catalog,
    options: RemoteOptions,
}

impl Place {
    /// Files in the bucket, each filled with a byte.
    fn new(files: &[(&str, usize, u8)]) -> Self {
        Self::over(Arc::new(MemFs::new()), files)
    }

    fn over(below: Arc<dyn Fs>, files: &[(&str, usize, u8)]) -> Self {
        let bucket = TestBucket::new();
        let mut catalog = Catalog::default();
        for (name, bytes, with) in files {
            let file = bucket.put_file(&format!("data/{name}"), &vec![*with; *bytes]);
            catalog.insert(name, file).unwrap();
        }
        Self {
            bucket,
            below,
            catalog,
            options: RemoteOptions::default(),
        }
    }

    fn open(&self) -> BucketFs {
        let (below, bucket) = (self.below.clone(), self.bucket.clone());
        let catalog = self.catalog.clone();
        BucketFs::open(below, Path::new("/d"), bucket, catalog, &self.options).unwrap()
    }

    fn names_below(&self, dir: &str) -> Vec<String> {
        let listed = self.below.list(Path::new(dir)).unwrap();
        listed.into_iter().map(|entry| entry.name).collect()
    }
}

fn path(name: &str) -> PathBuf {
    Path::new("/d").join(name)
}

fn names(fs: &dyn Fs) -> Vec<(String, u64)> {
    let listed = fs.list(Path::new("/d")).unwrap();
    let only = fs.list_names(Path::new("/d")).unwrap();
    assert!(
        listed
            .iter()
            .map(|one| &one.name)
            .eq(only.iter().map(|one| &one.name))
    );
    let entries = listed.into_iter();
    entries.map(|entry| (entry.name, entry.bytes)).collect()
}

fn write(fs: &dyn Fs, name: &str, bytes: &[u8]) {
    let file = fs.open(&path(name), OpenMode::Create).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

fn read(fs: &dyn Fs, name: &str) -> io::Result<Vec<u8>> {
    read_file(fs, &path(name), u64::MAX)
}

#[test]
fn what_is_in_the_directory_counts() {
    let place = Place::new(&[("a", 10, 1), ("b", 20, 2)]);
    place.below.create_dir_all(Path::new("/d")).unwrap();
    write(&*place.below, "b", b"own");
    write(&*place.below, "0", b"");
    let fs = place.open();
    let listed = [("0".into(), 0), ("a".into(), 10), ("b".into(), 3)];
    assert_eq!(names(&fs), listed);
    assert_eq!(read(&fs, "a").unwrap(), [1; 10]);
    assert_eq!(read(&fs, "b").unwrap(), b"own");
    assert_eq!(place.bucket.asked().len(), 1, "one request for the one");
    let missing = read(&fs, "c").unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let taken = fs.open(&path("a"), OpenMode::Create).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    let (a, b) = (
        fs.identity(&path("a")).unwrap(),
        fs.identity(&path("b")).unwrap(),
    );
    assert_ne!(a, b);
    let opened = fs.open(&path("a"), OpenMode::Read).unwrap();
    assert_eq!(opened.identity().unwrap(), a);
    assert!(opened.write_at(b"x", 0).is_err() && opened.set_len(0).is_err());
    fs.remove_file(&path("b")).unwrap();
    assert!(
        read(&fs, "b").is_err(),
        "that of the bucket does not come in its place"
    );
    // Another directory has nothing of it.
    place.below.create_dir_all(Path::new("/e")).unwrap();
    assert!(fs.list(Path::new("/e")).unwrap().is_empty());
    assert!(fs.open(Path::new("/e/a"), OpenMode::Read).is_err());
}

#[test]
fn a_file_that_is_removed_stays_away_until_another_is_listed() {
    let mut place = Place::new(&[("a", 10, 1)]);
    let fs = place.open();
    fs.remove_file(&path("a")).unwrap();
    assert!(names(&fs).is_empty());
    assert_eq!(
        fs.remove_file(&path("a")).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    // A newer state that was made before the file was removed.
    fs.replace_catalog(place.catalog.clone());
    assert!(read(&fs, "a").is_err());
    write(&fs, "a", b"own");
    fs.remove_file(&path("a")).unwrap();
    assert!(
        read(&fs, "a").is_err(),
        "that of the bucket is gone for good"
    );
    let other = place.bucket.put_file("data/other", &[7; 5]);
    place.catalog.insert("a", other).unwrap();
    fs.replace_catalog(place.catalog.clone());
    assert_eq!(read(&fs, "a").unwrap(), [7; 5]);
}

#[test]
fn what_is_changed_is_brought_here_first() {
    let names = [("a", 3 * MIB, 1), ("l", 10, 2), ("r", 10, 3), ("x", 10, 4)];
    let place = Place::new(&names);
    let fs = place.open();
    let end = 3 * MIB as u64;
    let file = fs.open(&path("a"), OpenMode::Append { end }).unwrap();
    file.write_all_at(b"footer", end).unwrap();
    let bytes = read(&fs, "a").unwrap();
    assert!(bytes.starts_with(&vec![1; 3 * MIB]) && bytes.ends_with(b"footer"));
    assert!(fs.try_lock(&path("l")).unwrap().is_some());
    assert_eq!(
        read(&*place.below, "l").unwrap(),
        [2; 10],
        "no empty file in its place"
    );
    fs.rename(&path("r"), &path("s")).unwrap();
    assert_eq!(read(&*place.below, "s").unwrap(), [3; 10]);
    assert!(read(&fs, "r").is_err());
    let link = fs.link(&path("x"), &path("y")).unwrap_err();
    assert_eq!(link.kind(), io::ErrorKind::Unsupported);
    let new = fs.rename_new(&path("s"), &path("x")).unwrap_err();
    assert_eq!(new.kind(), io::ErrorKind::AlreadyExists);
    for moved in [
        fs.rename(Path::new("/d"), Path::new("/e")),
        fs.rename_new(Path::new("/d"), Path::new("/e")),
        fs.exchange(Path::new("/e"), Path::new("/d")),
    ] {
        let refused = moved.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
        assert!(refused.to_string().contains("restore the bucket"));
    }
}

/// What stands in the directory of a file that could not be brought is nothing.
#[test]
fn a_file_that_cannot_be_brought_is_not_there_in_part() {
    let place = Place::new(&[("a", 40 * MIB, 1)]);
    let fs = place.open();
    place.bucket.delete("data/a");
    let failed = fs.bring("a").unwrap_err();
    assert!(NotFetched::in_error(&failed).is_some_and(NotFetched::is_gone));
    assert!(place.names_below("/d").is_empty());
    assert_eq!(names(&fs), [("a".into(), 40 * MIB as u64)]);
}

#[test]
fn readers_that_want_the_same_block_ask_once() {
    let place = Place::new(&[("a", 100_000, 1)]);
    let fs = place.open();
    place.bucket.hold();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| read(&fs, "a").unwrap()))
            .collect();
        place.bucket.wait_for_held(1);
        place.bucket.let_go();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), vec![1; 100_000]);
        }
    });
    assert_eq!(place.bucket.asked(), [("data/a".to_owned(), 0..100_000)]);
}

#[test]
fn a_long_read_is_several_requests_at_once() {
    let place = Place::new(&[("a", 16 * MIB, 1)]);
    let fs = place.open();
    place.bucket.hold();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&fs, "a").unwrap());
        place.bucket.wait_for_held(16);
        place.bucket.let_go();
        assert_eq!(reader.join().unwrap(), vec![1; 16 * MIB]);
    });
    assert_eq!(place.bucket.asked().len(), 16, "of 1 MiB each");
}

#[test]
fn what_was_fetched_is_there_after_the_next_opening() {
    let place = Place::new(&[("a", 3 * MIB, 1), ("index-0-1-0.idx", 500, 2)]);
    let fs = place.open();
    // A reader waits for no disk, who fetches does.
    fs.fetch(&[("a", 0..u64::MAX)]).unwrap();
    read(&fs, "index-0-1-0.idx").unwrap();
    assert_eq!(place.bucket.asked().len(), 4);
    // While another has the directory, nothing of it is used.
    let other = place.open();
    assert!(fs.stats().is_on_disk && !other.stats().is_on_disk);
    drop((fs, other));
    let fs = place.open();
    assert_eq!(read(&fs, "a").unwrap(), vec![1; 3 * MIB]);
    assert!(place.bucket.asked().is_empty());
    assert_eq!(fs.stats().disk_hits, 12);
}

#[test]
fn nothing_is_kept_of_objects_that_are_gone() {
    let mut place = Place::new(&[("a", MIB, 1), ("b", MIB, 2)]);
    let fs = place.open();
    let open = fs.open(&path("a"), OpenMode::Read).unwrap();
    fs.fetch(&[("a", 0..u64::MAX), ("b", 0..u64::MAX)]).unwrap();
    let redacted = place.bucket.put_file("data/a-2", &vec![3; MIB]);
    place.catalog.insert("a", redacted).unwrap();
    fs.replace_catalog(place.catalog.clone());
    assert_eq!(fs.stats().disk_bytes, fs.stats().memory_bytes + 4 * 14);
    assert_eq!(
        place.names_below("/d.cache").len(),
        4 + 1,
        "those of b, and the lock"
    );
    // Who has it open reads on, as long as there is something, and that is not kept.
    place.bucket.asked();
    let mut bytes = [0; 10];
    open.read_up_to(&mut bytes, 0).unwrap();
    assert_eq!(bytes, [1; 10]);
    assert_eq!(place.names_below("/d.cache").len(), 4 + 1);
    assert_eq!(place.bucket.asked().len(), 1);
    assert_eq!(read(&fs, "a").unwrap(), vec![3; MIB]);
    // Also where it went while nobody was here.
    drop((fs, open));
    place.catalog = Catalog::default();
    let _fs = place.open();
    assert_eq!(place.names_below("/d.cache"), ["LOCK"]);
}

/// Of an object that goes while it is fetched, nothing is kept.
#[test]
fn a_fetch_that_ends_after_its_object_went_is_not_kept() {
    let place = Place::new(&[("a", 1000, 1)]);
    let fs = place.open();
    place.bucket.hold();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&fs, "a"));
        place.bucket.wait_for_held(1);
        fs.replace_catalog(Catalog::default());
        place.bucket.let_go();
        assert_eq!(reader.join().unwrap().unwrap(), [1; 1000]);
    });
    assert_eq!(fs.stats().memory_bytes, 0);
    assert_eq!(place.names_below("/d.cache"), ["LOCK"]);
}

#[test]
fn an_error_says_which_bucket_and_object_and_what_to_do() {
    let place = Place::new(&[("a", 1000, 1)]);
    let fs = place.open();
    let cases = [
        (
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::PermissionDenied,
            "credentials",
        ),
        (
            io::ErrorKind::TimedOut,
            io::ErrorKind::TimedOut,
            "read again",
        ),
        (
            io::ErrorKind::NotFound,
            io::ErrorKind::StaleNetworkFileHandle,
            "open the store again",
        ),
        (
            io::ErrorKind::Interrupted,
            io::ErrorKind::Other,
            "read again",
        ),
    ];
    for (fails, kind, advice) in cases {
        place.bucket.fail_next(vec![Some(fails)]);
        let error = read(&fs, "a").unwrap_err();
        assert_eq!(error.kind(), kind);
        let message = error.to_string();
        for said in ["memory:test", "data/a", advice] {
            assert!(message.contains(said), "{message}");
        }
    }
    // An object that is shorter than the catalog says.
    place.bucket.put("data/a", vec![1; 999]);
    assert_eq!(
        read(&fs, "a").unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    place.bucket.put("data/a", vec![1; 1000]);
    assert_eq!(read(&fs, "a").unwrap(), [1; 1000]);
}

#[test]
fn a_disk_that_takes_no_block_stops_nobody() {
    let faults = Arc::new(FaultFs::new(Arc::new(MemFs::new())));
    let place = Place::over(faults.clone(), &[("a", MIB, 1)]);
    let fs = place.open();
    let full = Fault {
        after: 0,
        times: u64::MAX,
        error: io::ErrorKind::StorageFull,
        partial_bytes: 10,
    };
    faults.fail(Operation::Write, full);
    assert_eq!(read(&fs, "a").unwrap(), vec![1; MIB]);
    assert!(fs.stats().disk_failures > 0);
    assert_eq!(
        place.names_below("/d.cache"),
        ["LOCK"],
        "nothing of it is left"
    );
}

/// Of a merged file that is read by who opened it before it went, no copy is made.
#[test]
fn a_merged_file_that_is_gone_is_read_and_not_kept() {
    let place = Place::new(&[("index-0-1-0.idx", 500, 2)]);
    let fs = place.open();
    let open = fs.open(&path("index-0-1-0.idx"), OpenMode::Read).unwrap();
    fs.replace_catalog(Catalog::default());
    let mut bytes = [0; 500];
    assert_eq!(open.read_up_to(&mut bytes, 0).unwrap(), 500);
    assert_eq!(bytes, [2; 500]);
    assert_eq!(place.names_below("/d.cache"), ["LOCK"]);
}

#[test]
fn what_was_fetched_is_on_the_disk_when_that_returns() {
    let let_go = Arc::new(Barrier::new(2));
    let below = HeldWrites {
        below: MemFs::new(),
        let_go: let_go.clone(),
    };
    let place = Place::over(Arc::new(below), &[("a", 10, 1), ("b", 10, 2)]);
    let fs = place.open();
    std::thread::scope(|scope| {
        let (done, is_done) = mpsc::channel();
        let fs = &fs;
        scope.spawn(move || {
            fs.fetch(&[("a", 0..10), ("b", 0..10)]).unwrap();
            done.send(fs.stats().disk_bytes).unwrap();
        });
        // However long it is waited for: one of the two is not written.
        let early = is_done.recv_timeout(Duration::from_millis(100));
        let_go.wait();
        assert!(early.is_err());
        assert_eq!(is_done.recv().unwrap(), 2 * (10 + 6 + 8));
    });
}

#[test]
fn a_merged_file_is_mapped_from_the_disk_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let bucket = TestBucket::new();
    let mut catalog = Catalog::default();
    let name = "index-0000000001-0000000008-0000000001.idx";
    for (name, with) in [(name, 5_u8), ("0000000001.seg", 6)] {
        let file = bucket.put_file(&format!("data/{name}"), &vec![with; 5 * MIB]);
        catalog.insert(name, file).unwrap();
    }
    let below: Arc<dyn Fs> = Arc::new(OsFs);
    let options = RemoteOptions::default();
    let open = |catalog: &Catalog| {
        let (below, bucket) = (below.clone(), bucket.clone());
        BucketFs::open(below, &store, bucket, catalog.clone(), &options).unwrap()
    };
    let kept = || {
        let names = OsFs.list_names(&dir.path().join("store.cache")).unwrap();
        names
            .iter()
            .filter(|one| one.name.starts_with("whole-"))
            .count()
    };
    for turn in 0..2 {
        let fs = open(&catalog);
        let file = fs.open(&store.join(name), OpenMode::Read).unwrap();
        let Some(mapping) = file.map(5 * MIB as u64) else {
            return;
        };
        assert_eq!(mapping.get(0..5 * MIB).unwrap(), vec![5; 5 * MIB]);
        assert!(file.map(5 * MIB as u64 + 1).is_none());
        let segment = fs
            .open(&store.join("0000000001.seg"), OpenMode::Read)
            .unwrap();
        assert!(segment.map(10).is_none(), "a segment is read by blocks");
        assert_eq!(bucket.asked().is_empty(), turn == 1);
        assert_eq!(kept(), 1);
        if turn == 1 {
            fs.replace_catalog(Catalog::default());
            assert_eq!(kept(), 0);
            assert_eq!(mapping.get(0..3).unwrap(), [5; 3], "who has it, has it");
        }
    }
}

/// Chunks are numbered, not named by what is in them.
#[test]
fn what_is_kept_of_one_bucket_is_not_taken_for_that_of_another() {
    let below: Arc<dyn Fs> = Arc::new(MemFs::new());
    let merged = "index-0000000001-0000000008-0000000001.idx";
    let names = ["0000000001.seg", merged];
    for (with, bucket_name) in [(1, "memory:one"), (2, "memory:two")] {
        let bucket = TestBucket::new();
        bucket.set_name(bucket_name);
        let mut catalog = Catalog::default();
        for (number, name) in names.iter().enumerate() {
            let file = bucket.put_file(&format!("log/{number}"), &[with; 1000]);
            catalog.insert(name, file).unwrap();
        }
        let options = RemoteOptions::default();
        let fs = BucketFs::open(below.clone(), Path::new("/d"), bucket, catalog, &options);
        let fs = fs.unwrap();
        assert!(fs.stats().is_on_disk);
        for name in names {
            let bytes = read_file(&fs, &path(name), 1 << 20).unwrap();
            assert!(bytes == [with; 1000], "{name}");
        }
    }
}

/// A slash behind it comes from who completes its name, and a link leads to it.
#[test]
#[cfg(unix)]
fn a_directory_has_one_cache_however_it_is_called() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let dir = root.join("d");
    std::fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink(&dir, root.join("link")).unwrap();
    let place = Place::over(Arc::new(OsFs), &[("a", 10, 1)]);
    for called in ["d", "d/", "./d//", "link", "link/"] {
        let called = root.join(called);
        let (below, bucket) = (place.below.clone(), place.bucket.clone());
        let catalog = place.catalog.clone();
        let fs = BucketFs::open(below, &called, bucket, catalog, &place.options).unwrap();
        assert_eq!(read_file(&fs, &called.join("a"), 10).unwrap(), [1; 10]);
        let inside = OsFs.list_names(&dir).unwrap().len();
        assert_eq!(inside, 0, "{called:?}");
    }
    assert_eq!(place.bucket.asked().len(), 1, "the others found it there");
    let mut names = place.names_below(root.to_str().unwrap());
    names.sort();
    assert_eq!(names, ["d", "d.cache", "link"]);
}

/// A state is believed in what a file's length is.
#[test]
fn a_file_that_is_said_to_be_endless_takes_no_memory() {
    let mut place = Place::new(&[("a", 10, 1)]);
    let bytes = 1 << 60;
    let part = RemotePart {
        from: 0,
        bytes,
        key: "data/a".into(),
        offset: 0,
    };
    let file = RemoteFile::new(bytes, vec![part]).unwrap();
    place.catalog.insert("endless", file).unwrap();
    let failed = place.open().fetch(&[("endless", 5..u64::MAX)]).unwrap_err();
    assert!(NotFetched::in_error(&failed).is_some(), "{failed:?}");
}
