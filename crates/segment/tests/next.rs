//! The next segment, made ahead: used, left over, or failed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fault, FaultFs, Fs, MemFs, OpenMode, Operation};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    AppendError, CommitBuffer, LogOptions, LogWriter, Repairs, SegmentId, UncheckedLog,
};

const DIR: &str = "/log";

fn open(fs: Arc<dyn Fs>) -> (LogWriter, Repairs, u64) {
    let (dir, options) = (Path::new(DIR), LogOptions::default());
    let log = match UncheckedLog::open(fs.clone(), dir, options.clone()).unwrap() {
        Some(log) => log,
        None => UncheckedLog::create(fs, dir, options, &Random::from_seed(3)).unwrap(),
    };
    let mut records = 0;
    let scanned = log.scan(None, Sequence::ZERO, |frame| {
        records += frame.len() as u64;
        Ok::<_, Infallible>(())
    });
    let (writer, _, repairs) = scanned.unwrap().into_writer().unwrap();
    (writer, repairs, records)
}

fn append(writer: &mut LogWriter) {
    let mut commit = CommitBuffer::default();
    commit.push(&Hash::of(b"x"), |out| out.extend_from_slice(b"x"));
    let next = writer.position().sequence;
    writer.append(&mut commit, next, Sequence::ZERO).unwrap();
}

fn second() -> PathBuf {
    Path::new(DIR).join(SegmentId::new(2).file_name())
}

fn exists(fs: &MemFs, path: &Path) -> bool {
    fs.open(path, OpenMode::Read).is_ok()
}

#[test]
fn a_rotation_onto_a_segment_made_ahead_syncs_it_and_the_manifest_alone() {
    let files = MemFs::new();
    let fs = FaultFs::new(Arc::new(files));
    let (mut writer, ..) = open(Arc::new(fs.clone()));
    append(&mut writer);
    writer.next_segment().prepare().unwrap();
    writer.next_segment().prepare().unwrap();
    let before = [Operation::Sync, Operation::SyncDir, Operation::Create].map(|o| fs.calls(o));
    writer
        .rotate_synced_by(&Random::from_seed(4), |_| Ok(()))
        .unwrap();
    let after = [Operation::Sync, Operation::SyncDir, Operation::Create].map(|o| fs.calls(o));
    // The header; the manifest under its temporary name, and its name.
    assert_eq!(after, [before[0] + 2, before[1] + 1, before[2] + 1]);
    append(&mut writer);
    drop(writer);
    let (writer, repairs, records) = open(Arc::new(fs));
    assert_eq!((repairs.notices().len(), records), (0, 2));
    assert_eq!(writer.position().segment, SegmentId::new(2));
}

#[test]
fn a_segment_made_ahead_and_not_used_is_removed() {
    let fs = MemFs::new();
    let (mut writer, ..) = open(Arc::new(fs.clone()));
    append(&mut writer);
    writer.next_segment().prepare().unwrap();
    assert!(exists(&fs, &second()));
    let killed = fs.fork();
    let (_, repairs, records) = open(Arc::new(killed.clone()));
    assert_eq!(repairs.removed_unused, [SegmentId::new(2).file_name()]);
    assert!(repairs.set_aside.is_empty());
    assert_eq!(records, 1);
    assert!(!exists(&killed, &second()));
    let next = writer.next_segment();
    drop(writer);
    assert!(!exists(&fs, &second()), "a writer takes it along");
    assert!(next.prepare().is_err(), "and nobody makes it again");
    assert!(open(Arc::new(fs)).1.notices().is_empty());
}

#[test]
fn a_rotation_that_was_killed_before_the_manifest_leaves_nothing_behind() {
    let files = MemFs::new();
    let fs = FaultFs::new(Arc::new(files.clone()));
    let (mut writer, ..) = open(Arc::new(fs.clone()));
    append(&mut writer);
    let fault = Fault {
        after: 1,
        times: 1,
        error: io::ErrorKind::StorageFull,
        partial_bytes: 0,
    };
    fs.fail(Operation::Write, fault);
    let refused = writer.rotate(&Random::from_seed(4)).unwrap_err();
    assert!(matches!(refused, AppendError::NotWritten(_)), "{refused}");
    // The header is there, and the manifest does not know.
    let (_, repairs, records) = open(Arc::new(files.fork()));
    assert_eq!(repairs.removed_unused, [SegmentId::new(2).file_name()]);
    assert_eq!((repairs.set_aside.len(), records), (0, 1));
    append(&mut writer);
    writer.rotate(&Random::from_seed(5)).unwrap();
    append(&mut writer);
    drop(writer);
    let (_, repairs, records) = open(Arc::new(files));
    assert_eq!((repairs.notices().len(), records), (0, 3));
}

/// What a failed sync left in the cache is not trusted: the next one would say that it is durable.
#[test]
fn a_segment_whose_sync_failed_is_made_anew() {
    let files = MemFs::new();
    let fs = FaultFs::new(Arc::new(files.clone()));
    let (mut writer, ..) = open(Arc::new(fs.clone()));
    append(&mut writer);
    // The sync of the empty file, then that of its header.
    for after in [0, 1] {
        let before = fs.calls(Operation::Create);
        let fault = Fault {
            after,
            times: 1,
            error: io::ErrorKind::Other,
            partial_bytes: 0,
        };
        fs.fail(Operation::Sync, fault);
        let refused = writer.rotate_synced_by(&Random::from_seed(4), |_| Ok(()));
        assert!(matches!(refused, Err(AppendError::NotWritten(_))));
        assert_eq!(fs.calls(Operation::Create), before + 1);
    }
    append(&mut writer);
    let before = fs.calls(Operation::Create);
    writer.rotate(&Random::from_seed(5)).unwrap();
    assert_eq!(fs.calls(Operation::Create), before + 2, "the MANIFEST, too");
    drop(writer);
    assert!(open(Arc::new(files)).1.notices().is_empty());
}

#[test]
fn another_file_of_the_name_is_set_aside() {
    let fs = MemFs::new();
    let (mut writer, ..) = open(Arc::new(fs.clone()));
    append(&mut writer);
    drop(writer);
    for (name, content) in [
        (SegmentId::new(2).file_name(), vec![7; 40]),
        (SegmentId::new(9).file_name(), vec![0; 400]),
    ] {
        let path = Path::new(DIR).join(&name);
        let file = fs.open(&path, OpenMode::Create).unwrap();
        file.write_all_at(&content, 0).unwrap();
        let (_, repairs, _) = open(Arc::new(fs.clone()));
        assert_eq!(repairs.set_aside, [format!("quarantine/{name}")]);
    }
}

/// Space that was set aside is left behind the frames until the footer is written.
#[test]
fn zeros_behind_a_sealed_segment_are_no_footer() {
    let fs = MemFs::new();
    let (mut writer, ..) = open(Arc::new(fs.clone()));
    append(&mut writer);
    writer.active().sync().unwrap();
    let end = u64::from(writer.position().offset);
    let sealed = writer
        .rotate_synced_by(&Random::from_seed(4), |_| Ok(()))
        .unwrap();
    let footer = |fs: &MemFs| {
        let log = UncheckedLog::open(Arc::new(fs.clone()), Path::new(DIR), LogOptions::default());
        log.unwrap().unwrap().footer(SegmentId::FIRST)
    };
    let first = Path::new(DIR).join(SegmentId::FIRST.file_name());
    let file = fs.open(&first, OpenMode::Append { end: 0 }).unwrap();
    assert!(file.len().unwrap() > end);
    assert!(footer(&fs).unwrap().is_none());
    file.set_len(end + 20).unwrap();
    assert!(footer(&fs).unwrap().is_none());
    sealed.write_footer(b"index").unwrap();
    assert!(footer(&fs).unwrap().is_some());
    drop(writer);
    assert_eq!(open(Arc::new(fs)).2, 1);
}
