//! `Floor`: what a handle of a file may change.

use super::OpenMode;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::io;

/// Where the part of a file begins that a handle may write and cut: what is below may be mapped or
/// linked by anyone. It rises and never falls. A handle to read has the largest offset there is.
///
/// One rule for all file systems: each asks [`check`](Self::check) before it writes, cuts or sets
/// space aside.
#[derive(Debug)]
pub(super) struct Floor(AtomicU64);

/// The floor of a handle that changes nothing.
const READ_ONLY: u64 = u64::MAX;

impl Floor {
    /// The floor of a handle opened so, on a file that is `bytes` long and has `links` names.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` if it is to be appended to and has another name, `InvalidInput` if it is
    /// shorter than its floor.
    pub(super) fn of(mode: OpenMode, bytes: u64, links: u64) -> io::Result<Self> {
        let floor = match mode {
            OpenMode::Read => READ_ONLY,
            OpenMode::Create => 0,
            OpenMode::Append { .. } if links > 1 => {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    format!("the file has {links} names, and what others may have is not changed"),
                ));
            }
            OpenMode::Append { end } if bytes < end => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("the file has {bytes} bytes, and is to be appended to from {end} on"),
                ));
            }
            OpenMode::Append { end } => end,
        };
        Ok(Self(AtomicU64::new(floor)))
    }

    /// Whether the handle may change what is at `offset` and after it.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` if not.
    pub(super) fn check(&self, offset: u64) -> io::Result<()> {
        // Relaxed: a handle is written by one thread at a time, which is the one that raises the
        // floor; nothing is read on the strength of it.
        match self.0.load(Ordering::Relaxed) {
            floor if offset >= floor && floor < READ_ONLY => Ok(()),
            READ_ONLY => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the file is open to read only",
            )),
            floor => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "bytes below {floor} may be mapped or linked and are not changed at {offset}"
                ),
            )),
        }
    }

    /// Raises the floor to `end`, if it is lower.
    pub(super) fn raise(&self, end: u64) {
        self.0.fetch_max(end, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fs, FsFile, MemFs, OpenMode, OsFs, read_file};
    use std::io::ErrorKind;
    use std::path::Path;

    fn check_refused(file: &dyn FsFile, from: u64, length: u64) {
        for offset in (0..from).step_by(7).chain([from - 1]) {
            let written = file.write_all_at(b"!", offset).unwrap_err();
            assert_eq!(written.kind(), ErrorKind::PermissionDenied, "{written}");
            assert!(file.set_len(offset).is_err(), "{offset}");
        }
        assert_eq!(file.len().unwrap(), length);
    }

    fn check(fs: &dyn Fs, dir: &Path) {
        fs.create_dir_all(dir).unwrap();
        let path = dir.join("f");
        let bytes: Vec<u8> = (0..100).collect();
        let new = fs.open(&path, OpenMode::Create).unwrap();
        new.write_all_at(&bytes, 0).unwrap();
        new.write_all_at(&bytes[..10], 0).unwrap();
        new.fix_below(60);
        new.fix_below(50);
        check_refused(&*new, 60, 100);

        let read = fs.open(&path, OpenMode::Read).unwrap();
        read.sync().unwrap();
        check_refused(&*read, 101, 100);
        assert!(read.set_len(200).is_err() && read.write_at(b"!", 200).is_err());

        let longer = OpenMode::Append { end: 101 };
        let error = fs.open(&path, longer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let appended = fs.open(&path, OpenMode::Append { end: 80 }).unwrap();
        check_refused(&*appended, 80, 100);
        appended.set_len(80).unwrap();
        appended.allocate(120).unwrap();
        appended.write_all_at(b"appended", 80).unwrap();
        appended.fix_below(88);
        check_refused(&*appended, 88, appended.len().unwrap());
        appended.set_len(88).unwrap();
        let expected = [&bytes[..80], b"appended"].concat();
        assert_eq!(read_file(fs, &path, 100).unwrap(), expected);

        if fs.link(&path, &dir.join("other")).is_ok() {
            assert_eq!(read.links().unwrap(), 2);
            let error = fs.open(&path, OpenMode::Append { end: 88 }).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            fs.remove_file(&dir.join("other")).unwrap();
        }
        assert_eq!(read.links().unwrap(), 1);
        fs.open(&path, OpenMode::Append { end: 88 }).unwrap();
    }

    #[test]
    fn what_is_fixed_is_not_changed_on_any_file_system() {
        let dir = tempfile::tempdir().unwrap();
        check(&OsFs, dir.path());
        check(&MemFs::new(), Path::new("/d"));
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn what_is_fixed_is_not_changed_on_simulated_and_failing_ones() {
        use super::super::{FaultFs, SimDisk, SimFs};
        check(&SimFs::new(SimDisk::new()), Path::new("/d"));
        let failing = FaultFs::new(std::sync::Arc::new(MemFs::new()));
        check(&failing, Path::new("/d"));
    }
}
