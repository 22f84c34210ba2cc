//! `OsFile` and `OsLock`: an open file of the operating system, and one that is locked. Opened elsewhere.

use super::floor::Floor;
use super::{FileIdentity, FileLock, FsFile, Mapping};
use crate::process::Process;
use crate::sync::atomic::{AtomicBool, Ordering};
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::fs::FallocateFlags;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

#[derive(Debug)]
pub(super) struct OsFile {
    pub(super) file: File,
    pub(super) floor: Floor,
}

impl FsFile for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.floor.check(offset)?;
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.floor.check(bytes)?;
        self.file.set_len(bytes)
    }

    fn fix_below(&self, end: u64) {
        self.floor.raise(end);
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        Ok(identity(&self.file.metadata()?))
    }

    fn links(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.nlink())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let length = self.len()?;
        self.floor.check(length)?;
        if bytes > length {
            rustix::fs::fallocate(&self.file, FallocateFlags::empty(), length, bytes - length)?;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn map(&self, bytes: u64) -> Option<Mapping> {
        Mapping::of(&self.file, bytes)
    }
}

/// A lock belongs to the open file, which a child process shares from its fork until its exec; so
/// it is released by name, and not only by closing. A child releases nothing: the lock is its parent's.
#[derive(Debug)]
pub(super) struct OsLock {
    pub(super) file: File,
    pub(super) identity: FileIdentity,
    pub(super) process: Process,
    /// Whether a text was put into it.
    pub(super) has_note: AtomicBool,
}

impl FileLock for OsLock {
    fn identity(&self) -> Option<FileIdentity> {
        Some(self.identity)
    }

    fn note(&self, text: &str) -> io::Result<()> {
        // Under its other name it would say of another file who has it.
        if self.file.metadata()?.nlink() > 1 {
            return Ok(());
        }
        // Cut first: a shorter text leaves nothing of a longer one behind it.
        self.file.set_len(0)?;
        // No other memory goes with it, and the lock is dropped by whoever owns it alone.
        self.has_note.store(true, Ordering::Relaxed);
        self.file.write_all_at(text.as_bytes(), 0)
    }
}

impl Drop for OsLock {
    fn drop(&mut self) {
        if self.process.is_current() {
            if self.has_note.load(Ordering::Relaxed) {
                let _ = self.file.set_len(0);
            }
            // If that fails, closing the file does the same.
            let _ = self.file.unlock();
        }
    }
}

/// Which file this is that the system tells of.
pub(super) fn identity(metadata: &Metadata) -> FileIdentity {
    FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}
