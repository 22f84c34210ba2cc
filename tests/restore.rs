//! Where a backup may be restored, and from what: a restore of a backup that is wrong, or to a place that
//! is not the store's, once copied everything first, moved aside what was no store, or the backup itself.

use crate::harness::{at, event, fill, texts};
use std::collections::BTreeMap;
use std::fs::{create_dir, create_dir_all, read, read_dir, read_link, remove_file, rename, write};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use strandline::fs::{DirEntry, FileIdentity, FileLock, Fs, FsFile, MemFs, OpenMode, OsFs};
use strandline::maintenance::{CopyMode, Existing, Progress, Restored, backup, restore, verify};
use strandline::{
    Epoch, Error, ErrorKind, Region, Sequence, Store, StoreOptions, maintenance::Kept,
};

/// Events of the backup, and of the store that goes on after it.
const BACKED_UP: usize = 12;
const LATER: usize = 5;

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn os() -> Arc<dyn Fs> {
    Arc::new(OsFs)
}

/// Several segments of few events.
fn options() -> StoreOptions {
    StoreOptions::new().segment_bytes_max(64 << 10)
}

fn append(store: &Store, count: usize) {
    for _ in 0..count {
        let payload = vec![b'x'; 20_000];
        let event = strandline::Event::bytes(crate::harness::CREATED, payload);
        store.append(&at("order:1", "eu"), event).unwrap();
    }
}

/// A directory with a backup in `b/backup`, and the store that it was made of.
struct World {
    _dir: tempfile::TempDir,
    root: PathBuf,
    backup: PathBuf,
}

impl World {
    fn new() -> Self {
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

    fn restore(&self, to: &Path, existing: Existing) -> Result<Restored, Error> {
        restore(&os(), &self.backup, to, existing, &mut go_on)
    }
}

/// Everything below a directory, by path: bytes of files, where links lead, and what else there is.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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

fn copy_tree(from: &Path, to: &Path) {
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
const TARGETS: [(&str, &str, Becomes, Becomes); 31] = [
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
        let error = done.expect_err(what);
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
    crate::harness::assert_same(&store.snapshot(), &backed_up.snapshot());
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

/// Progress is told through both verifications and the copy; whenever it says stop, all is as it was.
#[test]
fn a_restore_that_is_stopped_leaves_everything_as_it_was() {
    for target in ["p/q/t", "empty", "origin"] {
        let mut stopped = 0;
        loop {
            let world = World::new();
            create_dir(world.root.join("empty")).unwrap();
            let before = tree(&world.root);
            let mut left = stopped;
            let mut progress = |_| match left {
                0 => ControlFlow::Break(()),
                _ => {
                    left -= 1;
                    ControlFlow::Continue(())
                }
            };
            let to = world.root.join(target);
            let done = restore(
                &os(),
                &world.backup,
                &to,
                Existing::MoveAside,
                &mut progress,
            );
            let Err(error) = done else { break };
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
            let mut left = tree(&world.root);
            // A directory that is filled is locked, as every store is, and keeps that file.
            left.retain(|path, _| !path.ends_with("empty/LOCK"));
            assert!(left == before, "{target}, after {stopped}");
            stopped += 1;
        }
        assert!(stopped >= 3, "{target}: {stopped}");
    }
}

/// One of two is refused: they are not mixed, and nothing of either is left.
#[test]
fn two_restores_to_one_place_do_not_mix() {
    for target in ["p/q/t", "empty", "origin"] {
        let world = World::new();
        create_dir(world.root.join("empty")).unwrap();
        let to = world.root.join(target);
        let second = std::cell::RefCell::new(None);
        let mut progress = |_| {
            let again = || restore(&os(), &world.backup, &to, Existing::MoveAside, &mut go_on);
            second.borrow_mut().get_or_insert_with(again);
            ControlFlow::Continue(())
        };
        let first = restore(
            &os(),
            &world.backup,
            &to,
            Existing::MoveAside,
            &mut progress,
        );
        let second = second.into_inner().unwrap();
        let done = [&first, &second];
        // The one that is begun last is done first, where nothing was locked at first.
        match target {
            "origin" => assert_eq!(second.as_ref().unwrap_err().kind(), ErrorKind::Locked),
            _ => assert!(second.is_ok(), "{second:?}"),
        }
        assert!(done.iter().any(|done| done.is_ok()), "{target}: {done:?}");
        let left = tree(&world.root);
        let mut names = left.keys().map(|path| path.to_str().unwrap());
        assert!(
            names.all(|name| !name.to_lowercase().contains("restoring")),
            "{target}"
        );
        let store = options().open(&to).unwrap();
        assert_eq!(store.snapshot().len(), BACKED_UP as u64, "{target}");
    }
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

impl Fs for Mounted {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        OsFs.create_dir_all(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsFs.create_dir(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        OsFs.remove_dir(path)
    }
    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        OsFs.identity(path)
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        OsFs.canonical(path)
    }
    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        Ok(self.is_told && path == self.at)
    }
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        OsFs.open(path, mode)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        OsFs.list(path)
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
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        OsFs.remove_file(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        OsFs.sync_dir(path)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        OsFs.try_lock(path)
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
            true => "move its files into another directory and restore again",
            false => "cannot replace",
        };
        assert!(error.to_string().contains(expected), "{error}");
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

/// What a restore that was killed left is removed, and nothing else that has such a name.
#[test]
fn what_a_killed_restore_left_is_removed_by_the_next_and_nothing_else() {
    let world = World::new();
    let target = world.root.join("origin");
    let beside = |number: u32| world.root.join(format!("origin.restoring-{number}"));
    // Incomplete, then empty: both go.
    create_dir(beside(1)).unwrap();
    for name in ["RESTORING", "segment-0000000001.log.tmp"] {
        write(beside(1).join(name), b"").unwrap();
    }
    create_dir(beside(2)).unwrap();
    world.restore(&target, Existing::MoveAside).unwrap();
    assert!(!beside(1).exists());
    // A store that an interrupted restore has put there; one of ours that was opened to write; somebody's.
    copy_tree(&world.backup, &beside(1));
    std::fs::rename(world.root.join("origin.replaced-1"), beside(3)).unwrap();
    write(beside(3).join("RESTORING"), b"").unwrap();
    create_dir(beside(4)).unwrap();
    for name in ["RESTORING", "letter"] {
        write(beside(4).join(name), b"").unwrap();
    }
    let kept = [1, 3, 4].map(|number| (number, tree(&beside(number))));
    for _ in 0..2 {
        world.restore(&target, Existing::MoveAside).unwrap();
    }
    for (number, before) in kept {
        assert!(tree(&beside(number)) == before, "{number}");
    }
    // One that is at work.
    create_dir(beside(5)).unwrap();
    let at_work = OsFs.try_lock(&beside(5).join("RESTORING")).unwrap();
    world.restore(&target, Existing::MoveAside).unwrap();
    assert!(beside(5).exists());
    drop(at_work);
}

/// An opening made an empty store, which the restore then would not replace, and nobody missed anything.
#[test]
fn no_new_store_is_made_where_a_restore_was_interrupted() {
    let world = World::new();
    let filled = world.root.join("filled");
    create_dir_all(filled.join(".restoring")).unwrap();
    write(filled.join(".restoring/RESTORING"), b"").unwrap();
    let missing = world.root.join("missing");
    create_dir(world.root.join("missing.restoring-1")).unwrap();
    write(world.root.join("missing.restoring-1/RESTORING"), b"").unwrap();
    let before = tree(&world.root);
    for target in [&filled, &missing] {
        for options in [options(), options().read_only(), options().must_exist()] {
            let error = options.open(target).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(
                error
                    .to_string()
                    .contains("a restore to it was interrupted"),
                "{error}"
            );
        }
    }
    assert!(tree(&world.root) == before);
    for target in [&filled, &missing] {
        world.restore(target, Existing::Refuse).unwrap();
        append(&options().open(target).unwrap(), 1);
    }
}

/// Segments that were moved when a restore was killed are known by the copy that they are of, and are not
/// taken for a store; those of another copy are left alone.
#[test]
fn a_fill_that_was_interrupted_is_begun_anew() {
    for is_own in [true, false] {
        let world = World::new();
        let target = world.root.join("t");
        let staging = target.join(".restoring");
        create_dir(&target).unwrap();
        copy_tree(&world.backup, &staging);
        write(staging.join("RESTORING"), b"").unwrap();
        let _ = remove_file(staging.join("LOCK"));
        let name = "segment-0000000001.log";
        rename(staging.join(name), target.join(name)).unwrap();
        if !is_own {
            let other = Store::open(world.root.join("other")).unwrap();
            fill(&other, 3);
            other.close().unwrap();
            std::fs::copy(world.root.join("other").join(name), target.join(name)).unwrap();
        }
        let before = tree(&target);
        let done = world.restore(&target, Existing::Refuse);
        assert_eq!(done.is_ok(), is_own, "{done:?}");
        match is_own {
            true => check_restored(&world, &target),
            false => assert!(tree(&target) == before),
        }
    }
}

fn check_restored(world: &World, target: &Path) {
    assert!(!target.join(".restoring").exists());
    let restored = options().open(target).unwrap();
    let backed_up = options().read_only().open(&world.backup).unwrap();
    crate::harness::assert_same(&restored.snapshot(), &backed_up.snapshot());
}

/// What a saved position was of once could not be told from what has its sequence now.
#[test]
fn a_log_that_goes_another_way_has_another_epoch() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let options = || {
        StoreOptions::new()
            .fs(fs.clone())
            .segment_bytes_max(64 << 10)
    };
    let path = |name: &str| Path::new("/d").join(name);
    let epoch = |name: &str| options().read_only().open(path(name)).unwrap().epoch();
    let copy = |from: &str, to: &str| {
        backup(&fs, &path(from), &path(to), CopyMode::Copy, &mut go_on).unwrap();
    };
    let store = options().open(path("a")).unwrap();
    let first = store.epoch();
    // Nothing that leaves the log as it is changes it.
    append(&store, 7);
    store.checkpoint().unwrap();
    store.close().unwrap();
    copy("a", "b");
    copy("b", "c");
    let store = options().open(path("a")).unwrap();
    append(&store, 5);
    assert_eq!([store.epoch(), epoch("b"), epoch("c")], [first; 3]);
    store.close().unwrap();
    let other = options().open(path("other")).unwrap();
    // What is put back does, each time.
    let mut seen = vec![first, other.epoch()];
    for _ in 0..2 {
        let done = restore(&fs, &path("b"), &path("a"), Existing::MoveAside, &mut go_on).unwrap();
        let store = options().open(path("a")).unwrap();
        assert_eq!((store.epoch(), epoch("a")), (done.epoch, done.epoch));
        assert_eq!(epoch("b"), first);
        seen.push(done.epoch);
    }
    // So does a copy that goes its own way, though it was not restored, once.
    let opened = options().open(path("c")).unwrap();
    seen.push(opened.epoch());
    append(&opened, 1);
    let own = opened.epoch();
    opened.close().unwrap();
    assert_eq!(options().open(path("c")).unwrap().epoch(), own);
    let distinct: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
    assert_eq!(first.to_string().parse::<Epoch>().unwrap(), first);
}

/// Position 20 was saved, the store put back to 10, and 15 others were appended: 10 to 19 were passed over.
#[test]
fn a_position_from_before_a_restore_is_known_by_its_epoch() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let options = || StoreOptions::new().fs(fs.clone());
    let (dir, copy) = (Path::new("/d/store"), Path::new("/d/backup"));
    let store = options().open(dir).unwrap();
    fill(&store, 10);
    backup(&fs, dir, copy, CopyMode::Copy, &mut go_on).unwrap();
    fill(&store, 10);
    let saved = (store.epoch(), store.snapshot().visible());
    store.close().unwrap();
    restore(&fs, copy, dir, Existing::MoveAside, &mut go_on).unwrap();
    let store = options().open(dir).unwrap();
    fill(&store, 15);
    let from = match saved.0 == store.epoch() {
        true => saved.1,
        false => Sequence::ZERO,
    };
    let seen = store
        .snapshot()
        .query(&Region::all().sequence(from.get()..))
        .count();
    assert_eq!(seen, texts(&store).len());
}

/// A directory that is put in the place of the store while it is restored is nobody's to replace.
#[test]
fn a_store_that_takes_the_place_of_the_locked_one_is_not_replaced() {
    let world = World::new();
    let (origin, moved) = (world.root.join("origin"), world.root.join("moved"));
    let other = world.root.join("other");
    drop(fill(&Store::open(&other).unwrap(), 3));
    let is_moved = AtomicBool::new(false);
    let mut progress = |_| {
        // Not before the copy has begun.
        let is_copied = world.root.join("origin.restoring-1").exists();
        if is_copied && !is_moved.swap(true, Ordering::Relaxed) {
            rename(&origin, &moved).unwrap();
            rename(&other, &origin).unwrap();
        }
        ControlFlow::Continue(())
    };
    let done = restore(
        &os(),
        &world.backup,
        &origin,
        Existing::MoveAside,
        &mut progress,
    );
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(is_moved.into_inner());
    assert_eq!(Store::open(&origin).unwrap().snapshot().len(), 3);
    assert_eq!(
        Store::open(&moved).unwrap().snapshot().len(),
        (BACKED_UP + LATER) as u64
    );
    assert!(!world.root.join("origin.restoring-1").exists());
}
