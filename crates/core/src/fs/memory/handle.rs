//! `MemHandle`: an open file of a `MemFs`; `MemLock`: the lock of one.

use super::tree::{MemFile, Tree};
use crate::fs::floor::Floor;
use crate::fs::{FileIdentity, FileLock, FsFile};
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The lock of a file.
pub(super) struct MemLock {
    pub(super) tree: Arc<Mutex<Tree>>,
    pub(super) file: Arc<MemFile>,
}

impl fmt::Debug for MemLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemLock").finish_non_exhaustive()
    }
}

impl FileLock for MemLock {
    fn identity(&self) -> Option<FileIdentity> {
        Some(self.file.identity())
    }
}

impl Drop for MemLock {
    fn drop(&mut self) {
        self.tree.lock().locks.remove(&self.file.number);
    }
}

/// An open file.
pub(super) struct MemHandle {
    pub(super) tree: Arc<Mutex<Tree>>,
    pub(super) file: Arc<MemFile>,
    pub(super) floor: Floor,
}

impl fmt::Debug for MemHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemHandle").finish_non_exhaustive()
    }
}

impl FsFile for MemHandle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.file.bytes.read();
        let from = bytes.get(in_memory(offset)?..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(from) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.floor.check(offset)?;
        let start = in_memory(offset)?;
        let end = start
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        let mut file = self.file.bytes.write();
        if file.len() < end {
            file.resize(end, 0);
        }
        if let Some(to) = file.get_mut(start..end) {
            to.copy_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.floor.check(bytes)?;
        self.file.bytes.write().resize(in_memory(bytes)?, 0);
        Ok(())
    }

    fn fix_below(&self, end: u64) {
        self.floor.raise(end);
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        Ok(self.file.identity())
    }

    fn links(&self) -> io::Result<u64> {
        Ok(self.tree.lock().links(&self.file))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.floor.check(self.len()?)?;
        let bytes = in_memory(bytes)?;
        let mut file = self.file.bytes.write();
        if file.len() < bytes {
            file.resize(bytes, 0);
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.bytes.read().len() as u64)
    }
}

/// Offsets and lengths of files in memory fit in `usize`; larger ones do not fit in memory.
fn in_memory(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
