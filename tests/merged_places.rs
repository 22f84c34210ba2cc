//! What stands in the place of a merged file and cannot be opened: a link, a directory, a file that nobody may read.
//! It says nothing that the log does not, so it is told, and keeps nothing from being done.

use crate::answers::Answers;
use crate::merged_index::append_segments;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, FsFile, FsLayer, OpenMode, OsFs};
use strandline::maintenance::{Inventory, rebuild};
use strandline::{Durability, ProblemKind, StoreOptions};

/// A file system that does not open merged files of the index.
#[derive(Debug)]
struct Denied;

impl FsLayer for Denied {
    fn below(&self) -> &dyn Fs {
        &OsFs
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let name = path.file_name().unwrap().to_string_lossy();
        match name.starts_with("index-") {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => OsFs.open(path, mode),
        }
    }
}

fn options() -> StoreOptions {
    StoreOptions::new()
        .random_seed(7)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .background_inline()
}

fn merged(dir: &Path) -> Vec<PathBuf> {
    let names = OsFs.list_names(dir).unwrap().into_iter();
    let names = names.filter(|entry| entry.name.starts_with("index-"));
    names.map(|entry| dir.join(entry.name)).collect()
}

/// A store with two merged files.
fn made(dir: &Path) -> Answers {
    let store = options().open(dir).unwrap();
    append_segments(&store, 20);
    let answers = Answers::of(&store);
    store.close().unwrap();
    assert_eq!(merged(dir).len(), 2);
    answers
}

/// Expects one problem, of the index, that names the file and says this, and everything checked.
fn expect_told(options: &StoreOptions, dir: &Path, answers: &Answers, says: &str) {
    let name = merged(dir).remove(0);
    let name = name.file_name().unwrap().to_string_lossy().into_owned();
    let store = options.clone().read_only().open(dir).unwrap();
    assert_eq!(Answers::of(&store), *answers);
    let notices = &store.open_report().notices;
    let is_told = |notice: &String| notice.contains(&name) && notice.contains(says);
    assert!(notices.iter().any(is_told), "{notices:?}");
    let report = store.verify().unwrap();
    assert_eq!(report.events, store.snapshot().len());
    assert_eq!((report.damaged, report.unread), (0, 0));
    let of_file = report.problems.iter();
    let of_file = of_file.filter(|one| one.file.as_ref() == Some(&name));
    let told: Vec<_> = of_file.collect();
    let [problem] = &told[..] else {
        panic!("{:?}", report.problems)
    };
    assert_eq!(problem.kind, ProblemKind::Index);
    assert!(problem.message.contains(says), "{problem}");
}

/// Verification ended with nothing checked.
#[test]
fn what_is_no_file_is_told_and_everything_is_checked() {
    for (is_link, says) in [(true, "symbolic link"), (false, "directory")] {
        let dir = tempfile::tempdir().unwrap();
        let answers = made(dir.path());
        let path = merged(dir.path()).remove(0);
        let elsewhere = dir.path().join("elsewhere");
        OsFs.rename(&path, &elsewhere).unwrap();
        match is_link {
            true => std::os::unix::fs::symlink(&elsewhere, &path).unwrap(),
            false => std::fs::create_dir(&path).unwrap(),
        }
        expect_told(&options(), dir.path(), &answers, says);
        let found = Inventory::of(&OsFs, dir.path()).unwrap();
        assert!(
            found.problems.iter().any(|problem| problem.contains(says)),
            "{:?}",
            found.problems
        );

        // It is nothing of the store's, so it stays, and that is said.
        let rebuilt = rebuild(options(), dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(
            rebuilt.notices.iter().any(|notice| notice.contains(says)),
            "{:?}",
            rebuilt.notices
        );
        assert!(path.symlink_metadata().is_ok() && elsewhere.exists());
        let store = options().open(dir.path()).unwrap();
        append_segments(&store, 1);
        let stats = store.stats().unwrap();
        assert_eq!(stats.merged_files.iter().sum::<usize>(), 2, "{stats:?}");
        assert_eq!(stats.merge_failed, None);
        drop(store);
        match is_link {
            true => OsFs.remove_file(&path).unwrap(),
            false => std::fs::remove_dir(&path).unwrap(),
        }
        let store = options().open(dir.path()).unwrap();
        assert!(store.verify().unwrap().is_intact());
    }
}

#[test]
fn a_file_that_nobody_may_open_is_told_and_everything_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let answers = made(dir.path());
    let denied = options().fs(Arc::new(Denied));
    let store = denied.clone().read_only().open(dir.path()).unwrap();
    assert_eq!(Answers::of(&store), answers);
    assert_eq!(store.open_report().notices.len(), 2);
    let report = store.verify().unwrap();
    assert_eq!(
        (report.events, report.problems.len()),
        (store.snapshot().len(), 2)
    );
    expect_told(&denied, dir.path(), &answers, "denied");
}

/// It removed good files without a word.
#[test]
fn a_rebuild_says_how_many_merged_files_it_removes() {
    let dir = tempfile::tempdir().unwrap();
    let answers = made(dir.path());
    let rebuilt = rebuild(options(), dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(rebuilt.merged_removed, 2);
    let store = options().open(dir.path()).unwrap();
    assert_eq!(Answers::of(&store), answers);
    assert_eq!(merged(dir.path()).len(), 2, "they are made anew");
    assert!(store.verify().unwrap().is_intact());
}
