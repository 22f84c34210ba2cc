//! Footers are written to files that nobody else has, or to new ones: what anybody has of a segment's
//! file stays as it is.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and looks at the files itself"
)]

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fault, FaultFs, Fs, Operation, OsFs};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, LogError, LogOptions, LogReader, LogWriter, RecordPosition, Repairs,
    SealedSegment, SegmentId, UncheckedLog,
};

/// A log whose first segment is sealed and has one record, and no footer.
struct Made {
    dir: tempfile::TempDir,
    writer: LogWriter,
    reader: LogReader,
    sealed: SealedSegment,
    place: RecordPosition,
}

fn start(log: UncheckedLog) -> (LogWriter, LogReader, Repairs) {
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    scanned.unwrap().into_writer().unwrap()
}

fn make(fs: Arc<dyn Fs>) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions::default();
    let log = UncheckedLog::create(fs, dir.path(), options, &Random::from_seed(1)).unwrap();
    let (mut writer, reader, _) = start(log);
    let mut commit = CommitBuffer::default();
    commit.push(&Hash::of(b"one"), |out| out.extend_from_slice(&[1; 9000]));
    let appended = writer.append(&mut commit, Sequence::ZERO, Sequence::ZERO);
    let place = commit.positions(appended.unwrap().start).next().unwrap();
    writer.active().sync().unwrap();
    let sealed = writer.rotate(&Random::from_seed(2)).unwrap();
    Made {
        dir,
        writer,
        reader,
        sealed,
        place,
    }
}

impl Made {
    fn path(&self) -> PathBuf {
        self.dir.path().join(SegmentId::FIRST.file_name())
    }

    fn end(&self) -> u64 {
        self.sealed.info().end().unwrap().offset.into()
    }

    /// The footer as whoever opens the log finds it.
    fn footer(&self) -> Result<Option<Vec<u8>>, LogError> {
        let log = UncheckedLog::open(Arc::new(OsFs), self.dir.path(), LogOptions::default());
        let footer = log.unwrap().unwrap().footer(SegmentId::FIRST)?;
        Ok(footer.map(|footer| {
            assert!(footer.is_intact());
            footer.as_ref().to_vec()
        }))
    }

    /// The record can be read, by views that are taken now and by those of who opens the log.
    fn check(&self) {
        assert_eq!(self.reader.view().read(self.place).unwrap().body, [1; 9000]);
        let log = UncheckedLog::open(Arc::new(OsFs), self.dir.path(), LogOptions::default());
        let mut bodies = Vec::new();
        let scanned = log.unwrap().unwrap().scan(None, Sequence::ZERO, |frame| {
            bodies.extend(frame.records().map(|record| record.body.to_vec()));
            Ok::<_, Infallible>(())
        });
        assert!(scanned.unwrap().torn_tail().is_none());
        assert_eq!(bodies, [[1; 9000]]);
    }
}

/// Somebody's hold of a file as it is now.
struct Held {
    file: File,
    bytes: Vec<u8>,
}

impl Held {
    fn take(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let bytes = std::fs::read(path).unwrap();
        Self { file, bytes }
    }

    fn check(&self) {
        let mut now = vec![0; self.bytes.len() + 1];
        let length = self.file.read_at(&mut now, 0).unwrap();
        assert!(now[..length] == self.bytes, "a file that is held changed");
    }
}

#[test]
fn the_first_footer_goes_into_the_file_and_every_other_into_a_new_one() {
    let made = make(Arc::new(OsFs));
    let held = File::open(made.path()).unwrap();
    made.sealed.write_footer(b"one").unwrap();
    assert!(held.metadata().unwrap().len() > made.end(), "the same file");
    for footer in [b"two and longer".as_slice(), b"3", b""] {
        let held = Held::take(&made.path());
        let view = made.reader.view();
        made.sealed.write_footer(footer).unwrap();
        held.check();
        assert_eq!(made.footer().unwrap().unwrap(), footer);
        let own = made.sealed.footer(true).unwrap().unwrap();
        assert_eq!(own.as_ref(), footer);
        assert_eq!(view.read(made.place).unwrap().body, [1; 9000]);
        made.check();
    }
}

#[test]
fn a_file_with_another_name_gets_a_new_one() {
    let made = make(Arc::new(OsFs));
    let other = made.dir.path().join("other");
    std::fs::hard_link(made.path(), &other).unwrap();
    let held = Held::take(&other);
    let sealed = made.writer.sealed_segment(SegmentId::FIRST).unwrap();
    sealed.write_footer(b"index").unwrap();
    held.check();
    assert!(std::fs::read(&other).unwrap() == held.bytes);
    assert_eq!(made.footer().unwrap().unwrap(), b"index");
    made.check();
}

/// A segment may be sealed before the end of what was written to it, of which nothing proves that it
/// was durable.
#[test]
fn what_stands_after_the_frames_is_neither_footer_nor_damage() {
    let stale = |length: usize| {
        [5, 9, 1, 200]
            .into_iter()
            .cycle()
            .take(length)
            .collect::<Vec<u8>>()
    };
    for length in [1, 63, 64, 65, 1000, 300_000] {
        let made = make(Arc::new(OsFs));
        let file = File::options().write(true).open(made.path()).unwrap();
        file.set_len(made.end()).unwrap();
        file.write_all_at(&stale(length), made.end()).unwrap();
        assert!(made.footer().unwrap().is_none(), "{length}");
        assert!(made.sealed.footer(true).unwrap().is_none(), "{length}");
        let held = Held::take(&made.path());
        made.sealed.write_footer(b"index").unwrap();
        held.check();
        assert_eq!(made.footer().unwrap().unwrap(), b"index");
        let whole = std::fs::metadata(made.path()).unwrap().len();
        assert_eq!(whole, made.end() + 5 + 64, "nothing of it is left");
        made.check();
    }
}

#[test]
fn a_new_file_that_cannot_be_made_leaves_the_old_one_and_nothing_else() {
    let fs = FaultFs::new(Arc::new(OsFs));
    let made = make(Arc::new(fs.clone()));
    made.sealed.write_footer(b"index").unwrap();
    let names = || {
        let entries = OsFs.list(made.dir.path()).unwrap();
        entries
            .into_iter()
            .map(|entry| entry.name)
            .collect::<Vec<_>>()
    };
    let before = names();
    for operation in [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
        Operation::Read,
    ] {
        for after in 0..3 {
            let held = Held::take(&made.path());
            fs.fail(
                operation,
                Fault {
                    after,
                    times: 1,
                    error: io::ErrorKind::StorageFull,
                    partial_bytes: 5,
                },
            );
            let written = made.sealed.write_footer(b"another");
            fs.heal();
            let (footer, what) = (made.footer().unwrap().unwrap(), format!("{operation:?}"));
            match written {
                Ok(()) => assert_eq!(footer, b"another", "{what}"),
                Err(error) => {
                    assert!(matches!(error, LogError::Io { .. }), "{what}: {error}");
                    assert_eq!(footer, b"index", "{what}");
                }
            }
            held.check();
            assert_eq!(names(), before, "{what}");
            made.check();
            made.sealed.write_footer(b"index").unwrap();
        }
    }
}

/// Bytes that would be copied wrong are noticed before they take the place of the others.
#[test]
fn damaged_frames_are_not_put_into_a_new_file() {
    let made = make(Arc::new(OsFs));
    made.sealed.write_footer(b"index").unwrap();
    let file = File::options().write(true).open(made.path()).unwrap();
    file.write_all_at(&[9], made.end() - 2000).unwrap();
    let held = Held::take(&made.path());
    let error = made.sealed.write_footer(b"another").unwrap_err();
    assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
    held.check();
    assert_eq!(made.footer().unwrap().unwrap(), b"index");
}

#[test]
fn what_is_left_of_a_new_file_is_removed_by_an_opening_and_nothing_else() {
    let made = make(Arc::new(OsFs));
    let own = [
        "segment-0000000001.log.tmp",
        "segment-0000000007-0000000002.log.tmp",
    ];
    let others = [
        "segment-1.log.tmp",
        "segment-0000000001.log.tmp.tmp",
        "segment-0000000001.tmp",
        "my.log.tmp",
    ];
    for name in own.iter().chain(&others) {
        std::fs::write(made.dir.path().join(name), b"half").unwrap();
    }
    let Made { dir, writer, .. } = made;
    drop(writer);
    let log = UncheckedLog::open(Arc::new(OsFs), dir.path(), LogOptions::default());
    let (_, _, repairs) = start(log.unwrap().unwrap());
    assert_eq!(repairs.removed_temporaries, own);
    for name in others {
        assert!(dir.path().join(name).exists(), "{name}");
    }
}
