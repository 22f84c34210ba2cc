//! Segments that are not opened with their log: what an opening finds of them, what their first use does,
//! and what becomes of them when their names are taken away before.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and changes files itself"
)]

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use strandline_core::fs::{Fs, FsFile, FsLayer, MemFs, OpenMode, OsFs};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, LogError, LogFollower, LogOptions, LogReader, LogWriter, Piece, RecordPosition,
    RewrittenSegment, SEGMENT_BYTES_LEAST, SEGMENT_HEADER_BYTES, ScannedLog, SegmentId,
    SegmentInfo, UncheckedLog,
};

const SEGMENTS: u32 = 6;

/// Opens nothing but the active segment with the log.
fn options() -> LogOptions {
    LogOptions::default()
        .segment_bytes_max(SEGMENT_BYTES_LEAST)
        .newest_opened(0)
}

/// A file system that counts the segments that are opened.
#[derive(Debug, Clone)]
struct CountedFs<F> {
    inner: F,
    opened: Arc<AtomicUsize>,
}

impl<F: Fs> CountedFs<F> {
    fn new(inner: F) -> Self {
        Self {
            inner,
            opened: Arc::default(),
        }
    }

    fn take(&self) -> usize {
        self.opened.swap(0, Ordering::Relaxed)
    }
}

impl<F: Fs> FsLayer for CountedFs<F> {
    fn below(&self) -> &dyn Fs {
        &self.inner
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_segment = name.starts_with("segment-");
        self.opened
            .fetch_add(usize::from(is_segment), Ordering::Relaxed);
        self.inner.open(path, mode)
    }
}

fn create(fs: Arc<dyn Fs>, dir: &Path) -> (LogWriter, LogReader) {
    let log = UncheckedLog::create(fs, dir, options(), &Random::from_seed(1)).unwrap();
    into_writer(log)
}

/// Reads the active segment alone.
fn scan(log: UncheckedLog) -> ScannedLog {
    let start = log.segments().last().map(SegmentInfo::start);
    log.scan(start, Sequence::ZERO, |_| Ok::<_, Infallible>(()))
        .unwrap()
}

fn into_writer(log: UncheckedLog) -> (LogWriter, LogReader) {
    let (writer, reader, _) = scan(log).into_writer(&Random::from_seed(9)).unwrap();
    (writer, reader)
}

fn try_open(fs: Arc<dyn Fs>, dir: &Path) -> Result<UncheckedLog, LogError> {
    UncheckedLog::open(fs, dir, options()).map(Option::unwrap)
}

fn open(dir: &Path) -> (LogWriter, LogReader) {
    into_writer(try_open(Arc::new(OsFs), dir).unwrap())
}

fn follow(dir: &Path) -> (LogReader, LogFollower) {
    let log = UncheckedLog::open(Arc::new(OsFs), dir, options().beside_writer());
    scan(log.unwrap().unwrap()).into_follower().unwrap()
}

fn append(writer: &mut LogWriter, body: &[u8]) -> RecordPosition {
    let mut commit = CommitBuffer::default();
    commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    let next = writer.position().sequence;
    let appended = writer.append(&mut commit, next, Sequence::ZERO).unwrap();
    commit.positions(appended.start).next().unwrap()
}

/// A record in each segment, two in the first.
fn fill(writer: &mut LogWriter, segments: u32) -> Vec<RecordPosition> {
    append(writer, b"zero");
    (1..=segments)
        .map(|segment| {
            let place = append(writer, format!("segment {segment}").as_bytes());
            let sealed = writer.rotate(&Random::from_seed(segment.into())).unwrap();
            sealed.write_footer(b"footer").unwrap();
            place
        })
        .collect()
}

fn make(dir: &Path) -> Vec<RecordPosition> {
    fill(&mut create(Arc::new(OsFs), dir).0, SEGMENTS)
}

fn path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(SegmentId::new(segment).file_name())
}

fn body(reader: &LogReader, place: RecordPosition) -> Result<String, LogError> {
    let body = reader.view().read(place)?.body;
    Ok(String::from_utf8(body).unwrap())
}

/// A segment with other bodies.
fn rewritten(writer: &LogWriter, segment: u32) -> RewrittenSegment {
    let rewrite = writer.rewrite(SegmentId::new(segment), &Random::from_seed(5));
    let written = rewrite.unwrap().write(|_, out| {
        out.extend_from_slice(b"r");
        Ok::<_, Infallible>(())
    });
    written.unwrap()
}

fn rewrite(writer: &mut LogWriter, segment: u32) {
    let new = rewritten(writer, segment);
    let switched = writer.switch_to(vec![new]).unwrap();
    switched.show().remove().unwrap();
}

#[test]
fn an_opening_opens_few_of_many_segments() {
    const MANY: u32 = 2_000;
    let dir = Path::new("/log");
    let fs = CountedFs::new(MemFs::new());
    let (mut writer, _) = create(Arc::new(fs.clone()), dir);
    let places = fill(&mut writer, MANY);
    drop(writer);
    fs.take();
    let log = UncheckedLog::open(Arc::new(fs.clone()), dir, LogOptions::default());
    let log = log.unwrap().unwrap();
    // The newest, the active one, and that again to write.
    let newest = 8;
    assert_eq!(fs.take(), newest + 1);
    let (_writer, reader) = into_writer(log);
    assert_eq!(fs.take(), 1);
    assert_eq!(reader.unchecked_count(), MANY as usize - newest);
    // Each is opened once.
    for (segment, place) in (1..).zip(&places).step_by(100) {
        for _ in 0..2 {
            assert_eq!(body(&reader, *place).unwrap(), format!("segment {segment}"));
        }
    }
    assert_eq!(fs.take(), 20);
    let unchecked = reader.unchecked();
    assert_eq!(unchecked.len(), MANY as usize - newest - 20);
    for segment in unchecked {
        reader.check(segment, false).unwrap();
    }
    assert_eq!(fs.take(), MANY as usize - newest - 20);
    assert_eq!(reader.unchecked_count(), 0);
}

#[test]
fn a_segment_is_used_like_one_that_was_opened_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let places = make(dir.path());
    for options in [
        options(),
        options().no_mapped_reads(),
        options().open_files_max(1),
    ] {
        let fs = CountedFs::new(OsFs);
        let log = UncheckedLog::open(Arc::new(fs.clone()), dir.path(), options);
        let log = log.unwrap().unwrap();
        assert_eq!(fs.take(), 1, "the active one");
        let footer = log.footer(SegmentId::new(2)).unwrap().unwrap();
        assert_eq!(footer.as_ref(), b"footer");
        let frames = log.sealed_frames(SegmentId::new(3)).unwrap();
        let mut sequences = Vec::new();
        let visited = frames.visit(|frame| {
            sequences.push(frame.first_sequence().get());
            Ok::<_, Infallible>(())
        });
        visited.unwrap();
        assert_eq!(sequences, [3]);
        let reader = scan(log).into_reader();
        for _ in 0..2 {
            for (segment, place) in (1..).zip(&places) {
                assert_eq!(body(&reader, *place).unwrap(), format!("segment {segment}"));
            }
        }
        let end = *reader.view().infos().last().unwrap();
        let scanned = reader
            .view()
            .scan(end.start(), None, |_| Ok::<_, Infallible>(()));
        scanned.unwrap();
    }
}

#[test]
fn a_missing_file_or_a_link_is_found_by_the_opening() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let file = path(dir.path(), 2);
    let refused = || try_open(Arc::new(OsFs), dir.path()).unwrap_err();

    std::fs::remove_file(&file).unwrap();
    let missing = refused();
    assert!(matches!(&missing, LogError::SegmentMissing { file } if file.ends_with("2.log")));

    std::os::unix::fs::symlink(path(dir.path(), 1), &file).unwrap();
    let link = refused();
    assert!(matches!(&link, LogError::Io { .. }), "{link}");
}

#[test]
fn another_file_is_found_by_its_first_use_and_by_a_check() {
    let dir = tempfile::tempdir().unwrap();
    let places = make(dir.path());
    let file = path(dir.path(), 2);
    let own = std::fs::read(&file).unwrap();
    let other = std::fs::read(path(dir.path(), 1)).unwrap();
    let changed = |at: usize| {
        let mut bytes = own.clone();
        bytes[at] ^= 1;
        bytes
    };
    let short = own[..own.len() - 100].to_vec();
    // That of another segment, a header that is damaged, of a later version, one that is short.
    // And whether something is wrong with the file itself, and how many frames can be read.
    let all = [
        (other, false, true, 0),
        (changed(100), false, true, 1),
        (changed(9), true, true, 1),
        (short, false, false, 0),
    ];
    for (bytes, is_version, is_wrong_file, frames_left) in all {
        std::fs::write(&file, bytes).unwrap();
        let log = try_open(Arc::new(OsFs), dir.path()).unwrap();
        let is_expected = |error: LogError| match error {
            LogError::Corrupt { file, .. } => !is_version && file.ends_with("2.log"),
            LogError::VersionUnsupported { file, .. } => is_version && file.ends_with("2.log"),
            _ => false,
        };
        assert!(is_expected(log.footer(SegmentId::new(2)).unwrap_err()));
        let reader = scan(log).into_reader();
        for _ in 0..2 {
            assert!(is_expected(body(&reader, places[1]).unwrap_err()));
        }
        for keeps in [false, true] {
            let bad = (1..=SEGMENTS).map(SegmentId::new).filter(|segment| {
                let checked = reader.check(*segment, keeps);
                checked.is_err_and(is_expected)
            });
            assert_eq!(bad.collect::<Vec<_>>(), [SegmentId::new(2)]);
        }
        assert!(reader.unchecked().is_empty());
        // Whoever goes on past damage is told of it, and of what is left.
        let view = reader.view();
        let until = view.infos().last().unwrap().start();
        let (mut wrong, mut damaged, mut frames) = (0, 0, 0);
        let is_whole = view.pieces(&OsFs, until, |info, piece| {
            let is_second = info.id() == SegmentId::new(2);
            match piece {
                Piece::Frame { .. } if is_second => frames += 1,
                Piece::Frame { .. } => {}
                Piece::WrongFile { problem } => {
                    assert!(problem.to_string().contains("2.log"), "{problem}");
                    wrong += 1;
                }
                Piece::Damaged { bytes, .. } => {
                    assert!(is_second);
                    damaged += bytes;
                }
                other => panic!("{other:?}"),
            }
            Ok::<_, Infallible>(())
        });
        let end = view.info(SegmentId::new(2)).unwrap().end().unwrap();
        assert!(!is_whole.unwrap());
        assert_eq!((wrong, frames), (usize::from(is_wrong_file), frames_left));
        let frame_bytes = u64::from(end.offset - SEGMENT_HEADER_BYTES);
        assert_eq!(damaged, if frames_left == 0 { frame_bytes } else { 0 });
        assert_eq!(body(&reader, places[2]).unwrap(), "segment 3");
    }
}

/// A store that was put back from a copy went on in the segment that had been active, after the same
/// header.
#[test]
fn a_file_that_went_on_otherwise_is_found_by_its_first_use() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = create(Arc::new(OsFs), dir.path());
    append(&mut writer, b"common");
    let other = tempfile::tempdir().unwrap();
    for name in ["MANIFEST", "segment-0000000001.log"] {
        std::fs::copy(dir.path().join(name), other.path().join(name)).unwrap();
    }
    let place = append(&mut writer, b"own way");
    writer.rotate(&Random::from_seed(2)).unwrap();
    drop(writer);
    let log = UncheckedLog::open(Arc::new(OsFs), other.path(), options());
    let known = log.unwrap().unwrap();
    let known = known.scan(None, Sequence::new(1), |_| Ok::<_, Infallible>(()));
    let (mut of_copy, _, _) = known.unwrap().into_writer(&Random::from_seed(3)).unwrap();
    append(&mut of_copy, b"another");
    drop(of_copy);

    let (reader, follower) = follow(dir.path());
    assert_eq!(reader.unchecked(), [SegmentId::FIRST]);
    std::fs::copy(path(other.path(), 1), path(dir.path(), 1)).unwrap();
    let found = body(&reader, place).unwrap_err();
    assert!(
        matches!(&found, LogError::Corrupt { reason, .. } if reason.contains("last frame")),
        "{found}"
    );
    // With the manifest of that store it is no damage.
    std::fs::copy(other.path().join("MANIFEST"), dir.path().join("MANIFEST")).unwrap();
    let found = body(&reader, place).unwrap_err();
    assert!(matches!(found, LogError::OtherCourse { .. }), "{found}");
    drop(follower);
}

/// One whose frames stand elsewhere has none where the last frame of the log was.
#[test]
fn a_file_that_went_on_with_other_lengths_gives_none_of_its_records() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = create(Arc::new(OsFs), dir.path());
    append(&mut writer, b"common");
    let other = tempfile::tempdir().unwrap();
    for name in ["MANIFEST", "segment-0000000001.log"] {
        std::fs::copy(dir.path().join(name), other.path().join(name)).unwrap();
    }
    let place = append(&mut writer, b"own way");
    append(&mut writer, b"and the last");
    writer.rotate(&Random::from_seed(2)).unwrap();
    drop(writer);
    let log = UncheckedLog::open(Arc::new(OsFs), other.path(), options());
    let known = log.unwrap().unwrap();
    let known = known.scan(None, Sequence::new(1), |_| Ok::<_, Infallible>(()));
    let (mut of_copy, _, _) = known.unwrap().into_writer(&Random::from_seed(3)).unwrap();
    // A record where the log had one, and none where it had its last frame.
    assert_eq!(append(&mut of_copy, b"another that is longer"), place);
    append(&mut of_copy, &[b'x'; 1000]);
    drop(of_copy);

    let (reader, _follower) = follow(dir.path());
    std::fs::copy(path(other.path(), 1), path(dir.path(), 1)).unwrap();
    std::fs::copy(other.path().join("MANIFEST"), dir.path().join("MANIFEST")).unwrap();
    for _ in 0..2 {
        let found = body(&reader, place);
        assert!(
            matches!(found, Err(LogError::OtherCourse { .. })),
            "{found:?}"
        );
    }
}

/// What a view has that was not opened is gone by name once it was rewritten.
#[test]
fn a_view_from_before_a_rewriting_reads_what_it_had_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let places = make(dir.path());
    let (mut writer, reader) = open(dir.path());
    let before = reader.view();
    rewrite(&mut writer, 2);
    // Its file was another one in between.
    let renewed = writer.sealed_segment(SegmentId::new(3)).unwrap();
    renewed.write_footer(b"another footer").unwrap();
    rewrite(&mut writer, 3);
    assert!(!path(dir.path(), 2).exists() && !path(dir.path(), 3).exists());
    for segment in [2_u32, 3] {
        let place = places[segment as usize - 1];
        let own = before.read(place).unwrap().body;
        assert_eq!(own, format!("segment {segment}").as_bytes());
        let now = reader.view().read(place).map(|record| record.body);
        assert!(now.is_err() || now.is_ok_and(|body| body == b"r"));
    }
}

/// A view that outlives its writer reads on, whatever the next one does.
#[test]
fn a_view_of_a_log_that_was_closed_reads_what_it_had_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let places = make(dir.path());
    for follows in [false, true] {
        let (writer, reader, follower) = match follows {
            false => {
                let (writer, reader) = open(dir.path());
                (Some(writer), reader, None)
            }
            true => {
                let (reader, follower) = follow(dir.path());
                (None, reader, Some(follower))
            }
        };
        let view = reader.view();
        let older = view.clone();
        drop((writer, follower, view));
        let segment = 2 + u32::from(follows);
        let (mut next, _) = open(dir.path());
        rewrite(&mut next, segment);
        let own = older.read(places[segment as usize - 1]).unwrap().body;
        assert_eq!(own, format!("segment {segment}").as_bytes());
    }
}

/// Closing opens what a view may read and nobody has used: none that is mapped and was closed, and none that
/// came after the view.
#[test]
fn closing_opens_what_views_have_and_nobody_has_used() {
    let options = options().open_files_max(1);
    for (is_viewed, rotations) in [(true, 0), (true, 2), (false, 2)] {
        let dir = tempfile::tempdir().unwrap();
        let places = make(dir.path());
        let fs = CountedFs::new(OsFs);
        let log = UncheckedLog::open(Arc::new(fs.clone()), dir.path(), options.clone());
        let (mut writer, reader) = into_writer(log.unwrap().unwrap());
        let view = is_viewed.then(|| reader.view());
        for place in &places[..4] {
            body(&reader, *place).unwrap();
        }
        fill(&mut writer, rotations);
        fs.take();
        drop(writer);
        let unused = places.len() - 4;
        assert_eq!(fs.take(), if is_viewed { unused } else { 0 });
        if let Some(view) = view {
            for segment in 1..=SEGMENTS {
                let file = SegmentId::new(segment).file_name();
                std::fs::remove_file(dir.path().join(file)).unwrap();
            }
            for (segment, place) in (1..).zip(&places) {
                let own = view.read(*place).unwrap().body;
                assert_eq!(own, format!("segment {segment}").as_bytes());
            }
        }
    }
}

#[test]
fn a_reader_whose_segment_was_replaced_before_it_read_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let places = make(dir.path());
    let (mut writer, _) = open(dir.path());
    let (reader, mut follower) = follow(dir.path());
    // One of them was kept in time.
    reader.check(SegmentId::new(4), true).unwrap();
    rewrite(&mut writer, 2);
    rewrite(&mut writer, 4);
    let replaced = body(&reader, places[1]).unwrap_err();
    assert!(
        matches!(&replaced, LogError::OtherCourse { file, .. } if file.ends_with("2.log")),
        "{replaced}"
    );
    assert_eq!(body(&reader, places[3]).unwrap(), "segment 4");
    assert_eq!(body(&reader, places[4]).unwrap(), "segment 5");
    // What it reads on is as it was.
    follower.follow(|_| Ok::<_, Infallible>(())).unwrap();
    let (again, _follower) = follow(dir.path());
    again.check(SegmentId::new(2), true).unwrap();
    // One that is gone though it is listed is missing.
    std::fs::remove_file(path(dir.path(), 6)).unwrap();
    let missing = body(&reader, places[5]).unwrap_err();
    assert!(matches!(missing, LogError::SegmentMissing { .. }));
}

#[test]
fn all_are_opened_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let fs = CountedFs::new(OsFs);
    let log = UncheckedLog::open(Arc::new(fs.clone()), dir.path(), options().opens_all());
    assert_eq!(fs.take(), SEGMENTS as usize + 1);
    let reader = scan(log.unwrap().unwrap()).into_reader();
    assert!(reader.unchecked().is_empty());
    let header = usize::try_from(SEGMENT_HEADER_BYTES).unwrap();
    let mut bytes = std::fs::read(path(dir.path(), 1)).unwrap();
    bytes[..header].fill(0);
    std::fs::write(path(dir.path(), 1), bytes).unwrap();
    let refused = UncheckedLog::open(Arc::new(OsFs), dir.path(), options().opens_all());
    assert!(matches!(refused, Err(LogError::Corrupt { .. })));
}
