//! Where a backup may be restored, and from what: a restore of a backup that is wrong, or to a place that
//! is not the store's, once copied everything first, moved aside what was no store, or the backup itself.

#![expect(
    clippy::disallowed_methods,
    reason = "what is at a target is made and compared behind the seam"
)]

use crate::harness::{assert_same, at, fill};
use std::collections::BTreeMap;
use std::fs::{create_dir, create_dir_all, read, read_dir, read_link, remove_file, write};
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{
    CopyMode, Existing, Kept, Progress, Restored, backup, restore, verify,
};
use strandline::{Error, ErrorKind, Sequence, Store, StoreOptions};

/// Events of the backup, and of the store that goes on after it.
pub(crate) const BACKED_UP: usize = 12;
pub(crate) const LATER: usize = 5;

pub(crate) fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub(crate) fn os() -> Arc<dyn Fs> {
    Arc::new(OsFs)
}

/// Several segments of few events.
pub(crate) fn options() -> StoreOptions {
    StoreOptions::new().segment_bytes_max(64 << 10)
}

pub(crate) fn append(store: &Store, count: usize) {
    for _ in 0..count {
        let payload = vec![b'x'; 20_000];
        let event = strandline::Event::bytes(crate::harness::CREATED, payload);
        store.append(&at("order:1", "eu"), event).unwrap();
    }
}

/// A directory with a backup in `b/backup`, and the store that it was made of.
pub(crate) struct World {
    _dir: tempfile::TempDir,
    pub(crate) root: PathBuf,
    pub(crate) backup: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let made = MADE.get_or_init(Self::make).path();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        create_dir(root.join("b")).unwrap();
        copy_tree(&made.join("origin"), &root.join("origin"));
        copy_tree(&made.join("backup"), &root.join("b/backup"));
        Self {
            _dir: dir,
            backup: root.join("b/backup"),
            root,
        }
    }

    fn make() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let origin = dir.path().join("origin");
        let store = options().open(&origin).unwrap();
        append(&store, BACKED_UP);
        store.close().unwrap();
        let to = dir.path().join("backup");
        backup(&os(), &origin, &to, CopyMode::Copy, &mut go_on).unwrap();
        let store = options().open(&origin).unwrap();
        append(&store, LATER);
        store.close().unwrap();
        dir
    }

    pub(crate) fn restore(&self, to: &Path, existing: Existing) -> Result<Restored, Error> {
        restore(&os(), &self.backup, to, existing, &mut go_on)
    }
}

/// Everything below a directory, by path: bytes of files, where links lead, and what else there is.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        let bytes = if kind.is_symlink() {
            read_link(&path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else if kind.is_dir() {
            found.extend(tree(&path));
            b"directory".to_vec()
        } else if kind.is_file() {
            read(&path).unwrap()
        } else {
            b"other".to_vec()
        };
        found.insert(path, bytes);
    }
    found
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    create_dir(to).unwrap();
    for entry in read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// What becomes of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    Made,
    Replaced,
    Refused(ErrorKind),
}

use Becomes::{Made, Refused, Replaced};

const NO: Becomes = Refused(ErrorKind::InvalidInput);

/// Each target, what it is, and what becomes of it when a store may not be moved aside, and when it may.
const TARGETS: [(&str, &str, Becomes, Becomes); 34] = [
    ("t", "missing", Made, Made),
    ("p/q/t", "in directories that are missing", Made, Made),
    ("t/", "missing, with a separator", Made, Made),
    ("p/../t", "up from what is missing", NO, NO),
    ("t", "an empty directory", Made, Made),
    ("t/.", "an empty directory", Made, Made),
    ("t/lost+found/..", "an empty volume", Made, Made),
    ("t", "an empty volume", Made, Made),
    ("t", "a lock alone", Made, Made),
    ("t", "a link to an empty directory", Made, Made),
    ("t", "a store", NO, Replaced),
    ("t/./", "a store", NO, Replaced),
    ("t", "a store without a lock", NO, Replaced),
    ("t", "a link to a store", NO, Replaced),
    ("t", "another store", NO, Replaced),
    ("t", "a copy of the backup", NO, Replaced),
    ("t", "a copy that was written to", NO, Replaced),
    ("t", "a store whose manifest is damaged", NO, Replaced),
    ("t", "a store whose manifest is gone", NO, Replaced),
    ("t", "a file", NO, NO),
    ("t/u", "a file", NO, NO),
    ("t", "a link to a file", NO, NO),
    ("t", "a link to nothing", NO, NO),
    ("t", "a socket", NO, NO),
    ("t", "a directory with a file", NO, NO),
    ("t", "a directory with a directory", NO, NO),
    ("t", "somebody's model.ckpt", NO, NO),
    ("t", "somebody's MANIFEST", NO, NO),
    ("t", "somebody's quarantine", NO, NO),
    ("b/backup/.", "the backup itself", NO, NO),
    ("t", "a link to the backup", NO, NO),
    ("b/backup/t", "in the backup", NO, NO),
    ("b", "around the backup", NO, NO),
    ("b", "a store around the backup", NO, NO),
];

/// Puts there what a target is called.
fn prepare(what: &str, world: &World) {
    let (t, origin) = (world.root.join("t"), world.root.join("origin"));
    let real = world.root.join("real");
    match what {
        "an empty directory" => create_dir(&t).unwrap(),
        "an empty volume" => create_dir_all(t.join("lost+found")).unwrap(),
        "somebody's quarantine" => create_dir_all(t.join("quarantine")).unwrap(),
        "somebody's model.ckpt" | "somebody's MANIFEST" => {
            create_dir(&t).unwrap();
            let name = what.rsplit(' ').next().unwrap();
            write(
                t.join(name),
                "include *.py, and all that is longer than a manifest",
            )
            .unwrap();
        }
        "a lock alone" => {
            create_dir(&t).unwrap();
            write(t.join("LOCK"), b"").unwrap();
        }
        "a link to an empty directory" => {
            create_dir(real).unwrap();
            symlink("real", t).unwrap();
        }
        "a store" => copy_tree(&origin, &t),
        "a store without a lock" => {
            copy_tree(&origin, &t);
            remove_file(t.join("LOCK")).unwrap();
        }
        "a link to a store" => {
            copy_tree(&origin, &real);
            symlink("real", t).unwrap();
        }
        "another store" => drop(fill(&Store::open(t).unwrap(), 3)),
        "a copy of the backup" => copy_tree(&world.backup, &t),
        "a copy that was written to" => {
            copy_tree(&world.backup, &t);
            append(&options().open(t).unwrap(), 1);
        }
        "a store whose manifest is damaged" => {
            copy_tree(&origin, &t);
            write(t.join("MANIFEST"), b"no manifest").unwrap();
        }
        "a store whose manifest is gone" => {
            copy_tree(&origin, &t);
            remove_file(t.join("MANIFEST")).unwrap();
        }
        "a file" => write(t, b"a letter").unwrap(),
        "a link to a file" => {
            write(real, b"a letter").unwrap();
            symlink("real", t).unwrap();
        }
        "a link to nothing" => symlink("nothing", t).unwrap(),
        "a socket" => drop(UnixListener::bind(t).unwrap()),
        "a directory with a file" => {
            create_dir(&t).unwrap();
            write(t.join("letter"), b"a letter").unwrap();
        }
        "a directory with a directory" => create_dir_all(t.join("letters")).unwrap(),
        "a link to the backup" => symlink(&world.backup, t).unwrap(),
        "a store around the backup" => {
            for path in tree(&origin).keys() {
                let name = path.file_name().unwrap();
                std::fs::copy(path, world.root.join("b").join(name)).unwrap();
            }
        }
        _ => {}
    }
}

/// Before anything is copied it is refused, and nothing has changed then, byte for byte.
#[test]
fn a_target_is_filled_replaced_or_refused_before_anything_is_copied() {
    for (name, what, refuse, move_aside) in TARGETS {
        for (existing, becomes) in [
            (Existing::Refuse, refuse),
            (Existing::MoveAside, move_aside),
        ] {
            let world = World::new();
            prepare(what, &world);
            let what = format!("{name}, {what}");
            // Joined, it keeps its dots and separators.
            check(&world, &world.root.join(name), existing, becomes, &what);
        }
    }
}

fn check(world: &World, target: &Path, existing: Existing, becomes: Becomes, what: &str) {
    let before = tree(&world.root);
    let backed_up = tree(&world.backup);
    let done = world.restore(target, existing);
    if let Refused(kind) = becomes {
        let error = done.err().unwrap_or_else(|| panic!("{what}"));
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(tree(&world.root) == before, "{what}: {error}");
        return;
    }
    let done = done.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(tree(&world.backup) == backed_up, "{what}");
    assert_eq!(done.end.get(), BACKED_UP as u64, "{what}");
    assert_eq!(done.left_out, [], "{what}");
    assert_eq!(done.replaced.is_some(), becomes == Replaced, "{what}");
    if let Some(replaced) = &done.replaced {
        let there = target.canonicalize().unwrap();
        assert_eq!(replaced.parent(), there.parent(), "{what}");
        assert!(
            replaced.to_str().unwrap().ends_with(".replaced-1"),
            "{what}"
        );
        for (path, bytes) in &before {
            if let Ok(rest) = path.strip_prefix(&there)
                && path != &there
            {
                assert!(read(replaced.join(rest)).unwrap() == *bytes, "{what}");
            }
        }
    }
    let left = tree(&world.root);
    let is_left = |path: &&PathBuf| {
        let path = path.to_str().unwrap();
        path.contains("restoring") || path.contains("RESTORING")
    };
    assert_eq!(left.keys().find(is_left), None, "{what}");
    let store = options().read_only().open(target).unwrap();
    assert_eq!(store.epoch(), done.epoch, "{what}");
    let backed_up = options().read_only().open(&world.backup).unwrap();
    assert_ne!(store.epoch(), backed_up.epoch(), "{what}");
    assert_same(&store.snapshot(), &backed_up.snapshot());
    let verified = verify(&store, &Kept::default(), &mut go_on).unwrap();
    assert!(verified.is_intact(), "{what}: {verified:?}");
    for (path, _) in tree(&target.canonicalize().unwrap()) {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let is_own = !path.ends_with("lost+found") && !path.ends_with("LOCK");
        assert!(!is_own || mode == 0o600, "{what}: {}", path.display());
    }
    let store = options().open(target).unwrap();
    append(&store, 1);
    store.close().unwrap();
}

/// The end of both is told, be the store that is replaced older, newer, or another one.
#[test]
fn a_restore_tells_where_the_store_ended_that_it_replaced() {
    let world = World::new();
    let origin = world.root.join("origin");
    let done = world.restore(&origin, Existing::MoveAside).unwrap();
    let end = (BACKED_UP + LATER) as u64;
    assert_eq!(
        (done.end.get(), done.replaced_end),
        (BACKED_UP as u64, Some(Sequence::new(end)))
    );
    write(origin.join("MANIFEST"), b"no manifest").unwrap();
    let done = world.restore(&origin, Existing::MoveAside).unwrap();
    assert_eq!(done.replaced_end, None);
    assert_eq!(done.replaced, Some(world.root.join("origin.replaced-2")));
}

/// Whoever has the store open to write goes on, and finds everything as it was.
#[test]
fn a_store_that_is_open_for_writing_is_not_replaced() {
    let world = World::new();
    let origin = world.root.join("origin");
    let store = options().open(&origin).unwrap();
    let before = tree(&world.root);
    let error = world.restore(&origin, Existing::MoveAside).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(tree(&world.root) == before);
    append(&store, 1);
    store.close().unwrap();
}
