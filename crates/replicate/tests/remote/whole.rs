//! Files that are kept whole, what they leave of the budget, and short ranges that are looked at.

use crate::bucket::TestBucket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::StoreOptions;
use strandline_core::fs::{Fs, MemFs, OpenMode, read_file, replace_file};
use strandline_replicate::{BucketFs, Catalog, NotFetched, RemoteOptions};
use strandline_segment::Manifest;

const MIB: usize = 1 << 20;
const SEGMENT: &str = "segment-0000000001.log";
const MERGED: [&str; 2] = [
    "index-0000000001-0000000008-0000000001.idx",
    "index-0000000009-0000000016-0000000001.idx",
];

struct Place {
    bucket: Arc<TestBucket>,
    below: Arc<MemFs>,
    catalog: Catalog,
    options: RemoteOptions,
}

impl Place {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let bucket = TestBucket::new();
        let mut catalog = Catalog::default();
        for (name, bytes) in files {
            let file = bucket.put_file(&format!("data/{name}"), bytes);
            catalog.insert(name, file).unwrap();
        }
        Self {
            bucket,
            below: Arc::new(MemFs::new()),
            catalog,
            options: RemoteOptions::default().memory_bytes_max(0),
        }
    }

    fn open(&self) -> BucketFs {
        let (below, bucket) = (self.below.clone(), self.bucket.clone());
        let (dir, catalog) = (Path::new("/d"), self.catalog.clone());
        BucketFs::open(below, dir, bucket, catalog, &self.options).unwrap()
    }

    /// The copies in the directory of the cache.
    fn copies(&self) -> Vec<PathBuf> {
        let dir = Path::new("/d.cache");
        let listed = self.below.list_names(dir).unwrap().into_iter();
        let whole = listed.filter(|entry| entry.name.starts_with("whole-"));
        whole.map(|entry| dir.join(entry.name)).collect()
    }
}

fn path(name: &str) -> PathBuf {
    Path::new("/d").join(name)
}

fn read(fs: &dyn Fs, name: &str) -> std::io::Result<Vec<u8>> {
    read_file(fs, &path(name), u64::MAX)
}

fn bytes(count: usize, seed: usize) -> Vec<u8> {
    let byte = |at: usize| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 9) as u8;
    (0..count).map(byte).collect()
}

/// Has the files fetched that are kept whole, and no more.
fn prepare(fs: &BucketFs) -> std::io::Result<()> {
    let other: Arc<dyn Fs> = Arc::new(MemFs::new());
    let store = StoreOptions::new().fs(other.clone()).open("/other");
    store.unwrap().close().unwrap();
    let manifest = Manifest::read(&*other, Path::new("/other"));
    fs.prepare(&manifest.unwrap().unwrap())
}

#[test]
fn all_of_several_files_is_asked_for_before_the_first_of_it_comes() {
    let contents = [bytes(3 * MIB + 5, 1), bytes(2 * MIB, 2)];
    let place = Place::new(&[
        (MERGED[0], contents[0].clone()),
        (MERGED[1], contents[1].clone()),
    ]);
    let fs = place.open();
    place.bucket.hold();
    std::thread::scope(|scope| {
        let prepared = scope.spawn(|| prepare(&fs).unwrap());
        place.bucket.wait_for_held(4 + 2);
        place.bucket.let_go();
        prepared.join().unwrap();
    });
    assert_eq!(place.bucket.asked().len(), 6);
    for (name, content) in MERGED.iter().zip(&contents) {
        assert!(read(&fs, name).unwrap() == *content);
    }
    drop(fs);
    // They are there for the next opening too, and as long as they are listed.
    let fs = place.open();
    prepare(&fs).unwrap();
    assert!(read(&fs, MERGED[0]).unwrap() == contents[0]);
    assert!(place.bucket.asked().is_empty());
    assert_eq!(place.copies().len(), 2);
    fs.replace_catalog(Catalog::default());
    assert!(place.copies().is_empty());
}

#[test]
fn what_cannot_be_fetched_is_said_and_leaves_nothing_that_counts_as_whole() {
    let content = bytes(5 * MIB, 1);
    let place = Place::new(&[(MERGED[0], content.clone())]);
    let fs = place.open();
    let fails = [None, Some(std::io::ErrorKind::TimedOut)];
    place.bucket.fail_next(fails.repeat(8));
    let failed = prepare(&fs).unwrap_err();
    let not_fetched = NotFetched::in_error(&failed).unwrap();
    assert!(not_fetched.key().contains(MERGED[0]), "{failed}");
    assert!(place.copies().is_empty());
    place.bucket.fail_next(Vec::new());
    assert!(read(&fs, MERGED[0]).unwrap() == content);
    assert_eq!(place.copies().len(), 1);
}

#[test]
fn a_copy_that_is_discarded_is_made_again() {
    let content = bytes(2 * MIB, 1);
    let place = Place::new(&[(MERGED[0], content.clone()), (SEGMENT, bytes(9, 2))]);
    let fs = place.open();
    assert!(!fs.discard_copy(&path(MERGED[0])), "there is none yet");
    assert!(read(&fs, MERGED[0]).unwrap() == content);
    let [copy] = place.copies().try_into().unwrap();
    let mut damaged = content.clone();
    damaged[MIB] ^= 1;
    replace_file(&*place.below, &copy, &damaged).unwrap();
    assert!(read(&fs, MERGED[0]).unwrap() == damaged);
    assert!(fs.discard_copy(&path(MERGED[0])));
    assert!(read(&fs, MERGED[0]).unwrap() == content);
    // What is read by blocks has checksums of its own there, and what is in the directory is no copy.
    read(&fs, SEGMENT).unwrap();
    let own = fs.open(&path("own"), OpenMode::Create).unwrap();
    own.write_all_at(b"own", 0).unwrap();
    for other in [SEGMENT, "own", "none"] {
        assert!(!fs.discard_copy(&path(other)), "{other}");
    }
    assert_eq!(read(&fs, "own").unwrap(), b"own");
}

#[test]
fn files_that_are_kept_whole_count_in_the_budget_before_all_blocks() {
    let (merged, segment) = (3 * MIB, 4 * MIB);
    let mut place = Place::new(&[(MERGED[0], bytes(merged, 1)), (SEGMENT, bytes(segment, 2))]);
    let budget = 5 * MIB as u64;
    place.options = place.options.clone().disk_bytes_max(budget);
    let fs = place.open();
    fs.fetch(&[(SEGMENT, 0..u64::MAX)]).unwrap();
    let blocks = fs.stats().disk_bytes;
    assert!(blocks > 0 && blocks <= budget - merged as u64);
    prepare(&fs).unwrap();
    assert_eq!(fs.stats().disk_bytes, blocks + merged as u64);
    let listed = place.below.list(Path::new("/d.cache")).unwrap();
    let there: u64 = listed.iter().map(|entry| entry.bytes).sum();
    assert_eq!(there, fs.stats().disk_bytes);
    // Without the file there is more room, and with a longer one none.
    let mut catalog = Catalog::default();
    let of_segment = place.bucket.put_file("data/other", &bytes(segment, 2));
    catalog.insert(SEGMENT, of_segment).unwrap();
    fs.replace_catalog(catalog.clone());
    fs.fetch(&[(SEGMENT, 0..u64::MAX)]).unwrap();
    assert!(fs.stats().disk_bytes >= segment as u64);
    let longer = place.bucket.put_file("data/longer", &bytes(6 * MIB, 3));
    catalog.insert(MERGED[1], longer).unwrap();
    fs.replace_catalog(catalog);
    assert_eq!(fs.stats().disk_bytes, 0);
    fs.fetch(&[(SEGMENT, 0..u64::MAX)]).unwrap();
    assert_eq!(fs.stats().disk_bytes, 0);
}

#[test]
fn what_was_looked_at_is_no_more_than_that_and_is_not_asked_for_again() {
    let content = bytes(MIB, 1);
    let place = Place::new(&[(SEGMENT, content.clone())]);
    let fs = place.open();
    let looks = [(SEGMENT, 0..64), (SEGMENT, 900_000..900_128)];
    fs.look_at(&looks).unwrap();
    let asked = place.bucket.asked();
    let fetched: u64 = asked.iter().map(|(_, range)| range.end - range.start).sum();
    assert_eq!((asked.len(), fetched), (2, 64 + 128));
    fs.look_at(&looks).unwrap();
    let file = fs.open(&path(SEGMENT), OpenMode::Read).unwrap();
    for range in [0..64, 10..20, 900_000..900_128_usize] {
        let mut buffer = vec![0; range.len()];
        let read = file.read_at(&mut buffer, range.start as u64).unwrap();
        assert_eq!(buffer[..read], content[range]);
    }
    assert!(place.bucket.asked().is_empty());
    // What goes beyond is a block.
    let mut buffer = vec![0; 65];
    file.read_up_to(&mut buffer, 0).unwrap();
    assert_eq!(buffer, content[..65]);
    assert_eq!(place.bucket.asked().len(), 1);
    // It is gone with its object: it may have been rewritten because something in it was to go.
    let mut catalog = Catalog::default();
    let rewritten = place.bucket.put_file("data/rewritten", &bytes(MIB, 7));
    catalog.insert(SEGMENT, rewritten).unwrap();
    fs.replace_catalog(catalog);
    let mut buffer = vec![0; 64];
    file.read_up_to(&mut buffer, 0).unwrap();
    assert_eq!(place.bucket.asked().len(), 1);
    let missing = vec![Some(std::io::ErrorKind::TimedOut); 2];
    place.bucket.fail_next(missing);
    let failed = fs.look_at(&looks).unwrap_err();
    assert!(NotFetched::in_error(&failed).is_some(), "{failed}");
}
