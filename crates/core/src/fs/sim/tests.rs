//! What the simulated disk keeps, loses and tears.

use super::super::{Fs, FsFile, OpenMode, Operation, read_file};
use super::*;
use std::io;
use std::path::Path;
use std::sync::Arc;

const FILE: &str = "/d/f";

fn lose(keep: Keep, fill: Fill, seed: u64) -> Loss {
    Loss { keep, fill, seed }
}

/// A disk with a durable file of 700 bytes of `a`.
fn with_file() -> (SimFs, Arc<dyn FsFile>) {
    let fs = SimFs::new(SimDisk::new());
    fs.create_dir_all(Path::new("/d")).unwrap();
    let file = fs.open(Path::new(FILE), OpenMode::Create).unwrap();
    file.write_all_at(&[b'a'; 700], 0).unwrap();
    file.sync().unwrap();
    fs.sync_dir(Path::new("/d")).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    (fs, file)
}

fn after(fs: &SimFs, loss: Loss) -> Vec<u8> {
    let image = SimFs::new(fs.disk().crash(&loss));
    read_file(&image, Path::new(FILE), 1 << 20).unwrap()
}

#[test]
fn what_was_synced_stays_and_what_was_not_may_go() {
    let (fs, file) = with_file();
    file.write_all_at(&[b'b'; 1000], 700).unwrap();
    let durable = after(&fs, lose(Keep::None, Fill::Random, 1));
    assert_eq!(durable, [b'a'; 700]);
    let all = after(&fs, lose(Keep::All, Fill::Random, 1));
    assert_eq!(all.len(), 1700);
    file.sync().unwrap();
    assert_eq!(fs.disk().unsynced(), 0);
    assert_eq!(after(&fs, lose(Keep::None, Fill::Old, 1)), all);
}

#[test]
fn sectors_and_length_go_independently_and_old_bytes_stay() {
    let (fs, file) = with_file();
    file.write_all_at(&[b'b'; 1000], 700).unwrap();
    let (mut holes, mut lengths) = (0, std::collections::BTreeSet::new());
    for seed in 0..200 {
        for fill in [Fill::Old, Fill::Zeros, Fill::Random] {
            let left = after(&fs, lose(Keep::Any, fill, seed));
            assert_eq!(left[..700], [b'a'; 700], "bytes that no write changed");
            lengths.insert(left.len());
            holes += u32::from(left.len() == 1700 && left[700] != b'b' && left[1699] == b'b');
        }
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [700, 1700]);
    assert!(holes > 10, "a later sector without an earlier one");
}

#[test]
fn a_mask_chooses_the_sectors() {
    let (fs, file) = with_file();
    file.set_len(2048).unwrap();
    file.sync().unwrap();
    file.write_all_at(&[b'b'; 1024], 1024).unwrap();
    for mask in 0..4 {
        let left = after(&fs, lose(Keep::Sectors(mask), Fill::Old, 9));
        assert_eq!(left[1024] == b'b', mask & 1 != 0);
        assert_eq!(left[1536] == b'b', mask & 2 != 0);
    }
}

#[test]
fn names_go_unless_their_directory_is_synced() {
    let fs = SimFs::new(SimDisk::new());
    fs.create_dir_all(Path::new("/d")).unwrap();
    fs.open(Path::new(FILE), OpenMode::Create).unwrap();
    fs.sync_dir(Path::new("/d")).unwrap();
    let none = lose(Keep::None, Fill::Old, 0);
    assert!(fs.disk().crash(&none).files().is_empty(), "/d itself went");
    fs.sync_dir(Path::new("/")).unwrap();
    fs.rename(Path::new(FILE), Path::new("/d/g")).unwrap();
    let names = |disk: &SimDisk| -> Vec<_> {
        let files = disk.files();
        files.into_iter().map(|(path, _)| path).collect()
    };
    assert_eq!(names(&fs.disk().crash(&none)), [Path::new(FILE)]);
    fs.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(names(&fs.disk().crash(&none)), [Path::new("/d/g")]);
}

#[test]
fn a_rename_between_directories_loses_no_file() {
    let fs = SimFs::new(SimDisk::new());
    fs.create_dir_all(Path::new("/d/e")).unwrap();
    fs.open(Path::new(FILE), OpenMode::Create).unwrap();
    for directory in ["/", "/d", "/d/e"] {
        fs.sync_dir(Path::new(directory)).unwrap();
    }
    fs.rename(Path::new(FILE), Path::new("/d/e/f")).unwrap();
    let mut counts = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let image = fs.disk().crash(&lose(Keep::Any, Fill::Old, seed));
        counts.insert(image.files().len());
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [1, 2]);
}

/// A file of `blocks` blocks of `b` of which a sync has failed for good, and those that are lost.
fn with_lost_blocks(blocks: u8) -> (SimFs, Arc<dyn FsFile>, Vec<usize>) {
    // What arrives, and whether the rest ever does, follows from how many calls there were.
    for calls in 0..200 {
        let (fs, file) = with_file();
        let bytes = usize::from(blocks) * 4096;
        file.set_len(0).unwrap();
        file.write_all_at(&vec![b'b'; bytes], 0).unwrap();
        for _ in 0..calls {
            file.len().unwrap();
        }
        fs.fail(SimFault {
            operation: Some(Operation::Sync),
            after: 0,
            times: 1,
            kind: SimFaultKind::SyncLoses,
        });
        assert!(file.sync().is_err());
        file.write_all_at(&vec![b'c'; bytes], 0).unwrap();
        file.sync().unwrap();
        let seen = read_file(&fs, Path::new(FILE), 1 << 20).unwrap();
        assert!(
            seen == vec![b'c'; bytes],
            "the cache shows what was written"
        );
        let left = after(&fs, lose(Keep::All, Fill::Old, 1));
        let lost = |block: &usize| left.chunks(4096).nth(*block) != seen.chunks(4096).nth(*block);
        let lost: Vec<_> = (0..usize::from(blocks)).filter(lost).collect();
        if !lost.is_empty() {
            return (fs, file, lost);
        }
    }
    panic!("every failed sync is forgotten once the file is written again");
}

#[test]
fn blocks_of_a_failed_sync_take_nothing_though_every_sync_of_them_succeeds() {
    let (fs, file, lost) = with_lost_blocks(3);
    for byte in [b'd', b'e'] {
        file.write_all_at(&[byte; 3 * 4096], 0).unwrap();
        file.sync().unwrap();
        assert_eq!(fs.disk().unsynced(), 0);
        let left = after(&fs, lose(Keep::None, Fill::Old, 1));
        for block in 0..3 {
            let arrived = left.chunks(4096).nth(block) == Some(&[byte; 4096]);
            assert_eq!(arrived, !lost.contains(&block));
        }
    }
    // Whoever had the file open before, and whoever opens it again, sees the cache.
    let mut bytes = [0; 3 * 4096];
    file.read_up_to(&mut bytes, 0).unwrap();
    assert!(bytes == [b'e'; 3 * 4096]);
    let next = fs.next_process();
    assert!(read_file(&next, Path::new(FILE), 1 << 20).unwrap() == bytes);
    // A power cut shows the disk.
    let left = after(&fs, lose(Keep::None, Fill::Old, 1));
    let rebooted = fs.power_cut(lose(Keep::None, Fill::Old, 1));
    assert_eq!(
        read_file(&rebooted, Path::new(FILE), 1 << 20).unwrap(),
        left
    );
}

#[test]
fn a_truncation_and_another_file_give_other_blocks() {
    let (fs, file, _) = with_lost_blocks(2);
    let seen = read_file(&fs, Path::new(FILE), 1 << 20).unwrap();
    let copy = Path::new("/d/copy");
    let other = fs.open(copy, OpenMode::Create).unwrap();
    other.write_all_at(&seen, 0).unwrap();
    other.sync().unwrap();
    fs.sync_dir(Path::new("/d")).unwrap();
    let image = SimFs::new(fs.disk().crash(&lose(Keep::None, Fill::Old, 1)));
    assert_eq!(read_file(&image, copy, 1 << 20).unwrap(), seen);
    file.set_len(0).unwrap();
    file.write_all_at(&seen, 0).unwrap();
    file.sync().unwrap();
    assert_eq!(after(&fs, lose(Keep::None, Fill::Old, 1)), seen);
}

#[test]
fn a_failed_sync_leaves_pages_clean_that_the_medium_has_not() {
    let (fs, file) = with_file();
    file.write_all_at(&[b'b'; 4096], 700).unwrap();
    fs.fail(SimFault {
        operation: Some(Operation::Sync),
        after: 0,
        times: 1,
        kind: SimFaultKind::SyncLoses,
    });
    assert!(file.sync().is_err());
    file.sync().unwrap();
    let seen = read_file(&fs, Path::new(FILE), 1 << 20).unwrap();
    assert_eq!(seen.len(), 4796, "the cache shows what was written");
    let left = after(&fs, lose(Keep::All, Fill::Old, 1));
    assert!(left != seen, "though the second sync said so");
    assert!(fs.changed_after_failure().is_none());
    file.set_len(4000).unwrap();
    let changed = fs.changed_after_failure().unwrap().to_string();
    assert_eq!(changed, "set the length of /d/f to 4000");
}

#[test]
fn a_process_beside_lives_on_until_the_power_is_cut() {
    let (fs, file) = with_file();
    let beside = fs.beside();
    let lock = beside.try_lock(Path::new("/d/LOCK")).unwrap();
    let next = fs.next_process();
    assert!(file.len().is_err());
    let operations = next.operations();
    assert_eq!(beside.list(Path::new("/d")).unwrap().len(), 2);
    assert_eq!(next.operations(), operations);
    assert!(next.try_lock(Path::new("/d/LOCK")).unwrap().is_none());
    let rebooted = next.power_cut(lose(Keep::All, Fill::Old, 1));
    assert!(beside.list(Path::new("/d")).is_err());
    assert!(rebooted.try_lock(Path::new("/d/LOCK")).unwrap().is_some());
    drop(lock);
}

#[test]
fn a_second_name_is_the_same_file_and_durable_with_its_directory() {
    let (fs, file) = with_file();
    let name = Path::new("/d/g");
    fs.link(Path::new(FILE), name).unwrap();
    assert!(fs.link(Path::new(FILE), name).is_err());
    file.write_all_at(b"x", 0).unwrap();
    assert_eq!(file.links().unwrap(), 2);
    assert_eq!(read_file(&fs, name, 1 << 20).unwrap()[0], b'x');
    let none = lose(Keep::None, Fill::Old, 1);
    assert_eq!(fs.disk().crash(&none).files().len(), 1);
    fs.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(fs.disk().crash(&none).files().len(), 2);
}

#[test]
fn a_lying_sync_does_nothing() {
    let (fs, file) = with_file();
    file.write_all_at(b"x", 700).unwrap();
    fs.fail(SimFault {
        operation: None,
        after: 0,
        times: u64::MAX,
        kind: SimFaultKind::SyncLies,
    });
    file.sync().unwrap();
    assert_eq!(after(&fs, lose(Keep::None, Fill::Old, 1)).len(), 700);
}

#[test]
fn operations_fail_in_their_turn_and_short_ones_are_repeated() {
    let (fs, file) = with_file();
    for (after, kind) in [
        (1, SimFaultKind::Error(io::ErrorKind::StorageFull)),
        (0, SimFaultKind::Error(io::ErrorKind::Interrupted)),
        (0, SimFaultKind::Short),
    ] {
        fs.fail(SimFault {
            operation: Some(Operation::Write),
            after,
            times: 1,
            kind,
        });
    }
    let steps = fs.steps_count();
    file.write_all_at(&[b'c'; 100], 0).unwrap_err();
    file.write_all_at(&[b'd'; 100], 0).unwrap();
    assert_eq!(fs.steps_count(), steps + 2, "a half and its rest");
    fs.heal();
    file.write_all_at(&[b'e'; 100], 0).unwrap();
}

#[test]
fn a_full_disk_takes_what_fits() {
    let (fs, file) = with_file();
    fs.limit_growth(Some(10));
    let error = file.write_all_at(&[b'b'; 20], 700).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 710);
    assert!(file.allocate(800).is_err());
    file.write_all_at(&[b'c'; 700], 0).unwrap();
    fs.limit_growth(None);
    file.write_all_at(&[b'b'; 20], 710).unwrap();
}

#[test]
fn a_killed_process_holds_no_lock_and_changes_nothing() {
    let (fs, file) = with_file();
    let lock = Path::new("/d/LOCK");
    let held = fs.try_lock(lock).unwrap();
    assert!(held.is_some() && fs.try_lock(lock).unwrap().is_none());
    let next = fs.next_process();
    assert!(file.write_all_at(b"x", 0).is_err());
    let taken = next.try_lock(lock).unwrap();
    drop(held);
    assert!(taken.is_some() && next.try_lock(lock).unwrap().is_none());
}

#[test]
fn recorded_steps_make_an_equal_disk() {
    let (fs, file) = with_file();
    file.write_all_at(&[b'b'; 1000], 700).unwrap();
    file.set_len(900).unwrap();
    let mut again = SimDisk::new();
    for step in fs.take_steps() {
        again.apply(&step);
    }
    for seed in 0..20 {
        let loss = lose(Keep::Any, Fill::Random, seed);
        assert_eq!(again.crash(&loss).files(), fs.disk().crash(&loss).files());
    }
}
