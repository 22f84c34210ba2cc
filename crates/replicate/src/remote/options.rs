//! How much is kept of a bucket's files, and what that came to. Keeps nothing.

use std::path::{Path, PathBuf};

/// Most that a block may have, in bytes.
const BLOCK_BYTES_MOST: u64 = 64 << 20;
/// Least that a block may have, in bytes.
const BLOCK_BYTES_LEAST: u64 = 4 << 10;

/// How files of a bucket are fetched and kept.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    pub(super) block_bytes: u64,
    pub(super) memory_bytes_max: u64,
    pub(super) disk_bytes_max: u64,
    pub(super) ahead_bytes_max: u64,
    pub(super) requests_max: usize,
    cache_dir: Option<PathBuf>,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            block_bytes: 256 << 10,
            memory_bytes_max: 32 << 20,
            disk_bytes_max: 4 << 30,
            ahead_bytes_max: 8 << 20,
            requests_max: 32,
            cache_dir: None,
        }
    }
}

impl RemoteOptions {
    /// How much is fetched and kept together, in bytes. Default: 256 KiB; 4 KiB to 64 MiB, and what is beyond
    /// counts as these.
    #[must_use]
    pub const fn block_bytes(mut self, bytes: u64) -> Self {
        self.block_bytes = if bytes < BLOCK_BYTES_LEAST {
            BLOCK_BYTES_LEAST
        } else if bytes > BLOCK_BYTES_MOST {
            BLOCK_BYTES_MOST
        } else {
            bytes
        };
        self
    }

    /// How much is kept in memory, in bytes. Default: 32 MiB; 0 for nothing.
    #[must_use]
    pub const fn memory_bytes_max(mut self, bytes: u64) -> Self {
        self.memory_bytes_max = bytes;
        self
    }

    /// How much is kept on the disk, in bytes. Merged files of an index are there whole, and blocks have what these leave:
    /// nothing if they take more by themselves. Default: 4 GiB; 0 for nothing, not these either.
    #[must_use]
    pub const fn disk_bytes_max(mut self, bytes: u64) -> Self {
        self.disk_bytes_max = bytes;
        self
    }

    /// How far is fetched ahead of who reads a file from one place on, in bytes. Default: 8 MiB; 0 for nothing.
    #[must_use]
    pub const fn ahead_bytes_max(mut self, bytes: u64) -> Self {
        self.ahead_bytes_max = bytes;
        self
    }

    /// How many requests are under way at once beside those of the readers' own threads; each has up to 1 MiB in
    /// memory. Default: 32; at least 1, which 0 counts as.
    #[must_use]
    pub const fn requests_max(mut self, requests: usize) -> Self {
        self.requests_max = requests;
        self
    }

    /// The directory that has what was fetched, and nothing else. Default: that of the store, with `.cache` after
    /// its name, links resolved.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.cache_dir = Some(dir.as_ref().to_path_buf());
        self
    }

    /// The directory of the cache of a store in `dir`, which has no links in it and no slash behind.
    pub(super) fn cache_dir_of(&self, dir: &Path) -> PathBuf {
        self.cache_dir.clone().unwrap_or_else(|| {
            let mut beside = dir.as_os_str().to_owned();
            beside.push(".cache");
            PathBuf::from(beside)
        })
    }
}

/// What was asked of a bucket and of the cache since these were opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteStats {
    /// Requests to the bucket.
    pub requests: u64,
    /// Bytes that came.
    pub fetched_bytes: u64,
    /// Blocks that were in memory.
    pub memory_hits: u64,
    /// Blocks that were on the disk.
    pub disk_hits: u64,
    /// Blocks on the disk that were damaged or gone, and were fetched again.
    pub damaged: u64,
    /// Blocks that could not be written to the disk.
    pub disk_failures: u64,
    /// Bytes in memory now.
    pub memory_bytes: u64,
    /// Bytes on the disk now, in blocks and in files that are kept whole.
    pub disk_bytes: u64,
    /// Whether blocks are kept on the disk: not where that was not asked for, or while another process has the
    /// directory of the cache.
    pub is_on_disk: bool,
}
