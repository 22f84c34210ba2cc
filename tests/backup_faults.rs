//! A backup while each operation fails, one after the other.

use crate::harness::{at, contents};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, Fs, MemFs, Operation};
use strandline::maintenance::{
    BackedUp, BackupOptions, CopyMode, Progress, Redaction, Retention, backup_with, compact, redact,
};
use strandline::{Error, ErrorKind, Event, EventKind, Store, StoreOptions, StoredEvent};

const STORE: &str = "/store";
const BACKUP: &str = "/backup";

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn options(fs: &MemFs) -> StoreOptions {
    StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .random_seed(3)
        .segment_bytes_max(64 << 10)
        .background_inline()
        .no_background_sync()
}

fn append(store: &Store, count: u32) {
    for _ in 0..count {
        let number = store.snapshot().visible().get();
        let entity = at(&format!("entity:{}", number % 4), "s");
        let event = Event::bytes(EventKind::new(1, 1), vec![number as u8; 3000]);
        store.append(&entity, event).unwrap();
    }
}

fn back_up(fs: Arc<dyn Fs>, mode: CopyMode, verify: bool) -> Result<BackedUp, Error> {
    let how = BackupOptions::new().mode(mode);
    let how = if verify { how.verify() } else { how };
    backup_with(&fs, Path::new(STORE), Path::new(BACKUP), how, &mut go_on)
}

fn intact(fs: &MemFs, dir: &str) -> Vec<StoredEvent> {
    let store = options(fs).read_only().open(dir).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    contents(&store.snapshot())
}

/// A store whose backup is of a while ago: since then segments were added, compacted and redacted.
fn with_old_backup() -> MemFs {
    let fs = MemFs::new();
    let store = options(&fs).open(STORE).unwrap();
    append(&store, 50);
    back_up(Arc::new(fs.clone()), CopyMode::Link, false).unwrap();
    append(&store, 12);
    let rules = Retention::new().keep_newest(9);
    compact(&store, &rules, &mut go_on).unwrap();
    append(&store, 30);
    let chosen = Redaction::new().entity("entity:2");
    redact(&store, &chosen, &mut go_on).unwrap();
    append(&store, 3);
    store.close().unwrap();
    fs
}

const OPERATIONS: [Operation; 6] = [
    Operation::Read,
    Operation::Write,
    Operation::Sync,
    Operation::Create,
    Operation::Rename,
    Operation::SyncDir,
];

/// Whatever fails, the backup is the one that was there or the new one, wholly, and the same call goes
/// through afterwards.
#[test]
fn whatever_fails_the_earlier_backup_or_the_new_one_is_there() {
    for mode in [CopyMode::Link, CopyMode::Copy] {
        for verify in [false, true] {
            let start = with_old_backup();
            let (old, new) = (intact(&start, BACKUP), intact(&start, STORE));
            let mut failures = 0;
            for operation in OPERATIONS {
                let step = if operation == Operation::Read { 7 } else { 1 };
                for after in (0..).step_by(step) {
                    let fs = start.fork();
                    let faulty = FaultFs::new(Arc::new(fs.clone()));
                    faulty.fail(
                        operation,
                        Fault {
                            after,
                            times: 1,
                            error: std::io::ErrorKind::StorageFull,
                            partial_bytes: 100,
                        },
                    );
                    let done = back_up(Arc::new(faulty.clone()), mode, verify);
                    if faulty.calls(operation) <= after {
                        done.unwrap();
                        break;
                    }
                    failures += u32::from(done.is_err());
                    let what = format!("{operation:?} after {after}, {mode:?}");
                    let there = intact(&fs, BACKUP);
                    assert!(there == old || there == new, "{what}");
                    assert!(done.is_err() || there == new, "{what}");
                    assert!(intact(&fs, STORE) == new, "{what}");
                    back_up(Arc::new(fs.clone()), mode, verify).expect(&what);
                    assert!(intact(&fs, BACKUP) == new, "{what}");
                    let names = fs.list(Path::new(BACKUP)).unwrap().into_iter();
                    let mut names = names.map(|entry| entry.name);
                    assert!(names.all(|name| !name.ends_with(".tmp")), "{what}");
                }
            }
            assert!(failures > 20, "{failures}");
        }
    }
}

#[test]
fn whatever_fails_a_first_backup_is_whole_or_no_store_and_is_gone_on_with() {
    for mode in [CopyMode::Link, CopyMode::Copy] {
        let start = MemFs::new();
        let store = options(&start).open(STORE).unwrap();
        append(&store, 60);
        store.close().unwrap();
        let all = intact(&start, STORE);
        for operation in OPERATIONS {
            for after in 0.. {
                let fs = start.fork();
                let faulty = FaultFs::new(Arc::new(fs.clone()));
                faulty.fail(
                    operation,
                    Fault {
                        after,
                        times: 1,
                        error: std::io::ErrorKind::Other,
                        partial_bytes: 9,
                    },
                );
                let done = back_up(Arc::new(faulty.clone()), mode, false);
                if faulty.calls(operation) <= after {
                    done.unwrap();
                    break;
                }
                let what = format!("{operation:?} after {after}, {mode:?}");
                match options(&fs).read_only().open(BACKUP) {
                    Ok(_) => assert!(intact(&fs, BACKUP) == all, "{what}"),
                    Err(error) => {
                        let kinds = [ErrorKind::NotFound, ErrorKind::Corrupt];
                        assert!(done.is_err() && kinds.contains(&error.kind()), "{what}");
                    }
                }
                // The store goes on meanwhile.
                let store = options(&fs).open(STORE).unwrap();
                append(&store, 40);
                store.close().unwrap();
                back_up(Arc::new(fs.clone()), mode, false).expect(&what);
                assert!(intact(&fs, BACKUP) == intact(&fs, STORE), "{what}");
            }
        }
    }
}

/// What was brought before a call was cancelled is not brought again.
#[test]
fn a_cancelled_backup_is_gone_on_with() {
    let fs = MemFs::new();
    let store = options(&fs).open(STORE).unwrap();
    append(&store, 100);
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let mut reports = 0;
    let how = BackupOptions::new().mode(CopyMode::FramesAlone);
    let (from, to) = (Path::new(STORE), Path::new(BACKUP));
    let cancelled = backup_with(&shared, from, to, how, &mut |progress| {
        reports += 1;
        match progress.done > 100_000 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    // It is told of each mebibyte, and there is less.
    assert!(cancelled.is_err() || reports > 0);
    let how = BackupOptions::new().mode(CopyMode::FramesAlone);
    backup_with(&shared, from, to, how, &mut go_on).unwrap();
    assert_eq!(intact(&fs, BACKUP).len(), 100);
    assert!(
        fs.list(to)
            .unwrap()
            .iter()
            .all(|e| !e.name.ends_with(".ckpt"))
    );
}
