//! Few files of sealed segments are open at once, and all of them can be read.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and looks at the files itself"
)]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::OsFs;
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, CopyMode, FOOTER_BYTES_MAX, LogError, LogOptions, LogReader, LogWriter,
    RecordPosition, SEGMENT_BYTES_LEAST, SEGMENT_HEADER_BYTES, SegmentId, TRAILER_BYTES,
    UncheckedLog,
};

const SEGMENTS: u32 = 20;
const FILES_MAX: usize = 3;

fn options() -> LogOptions {
    LogOptions::default()
        .segment_bytes_max(SEGMENT_BYTES_LEAST)
        .open_files_max(FILES_MAX)
}

fn start(log: UncheckedLog) -> (LogWriter, LogReader) {
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (writer, reader, _) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    (writer, reader)
}

fn open(dir: &Path, options: LogOptions) -> (LogWriter, LogReader) {
    start(
        UncheckedLog::open(Arc::new(OsFs), dir, options)
            .unwrap()
            .unwrap(),
    )
}

/// A log with a record in each segment, and footers.
fn make(dir: &Path) -> (LogWriter, LogReader, Vec<RecordPosition>) {
    let random = Random::from_seed(1);
    let log = UncheckedLog::create(Arc::new(OsFs), dir, options(), &random).unwrap();
    let (mut writer, reader) = start(log);
    let mut places = Vec::new();
    for segment in 0..SEGMENTS {
        let mut commit = CommitBuffer::default();
        let body = segment.to_le_bytes();
        commit.push(&Hash::of(&body), |out| out.extend_from_slice(&body));
        let next = writer.position().sequence;
        let appended = writer.append(&mut commit, next, Sequence::ZERO).unwrap();
        places.extend(commit.positions(appended.start));
        let sealed = writer.rotate(&random).unwrap();
        sealed.write_footer(b"footer").unwrap();
        assert!(sealed.footer(true).unwrap().unwrap().is_intact());
    }
    (writer, reader, places)
}

/// How many descriptors of segments in `dir` this process has.
fn descriptors(dir: &Path) -> usize {
    let dir = dir.canonicalize().unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| path.starts_with(&dir) && path.to_string_lossy().contains("segment-"))
        .count()
}

fn check(dir: &Path, reader: &LogReader, places: &[RecordPosition], files_max: usize) {
    let view = reader.view();
    // Twice, as the first read of a place is another way than the second.
    for (segment, place) in (0_u32..).zip(places).chain((0_u32..).zip(places)) {
        let body = view.read(*place).unwrap().body;
        assert_eq!(body, segment.to_le_bytes(), "segment {segment}");
        assert!(descriptors(dir) <= files_max, "after segment {segment}");
    }
}

#[test]
fn a_log_that_is_written_keeps_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let (_writer, reader, places) = make(dir.path());
    // The active one is open too, and the next may be.
    let files_max = FILES_MAX + 2;
    assert!(descriptors(dir.path()) <= files_max);
    check(dir.path(), &reader, &places, files_max);
}

#[test]
fn a_log_that_is_opened_keeps_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, places) = make(dir.path());
    drop(writer);
    let (writer, reader) = open(dir.path(), options());
    check(dir.path(), &reader, &places, FILES_MAX + 2);
    drop((writer, reader));
    // What is not mapped is kept open, for a file that is closed can be gone.
    let (_writer, reader) = open(dir.path(), options().no_mapped_reads());
    assert!(descriptors(dir.path()) > SEGMENTS as usize);
    check(dir.path(), &reader, &places, SEGMENTS as usize + 2);
}

#[test]
fn footers_that_are_written_anew_keep_no_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = make(dir.path());
    let mut kept = Vec::new();
    for segment in 1..=SEGMENTS {
        let sealed = writer.sealed_segment(SegmentId::new(segment)).unwrap();
        sealed.write_footer(b"another footer").unwrap();
        kept.push((sealed.frames().unwrap(), sealed.footer(true).unwrap()));
    }
    assert!(descriptors(dir.path()) <= FILES_MAX + 2);
    for (frames, footer) in kept {
        assert_eq!(footer.unwrap().as_ref(), b"another footer");
        frames.visit(|_| Ok::<_, Infallible>(())).unwrap();
    }
}

/// A segment that was compacted away is read by those who began before: its file is gone by then, or
/// another one has its name.
#[test]
fn a_file_that_is_gone_or_replaced_is_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, reader, places) = make(dir.path());
    let file = |segment: u32| dir.path().join(SegmentId::new(segment).file_name());
    std::fs::rename(file(2), file(1)).unwrap();
    std::fs::remove_file(file(3)).unwrap();
    check(dir.path(), &reader, &places, FILES_MAX + 2);
    let mut frames = 0;
    let end = reader.view().scan(writer.position(), None, |_| {
        frames += 1;
        Ok::<_, LogError>(())
    });
    assert_eq!(end.unwrap(), writer.position());
    assert_eq!(frames, SEGMENTS);
}

/// Everything is in a copy of the log in `dir`, whose first two segments are removed while it is made.
fn assert_copied_without_files(dir: &Path, log: UncheckedLog) {
    for segment in 1..=2 {
        std::fs::remove_file(dir.join(SegmentId::new(segment).file_name())).unwrap();
    }
    let target = dir.join("copy");
    let copied = log.copy_to(&target, CopyMode::Copy, |_| Ok::<_, Infallible>(()));
    assert_eq!(copied.unwrap().copied, SEGMENTS as usize + 1);
    let copy = UncheckedLog::open(Arc::new(OsFs), &target, options());
    let copy = copy.unwrap().unwrap();
    assert!(copy.footer(SegmentId::FIRST).unwrap().is_none());
    assert!(copy.footer(SegmentId::new(3)).unwrap().is_some());
    let mut bodies = Vec::new();
    let scanned = copy.scan(None, Sequence::ZERO, |frame| {
        bodies.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    scanned.unwrap();
    assert!(
        bodies
            .into_iter()
            .eq((0..SEGMENTS).map(|n| n.to_le_bytes()))
    );
}

/// Segments that are compacted away while a backup is made, which has their files closed.
#[test]
fn files_that_are_gone_are_copied() {
    let dir = tempfile::tempdir().unwrap();
    drop(make(dir.path()));
    let log = UncheckedLog::open(Arc::new(OsFs), dir.path(), options().opens_all());
    assert_copied_without_files(dir.path(), log.unwrap().unwrap());
}

/// A mapping has the space that was set aside, which is cut off when the footer is written.
#[test]
fn a_file_that_was_cut_after_it_was_mapped_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = make(dir.path());
    let first = dir.path().join(SegmentId::FIRST.file_name());
    let file = std::fs::File::options().write(true).open(first).unwrap();
    let sealed = writer.sealed_segment(SegmentId::FIRST).unwrap();
    // As before its footer was written.
    let end = sealed.info().end().unwrap().offset;
    file.set_len(end.into()).unwrap();
    file.set_len(SEGMENT_BYTES_LEAST).unwrap();
    let log = UncheckedLog::open(Arc::new(OsFs), dir.path(), options().opens_all());
    sealed.write_footer(b"footer").unwrap();
    assert!(file.metadata().unwrap().len() < SEGMENT_BYTES_LEAST);
    assert_copied_without_files(dir.path(), log.unwrap().unwrap());
}

/// Whoever closed a file reads on in what it was, whatever has its name: a store that is put back from a
/// backup goes on in a file with the same header.
#[test]
fn a_closed_file_is_not_looked_for_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (_writer, reader, places) = make(dir.path());
    for segment in 1..=SEGMENTS {
        let path = dir.path().join(SegmentId::new(segment).file_name());
        let mut bytes = std::fs::read(&path).unwrap();
        let header = usize::try_from(SEGMENT_HEADER_BYTES).unwrap();
        bytes[header..].fill(0);
        // Another file, which is as long.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    check(dir.path(), &reader, &places, FILES_MAX + 2);
}

/// How many mappings of files in `dir` this process has.
fn mappings(dir: &Path) -> usize {
    let dir = dir.canonicalize().unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let dir = dir.to_string_lossy();
    maps.lines().filter(|line| line.contains(&*dir)).count()
}

#[test]
fn the_footer_of_a_rewriting_is_mapped_only_where_reads_are() {
    for (options, count) in [(options(), 1), (options().no_mapped_reads(), 0)] {
        let dir = tempfile::tempdir().unwrap();
        drop(make(dir.path()));
        let (writer, _) = open(dir.path(), options.open_files_max(SEGMENTS as usize));
        let before = mappings(dir.path());
        let rewrite = writer.rewrite(SegmentId::FIRST, &Random::from_seed(2));
        let footer = rewrite.unwrap().footers().next().unwrap();
        let footer = footer.unwrap().unwrap();
        assert_eq!(mappings(dir.path()) - before, count);
        assert_eq!(footer.as_ref(), b"footer");
    }
}

#[test]
fn a_footer_that_nobody_would_read_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, _, _) = make(dir.path());
    let sealed = writer.sealed_segment(SegmentId::FIRST).unwrap();
    let bytes = usize::try_from(FOOTER_BYTES_MAX).unwrap() - TRAILER_BYTES;
    // Never touched, so it takes no memory.
    let error = sealed.write_footer(&vec![0; bytes + 1]).unwrap_err();
    let LogError::TooLarge { found, limit, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((found, limit), (FOOTER_BYTES_MAX + 1, FOOTER_BYTES_MAX));
    let kept = sealed.footer(true).unwrap().unwrap();
    assert_eq!(kept.as_ref(), b"footer", "the one before stays");
}
