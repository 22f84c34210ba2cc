//! Salvage and verification of a store on a disk that does not give back all of what is on it.

use crate::harness::{CREATED, at};
use crate::salvage::{SEGMENT, id, listing, made};
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, Mapping, MemFs, OpenMode, replace_file};
use strandline::maintenance::{Kept, salvage, verify, verify_files};
use strandline::{Event, Store, StoreOptions};

/// A file, the offsets in it that cannot be read, and with which error of the system.
#[derive(Debug)]
struct BadSectors(MemFs, PathBuf, Range<u64>, i32);

/// `EIO`, and `ECONNRESET`: of a disk, and of a network.
const EIO: i32 = 5;
const ECONNRESET: i32 = 104;

impl FsLayer for BadSectors {
    fn below(&self) -> &dyn Fs {
        &self.0
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let file = self.0.open(path, mode)?;
        Ok(match path == self.1 {
            true => Arc::new(BadFile(file, self.2.clone(), self.3)),
            false => file,
        })
    }
}

#[derive(Debug)]
struct BadFile(Arc<dyn FsFile>, Range<u64>, i32);

impl FsFileLayer for BadFile {
    fn below(&self) -> &dyn FsFile {
        &*self.0
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = offset + buffer.len() as u64;
        match offset < self.1.end && self.1.start < end {
            true => Err(io::Error::from_raw_os_error(self.2)),
            false => self.0.read_at(buffer, offset),
        }
    }

    fn map(&self, _: u64) -> Option<Mapping> {
        None
    }
}

/// Where the copy of a store is.
const DIR: &str = "/store";

/// A store of 123 events in several segments, in memory, and how long its first segment is.
fn stored() -> (MemFs, u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = made(dir.path(), StoreOptions::new().segment_bytes_max(64 << 10));
    let store = StoreOptions::new()
        .segment_bytes_max(64 << 10)
        .open(&path)
        .unwrap();
    for number in 120..123 {
        let event = Event::bytes(CREATED, vec![b'y'; 20_000]).with_id(id(number));
        store.append(&at("big", "eu"), event).unwrap();
    }
    store.close().unwrap();
    let mem = MemFs::new();
    for (file, bytes) in listing(&path) {
        let to = Path::new(DIR).join(file.file_name().unwrap());
        replace_file(&mem, &to, &bytes).unwrap();
    }
    let length = std::fs::metadata(path.join(SEGMENT)).unwrap().len();
    (mem, length)
}

/// A sector that the disk does not give back ended the salvage of all that the others hold.
#[test]
fn what_a_disk_does_not_give_back_costs_what_is_in_it() {
    let (mem, length) = stored();
    for (what, bad, least) in [
        ("the segment's header", 0..10, 123),
        ("a record in a batch", 15_000..15_001, 120),
        ("the header of a frame", 136..140, 121),
        ("its footer", length - 100..length, 123),
        ("all of the file", 0..length, 2),
    ] {
        let fs = BadSectors(mem.clone(), Path::new(DIR).join(SEGMENT), bad, EIO);
        let saved = tempfile::tempdir().unwrap();
        let target = Store::open(saved.path().join("saved")).unwrap();
        let go_on = &mut |_| ControlFlow::Continue(());
        let report = salvage(&fs, Path::new(DIR), &target, go_on).unwrap();
        assert!(report.events >= least, "{what}: {report:?}");
        assert_eq!(report.events + report.lost, 123, "{what}");
        assert_eq!(target.snapshot().len(), report.events);
    }
}

/// Verification ended at the first sector that could not be read, with an error and no report.
#[test]
fn what_a_disk_does_not_give_back_is_verified_around() {
    let (mem, length) = stored();
    for (what, bad, good, said) in [
        (
            "a record in a batch",
            15_000..15_001,
            119..123,
            "does not give 512 bytes back",
        ),
        (
            "the header of a frame",
            136..140,
            119..123,
            "does not give 512 bytes back",
        ),
        (
            "its footer",
            length - 100..length,
            123..124,
            "cannot be read",
        ),
        (
            "all of the file",
            0..length,
            2..119,
            "the disk does not give",
        ),
    ] {
        let fs = BadSectors(mem.clone(), Path::new(DIR).join(SEGMENT), bad, EIO);
        let go_on = &mut |_| ControlFlow::Continue(());
        let mut reports = vec![verify_files(&fs, Path::new(DIR), &Kept::default(), go_on).unwrap()];
        let opened = StoreOptions::new().read_only().fs(Arc::new(fs)).open(DIR);
        match opened {
            Ok(store) => reports.push(verify(&store, &Kept::default(), go_on).unwrap()),
            Err(error) => assert!(error.is_of_failing_disk(), "{what}: {error}"),
        }
        // Files are verified without looking at footers.
        let with_footers = reports.len() > 1;
        for verified in reports.into_iter().rev() {
            let report = verified.report;
            assert!(good.contains(&report.good()), "{what}: {report:?}");
            assert_eq!(report.good() + report.damaged, 123, "{what}: {report:?}");
            let told = report
                .problems
                .iter()
                .any(|problem| problem.message.contains(said));
            assert!(
                told || (what == "its footer" && with_footers),
                "{what}: {report:?}"
            );
        }
    }
}

/// Only what a disk does not give back is damage: another failure says nothing of the log.
#[test]
fn what_a_network_does_not_give_back_is_no_damage() {
    let (mem, _) = stored();
    let bad = 15_000..15_001;
    let fs = BadSectors(mem, Path::new(DIR).join(SEGMENT), bad, ECONNRESET);
    let opened = StoreOptions::new().read_only().fs(Arc::new(fs));
    let store = opened.open(DIR).unwrap();
    let go_on = &mut |_| ControlFlow::Continue(());
    let error = verify(&store, &Kept::default(), go_on).unwrap_err();
    assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionReset));
}
