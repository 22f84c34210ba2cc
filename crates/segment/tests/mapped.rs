//! Readers know how far a segment is written, and the file's length has no say in it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, MemFs, OpenMode, OsFs, read_file};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, LogError, LogOptions, LogReader, LogWriter, RecordPosition, SegmentId,
    UncheckedLog,
};

fn create(fs: &Arc<dyn Fs>, dir: &Path, options: LogOptions) -> (LogWriter, LogReader) {
    let log = UncheckedLog::create(fs.clone(), dir, options, &Random::from_seed(3)).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (writer, reader, _) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    (writer, reader)
}

fn append(writer: &mut LogWriter, body: &[u8]) -> RecordPosition {
    let mut commit = CommitBuffer::default();
    commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    let next = writer.position().sequence;
    let appended = writer.append(&mut commit, next, Sequence::ZERO).unwrap();
    commit.positions(appended.start).next().unwrap()
}

fn file(fs: &dyn Fs, dir: &Path) -> Arc<dyn FsFile> {
    let path = dir.join(SegmentId::FIRST.file_name());
    fs.open(&path, OpenMode::Append { end: 0 }).unwrap()
}

/// Puts a record that would be right after the written end, and zeros after that.
fn check_unwritten(fs: Arc<dyn Fs>, dir: &Path, options: &LogOptions) {
    // The same seeds give the same salts, so the second commit of one log fits the other.
    let (mut other, _) = create(&(Arc::new(MemFs::new()) as _), dir, options.clone());
    let memory: Arc<dyn Fs> = Arc::new(MemFs::new());
    let (mut longer, _) = create(&memory, dir, options.clone());
    assert_eq!(append(&mut longer, b"one"), append(&mut other, b"one"));
    let second = append(&mut longer, b"two");
    let path = dir.join(SegmentId::FIRST.file_name());
    let mut bytes = read_file(&*memory, &path, 1 << 20).unwrap();
    bytes.resize(50_000, 0);

    let (mut writer, reader) = create(&fs, dir, options.clone());
    let first = append(&mut writer, b"one");
    let written = writer.position().offset;
    let file = file(&*fs, dir);
    let beyond = &bytes[written as usize..];
    file.write_all_at(beyond, written.into()).unwrap();
    let mut cursor = reader.view().cursor();
    assert_eq!(cursor.read(first).unwrap().body, b"one");
    for error in [
        reader.view().read(second).unwrap_err(),
        cursor.read(second).unwrap_err(),
    ] {
        assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
    }
    assert_eq!(append(&mut writer, b"two"), second);
    assert_eq!(cursor.read(second).unwrap().body, b"two");
    assert_eq!(reader.view().read(second).unwrap().body, b"two");
    for offset in written + 200..50_000 {
        let unwritten = RecordPosition { offset, ..second };
        assert!(reader.view().read(unwritten).is_err(), "{offset}");
    }
}

#[test]
fn nothing_past_the_written_end_is_read_though_the_file_has_it() {
    let options = LogOptions::default().segment_bytes_max(64 << 10);
    let dir = tempfile::tempdir().unwrap();
    check_unwritten(Arc::new(OsFs), dir.path(), &options);
    let dir = tempfile::tempdir().unwrap();
    check_unwritten(
        Arc::new(OsFs),
        dir.path(),
        &options.clone().no_mapped_reads(),
    );
    check_unwritten(Arc::new(MemFs::new()), Path::new("log"), &options);
}

#[test]
fn a_log_that_is_longer_than_its_options_allow_is_read_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let (mut writer, _) = create(&fs, dir.path(), LogOptions::default());
    let places: Vec<_> = (0..30).map(|n| append(&mut writer, &[n; 9000])).collect();
    drop(writer);
    let small = LogOptions::default().segment_bytes_max(64 << 10);
    let log = UncheckedLog::open(fs, dir.path(), small).unwrap().unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (_, reader, _) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    for (n, place) in (0..30).zip(places) {
        assert_eq!(reader.view().read(place).unwrap().body, [n; 9000]);
    }
}
