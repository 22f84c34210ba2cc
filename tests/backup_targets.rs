//! Where a backup may be made, and where it is refused before anything is.

use crate::backup::{MODES, World, append, back_up, files, intact, options, remove_checkpoints};
use crate::harness::read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use strandline::ErrorKind;
use strandline::fs::{Fs, OpenMode, OsFs};
use strandline::maintenance::CopyMode;

/// What a target may be, and what becomes of it.
#[test]
fn targets() {
    for mode in MODES {
        let world = World::filled(100);
        let root = world.root.path();
        let shown = intact(&world.store);
        let source = files(&world.store);
        OsFs.create_dir_all(&root.join("empty")).unwrap();
        OsFs.create_dir_all(&root.join("mounted/lost+found"))
            .unwrap();
        symlink(root.join("empty"), root.join("link")).unwrap();
        for good in [
            "new",
            "new/er/deep",
            "empty",
            "link",
            "mounted",
            "new/./er/../other",
        ] {
            let target = root.join(good);
            assert_eq!(back_up(&world.store, &target, mode).unwrap().end.get(), 100);
            assert!(intact(&target) == shown, "{good}");
        }
        make_bad_targets(root);
        let all = tree(root);
        for bad in [
            "store",
            "store/.",
            "store/in",
            "store/../store",
            "to-store",
            "to-store/new",
            ".",
            "",
            "file",
            "file/new",
            "dangling",
            "to-file",
            "foreign",
            "foreign-segments",
            "lost-manifest",
        ] {
            let target = root.join(bad);
            let error = back_up(&world.store, &target, mode).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}: {error}");
            assert!(tree(root) == all, "{bad}");
        }
        // What is no store has no backup, and nothing is made.
        for none in ["foreign", "nothing", "file"] {
            let error = back_up(&root.join(none), &root.join("made"), mode).unwrap_err();
            let kinds = [ErrorKind::NotFound, ErrorKind::InvalidInput, ErrorKind::Io];
            assert!(kinds.contains(&error.kind()), "{none}: {error}");
            assert!(tree(root) == all, "{none}");
        }
        assert!(files(&world.store) == source);
    }
}

fn make_bad_targets(root: &Path) {
    let file = |path: &str| {
        let file = OsFs.open(&root.join(path), OpenMode::Create).unwrap();
        file.write_all_at(b"mine", 0).unwrap();
    };
    file("file");
    symlink(root.join("store"), root.join("to-store")).unwrap();
    symlink(root.join("file"), root.join("to-file")).unwrap();
    symlink(root.join("nowhere"), root.join("dangling")).unwrap();
    for dir in ["foreign", "foreign-segments", "lost-manifest"] {
        OsFs.create_dir_all(&root.join(dir)).unwrap();
    }
    file("foreign/notes.txt");
    // Another store whose manifest is gone.
    let other = root.join("foreign-segments");
    let store = options().open(&other).unwrap();
    append(&store, 10);
    store.close().unwrap();
    OsFs.remove_file(&other.join("MANIFEST")).unwrap();
    remove_checkpoints(&other);
    // A copy that went on, whose manifest is gone.
    let lost = root.join("lost-manifest");
    back_up(&root.join("store"), &lost, CopyMode::Copy).unwrap();
    let store = options().open(&lost).unwrap();
    append(&store, 10);
    store.close().unwrap();
    OsFs.remove_file(&lost.join("MANIFEST")).unwrap();
    remove_checkpoints(&lost);
}

/// All paths under a directory, with the bytes of files.
fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in OsFs.list(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            strandline::fs::EntryKind::File => all.push((path.clone(), read(&OsFs, &path))),
            strandline::fs::EntryKind::Directory => {
                all.extend(tree(&path));
                all.push((path, Vec::new()));
            }
            strandline::fs::EntryKind::Other => all.push((path, Vec::new())),
        }
    }
    all
}
