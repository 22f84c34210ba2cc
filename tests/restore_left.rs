//! Restores that are stopped, killed or not alone, and what they leave.

#![expect(
    clippy::disallowed_methods,
    reason = "what is at a target is made and compared behind the seam"
)]

use crate::harness::fill;
use crate::restore::{BACKED_UP, LATER, World, append, copy_tree, go_on, options, os, tree};
use std::fs::{create_dir, create_dir_all, read, remove_file, rename, write};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::fs::{FileLock, Fs, FsLayer, OsFs};
use strandline::maintenance::{Existing, restore};
use strandline::{ErrorKind, Store};

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
    // A store that an interrupted restore has put there; one of ours that was opened to write; somebody's;
    // and one that is at work. Each is looked at, as the next number is not before them.
    copy_tree(&world.backup, &beside(1));
    rename(world.root.join("origin.replaced-1"), beside(2)).unwrap();
    write(beside(2).join("RESTORING"), b"").unwrap();
    create_dir(beside(3)).unwrap();
    for name in ["RESTORING", "letter"] {
        write(beside(3).join(name), b"").unwrap();
    }
    create_dir(beside(4)).unwrap();
    let at_work = OsFs.try_lock(&beside(4).join("RESTORING")).unwrap();
    // A link to what another restore has left is somebody's too, and what is there is not beside the target.
    let elsewhere = world.root.join("elsewhere");
    create_dir(&elsewhere).unwrap();
    write(elsewhere.join("RESTORING"), b"").unwrap();
    symlink(&elsewhere, beside(5)).unwrap();
    let kept = [1, 2, 3, 4, 5].map(|number| (number, tree(&beside(number))));
    for _ in 0..2 {
        world.restore(&target, Existing::MoveAside).unwrap();
    }
    for (number, before) in kept {
        assert!(tree(&beside(number)) == before, "{number}");
    }
    assert!(!beside(6).exists());
    drop(at_work);
}

/// A file system in which another restore gives a leftover's name to the store that it replaced, just
/// before the leftover is locked.
#[derive(Debug)]
struct Exchanging {
    leftover: PathBuf,
    store: PathBuf,
}

impl FsLayer for Exchanging {
    fn below(&self) -> &dyn Fs {
        &OsFs
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        if path.starts_with(&self.leftover) && self.store.exists() {
            OsFs.exchange(&self.leftover, &self.store)?;
            OsFs.rename(&self.store, &self.store.with_extension("done"))?;
        }
        OsFs.try_lock(path)
    }
}

/// Cause: what a directory is was looked at before its marker was locked, and the lock makes the marker
/// if it is gone. So a store that had the name by then was taken for the leftover, and removed.
#[test]
fn a_store_that_gets_the_name_of_a_leftover_is_not_removed() {
    let world = World::new();
    let leftover = world.root.join("origin.restoring-1");
    create_dir(&leftover).unwrap();
    write(leftover.join("RESTORING"), b"").unwrap();
    let store = world.root.join("replaced");
    copy_tree(&world.root.join("origin"), &store);
    let before: Vec<_> = tree(&store).into_values().collect();
    let fs: Arc<dyn Fs> = Arc::new(Exchanging {
        leftover: leftover.clone(),
        store,
    });
    let target = world.root.join("origin");
    restore(&fs, &world.backup, &target, Existing::MoveAside, &mut go_on).unwrap();
    let left: Vec<_> = tree(&leftover).into_values().collect();
    assert!(left == before);
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

/// A directory that is put in the place of the store while it is restored is nobody's to replace.
#[test]
fn a_store_that_takes_the_place_of_the_locked_one_is_not_replaced() {
    let world = World::new();
    let (origin, moved) = (world.root.join("origin"), world.root.join("moved"));
    let other = world.root.join("other");
    fill(&Store::open(&other).unwrap(), 3);
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

/// What is copied is checked when it is read; what has become of it on the way to its place is too.
#[test]
fn a_copy_that_is_not_what_was_copied_does_not_take_its_place() {
    let world = World::new();
    let (origin, copy) = (
        world.root.join("origin"),
        world.root.join("origin.restoring-1"),
    );
    let before = tree(&world.root);
    let is_damaged = AtomicBool::new(false);
    let mut progress = |_| {
        let segment = copy.join("segment-0000000001.log");
        if copy.join("MANIFEST.tmp").exists() && !is_damaged.swap(true, Ordering::Relaxed) {
            let mut bytes = read(&segment).unwrap();
            bytes[30_000] ^= 1;
            write(&segment, bytes).unwrap();
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
    assert!(is_damaged.into_inner());
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(tree(&world.root) == before, "{error}");
}

/// What a reader has read of one store is not what it finds of the other: it was told of damage then.
#[test]
fn a_reader_finds_a_whole_store_whenever_it_opens_one() {
    let world = World::new();
    let origin = world.root.join("origin");
    let other = world.root.join("other");
    // Of the same course, ahead, and with a checkpoint that the backup is behind.
    copy_tree(&origin, &other);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..40 {
                let from = if round % 2 == 0 {
                    &world.backup
                } else {
                    &other
                };
                restore(&os(), from, &origin, Existing::MoveAside, &mut go_on).unwrap();
            }
            is_done.store(true, Ordering::Relaxed);
        });
        while !is_done.load(Ordering::Relaxed) {
            let store = options().read_only().open(&origin).unwrap();
            let events = store.snapshot().len() as usize;
            assert!([BACKED_UP, BACKED_UP + LATER].contains(&events), "{events}");
        }
    });
}
