//! A reader whose directory has another store by now, or an earlier or restored copy of the one that it read.

#![expect(
    clippy::disallowed_methods,
    reason = "what others do to the files is done behind the seam"
)]

use crate::harness::{at, event, texts};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{Existing, Retention, backup, compact, restore};
use strandline::{AppendOptions, Durability, ErrorKind, Store, StoreOptions};

fn options() -> StoreOptions {
    StoreOptions::new()
        .segment_bytes_max(64 << 10)
        .no_background_sync()
}

fn append(store: &Store, name: &str, count: usize) {
    let written = AppendOptions::new().durability(Durability::Written);
    for number in 0..count {
        let text = format!("{name} {number} {}", "x".repeat(900));
        let appended = store.append_with(&at("entity:1", "s"), event(&text), written);
        appended.unwrap();
    }
    store.sync().unwrap();
}

fn write(dir: &Path, name: &str, count: usize) {
    let store = options().open(dir).unwrap();
    append(&store, name, count);
    store.close().unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(to).unwrap() {
        let path = entry.unwrap().path();
        if !from.join(path.file_name().unwrap()).exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            // Over what is there: the same file with other bytes.
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn exchange(root: &Path, other: &str) {
    std::fs::rename(root.join("store"), root.join("aside")).unwrap();
    std::fs::rename(root.join(other), root.join("store")).unwrap();
}

/// How something else comes to be in the directory.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// Another store, with so many events.
    Other(usize),
    /// A copy that was made when there were so many events, as many of which were appended since, with
    /// other bytes; and then so many more.
    Copy { then: usize },
    /// The same, copied into the files that are there.
    CopyInPlace { then: usize },
    /// The same, by the store's own commands.
    Restored { then: usize },
    /// Nothing.
    Gone,
}

fn check(before: usize, after: usize, course: Course) {
    let what = format!("{before} and {after} events, {course:?}");
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let (dir, kept) = (root.join("store"), root.join("kept"));
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let goes_on = &mut |_: strandline::maintenance::Progress| ControlFlow::Continue(());
    write(&dir, "before", before);
    copy(&dir, &kept);
    write(&dir, "after", after);
    let reader = options().read_only().open(&dir).unwrap();
    let shown = texts(&reader);
    assert_eq!(shown.len(), before + after);
    match course {
        Course::Other(events) => {
            write(&root.join("other"), "other", events);
            exchange(root, "other");
        }
        Course::Copy { then } => {
            exchange(root, "kept");
            write(&dir, "then", then);
        }
        Course::CopyInPlace { then } => {
            copy(&kept, &dir);
            write(&dir, "then", then);
        }
        Course::Restored { then } => {
            restore(&fs, &kept, &dir, Existing::MoveAside, goes_on).unwrap();
            write(&dir, "then", then);
        }
        Course::Gone => std::fs::rename(&dir, root.join("aside")).unwrap(),
    }
    // Files of another log say nothing about this one. A copy may have all that was read.
    let is_kept = !matches!(course, Course::CopyInPlace { .. });
    match reader.verify() {
        Ok(report) => assert!(report.is_intact() || !is_kept, "{what}: {report:?}"),
        Err(told) => assert_eq!(
            told.kind(),
            ErrorKind::LogBehindCheckpoint,
            "{what}: {told}"
        ),
    }
    for _ in 0..2 {
        let told = reader.refresh().unwrap_err();
        assert_eq!(
            told.kind(),
            ErrorKind::LogBehindCheckpoint,
            "{what}: {told}"
        );
        let message = told.to_string();
        assert!(message.contains("open it again"), "{what}: {message}");
        assert!(!message.contains("damaged"), "{what}: {message}");
        assert!(!message.contains("vanished"), "{what}: {message}");
        // Not the bytes of files that were written over.
        assert!(
            !is_kept || texts(&reader) == shown,
            "{what}: what was shown stays"
        );
    }
}

/// A reader compared numbers of manifests, and of another course with the same number it said that there
/// is no news, or that its own files are damaged.
#[test]
fn whoever_follows_is_told_that_another_log_is_there() {
    let counts = [0, 5, 130];
    for after in [0, 5, 100] {
        for before in [5, 80] {
            for events in counts {
                check(before, after, Course::Other(events));
                check(before, after, Course::Copy { then: events });
                check(before, after, Course::Restored { then: events });
                if after > 0 {
                    check(before, after, Course::CopyInPlace { then: events });
                }
            }
            check(before, after, Course::Gone);
        }
    }
}

/// What a lawful writer does with its files is no other course: rotations, footers, compactions, backups
/// by links, openings after a close.
#[test]
fn whoever_follows_a_writer_is_told_of_no_other_log() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let goes_on = &mut |_: strandline::maintenance::Progress| ControlFlow::Continue(());
    let mut store = options().open(&dir).unwrap();
    append(&store, "a", 10);
    let reader = options().read_only().open(&dir).unwrap();
    let follow = |store: &Store| {
        assert_eq!(reader.refresh().unwrap(), store.snapshot().visible());
        assert_eq!(reader.refresh().unwrap(), store.snapshot().visible());
    };
    follow(&store);
    for round in 0..4 {
        append(&store, "b", 100);
        follow(&store);
        let rules = Retention::new().keep_newest(150);
        compact(&store, &rules, goes_on).unwrap();
        follow(&store);
        let linked = strandline::maintenance::CopyMode::Link;
        backup(&fs, &dir, &root.path().join("backup"), linked, goes_on).unwrap();
        follow(&store);
        store.close().unwrap();
        store = options().open(&dir).unwrap();
        assert!(reader.verify().unwrap().is_intact());
        follow(&store);
        append(&store, "c", round);
        follow(&store);
    }
}
