//! `BucketFile`: a file of a bucket, open to read.

use super::catalog::RemoteFile;
use super::files::Files;
use std::io;
use std::sync::{Arc, OnceLock};
use strandline_core::fs::{FileIdentity, FsFile, Mapping};
use strandline_core::sync::Mutex;

/// How far is fetched ahead at first, in bytes.
const AHEAD_BYTES_LEAST: u64 = 512 << 10;

/// A file as it was listed when it was opened, whatever is listed since.
#[derive(Debug)]
pub(super) struct BucketFile {
    pub(super) files: Arc<Files>,
    pub(super) name: String,
    pub(super) file: RemoteFile,
    pub(super) identity: FileIdentity,
    pub(super) read: Mutex<Course>,
    /// The copy on the disk of a file that is kept whole, once that was looked for.
    pub(super) whole: OnceLock<Option<Arc<dyn FsFile>>>,
}

impl BucketFile {
    fn whole(&self) -> io::Result<Option<&dyn FsFile>> {
        if self.whole.get().is_none() {
            let found = self.files.whole(&self.name, &self.file)?;
            let _ = self.whole.set(found);
        }
        Ok(self.whole.get().and_then(|whole| whole.as_deref()))
    }
}

/// Where a file was read last.
#[derive(Debug, Default)]
pub(super) struct Course {
    end: u64,
    /// Up to where it was asked for.
    asked: u64,
    ahead: u64,
}

impl Course {
    /// Notes a read, and gives what is to be fetched ahead: if it follows the one before, more each time.
    fn note(&mut self, offset: u64, end: u64, ahead_max: u64) -> Option<std::ops::Range<u64>> {
        let follows = offset == self.end && offset > 0;
        self.end = end;
        if !follows {
            (self.ahead, self.asked) = (0, end);
            return None;
        }
        self.ahead = self
            .ahead
            .saturating_mul(2)
            .max(AHEAD_BYTES_LEAST)
            .min(ahead_max);
        let until = end.saturating_add(self.ahead);
        let from = self.asked.max(end);
        // By halves: a block at a time would be a request each.
        if until.saturating_sub(from) < self.ahead / 2 || until <= from {
            return None;
        }
        self.asked = until;
        Some(from..until)
    }
}

impl FsFile for BucketFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(whole) = self.whole()? {
            return whole.read_at(buffer, offset);
        }
        let count = self.files.read(&self.file, buffer, offset)?;
        let end = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let ahead = self
            .read
            .lock()
            .note(offset, end, self.files.ahead_bytes_max);
        if let Some(ahead) = ahead {
            self.files.ask_for(&self.file, ahead);
        }
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        Ok(self.identity)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.bytes())
    }

    fn map(&self, bytes: u64) -> Option<Mapping> {
        // Beyond its end a mapping must not be touched.
        if bytes > self.file.bytes() {
            return None;
        }
        // Whoever cannot map it reads it, and is told what is wrong.
        self.whole().ok()??.map(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_reads_on_has_more_fetched() {
        let mut course = Course::default();
        let mib = 1 << 20;
        assert_eq!(course.note(0, 100, 8 * mib), None);
        assert_eq!(course.note(5000, 6000, 8 * mib), None);
        assert_eq!(course.note(6000, 7000, 8 * mib), Some(7000..7000 + mib / 2));
        let next = course.note(7000, 8000, 8 * mib).unwrap();
        assert_eq!(next, 7000 + mib / 2..8000 + mib);
        assert_eq!(course.note(6000, 7000, 8 * mib), None, "not twice");
        assert_eq!(course.note(7000, 8000, 0), None, "nothing is wanted ahead");
    }
}
