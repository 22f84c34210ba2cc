//! Restores from what is no whole backup, and to directories that cannot be moved.

#![expect(
    clippy::disallowed_methods,
    reason = "what is at a target is made and compared behind the seam"
)]

use crate::harness::{at, event};
use crate::restore::{BACKED_UP, World, append, go_on, options, os, tree};
use std::fs::{create_dir, create_dir_all, read, remove_file, rename, write};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, FsLayer, OsFs};
use strandline::maintenance::{Existing, restore, restore_linked};
use strandline::{ErrorKind, Store};

type Spoil = fn(&World) -> PathBuf;

/// What is no whole backup, and what is said of it.
const SOURCES: [(&str, Spoil, ErrorKind); 7] = [
    (
        "missing",
        |world| world.root.join("nowhere"),
        ErrorKind::NotFound,
    ),
    (
        "empty",
        |world| {
            create_dir(world.root.join("empty")).unwrap();
            world.root.join("empty")
        },
        ErrorKind::NotFound,
    ),
    (
        "a file",
        |world| {
            write(world.root.join("file"), b"a letter").unwrap();
            world.root.join("file")
        },
        ErrorKind::InvalidInput,
    ),
    (
        "half of a copy",
        |world| {
            remove_file(world.backup.join("MANIFEST")).unwrap();
            world.backup.clone()
        },
        ErrorKind::Corrupt,
    ),
    (
        "half of a copy, without a checkpoint",
        |world| {
            for path in tree(&world.backup).keys() {
                let name = path.file_name().unwrap().to_str().unwrap();
                if name == "MANIFEST" || name.ends_with(".ckpt") {
                    remove_file(path).unwrap();
                }
            }
            world.backup.clone()
        },
        ErrorKind::Corrupt,
    ),
    (
        "without a segment",
        |world| {
            remove_file(world.backup.join("segment-0000000002.log")).unwrap();
            world.backup.clone()
        },
        ErrorKind::Corrupt,
    ),
    (
        "damaged",
        |world| {
            let path = world.backup.join("segment-0000000001.log");
            let mut bytes = read(&path).unwrap();
            bytes[30_000..30_010].fill(0xFF);
            write(&path, bytes).unwrap();
            world.backup.clone()
        },
        ErrorKind::Corrupt,
    ),
];

#[test]
fn nothing_is_restored_from_what_is_no_whole_backup() {
    for (what, spoil, kind) in SOURCES {
        for target in ["missing/target", "empty-target", "origin"] {
            let world = World::new();
            create_dir(world.root.join("empty-target")).unwrap();
            let source = spoil(&world);
            let before = tree(&world.root);
            let target = world.root.join(target);
            for restore in [restore, restore_linked] {
                let done = restore(&os(), &source, &target, Existing::MoveAside, &mut go_on);
                let error = done.unwrap_err();
                assert_eq!(error.kind(), kind, "{what}: {error}");
                assert!(
                    error.to_string().contains("nothing was restored"),
                    "{what}: {error}"
                );
                assert!(tree(&world.root) == before, "{what}: {error}");
            }
        }
    }
}

/// A backup that somebody writes is restored as it was at some moment; so is a link to one.
#[test]
fn a_backup_may_be_a_link_or_be_written_meanwhile() {
    let world = World::new();
    let (origin, link) = (world.root.join("origin"), world.root.join("link"));
    symlink(&origin, &link).unwrap();
    let store = options().open(&origin).unwrap();
    let least = store.snapshot().visible();
    let mut progress = |_| {
        store
            .append(&at("order:2", "eu"), event("meanwhile"))
            .unwrap();
        ControlFlow::Continue(())
    };
    let target = world.root.join("t");
    let done = restore(&os(), &link, &target, Existing::Refuse, &mut progress).unwrap();
    assert!(done.end > least, "{done:?}");
    let restored = Store::open(&target).unwrap();
    assert_eq!(restored.snapshot().visible(), done.end);
}

/// A file system of which a directory is mounted, so that it cannot be renamed.
#[derive(Debug)]
struct Mounted {
    at: PathBuf,
    is_told: bool,
}

impl Mounted {
    fn check(&self, paths: [&Path; 2]) -> io::Result<()> {
        match paths.contains(&self.at.as_path()) {
            true => Err(io::ErrorKind::ResourceBusy.into()),
            false => Ok(()),
        }
    }
}

impl FsLayer for Mounted {
    fn below(&self) -> &dyn Fs {
        &OsFs
    }

    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        Ok(self.is_told && path == self.at)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check([from, to])?;
        OsFs.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check([from, to])?;
        OsFs.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.check([one, other])?;
        OsFs.exchange(one, other)
    }
}

/// A whole copy was made first, and stayed, where the directory could not be renamed.
#[test]
fn a_volume_is_filled_and_its_store_is_not_moved() {
    for is_told in [true, false] {
        let world = World::new();
        let at = world.root.join("volume");
        let fs: Arc<dyn Fs> = Arc::new(Mounted {
            at: at.clone(),
            is_told,
        });
        create_dir_all(at.join("lost+found")).unwrap();
        let restore = || restore(&fs, &world.backup, &at, Existing::MoveAside, &mut go_on);
        assert_eq!(restore().unwrap().end.get(), BACKED_UP as u64);
        append(&options().open(&at).unwrap(), 1);
        let before = tree(&world.root);
        let error = restore().unwrap_err();
        let expected = match is_told {
            true => "is where a file system is mounted",
            false => "cannot move",
        };
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            error.to_string().contains("restore again, which fills"),
            "{error}"
        );
        assert!(tree(&world.root) == before, "{error}");
        // As it says.
        let aside = at.parent().unwrap().join("aside");
        create_dir(&aside).unwrap();
        for path in tree(&at).keys().filter(|path| path.is_file()) {
            rename(path, aside.join(path.file_name().unwrap())).unwrap();
        }
        assert_eq!(restore().unwrap().end.get(), BACKED_UP as u64);
    }
}

/// Who may not write the parent can fill a directory; a store there stays, and nothing is left.
#[test]
fn a_store_in_a_directory_that_is_not_to_be_written_stays() {
    let world = World::new();
    let parent = world.root.join("parent");
    let target = parent.join("t");
    create_dir_all(&target).unwrap();
    let allow = |mode| {
        std::fs::set_permissions(&parent, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(0o500);
    if create_dir(parent.join("probe")).is_ok() {
        println!("skipped: permissions do not bind this user");
        return;
    }
    world.restore(&target, Existing::MoveAside).unwrap();
    let before = tree(&world.root);
    let error = world.restore(&target, Existing::MoveAside).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let mut left = tree(&world.root);
    left.remove(&target.join("LOCK"));
    assert!(left == before, "{error}");
    allow(0o700);
}
