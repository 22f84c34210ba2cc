//! A store whose sealed files are in a bucket.

use crate::bucket::TestBucket;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline::maintenance::{
    BackupOptions, CopyMode, Existing, Redaction, Retention, backup, backup_with, compact, rebuild,
    redact, restore,
};
use strandline::{
    Coordinate, Durability, ErrorKind, Event, EventKind, Region, Store, StoreOptions, StoredEvent,
};
use strandline_core::fs::{Fs, OsFs, read_file, replace_file};
use strandline_core::{Clock, SystemClock};
use strandline_replicate::{BucketFs, Catalog, RemoteOptions};
use strandline_segment::{LogReceiver, Manifest};

const KIND: EventKind = EventKind::new(1, 1);

/// A store whose sealed segments and merged files are objects, and the rest of which is in a directory.
pub(crate) struct Remote {
    pub(crate) bucket: Arc<TestBucket>,
    catalog: Catalog,
    pub(crate) options: RemoteOptions,
    _temporary: tempfile::TempDir,
    root: PathBuf,
    events: Vec<Vec<u8>>,
}

pub(crate) struct Shape {
    pub(crate) segments: u32,
    pub(crate) segment_events: u32,
    pub(crate) payload_bytes: usize,
    pub(crate) has_merged: bool,
}

impl Remote {
    fn small() -> Self {
        Self::new(&Shape {
            segments: 20,
            segment_events: 10,
            payload_bytes: 200,
            has_merged: true,
        })
    }

    pub(crate) fn new(shape: &Shape) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().to_path_buf();
        let dir = root.join("store");
        let store = options().segment_events_max(shape.segment_events);
        let store = store.open(&dir).unwrap();
        for number in 0..shape.segments * shape.segment_events + 5 {
            append(&store, number, shape.payload_bytes);
        }
        let events = payloads(&store);
        store.close().unwrap();
        let bucket = TestBucket::new();
        let mut catalog = Catalog::default();
        let entries = OsFs.list(&dir).unwrap();
        let is_segment = |name: &str| name.starts_with("segment-");
        let active = entries.iter().rfind(|entry| is_segment(&entry.name));
        let active = active.unwrap().name.clone();
        for entry in entries {
            let name = entry.name;
            let is_merged = name.starts_with("index-");
            let path = dir.join(&name);
            if is_merged && shape.has_merged || is_segment(&name) && name != active {
                let bytes = read_file(&OsFs, &path, u64::MAX).unwrap();
                let file = bucket.put_file(&format!("data/{name}"), &bytes);
                catalog.insert(&name, file).unwrap();
            } else if !is_merged {
                continue;
            }
            OsFs.remove_file(&path).unwrap();
        }
        Self {
            bucket,
            catalog,
            options: RemoteOptions::default(),
            _temporary: temporary,
            root,
            events,
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join("store")
    }

    pub(crate) fn fs(&self) -> BucketFs {
        let (below, bucket) = (Arc::new(OsFs), self.bucket.clone());
        BucketFs::open(
            below,
            &self.dir(),
            bucket,
            self.catalog.clone(),
            &self.options,
        )
        .unwrap()
    }

    fn open(&self) -> Store {
        let store = options().fs(Arc::new(self.fs())).must_exist();
        store.open(self.dir()).unwrap()
    }

    fn open_read_only(&self) -> Store {
        let store = options().fs(Arc::new(self.fs())).read_only();
        store.open(self.dir()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let listed = OsFs.list_names(&self.dir()).unwrap();
        listed.into_iter().map(|entry| entry.name).collect()
    }
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions::new()
        .durability(Durability::Written)
        .segment_events_max(10)
}

fn append(store: &Store, number: u32, payload_bytes: usize) {
    let coordinate = Coordinate::new(format!("order-{}", number % 97), "eu").unwrap();
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(payload_bytes, number as u8);
    store
        .append(&coordinate, Event::bytes(KIND, payload))
        .unwrap();
}

fn payloads(store: &Store) -> Vec<Vec<u8>> {
    let snapshot = store.snapshot();
    let events = snapshot.query(Region::all());
    // Of one that was redacted there is none.
    let payload = |event: StoredEvent| event.payload().map(<[u8]>::to_vec).unwrap_or_default();
    events.map(|event| payload(event.unwrap())).collect()
}

fn go_on(_: strandline::maintenance::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_store_reads_as_if_all_of_it_were_there() {
    for has_merged in [true, false] {
        let remote = Remote::new(&Shape {
            segments: 20,
            segment_events: 10,
            payload_bytes: 200,
            has_merged,
        });
        let before = remote.names();
        let store = remote.open_read_only();
        assert_eq!(
            store.open_report().events_from_log,
            0,
            "no frame of a sealed one"
        );
        assert_eq!(payloads(&store), remote.events);
        let stream = store.snapshot().stream("order-7").count();
        assert_eq!(stream, 3);
        assert!(store.verify().unwrap().is_intact());
        drop(store);
        assert_eq!(remote.names(), before, "nothing was brought here");
    }
}

/// What an opening waits for was fetched before, in few turns.
#[test]
fn a_prepared_opening_asks_for_nothing() {
    for has_merged in [true, false] {
        for writes in [false, true] {
            let mut remote = Remote::new(&Shape {
                segments: 20,
                segment_events: 10,
                payload_bytes: 200,
                has_merged,
            });
            // What does not fit in memory is on the disk.
            remote.options = RemoteOptions::default().memory_bytes_max(0);
            let fs = remote.fs();
            let manifest = Manifest::read(&fs, &remote.dir()).unwrap().unwrap();
            fs.prepare(&manifest).unwrap();
            assert!(!remote.bucket.asked().is_empty());
            let held = remote.bucket.clone();
            // Whatever is asked for in the background waits until the store is open.
            held.hold();
            let store = options().fs(Arc::new(fs));
            let store = match writes {
                true => store.must_exist(),
                false => store.read_only(),
            };
            let store = store.open(remote.dir()).unwrap();
            held.let_go();
            assert_eq!(payloads(&store), remote.events);
        }
    }
}

#[test]
fn a_store_is_written_to_and_goes_on_where_it_was() {
    let remote = Remote::small();
    let mut events = remote.events.clone();
    for turn in 0..3_u32 {
        let store = remote.open();
        for number in 0..25 {
            append(&store, turn * 100 + number, 100);
        }
        events = payloads(&store);
        assert_eq!(events.len(), remote.events.len() + 25 * (turn as usize + 1));
        store.close().unwrap();
    }
    assert!(events.starts_with(&remote.events));
    let sealed = remote
        .names()
        .contains(&"segment-0000000001.log".to_owned());
    assert!(!sealed, "a sealed segment stays where it is");
    assert!(remote.open_read_only().verify().unwrap().is_intact());
}

/// A bucket that cannot be reached for a while is no damage: what is asked later is answered.
#[test]
fn a_bucket_that_is_away_costs_a_read_and_no_more() {
    let mut remote = Remote::small();
    remote.options = RemoteOptions::default()
        .memory_bytes_max(0)
        .disk_bytes_max(0);
    let store = remote.open_read_only();
    let away = vec![Some(std::io::ErrorKind::TimedOut); 1000];
    remote.bucket.fail_next(away);
    let snapshot = store.snapshot();
    let failed = snapshot.query(Region::all()).find_map(Result::err).unwrap();
    assert_eq!(failed.kind(), ErrorKind::Io);
    assert!(format!("{failed:?}").contains("memory:test"), "{failed:?}");
    remote.bucket.fail_next(Vec::new());
    assert_eq!(payloads(&store), remote.events);
    assert!(store.snapshot().damage().is_none());
}

#[test]
fn what_is_removed_or_redacted_is_gone_from_what_is_read() {
    let remote = Remote::small();
    let store = remote.open();
    let redaction = Redaction::new().entity("order-3");
    let redacted = redact(&store, &redaction, &mut go_on).unwrap();
    assert_eq!(redacted.events, 3);
    let rules = Retention::new().keep_newest(1);
    let compacted = compact(&store, &rules, &mut go_on).unwrap();
    assert!(compacted.events > 0);
    let left = payloads(&store);
    assert!(left.len() < remote.events.len());
    assert!(store.verify().unwrap().is_intact());
    store.close().unwrap();
    // The bucket has the old files still: the manifest says which count.
    let store = remote.open();
    assert_eq!(payloads(&store), left);
    store.close().unwrap();
}

#[test]
fn footers_are_written_anew_by_bringing_segments_here() {
    let remote = Remote::small();
    let options = options().fs(Arc::new(remote.fs()));
    let rebuilt = rebuild(options, &remote.dir(), &mut go_on).unwrap();
    assert!(rebuilt.footers_failed.is_empty());
    let store = remote.open();
    assert_eq!(payloads(&store), remote.events);
    assert!(store.verify().unwrap().is_intact());
    store.close().unwrap();
}

#[test]
fn a_backup_has_all_of_it_and_a_restore_over_it_is_refused() {
    let remote = Remote::small();
    let fs: Arc<dyn Fs> = Arc::new(remote.fs());
    let target = remote.root.join("backup");
    for mode in [CopyMode::Link, CopyMode::Copy] {
        let target = remote.root.join(format!("backup-{mode:?}"));
        backup(&fs, &remote.dir(), &target, mode, &mut go_on).unwrap();
        let copy = options().read_only().open(&target).unwrap();
        assert_eq!(payloads(&copy), remote.events);
    }
    let verified = BackupOptions::new().verify();
    backup_with(&fs, &remote.dir(), &target, verified, &mut go_on).unwrap();
    let aside = Existing::MoveAside;
    let refused = restore(&fs, &target, &remote.dir(), aside, &mut go_on).unwrap_err();
    assert!(
        format!("{refused:?}").contains("restore the bucket"),
        "{refused:?}"
    );
    let store = remote.open_read_only();
    assert_eq!(payloads(&store), remote.events, "what was there is there");
    assert!(store.verify().unwrap().is_intact());
}

/// A copy of a log begins over files of a bucket, of which none is brought, and goes on.
#[test]
fn a_copy_begins_over_files_of_a_bucket() {
    let remote = Remote::small();
    let manifest = Manifest::read(&OsFs, &remote.dir()).unwrap().unwrap();
    let dir = remote.root.join("copy");
    let (below, bucket) = (Arc::new(OsFs), remote.bucket.clone());
    let fs = BucketFs::open(below, &dir, bucket, remote.catalog.clone(), &remote.options).unwrap();
    let fs: Arc<dyn Fs> = Arc::new(fs);
    let active = manifest.segments().last().unwrap();
    let bytes = read_file(&OsFs, &remote.dir().join(active.file_name()), u64::MAX).unwrap();
    let staged = LogReceiver::staged_path(&dir, active.header());
    replace_file(&OsFs, &staged, &bytes).unwrap();
    let copy = LogReceiver::create(fs.clone(), &dir, &manifest).unwrap();
    assert_eq!(copy.manifest().segments().len(), 21);
    drop(copy);
    assert!(LogReceiver::open(fs.clone(), &dir).unwrap().is_some());
    let names = OsFs.list_names(&dir).unwrap();
    let segments = names.iter().filter(|one| one.name.starts_with("segment-"));
    assert_eq!(segments.count(), 1, "the active one");
    let store = options().fs(fs).read_only().open(&dir).unwrap();
    assert_eq!(payloads(&store), remote.events);
}

/// What an opening asks for, and how long it takes at 30 ms a request; the figures are in `docs/performance.md`.
#[test]
#[ignore = "it measures, for a minute"]
fn what_an_opening_asks_for() {
    for (segments, has_merged) in [(40, true), (40, false), (1000, true), (1000, false)] {
        let mut remote = Remote::new(&Shape {
            segments,
            segment_events: 100,
            payload_bytes: 1000,
            has_merged,
        });
        remote.bucket.set_latency(Duration::from_millis(30));
        for (writes, is_prepared) in [(false, false), (false, true), (true, false), (true, true)] {
            let cache_dir = remote.root.join(format!("cache-{writes}-{is_prepared}"));
            remote.options = RemoteOptions::default().cache_dir(cache_dir);
            let fs = remote.fs();
            let clock = SystemClock::default();
            let begin = clock.elapsed();
            if is_prepared {
                let manifest = Manifest::read(&fs, &remote.dir()).unwrap().unwrap();
                fs.prepare(&manifest).unwrap();
            }
            let store = options().fs(Arc::new(fs));
            let store = match writes {
                true => store.must_exist(),
                false => store.read_only(),
            };
            let store = store.open(remote.dir()).unwrap();
            let took = clock.elapsed() - begin;
            let asked = remote.bucket.asked();
            let bytes: u64 = asked.iter().map(|(_, range)| range.end - range.start).sum();
            println!(
                "{segments} segments, merged files {has_merged}, to write {writes}, prepared {is_prepared}: {} requests, {bytes} bytes, {took:?}",
                asked.len(),
            );
            drop(store);
            remote.bucket.asked();
        }
    }
}
