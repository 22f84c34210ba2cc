//! A backup is never replaced by less, and what is at its target stays until it is.

use crate::harness::{at, contents, read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, OpenMode, OsFs, replace_file};
use strandline::maintenance::{
    BackedUp, BackupOptions, CopyMode, Existing, Progress, Redaction, Retention, backup,
    backup_with, compact, rebuild, redact, restore,
};
use strandline::{
    Batch, Durability, Error, ErrorClass, ErrorKind, Event, EventKind, Store, StoreOptions,
    StoredEvent,
};

pub(crate) const MODES: [CopyMode; 2] = [CopyMode::Link, CopyMode::Copy];

pub(crate) fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn fs() -> Arc<dyn Fs> {
    Arc::new(OsFs)
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions::new()
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .no_background_sync()
        .background_inline()
}

pub(crate) fn back_up(dir: &Path, target: &Path, mode: CopyMode) -> Result<BackedUp, Error> {
    backup(&fs(), dir, target, mode, &mut go_on)
}

pub(crate) fn append(store: &Store, count: usize) {
    for _ in 0..count {
        let number = store.snapshot().visible().get();
        let entity = at(&format!("entity:{}", number % 5), "scope");
        let payload = format!("{number} {}", "x".repeat(700));
        let event = Event::bytes(EventKind::new(1, 1), payload.into_bytes());
        store.append(&entity, event).unwrap();
    }
}

/// A store and its backup, each in a directory of its own.
pub(crate) struct World {
    pub(crate) root: tempfile::TempDir,
    pub(crate) store: PathBuf,
    backup: PathBuf,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let [store, backup] = ["store", "backup"].map(|name| root.path().join(name));
        Self {
            root,
            store,
            backup,
        }
    }

    /// A closed store of so many events.
    pub(crate) fn filled(count: usize) -> Self {
        let world = Self::new();
        world.go_on(count);
        world
    }

    fn go_on(&self, count: usize) {
        let store = options().open(&self.store).unwrap();
        append(&store, count);
        store.close().unwrap();
    }

    fn back_up(&self, mode: CopyMode) -> Result<BackedUp, Error> {
        back_up(&self.store, &self.backup, mode)
    }
}

/// Every file of a directory, but for the lock, with its bytes.
pub(crate) fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = OsFs.list(dir).unwrap().into_iter();
    let files = entries.filter(|entry| entry.name != "LOCK");
    files
        .map(|entry| (entry.name.clone(), read(&OsFs, &dir.join(entry.name))))
        .collect()
}

/// What a store that is wholly intact holds.
pub(crate) fn intact(dir: &Path) -> Vec<StoredEvent> {
    let store = options().read_only().open(dir).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    contents(&store.snapshot())
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = read(&OsFs, path);
    change(&mut bytes);
    replace_file(&OsFs, path, &bytes).unwrap();
}

/// The file of the segment that is written.
fn active(dir: &Path) -> PathBuf {
    let manifest = strandline_segment::Manifest::read(&OsFs, dir);
    let manifest = manifest.unwrap().unwrap();
    dir.join(manifest.segments().last().unwrap().file_name())
}

pub(crate) fn remove_checkpoints(dir: &Path) {
    for entry in OsFs.list(dir).unwrap() {
        if entry.name.starts_with("checkpoint-") {
            OsFs.remove_file(&dir.join(entry.name)).unwrap();
        }
    }
}

/// Where the last frame of the active segment begins, by its magic.
fn last_frame(bytes: &[u8]) -> usize {
    let magic = bytes[128..132].to_vec();
    (128..bytes.len())
        .step_by(8)
        .rfind(|at| bytes[*at..].starts_with(&magic))
        .unwrap()
}

/// The scan took damage in the last commits for a torn end, as it had not asked the checkpoint, and the
/// shorter log went over the good backup.
#[test]
fn a_damaged_store_takes_no_good_backup_away() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 6] = [
        ("a byte of the last payload", |bytes| {
            let at = bytes.len() - 20;
            bytes[at] ^= 1;
        }),
        ("the header of the last commit", |bytes| {
            let at = last_frame(bytes) + 9;
            bytes[at] ^= 1;
        }),
        ("a byte in the middle", |bytes| {
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
        }),
        ("the first commit", |bytes| bytes[140..150].fill(0xff)),
        ("the last third is cut off", |bytes| {
            bytes.truncate(bytes.len() * 2 / 3);
        }),
        ("the frames are zeros", |bytes| bytes[128..].fill(0)),
    ];
    for (what, damage) in damages {
        for has_checkpoint in [true, false] {
            for mode in MODES {
                let world = World::filled(100);
                world.back_up(mode).unwrap();
                let before = files(&world.backup);
                let shown = intact(&world.backup);
                change(&active(&world.store), damage);
                if !has_checkpoint {
                    remove_checkpoints(&world.store);
                }
                let what = format!("{what}, {mode:?}, checkpoint: {has_checkpoint}");
                let error = world.back_up(mode).expect_err(&what);
                let text = error.to_string();
                assert!(text.contains(&world.store.display().to_string()), "{text}");
                assert!(text.contains(&world.backup.display().to_string()), "{text}");
                if has_checkpoint {
                    assert_eq!(error.class(), ErrorClass::Corrupt, "{what}: {text}");
                } else {
                    assert!(text.contains("100") || text.contains("damaged"), "{text}");
                }
                assert!(files(&world.backup) == before, "{what}");
                assert!(intact(&world.backup) == shown, "{what}");
                // Without a backup there nothing that opens comes to be.
                let fresh = world.root.path().join("fresh");
                if has_checkpoint {
                    back_up(&world.store, &fresh, mode).expect_err(&what);
                    assert!(cannot_be_opened(&fresh), "{what}");
                }
            }
        }
    }
}

fn cannot_be_opened(dir: &Path) -> bool {
    options().read_only().open(dir).is_err()
}

/// One commit of many events is proved by no later frame.
#[test]
fn both_ends_are_named_where_a_long_commit_is_lost() {
    let world = World::new();
    let store = options().open(&world.store).unwrap();
    let mut batch = Batch::new();
    for number in 0..300_u32 {
        let event = Event::bytes(EventKind::new(1, 1), number.to_le_bytes().to_vec());
        batch.add(&at("e", "s"), event);
    }
    store.append_batch(batch).unwrap();
    store.close().unwrap();
    world.back_up(CopyMode::Copy).unwrap();
    change(&active(&world.store), |bytes| bytes[190] ^= 1);
    let error = world.back_up(CopyMode::Copy).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Corrupt, "{error}");
    remove_checkpoints(&world.store);
    let error = world.back_up(CopyMode::Copy).unwrap_err().to_string();
    assert!(
        error.contains("ends at sequence 300") && error.contains("end at 0"),
        "{error}"
    );
    assert_eq!(intact(&world.backup).len(), 300);
}

/// The kept files were known by header and length alone, and the active one was written over, so a
/// backup with events of its own became one that lacked what its checkpoint had.
#[test]
fn a_backup_that_was_written_to_is_refused_and_stays() {
    type Way = (&'static str, fn(&Store));
    let ways: [Way; 4] = [
        ("five events", |store| append(store, 5)),
        ("events over a rotation", |store| append(store, 120)),
        ("a redaction", |store| {
            let chosen = Redaction::new().entity("entity:1");
            redact(store, &chosen, &mut go_on).unwrap();
        }),
        ("a compaction", |store| {
            let rules = Retention::new().keep_newest(3);
            compact(store, &rules, &mut go_on).unwrap();
        }),
    ];
    for (what, write) in ways {
        for more in [0, 3, 200] {
            for mode in MODES {
                let world = World::filled(90);
                world.back_up(mode).unwrap();
                let store = options().open(&world.backup).unwrap();
                write(&store);
                store.close().unwrap();
                world.go_on(more);
                let (before, shown) = (files(&world.backup), intact(&world.backup));
                let what = format!("{what}, {more} more, {mode:?}");
                let error = world.back_up(mode).expect_err(&what);
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{what}: {error}");
                assert!(
                    error.to_string().contains("name another directory"),
                    "{error}"
                );
                assert!(files(&world.backup) == before, "{what}");
                assert!(intact(&world.backup) == shown, "{what}");
            }
        }
    }
}

#[test]
fn a_backup_that_was_looked_at_or_rebuilt_has_no_less() {
    for mode in MODES {
        let world = World::filled(150);
        world.back_up(mode).unwrap();
        let held = intact(&world.backup);
        rebuild(options(), &world.backup, &mut go_on).unwrap();
        world.go_on(150);
        match world.back_up(mode) {
            Ok(done) => assert_eq!((done.end.get(), intact(&world.backup).len()), (300, 300)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
                assert!(intact(&world.backup) == held);
            }
        }
    }
}

/// A segment that both had was kept, though the store had gone another way since: the backup was of two
/// courses, and damaged.
#[test]
fn a_backup_of_another_course_is_refused() {
    for (count, more) in [(40, 40), (40, 400), (120, 5), (120, 120)] {
        for mode in MODES {
            let world = World::filled(count);
            let older = world.root.path().join("older");
            back_up(&world.store, &older, mode).unwrap();
            world.go_on(200);
            world.back_up(mode).unwrap();
            let (before, shown) = (files(&world.backup), intact(&world.backup));
            restore(&fs(), &older, &world.store, Existing::MoveAside, &mut go_on).unwrap();
            world.go_on(more);
            let error = world.back_up(mode).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let text = error.to_string();
            assert!(text.contains("restore"), "{text}");
            assert!(files(&world.backup) == before);
            assert!(intact(&world.backup) == shown);
            // The one that was restored is a beginning of what there is now.
            assert_eq!(
                back_up(&world.store, &older, mode).unwrap().end.get(),
                (count + more) as u64
            );
            assert!(intact(&older) == intact(&world.store));
        }
    }
}

/// Through rotations, compactions and redactions, onto the same target.
#[test]
fn a_backup_is_brought_up_to_date_again_and_again() {
    for mode in MODES {
        for verified in [false, true] {
            let world = World::new();
            let store = options().open(&world.store).unwrap();
            for round in 0..12_u32 {
                append(&store, [3, 70, 0, 130][round as usize % 4]);
                match round % 5 {
                    2 => {
                        let rules = Retention::new().keep_newest(40);
                        compact(&store, &rules, &mut go_on).map(drop).unwrap();
                    }
                    4 => {
                        let entity = format!("entity:{}", round % 3);
                        let chosen = Redaction::new().entity(entity);
                        redact(&store, &chosen, &mut go_on).map(drop).unwrap();
                    }
                    _ => {}
                }
                let mut how = BackupOptions::new().mode(mode);
                if verified {
                    how = how.verify();
                }
                for _ in 0..2 {
                    let done = backup_with(&fs(), &world.store, &world.backup, how, &mut go_on);
                    let done = done.unwrap();
                    assert_eq!(done.end, store.snapshot().visible());
                    assert_eq!(done.index_problems, []);
                    assert!(intact(&world.backup) == contents(&store.snapshot()));
                }
                let names = OsFs.list(&world.backup).unwrap().len();
                let listed = strandline_segment::Manifest::read(&OsFs, &world.backup);
                let listed = listed.unwrap().unwrap().segments().len();
                assert!(names <= listed + 3, "{names} files, {listed} segments");
            }
        }
    }
}

/// A segment that was there was known by its header and its length.
#[test]
fn a_segment_that_is_kept_has_its_end() {
    for mode in MODES {
        let world = World::filled(300);
        world.back_up(mode).unwrap();
        let manifest = strandline_segment::Manifest::read(&OsFs, &world.backup);
        let manifest = manifest.unwrap().unwrap();
        let end = manifest.segments()[0].end().unwrap();
        let first = world.backup.join("segment-0000000001.log");
        change(&first, |bytes| bytes[end.last_frame as usize + 20] ^= 1);
        let done = world.back_up(mode).unwrap();
        assert!(done.copied + done.linked == 1, "{done:?}");
        assert_eq!(intact(&world.backup).len(), 300);
    }
}

/// Damage to what an earlier backup brought is found by a verification, and mended from the store.
#[test]
fn a_verification_mends_what_was_damaged_in_the_backup() {
    let world = World::filled(300);
    world.back_up(CopyMode::Copy).unwrap();
    let first = world.backup.join("segment-0000000001.log");
    let whole = read(&OsFs, &first);
    for at in [5_000, whole.len() - 100] {
        change(&first, |bytes| bytes[at] ^= 1);
        let how = BackupOptions::new().mode(CopyMode::Copy).verify();
        let done = backup_with(&fs(), &world.store, &world.backup, how, &mut go_on).unwrap();
        let is_index = at > 10_000;
        assert_eq!(done.index_problems.is_empty(), !is_index, "{done:?}");
        if !is_index {
            assert!(read(&OsFs, &first) == whole);
            intact(&world.backup);
        }
    }
    // The store itself is damaged in a segment that the backup has whole.
    change(&first, |bytes| bytes.clone_from(&whole));
    change(&world.store.join("segment-0000000001.log"), |bytes| {
        bytes[5_000] ^= 1;
    });
    world.back_up(CopyMode::Copy).unwrap();
    assert_eq!(intact(&world.backup).len(), 300);
    let fresh = world.root.path().join("fresh");
    let error = back_up(&world.store, &fresh, CopyMode::Copy).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let how = BackupOptions::new().mode(CopyMode::Link).verify();
    let linked = backup_with(&fs(), &world.store, &fresh, how, &mut go_on).unwrap_err();
    assert_eq!(linked.kind(), ErrorKind::Corrupt, "{linked}");
    assert!(cannot_be_opened(&fresh));
}

/// The store and its backup in each other's place: what is newer stays.
#[test]
fn an_older_backup_does_not_go_over_its_store() {
    for mode in MODES {
        let world = World::filled(80);
        world.back_up(mode).unwrap();
        world.go_on(100);
        let before = files(&world.store);
        let error = back_up(&world.backup, &world.store, mode).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let text = error.to_string();
        assert!(text.contains("180") && text.contains("80"), "{text}");
        assert!(files(&world.store) == before);
    }
}

/// Files of somebody else beside a backup stay, whatever they are called.
#[test]
fn what_is_not_the_backups_own_stays() {
    let world = World::filled(100);
    world.back_up(CopyMode::Copy).unwrap();
    let names = ["segment-notes.log", "segment-0000000077.log", "notes.tmp"];
    for name in names {
        let file = OsFs.open(&world.backup.join(name), OpenMode::Create);
        file.unwrap().write_all_at(b"mine", 0).unwrap();
    }
    let left = "segment-0000000003.log.tmp";
    OsFs.open(&world.backup.join(left), OpenMode::Create)
        .unwrap();
    world.go_on(100);
    world.back_up(CopyMode::Copy).unwrap();
    for name in names {
        assert_eq!(read(&OsFs, &world.backup.join(name)), b"mine", "{name}");
    }
    let names = OsFs.list(&world.backup).unwrap();
    assert!(names.iter().all(|entry| entry.name != left));
}
