//! Restores that fail, are killed, or lose the power, at each step: once there was no store at the target
//! then, and the next opening made an empty one.

use crate::harness::{CREATED, assert_same, at};
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{
    EntryKind, Fault, FaultFs, Fill, Fs, FsLayer, Keep, Loss, MemFs, Operation, SimDisk, SimFs,
    Step,
};
use strandline::maintenance::{
    CopyMode, Existing, Progress, Restored, backup, restore, restore_linked,
};
use strandline::{Error, Event, Snapshot, Store, StoreOptions};

const BACKUP: &str = "/b/backup";
const TARGET: &str = "/s/store";
const BACKED_UP: usize = 3;
const LATER: usize = 2;

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn options(fs: &Arc<dyn Fs>) -> StoreOptions {
    StoreOptions::new()
        .fs(fs.clone())
        .random_seed(7)
        .segment_bytes_max(64 << 10)
        .no_background_sync()
        .background_inline()
}

fn append(store: &Store, count: usize) {
    for _ in 0..count {
        let event = Event::bytes(CREATED, vec![b'x'; 30_000]);
        store.append(&at("order:1", "eu"), event).unwrap();
    }
}

/// What is at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    EmptyDirectory,
    Store,
}

const ALL: [There; 3] = [There::Nothing, There::EmptyDirectory, There::Store];

/// Makes a backup of a store of two segments, and what is to be at the target.
fn prepare(fs: &Arc<dyn Fs>, there: There) {
    let origin = match there {
        There::Store => TARGET,
        There::Nothing | There::EmptyDirectory => "/o/store",
    };
    for dir in ["/b", "/s", "/o"] {
        fs.create_dir_all(Path::new(dir)).unwrap();
    }
    let store = options(fs).open(origin).unwrap();
    append(&store, BACKED_UP);
    store.checkpoint().unwrap();
    backup(
        fs,
        Path::new(origin),
        Path::new(BACKUP),
        CopyMode::Copy,
        &mut go_on,
    )
    .unwrap();
    append(&store, LATER);
    store.close().unwrap();
    if there == There::EmptyDirectory {
        fs.create_dir_all(Path::new(TARGET)).unwrap();
    }
    for dir in ["/b", "/s", "/"] {
        fs.sync_dir(Path::new(dir)).unwrap();
    }
}

/// How the bytes get there.
const MODES: [CopyMode; 2] = [CopyMode::Copy, CopyMode::Link];

fn run(fs: &Arc<dyn Fs>, mode: CopyMode, existing: Existing) -> Result<Restored, Error> {
    let (from, to) = (Path::new(BACKUP), Path::new(TARGET));
    match mode {
        CopyMode::Link => restore_linked(fs, from, to, existing, &mut go_on),
        _ => restore(fs, from, to, existing, &mut go_on),
    }
}

/// Files below a directory, with their bytes.
fn files(fs: &dyn Fs, dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs.list(dir).unwrap_or_default() {
        let path = dir.join(&entry.name);
        match entry.kind {
            EntryKind::Directory => found.extend(files(fs, &path)),
            _ => drop(found.insert(path.clone(), crate::harness::read(fs, &path))),
        }
    }
    found
}

fn snapshot(fs: &Arc<dyn Fs>, dir: &str) -> Option<Snapshot> {
    let store = options(fs).read_only().open(dir);
    store.ok().map(|store| store.snapshot())
}

/// Checks what is at the target after a restore that did not end well: what was there, or the whole new
/// store; and that it is no empty store for whoever opens it.
fn check_after(fs: &Arc<dyn Fs>, there: There, what: &str) {
    let expected = [BACKED_UP, BACKED_UP + LATER].map(|events| events as u64);
    match (snapshot(fs, TARGET), there) {
        (Some(found), There::Store) => assert!(expected.contains(&found.len()), "{what}"),
        (Some(found), _) => assert_eq!(found.len(), expected[0], "{what}"),
        (None, There::Store) => panic!("{what}: there is no store at the target"),
        (None, _) => {
            let left = files(&**fs, Path::new("/s"));
            if left.keys().any(|path| !path.ends_with("LOCK")) {
                let opened = options(fs).open(TARGET);
                assert!(
                    opened.is_err(),
                    "{what}: an empty store, beside {:?}",
                    left.keys()
                );
            }
        }
    }
    // The store that was there is somewhere, whole.
    let replaced = [TARGET, "/s/store.replaced-1", "/s/store.restoring-1"];
    let mut replaced = replaced.into_iter().filter_map(|dir| snapshot(fs, dir));
    let is_kept = replaced.any(|found| found.len() == expected[1]);
    assert_eq!(is_kept, there == There::Store, "{what}");
}

/// Checks that the same restore succeeds now, that nothing is lost, and that nothing is left of those that
/// did not.
fn check_again(fs: &Arc<dyn Fs>, mode: CopyMode, there: There, what: &str) {
    // Where no store was, only a whole one that is there now is moved aside.
    let existing = match snapshot(fs, TARGET) {
        None if there != There::Store => Existing::Refuse,
        _ => Existing::MoveAside,
    };
    let done = run(fs, mode, existing).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(done.end.get(), BACKED_UP as u64, "{what}");
    let restored = snapshot(fs, TARGET).unwrap();
    assert_same(&restored, &snapshot(fs, BACKUP).unwrap());
    let mut kept = 0;
    for entry in fs.list(Path::new("/s")).unwrap() {
        let dir = format!("/s/{}", entry.name);
        let events = snapshot(fs, &dir).map_or(0, |found| found.len() as usize);
        kept += usize::from(events == BACKED_UP + LATER);
        if entry.name.starts_with("store.restoring") {
            assert_eq!(events, BACKED_UP + LATER, "{what}: {dir} is left");
        }
    }
    assert_eq!(kept, usize::from(there == There::Store), "{what}");
    let left = files(&**fs, Path::new(TARGET));
    let is_left = |path: &&PathBuf| path.to_str().unwrap().to_lowercase().contains("restoring");
    assert_eq!(left.keys().find(is_left), None, "{what}");
}

/// A file system that cannot exchange names.
#[derive(Debug)]
struct WithoutExchange(FaultFs);

impl FsLayer for WithoutExchange {
    fn below(&self) -> &dyn Fs {
        &self.0
    }

    fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

const OPERATIONS: [Operation; 6] = [
    Operation::Create,
    Operation::Write,
    Operation::Sync,
    Operation::SetLen,
    Operation::Rename,
    Operation::SyncDir,
];

/// Whatever fails first, once or from then on, is told, and what was there is there, or the new store.
#[test]
fn a_restore_that_fails_at_any_call_leaves_what_was_there_or_the_whole_new_store() {
    for mode in MODES {
        fails_at_any_call(mode);
    }
}

fn fails_at_any_call(mode: CopyMode) {
    let mut failed = 0;
    for can_exchange in [true, false] {
        for (there, operation, times) in combinations(can_exchange) {
            for after in 0.. {
                let memory: Arc<dyn Fs> = Arc::new(MemFs::new());
                prepare(&memory, there);
                let faulty = FaultFs::new(memory.clone());
                let fs: Arc<dyn Fs> = match can_exchange {
                    true => Arc::new(faulty.clone()),
                    false => Arc::new(WithoutExchange(faulty.clone())),
                };
                let before = files(&*memory, Path::new("/"));
                faulty.fail(
                    operation,
                    Fault {
                        after,
                        times,
                        error: io::ErrorKind::PermissionDenied,
                        partial_bytes: 0,
                    },
                );
                let Err(error) = run(&fs, mode, Existing::MoveAside) else {
                    break;
                };
                failed += 1;
                let what =
                    format!("{mode:?}, {there:?}, {operation:?} {after} of {times}: {error}");
                faulty.heal();
                let mut left = files(&*memory, Path::new("/"));
                left.retain(|path, _| before.contains_key(path) || !path.ends_with("LOCK"));
                let is_told = error.to_string().contains("is restored in /s/store")
                    || error.to_string().contains("/s/store.re")
                    || error.to_string().contains("see what is left");
                assert!(is_told || left == before, "{what}: {:?}", left.keys());
                // Bytes are written before the copy takes its place alone.
                let is_nothing = error.to_string().contains("nothing was restored");
                assert!(is_nothing || operation != Operation::Write, "{what}");
                // What cannot be undone either, as nothing can, is another matter.
                let is_stuck = snapshot(&memory, TARGET).is_none() && !can_exchange;
                if !(is_stuck && times > 1 && there == There::Store) {
                    check_after(&memory, there, &what);
                    check_again(&memory, mode, there, &what);
                }
            }
        }
    }
    assert!(failed > 100, "{failed}");
}

/// All of what can fail once, and what there is for a failure that stays. How names are exchanged makes a
/// difference only where there is a store.
fn combinations(can_exchange: bool) -> impl Iterator<Item = (There, Operation, u64)> {
    let of_names = [Operation::Rename, Operation::SyncDir];
    let all = ALL.into_iter().flat_map(|there| {
        let each = OPERATIONS.into_iter();
        each.flat_map(move |operation| [1, u64::MAX].map(|times| (there, operation, times)))
    });
    all.filter(move |(there, operation, times)| {
        let is_of_names = of_names.contains(operation);
        let once = *times == 1 || is_of_names;
        once && (can_exchange || is_of_names && *there == There::Store)
    })
}

/// Steps of a restore, from a disk as it was before.
fn recorded(mode: CopyMode, there: There) -> (SimDisk, Vec<Step>) {
    let fs = SimFs::new(SimDisk::new());
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    prepare(&shared, there);
    let before = fs.disk();
    drop(fs.take_steps());
    run(&shared, mode, Existing::MoveAside).unwrap();
    (before, fs.take_steps())
}

fn losses(seed: u64) -> [Loss; 6] {
    let keeps = [
        Keep::None,
        Keep::Prefix,
        Keep::Any,
        Keep::Any,
        Keep::Any,
        Keep::All,
    ];
    let mut number = seed * keeps.len() as u64;
    keeps.map(|keep| {
        number += 1;
        Loss {
            keep,
            fill: Fill::Zeros,
            seed: number,
        }
    })
}

#[test]
fn a_restore_that_is_killed_at_any_step_leaves_what_was_there_or_the_whole_new_store() {
    for (mode, there) in MODES
        .into_iter()
        .flat_map(|mode| ALL.map(|there| (mode, there)))
    {
        let (mut disk, steps) = recorded(mode, there);
        for (number, step) in steps.iter().enumerate() {
            let what = format!("{mode:?}, {there:?}, killed before step {number}, {step:?}");
            let fs: Arc<dyn Fs> = Arc::new(SimFs::new(disk.clone()));
            check_after(&fs, there, &what);
            check_again(&fs, mode, there, &what);
            disk.apply(step);
        }
    }
}

#[test]
fn a_restore_that_loses_the_power_at_any_step_leaves_what_was_there_or_the_whole_new_store() {
    for (mode, there) in MODES
        .into_iter()
        .flat_map(|mode| ALL.map(|there| (mode, there)))
    {
        let (mut disk, steps) = recorded(mode, there);
        for (number, step) in steps.iter().enumerate() {
            for loss in losses(number as u64) {
                let what = format!("{mode:?}, {there:?}, {loss:?} before step {number}, {step:?}");
                let fs: Arc<dyn Fs> = Arc::new(SimFs::new(disk.crash(&loss)));
                check_after(&fs, there, &what);
                check_again(&fs, mode, there, &what);
            }
            disk.apply(step);
        }
        // Once it is done, it is done, and what was replaced is where it was said to be.
        let fs: Arc<dyn Fs> = Arc::new(SimFs::new(disk.crash(&losses(0)[0])));
        assert_same(
            &snapshot(&fs, TARGET).unwrap(),
            &snapshot(&fs, BACKUP).unwrap(),
        );
        let replaced = snapshot(&fs, "/s/store.replaced-1").map(|found| found.len() as usize);
        assert_eq!(replaced.is_some(), there == There::Store);
        assert!(replaced.is_none_or(|events| events == BACKED_UP + LATER));
    }
}
