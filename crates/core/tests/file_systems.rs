//! What every file system does alike: names and identities of files and directories.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, FsLayer, MemFs, OpenMode, OsFs, SimDisk, SimFs, read_file};

/// Answers nothing itself.
#[derive(Debug)]
struct Plain(OsFs);

impl FsLayer for Plain {
    fn below(&self) -> &dyn Fs {
        &self.0
    }
}

fn on_each(test: impl Fn(&dyn Fs, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    let (own, below) = (dir.path().join("own"), dir.path().join("below"));
    let systems: [(Arc<dyn Fs>, &Path); 4] = [
        (Arc::new(OsFs), &own),
        (Arc::new(Plain(OsFs)), &below),
        (Arc::new(MemFs::new()), Path::new("/d")),
        (Arc::new(SimFs::new(SimDisk::new())), Path::new("/d")),
    ];
    for (fs, dir) in systems {
        fs.create_dir_all(dir).unwrap();
        test(&*fs, dir);
    }
}

fn put(fs: &dyn Fs, path: &Path, text: &str) {
    let file = fs.open(path, OpenMode::Create).unwrap();
    file.write_all_at(text.as_bytes(), 0).unwrap();
}

fn text(fs: &dyn Fs, path: &Path) -> String {
    String::from_utf8(read_file(fs, path, 99).unwrap()).unwrap()
}

fn kind<T>(result: std::io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn directories_are_exchanged_in_one_step_with_what_is_in_them() {
    on_each(|fs, dir| {
        let (one, other) = (dir.join("one"), dir.join("other"));
        for (path, name) in [(&one, "1"), (&other, "2")] {
            fs.create_dir(path).unwrap();
            put(fs, &path.join("f"), name);
        }
        let identities = (fs.identity(&one).unwrap(), fs.identity(&other).unwrap());
        assert_ne!(identities.0, identities.1);
        fs.exchange(&one, &other).unwrap();
        assert_eq!(text(fs, &one.join("f")), "2");
        assert_eq!(text(fs, &other.join("f")), "1");
        assert_eq!(fs.identity(&one).unwrap(), identities.1, "{fs:?}");
        assert_eq!(fs.identity(&other).unwrap(), identities.0);
        assert!(fs.exchange(&one, &dir.join("none")).is_err());
    });
}

#[test]
fn a_name_that_is_taken_is_not_taken_over() {
    on_each(|fs, dir| {
        let (from, taken, free) = (dir.join("from"), dir.join("taken"), dir.join("free"));
        fs.create_dir(&from).unwrap();
        put(fs, &from.join("f"), "1");
        fs.create_dir(&taken).unwrap();
        let exists = Some(ErrorKind::AlreadyExists);
        assert_eq!(kind(fs.rename_new(&from, &taken)), exists, "{fs:?}");
        assert_eq!(kind(fs.create_dir(&taken)), exists);
        assert_eq!(kind(fs.create_dir(&from.join("f"))), exists);
        fs.rename_new(&from, &free).unwrap();
        assert_eq!(text(fs, &free.join("f")), "1");
        assert!(fs.identity(&from).is_err());
        put(fs, &dir.join("file"), "2");
        put(fs, &dir.join("file2"), "3");
        let renamed = fs.rename_new(&dir.join("file"), &dir.join("file2"));
        assert_eq!(kind(renamed), exists);
        fs.rename_new(&dir.join("file"), &dir.join("file3"))
            .unwrap();
        assert_eq!(text(fs, &dir.join("file3")), "2");
    });
}

#[test]
fn a_directory_replaces_an_empty_one_and_no_other() {
    on_each(|fs, dir| {
        let (from, full, empty) = (dir.join("from"), dir.join("full"), dir.join("empty"));
        for path in [&from, &full, &empty] {
            fs.create_dir(path).unwrap();
        }
        put(fs, &from.join("f"), "1");
        put(fs, &full.join("f"), "2");
        let not_empty = Some(ErrorKind::DirectoryNotEmpty);
        assert_eq!(kind(fs.rename(&from, &full)), not_empty, "{fs:?}");
        assert_eq!(kind(fs.remove_dir(&full)), not_empty);
        fs.rename(&from, &empty).unwrap();
        assert_eq!(text(fs, &empty.join("f")), "1");
        fs.create_dir(&from).unwrap();
        fs.remove_dir(&from).unwrap();
        assert_eq!(kind(fs.remove_dir(&from)), Some(ErrorKind::NotFound));
        put(fs, &dir.join("file"), "3");
        assert!(fs.rename(&full, &dir.join("file")).is_err());
        assert!(fs.rename(&dir.join("file"), &full).is_err());
    });
}

#[test]
fn an_identity_stays_with_a_file_and_its_lock() {
    on_each(|fs, dir| {
        let (path, moved) = (dir.join("LOCK"), dir.join("moved"));
        let lock = fs.try_lock(&path).unwrap().unwrap();
        let identity = fs.identity(&path).unwrap();
        assert_eq!(lock.identity(), Some(identity), "{fs:?}");
        fs.rename(&path, &moved).unwrap();
        assert_eq!(fs.identity(&moved).unwrap(), identity);
        assert!(fs.try_lock(&moved).unwrap().is_none());
        let other = fs.try_lock(&path).unwrap().unwrap();
        assert_ne!(other.identity(), Some(identity));
        drop((lock, other));

        let file = fs.open(&moved, OpenMode::Read).unwrap();
        assert_eq!(file.identity().unwrap(), identity);
        assert!(!fs.is_mount_point(dir).unwrap());
    });
}

#[test]
fn the_root_is_a_mount_point() {
    assert!(OsFs.is_mount_point(Path::new("/")).unwrap());
    assert!(Fs::is_mount_point(&Plain(OsFs), Path::new("/")).unwrap());
}
