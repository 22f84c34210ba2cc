//! Merged files of the index: they come by themselves, an opening uses them, and whatever becomes of them,
//! answers are the same.

use crate::answers::Answers;
use crate::compact::{assert_intact, copy, filled, run, run_redact, small};
use crate::harness::{CREATED, at, contents, dir, event, files, read, remove, write};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode};
use strandline::maintenance::{Redaction, Retention, rebuild};
use strandline::{Event, ProblemKind, Store, StoreOptions};

/// A store whose background works within the calls.
pub(crate) fn inline(fs: &MemFs) -> StoreOptions {
    small(fs).background_inline()
}

/// A store of so many sealed segments at least, with ids and tags of callers' here and there.
pub(crate) fn of_segments(fs: &MemFs, segments: usize) -> Store {
    let store = inline(fs).open(dir()).unwrap();
    append_segments(&store, segments);
    store
}

pub(crate) fn append_segments(store: &Store, segments: usize) {
    append_in(store, segments, "scope");
}

fn append_in(store: &Store, segments: usize, scope: &str) {
    let goal = store.stats().unwrap().segments + segments;
    let mut number = usize::try_from(store.snapshot().len()).unwrap();
    while store.stats().unwrap().segments < goal {
        let coordinate = at(
            &format!("entity:{}", number % 11),
            &format!("{scope}/{}", number % 3),
        );
        let payload = format!("payload {number} {}", "x".repeat(20_000));
        let event = Event::bytes(CREATED, payload).tagged(format!("tag:{}", number % 4));
        store.append(&coordinate, event).unwrap();
        number += 1;
    }
}

pub(crate) fn merged(fs: &MemFs) -> Vec<PathBuf> {
    files(fs, "index-")
}

pub(crate) fn append_one(store: &Store) {
    store
        .append(&at("entity:3", "scope/0"), event("next"))
        .unwrap();
}

/// Opens a store, whose merged files are used, and expects it to answer as it did.
fn expect_reopened(fs: &MemFs, answers: &Answers) {
    let store = inline(fs).open(dir()).unwrap();
    assert_eq!(Answers::of(&store), *answers);
    assert!(store.open_report().merged_used > 0);
    assert_intact(&store);
}

#[test]
fn sealed_segments_are_merged_and_an_opening_uses_the_files() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let stats = store.stats().unwrap();
    assert_eq!(merged(&fs).len(), 2, "{stats:?}");
    assert_eq!(stats.merges, 2);
    assert!(stats.index_parts < 10, "{stats:?}");
    assert_eq!(stats.merged_files, [0, 2]);
    assert_eq!(stats.merge_failed, None);
    let answers = Answers::of(&store);
    store.close().unwrap();

    for options in [
        inline(&fs),
        small(&fs),
        small(&fs).read_only(),
        small(&fs).no_mapped_reads(),
    ] {
        let store = options.open(dir()).unwrap();
        let report = store.open_report();
        assert_eq!(report.merged_used, 2, "{report}");
        assert_eq!(report.footers_used, 4, "{report}");
        assert!(report.events_from_merged > 40);
        assert!(report.notices.is_empty(), "{report}");
        assert_eq!(Answers::of(&store), answers);
    }
}

#[test]
fn what_is_appended_after_is_right() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 9);
    store.close().unwrap();
    let store = inline(&fs).open(dir()).unwrap();
    for number in 0..11 {
        let coordinate = at(&format!("entity:{number}"), "scope/0");
        store.append(&coordinate, event("next")).unwrap();
    }
    append_segments(&store, 70);
    assert!(
        store.stats().unwrap().merged_files.len() > 2,
        "{:?}",
        store.stats()
    );
    assert!(merged(&fs).len() < 10);
    let answers = Answers::of(&store);
    assert_intact(&store);
    drop(store);
    expect_reopened(&fs, &answers);
}

#[test]
fn without_them_footers_are_used_and_they_come_again() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let answers = Answers::of(&store);
    store.close().unwrap();
    let before: Vec<_> = merged(&fs).iter().map(|path| read(&fs, path)).collect();
    remove(&fs, "index-");
    let store = small(&fs).read_only().open(dir()).unwrap();
    assert_eq!(
        (store.open_report().merged_used, Answers::of(&store)),
        (0, answers)
    );
    drop(store);
    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(store.stats().unwrap().merges, 2);
    let after: Vec<_> = merged(&fs).iter().map(|path| read(&fs, path)).collect();
    assert!(before == after, "the bytes are a function of the segments");
}

#[test]
fn a_compaction_removes_the_files_that_hold_what_it_removes() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let before = merged(&fs);
    let held = store.snapshot();
    let held_events = contents(&held).len();
    run(&store, &Retention::new().keep_newest(3));
    let after = merged(&fs);
    assert!(before.iter().all(|path| !after.contains(path)), "{after:?}");
    assert_eq!(contents(&held).len(), held_events);
    assert_intact(&store);
    // Streams go on after what was removed, in a list of several segments.
    for number in 0..11 {
        let coordinate = at(&format!("entity:{number}"), "scope/0");
        let done = store.append(&coordinate, event("next")).unwrap();
        assert!(done.clock > 4, "{done:?}");
    }
    let answers = Answers::of(&store);
    drop(store);
    expect_reopened(&fs, &answers);
}

#[test]
fn a_stream_that_was_removed_as_a_whole_goes_on() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    run(
        &store,
        &Retention::new()
            .drop_entity("entity:4")
            .drop_entity("entity:7"),
    );
    let clocks = |store: &Store| {
        ["entity:4", "entity:7", "entity:5"].map(|entity| {
            store
                .append(&at(entity, "scope/0"), event("next"))
                .unwrap()
                .clock
        })
    };
    let one = clocks(&store);
    assert!(one.iter().all(|clock| *clock > 2), "{one:?}");
    assert_intact(&store);
    drop(store);
    let store = inline(&fs).open(dir()).unwrap();
    assert!(store.open_report().merged_used > 0);
    assert_eq!(clocks(&store), one.map(|clock| clock + 1));
    append_segments(&store, 50);
    assert_intact(&store);
    let two = clocks(&store);
    drop(store);
    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(clocks(&store), two.map(|clock| clock + 1));
    assert_intact(&store);
}

#[test]
fn a_redaction_leaves_the_rows_of_other_segments_in_use() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let chosen = contents(&store.snapshot())[12].id;
    let redaction = Redaction::new().event(chosen);
    run_redact(&store, &redaction);
    assert_eq!(merged(&fs).len(), 2);
    assert_intact(&store);
    let answers = Answers::of(&store);
    drop(store);
    let reader = small(&fs).read_only().open(dir()).unwrap();
    assert_eq!(reader.open_report().merged_used, 2);
    assert!(reader.open_report().notices.is_empty());
    assert_eq!(Answers::of(&reader), answers);
    assert_intact(&reader);
    drop(reader);
    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(Answers::of(&store), answers);
    assert_eq!(
        store.stats().unwrap().merges,
        1,
        "the one that is stale is made anew"
    );
    assert_intact(&store);
    drop(store);
    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(
        (Answers::of(&store), store.open_report().merged_used),
        (answers, 2)
    );
}

#[test]
fn what_a_crash_left_over_is_removed() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 70);
    let answers = Answers::of(&store);
    drop(store);
    let large = merged(&fs);
    let other = MemFs::new();
    drop(of_segments(&other, 20));
    // Those that the large one took the place of, one of another log, and one half written.
    let path = dir().join("index-0000000001-0000000008-0000000009.idx");
    write(&fs, &path, &read(&other, &merged(&other)[0]));
    let temporary = dir().join("index-0000000001-0000000008-0000000010.idx.tmp");
    write(&fs, &temporary, b"half");
    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(merged(&fs), large);
    assert_eq!(Answers::of(&store), answers);
    assert_eq!(
        store.open_report().removed.len(),
        2,
        "{}",
        store.open_report()
    );
}

#[test]
fn a_reader_survives_that_files_are_removed_beside_it() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 20);
    let reader = small(&fs).read_only().open(dir()).unwrap();
    let answers = Answers::of(&reader);
    append_segments(&store, 70);
    run(&store, &Retention::new().keep_newest(3));
    assert_eq!(reader.snapshot().len() as usize, answers.events.len());
    let last = answers.events.last().unwrap();
    assert_eq!(reader.snapshot().get(last.id).unwrap().as_ref(), Some(last));
}

/// A merged file that says of its segments what those of another store with as many events have.
fn lying(own: &[u8], other: &[u8]) -> Vec<u8> {
    let count = u32::from_le_bytes(own[12..16].try_into().unwrap()) as usize;
    let checked = 64 + 40 * count;
    let mut bytes = own[..checked].to_vec();
    bytes[48..64].copy_from_slice(&other[48..64]);
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(&other[checked + 8..]);
    bytes
}

#[test]
fn a_file_that_lies_is_found_and_named_and_gone_after_a_rebuild() {
    let (fs, other) = (MemFs::new(), MemFs::new());
    let store = of_segments(&fs, 9);
    let answers = Answers::of(&store);
    drop(store);
    let store = inline(&other).open(dir()).unwrap();
    append_in(&store, 9, "score");
    drop(store);
    let path = merged(&fs).pop().unwrap();
    let bytes = lying(&read(&fs, &path), &read(&other, &merged(&other)[0]));
    write(&fs, &path, &bytes);

    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(store.open_report().merged_used, 1);
    let report = store.verify().unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    assert!(!report.problems.is_empty());
    for problem in &report.problems {
        assert_eq!(problem.kind, ProblemKind::Index, "{problem}");
        assert_eq!(problem.file.as_deref(), Some(&*name), "{problem}");
    }
    drop(store);
    rebuild(inline(&fs), &dir(), &mut |_| ControlFlow::Continue(())).unwrap();
    let store = inline(&fs).open(dir()).unwrap();
    assert_intact(&store);
    assert_eq!(Answers::of(&store), answers);
    assert_eq!(store.open_report().merged_used, 1);
}

/// A file system in memory that keeps a copy of itself before each step with a merged file, and fails at one.
#[derive(Debug, Clone)]
struct Watched {
    below: MemFs,
    steps: Arc<Mutex<Steps>>,
}

#[derive(Debug, Default)]
struct Steps {
    before: Vec<MemFs>,
    fails_at: Option<usize>,
    taken: usize,
}

impl Watched {
    fn over(below: &MemFs) -> Self {
        Self {
            below: below.clone(),
            steps: Arc::default(),
        }
    }

    fn step(&self, path: &Path) -> io::Result<()> {
        if !path.to_string_lossy().contains("index-") {
            return Ok(());
        }
        let mut steps = self.steps.lock().unwrap();
        steps.taken += 1;
        match steps.fails_at {
            None => steps.before.push(self.below.fork()),
            Some(at) if at + 1 == steps.taken => return Err(io::ErrorKind::StorageFull.into()),
            Some(_) => {}
        }
        Ok(())
    }
}

impl FsLayer for Watched {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        self.step(path)?;
        let file = self.below.open(path, mode)?;
        Ok(Arc::new(WatchedFile {
            below: file,
            path: path.to_path_buf(),
            fs: self.clone(),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(from)?;
        self.below.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(path)?;
        self.below.remove_file(path)
    }
}

#[derive(Debug)]
struct WatchedFile {
    below: Arc<dyn FsFile>,
    path: PathBuf,
    fs: Watched,
}

impl FsFileLayer for WatchedFile {
    fn below(&self) -> &dyn FsFile {
        &*self.below
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.fs.step(&self.path)?;
        self.below.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.fs.step(&self.path)?;
        self.below.sync()
    }
}

#[test]
fn a_process_that_is_killed_at_any_step_of_a_merge_loses_nothing() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 63);
    drop(store);
    // The merge of many, with the removal of those that it takes the place of.
    let watched = Watched::over(&fs);
    let store = inline(&fs)
        .fs(Arc::new(watched.clone()))
        .open(dir())
        .unwrap();
    append_segments(&store, 1);
    let answers = Answers::of(&store);
    drop(store);
    let copies = std::mem::take(&mut watched.steps.lock().unwrap().before);
    assert!(copies.len() > 20, "{}", copies.len());
    // Each of them takes a second or two: one in three, the last ones all.
    let count = copies.len();
    let chosen = copies.into_iter().enumerate();
    for (_, killed) in chosen.filter(|(at, _)| at % 3 == 0 || at + 12 > count) {
        let reader = small(&killed).read_only().open(dir()).unwrap();
        assert!(answers.events.starts_with(&contents(&reader.snapshot())));
        drop(reader);
        let store = inline(&killed).open(dir()).unwrap();
        assert!(answers.events.starts_with(&contents(&store.snapshot())));
        let left: Vec<_> = merged(&killed)
            .into_iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert!(
            left.iter()
                .all(|name| !name.to_string_lossy().ends_with("tmp")),
            "{left:?}"
        );
        assert!(store.stats().unwrap().index_parts <= 16);
    }
}

#[test]
fn a_disk_that_fails_at_any_step_of_a_merge_costs_time_alone() {
    let fs = MemFs::new();
    drop(of_segments(&fs, 15));
    for fails_at in (0..).step_by(2) {
        let own = copy(&fs);
        let watched = Watched::over(&own);
        let options = inline(&own).fs(Arc::new(watched.clone()));
        let store = options.open(dir()).unwrap();
        {
            let mut steps = watched.steps.lock().unwrap();
            (steps.taken, steps.fails_at) = (0, Some(fails_at));
        }
        append_segments(&store, 1);
        let stats = store.stats().unwrap();
        assert_eq!(stats.poisoned, None);
        let taken = watched.steps.lock().unwrap().fails_at.take();
        assert!(taken.is_some());
        append_segments(&store, 8);
        let stats = store.stats().unwrap();
        assert_eq!(stats.merge_failed, None);
        assert!(stats.index_parts < 10, "{stats:?}");
        let events = contents(&store.snapshot());
        drop(store);
        let store = inline(&own).open(dir()).unwrap();
        assert_eq!(contents(&store.snapshot()), events);
        if watched.steps.lock().unwrap().taken <= fails_at {
            break;
        }
    }
}

#[test]
fn closing_ends_a_merge_and_leaves_nothing_half_written() {
    let fs = MemFs::new();
    for _ in 0..5 {
        let store = filled(&fs, 900);
        store.close().unwrap();
        let is_temporary = |path: &PathBuf| path.extension().is_some_and(|it| it == "tmp");
        assert!(!files(&fs, "").iter().any(is_temporary));
    }
    assert_intact(&small(&fs).open(dir()).unwrap());
}
