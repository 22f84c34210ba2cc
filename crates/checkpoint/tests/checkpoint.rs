//! Checkpoints through the public interface: round trips, damage, and failing disks.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use strandline_checkpoint::{
    Checkpoint, CheckpointError, CheckpointWriter, file_name, newest, prune,
};
use strandline_core::fs::{
    DirName, Fault, FaultFs, Fs, FsLayer, MemFs, OpenMode, Operation, read_file,
};

const DIR: &str = "/state";

fn publish(fs: &dyn Fs, number: u64) -> Result<(), CheckpointError> {
    let dir = Path::new(DIR);
    CheckpointWriter::new()
        .metadata("meta", &(number, "text"))?
        .section("rows", vec![number.to_le_bytes()[0]; 40])?
        .section("empty", Vec::new())?
        .publish(fs, dir, number)
        .map(drop)
}

fn bytes(fs: &MemFs, number: u64) -> Vec<u8> {
    read_file(fs, &Path::new(DIR).join(file_name(number)), 1 << 20).unwrap()
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let fs = MemFs::new();
    publish(&fs, 3).unwrap();
    let good = bytes(&fs, 3);
    assert!(Checkpoint::decode(good.clone()).is_ok());
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::decode(bad).is_err(), "bit {bit}");
    }
    for length in 0..good.len() {
        assert!(
            Checkpoint::decode(good[..length].to_vec()).is_err(),
            "{length} bytes"
        );
    }
    let mut longer = good;
    longer.push(0);
    assert!(Checkpoint::decode(longer).is_err());
}

#[test]
fn the_bytes_are_those_of_its_file() {
    let writer = || CheckpointWriter::new().section("rows", vec![7; 40]);
    let fs = MemFs::new();
    writer().unwrap().publish(&fs, Path::new(DIR), 3).unwrap();
    let file = writer().unwrap().encode(3);
    assert_eq!(file, bytes(&fs, 3));
    assert_eq!(Checkpoint::decode(file).unwrap().number(), 3);
}

#[test]
fn a_damaged_newest_gives_way_to_the_one_before_and_is_reported() {
    let fs = MemFs::new();
    publish(&fs, 1).unwrap();
    publish(&fs, 2).unwrap();
    let path = Path::new(DIR).join(file_name(2));
    fs.open(&path, OpenMode::Append { end: 0 })
        .unwrap()
        .write_all_at(b"!", 50)
        .unwrap();
    let found = newest(&fs, Path::new(DIR)).unwrap();
    assert_eq!(found.checkpoint.unwrap().number(), 1);
    assert_eq!(found.discarded[0].file_name, file_name(2));
}

#[test]
fn a_checkpoint_under_another_name_is_not_taken() {
    let fs = MemFs::new();
    publish(&fs, 1).unwrap();
    let path = |number| Path::new(DIR).join(file_name(number));
    fs.rename(&path(1), &path(9)).unwrap();
    let found = newest(&fs, Path::new(DIR)).unwrap();
    assert!(found.checkpoint.is_none());
    assert_eq!(found.discarded.len(), 1);
}

/// A writer beside who reads: once a file was listed, it is replaced by the next one, as often as is
/// said, before it can be opened.
#[derive(Debug)]
struct Replacing {
    fs: MemFs,
    left: AtomicU64,
}

impl FsLayer for Replacing {
    fn below(&self) -> &dyn Fs {
        &self.fs
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let listed = self.fs.list_names(path)?;
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            publish(&self.fs, 1000 - left).unwrap();
            prune(&self.fs, path, 1).unwrap();
        }
        Ok(listed)
    }
}

#[test]
fn one_that_is_replaced_while_it_is_looked_for_is_not_called_wrong() {
    for (left, last) in [(1, 999), (5, 999), (500, 600)] {
        let fs = MemFs::new();
        publish(&fs, 1).unwrap();
        let left = AtomicU64::new(left);
        let found = newest(&Replacing { fs, left }, Path::new(DIR)).unwrap();
        // Whoever replaces them for ever is given up on.
        let number = found.checkpoint.map(|checkpoint| checkpoint.number());
        assert_eq!(number, (last == 999).then_some(last));
        assert!(found.discarded.is_empty(), "{:?}", found.discarded);
    }
}

#[test]
fn a_failing_disk_leaves_the_one_before() {
    for operation in [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
    ] {
        let memory = MemFs::new();
        let fs = FaultFs::new(Arc::new(memory.clone()));
        publish(&fs, 1).unwrap();
        fs.fail(
            operation,
            Fault {
                after: 0,
                times: 1,
                error: std::io::ErrorKind::StorageFull,
                partial_bytes: 20,
            },
        );
        assert!(
            matches!(publish(&fs, 2), Err(CheckpointError::Io { .. })),
            "{operation:?}"
        );
        let found = newest(&fs, Path::new(DIR)).unwrap();
        assert_eq!(found.checkpoint.unwrap().number(), 1, "{operation:?}");
        publish(&fs, 2).unwrap();
        assert_eq!(
            newest(&fs, Path::new(DIR))
                .unwrap()
                .checkpoint
                .unwrap()
                .number(),
            2
        );
    }
}

#[test]
fn old_ones_and_left_overs_are_pruned_and_nothing_else() {
    let fs = MemFs::new();
    for number in 1..=4 {
        publish(&fs, number).unwrap();
    }
    let others = ["checkpoint-1.ckpt", "checkpoint-notes.ckpt.tmp", "notes"];
    let temporary = format!("{}.tmp", file_name(9));
    for name in others.iter().copied().chain([temporary.as_str()]) {
        fs.open(&Path::new(DIR).join(name), OpenMode::Create)
            .unwrap();
    }
    let removed = prune(&fs, Path::new(DIR), 2).unwrap();
    assert_eq!(removed, [file_name(2), file_name(1), temporary]);
    assert_eq!(fs.list(Path::new(DIR)).unwrap().len(), 2 + others.len());
}

#[test]
fn names_are_unique_and_visible_ascii() {
    for name in ["", "with space", "é", &"x".repeat(65)] {
        let error = CheckpointWriter::new()
            .section(name, Vec::new())
            .unwrap_err();
        assert!(matches!(error, CheckpointError::Name { .. }), "{name:?}");
    }
    let twice = CheckpointWriter::new().section("a", Vec::new()).unwrap();
    assert!(twice.section("a", Vec::new()).is_err());
}

#[test]
fn a_later_format_says_so() {
    let fs = MemFs::new();
    publish(&fs, 3).unwrap();
    let mut later = bytes(&fs, 3);
    later[8] = 2;
    let error = Checkpoint::decode(later).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::VersionUnsupported {
            found: 2,
            supported: 1
        }
    ));
}

proptest! {
    #[test]
    fn sections_round_trip(
        sections in proptest::collection::btree_map("[!-~]{1,64}", proptest::collection::vec(any::<u8>(), 0..300), 0..8),
        number: u64,
    ) {
        let fs = MemFs::new();
        let mut writer = CheckpointWriter::new();
        for (name, bytes) in &sections {
            writer = writer.section(name, bytes.clone()).unwrap();
        }
        writer.publish(&fs, Path::new(DIR), number).unwrap();
        let read = newest(&fs, Path::new(DIR)).unwrap().checkpoint.unwrap();
        prop_assert_eq!(read.number(), number);
        prop_assert_eq!(read.sections().count(), sections.len());
        for (name, bytes) in &sections {
            prop_assert_eq!(read.section(name), Some(bytes.as_slice()));
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let mut with_magic = b"STRNDCKP\x01\0\0\0".to_vec();
        with_magic.extend_from_slice(&bytes);
        prop_assert!(Checkpoint::decode(with_magic).is_err());
    }
}
