//! Exact imports that fail or lose the power, at each step: the whole copy is there, or none.

use crate::compact::{run, run_redact};
use crate::exact::exact;
use crate::harness::{CREATED, at};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, Fill, Fs, Keep, Loss, MemFs, Operation, SimDisk, SimFs};
use strandline::maintenance::{Redaction, Retention};
use strandline::{Event, StoreOptions};
use strandline_transfer::{ImportError, ImportedExact, import_exact};

const TARGET: &str = "/s/store";

fn options(fs: &Arc<dyn Fs>) -> StoreOptions {
    StoreOptions::new()
        .fs(fs.clone())
        .random_seed(7)
        .segment_bytes_max(64 << 10)
        .no_background_sync()
        .background_inline()
}

/// An exact export of two segments, one of which has a place of a removed event.
fn lines() -> String {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let store = options(&fs).open("/o").unwrap();
    for number in 0..5 {
        let event = Event::bytes(CREATED, vec![b'x'; 25_000]);
        store
            .append(&at(&format!("e:{}", number % 2), "s"), event)
            .unwrap();
    }
    run(&store, &Retention::new().keep_newest(2));
    run_redact(&store, &Redaction::new().entity("e:1"));
    exact(&store)
}

/// A file system with a directory for the store to be in, and perhaps an empty one in its place.
fn prepare(fs: &dyn Fs, is_there: bool) {
    fs.create_dir_all(Path::new("/s")).unwrap();
    if is_there {
        fs.create_dir_all(Path::new(TARGET)).unwrap();
    }
    for dir in ["/s", "/"] {
        fs.sync_dir(Path::new(dir)).unwrap();
    }
}

fn import(fs: &Arc<dyn Fs>, lines: &str) -> Result<ImportedExact, ImportError> {
    let mut go_on = |_| ControlFlow::Continue(());
    let mut input = lines.as_bytes();
    import_exact(&options(fs), Path::new(TARGET), &mut input, &mut go_on)
}

/// Checks that the whole copy is there, or none and one can be made.
fn check(fs: &Arc<dyn Fs>, lines: &str, what: &str) {
    let read = || options(fs).read_only().open(TARGET);
    if let Ok(store) = read() {
        assert_eq!(exact(&store), lines, "{what}");
        return;
    }
    import(fs, lines).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(exact(&read().unwrap()), lines, "{what}");
}

#[test]
fn an_exact_import_that_fails_at_any_call_leaves_nothing_or_the_whole_copy() {
    const OPERATIONS: [Operation; 6] = [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::SetLen,
        Operation::Rename,
        Operation::SyncDir,
    ];
    let lines = lines();
    let mut failed = 0;
    for is_there in [false, true] {
        for operation in OPERATIONS {
            for after in 0.. {
                let memory: Arc<dyn Fs> = Arc::new(MemFs::new());
                prepare(&*memory, is_there);
                let faulty = FaultFs::new(memory.clone());
                let fault = Fault {
                    after,
                    times: 1,
                    error: io::ErrorKind::PermissionDenied,
                    partial_bytes: 0,
                };
                faulty.fail(operation, fault);
                let fs: Arc<dyn Fs> = Arc::new(faulty.clone());
                let Err(error) = import(&fs, &lines) else {
                    break;
                };
                failed += 1;
                faulty.heal();
                check(
                    &memory,
                    &lines,
                    &format!("{is_there}, {operation:?} {after}: {error}"),
                );
            }
        }
    }
    assert!(failed > 30, "{failed}");
}

#[test]
fn an_exact_import_that_loses_the_power_at_any_step_leaves_nothing_or_the_whole_copy() {
    let lines = lines();
    for is_there in [false, true] {
        let recorder = SimFs::new(SimDisk::new());
        prepare(&recorder, is_there);
        let mut disk = recorder.disk();
        drop(recorder.take_steps());
        let fs: Arc<dyn Fs> = Arc::new(recorder.clone());
        import(&fs, &lines).unwrap();
        for (number, step) in recorder.take_steps().iter().enumerate() {
            for (seed, keep) in [Keep::None, Keep::Prefix, Keep::Any, Keep::All]
                .into_iter()
                .enumerate()
            {
                let loss = Loss {
                    keep,
                    fill: Fill::Zeros,
                    seed: (number * 4 + seed) as u64,
                };
                let fs: Arc<dyn Fs> = Arc::new(SimFs::new(disk.crash(&loss)));
                check(
                    &fs,
                    &lines,
                    &format!("{is_there}, {loss:?} before step {number}, {step:?}"),
                );
            }
            disk.apply(step);
        }
        let fs: Arc<dyn Fs> = Arc::new(SimFs::new(disk));
        check(&fs, &lines, "at the end");
    }
}
