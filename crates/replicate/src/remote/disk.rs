//! `Disk`: blocks as files in a directory of the cache, each with a checksum. Which are kept is decided elsewhere.
//!
//! A file is the bytes of the block, the key of its object, and a checksum (XXH3, 8 bytes) of both, and of which bucket
//! and log it is. Nothing of it is synced: after a power cut a file is whole, or is found not to be, and the block is
//! fetched again.

use super::block::{BlockKey, object_in};
use bytes::Bytes;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::Salt;
use strandline_core::fs::{EntryKind, FileLock, Fs, OpenMode, read_file};

/// The lock of the directory: who has it, has the blocks.
const LOCK_NAME: &str = "LOCK";
const CHECKSUM_BYTES: usize = 8;

/// A directory that was taken.
pub(super) struct Taken {
    pub(super) disk: Disk,
    /// Names of the blocks in it, and their lengths on the disk in bytes.
    pub(super) found: Vec<(String, u64)>,
    /// Keeps others out. What a thread still writes that ends after it was given up does no harm: a block that another
    /// has too is the same, and one that is gone is fetched again.
    pub(super) lock: Box<dyn FileLock>,
}

/// The directory of a cache.
#[derive(Debug)]
pub(super) struct Disk {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// The bucket and the log: other ones have other objects under the same keys.
    of: String,
}

impl Disk {
    /// Makes the directory where it is missing, and takes it; none if another has it. Gives the blocks in it
    /// with their lengths on the disk, and removes what is left of others. O(files).
    pub(super) fn open(fs: Arc<dyn Fs>, dir: &Path, of: &str) -> io::Result<Option<Taken>> {
        fs.create_dir_all(dir)?;
        let Some(lock) = fs.try_lock(&dir.join(LOCK_NAME))? else {
            return Ok(None);
        };
        let entries = fs.list(dir)?.into_iter();
        let blocks = entries.filter(|entry| entry.kind == EntryKind::File);
        let found = blocks
            .filter(|entry| object_in(&entry.name).is_some())
            .map(|entry| (entry.name, entry.bytes))
            .collect();
        let disk = Self {
            fs,
            dir: dir.to_path_buf(),
            of: of.to_owned(),
        };
        Ok(Some(Taken { disk, found, lock }))
    }

    /// The bytes of a block; an error if they are not there, or not what was written.
    pub(super) fn read(&self, key: &BlockKey) -> io::Result<Bytes> {
        let path = self.dir.join(key.file_name());
        let mut bytes = read_file(&*self.fs, &path, file_bytes(key))?;
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let length = usize::try_from(key.bytes).map_err(|_| damaged())?;
        let (covered, checksum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or_else(damaged)?;
        let (covered_bytes, checksum) = (covered.len(), u64::from_le_bytes(*checksum));
        let is_own = covered.get(length..) == Some(key.object.as_bytes());
        bytes.truncate(covered_bytes);
        bytes.extend_from_slice(self.of.as_bytes());
        let is_right = Salt::NONE.checksum(key.start, &bytes).0 == checksum;
        if !is_right || !is_own {
            return Err(damaged());
        }
        bytes.truncate(length);
        Ok(bytes.into())
    }

    /// Writes a block, and gives its length on the disk. What is left of it is removed if that fails.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if there is a file with its name; what the file system says.
    pub(super) fn write(&self, key: &BlockKey, bytes: &[u8]) -> io::Result<u64> {
        let mut file_bytes = [bytes, key.object.as_bytes(), self.of.as_bytes()].concat();
        let checksum = Salt::NONE.checksum(key.start, &file_bytes);
        file_bytes.truncate(bytes.len().saturating_add(key.object.len()));
        file_bytes.extend_from_slice(&checksum.0.to_le_bytes());
        let name = key.file_name();
        let file = self.fs.open(&self.dir.join(&name), OpenMode::Create)?;
        let written = file.write_all_at(&file_bytes, 0);
        if written.is_err() {
            self.remove(&name);
        }
        written.map(|()| self::file_bytes(key))
    }

    /// Removes a block. If that fails it is found again at the next opening.
    pub(super) fn remove(&self, name: &str) {
        let _ = self.fs.remove_file(&self.dir.join(name));
    }
}

/// Length of the file of a block.
fn file_bytes(key: &BlockKey) -> u64 {
    let rest = key.object.len().saturating_add(CHECKSUM_BYTES);
    key.bytes
        .saturating_add(u64::try_from(rest).unwrap_or(u64::MAX))
}
