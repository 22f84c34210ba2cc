//! `LogOptions`: the sizes of a log.

use crate::LogError;
use crate::format::COMMIT_BYTES_MAX;

/// Shortest limit for a segment: 64 KiB.
pub const SEGMENT_BYTES_LEAST: u64 = 64 << 10;
/// Longest limit for a segment, 4 GiB less one byte: offsets have 32 bits.
pub const SEGMENT_BYTES_MOST: u64 = u32::MAX as u64;

/// The sizes of a log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    pub(crate) segment_bytes_max: u64,
    pub(crate) commit_bytes_max: u32,
    pub(crate) mapped_reads: bool,
    pub(crate) open_files_max: usize,
    pub(crate) beside_writer: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes_max: 256 << 20,
            commit_bytes_max: COMMIT_BYTES_MAX,
            mapped_reads: true,
            open_files_max: 128,
            beside_writer: false,
        }
    }
}

impl LogOptions {
    /// Length at which a segment is full, in bytes. Default: 256 MiB; 64 KiB to 4 GiB.
    #[must_use]
    pub const fn segment_bytes_max(mut self, bytes: u64) -> Self {
        self.segment_bytes_max = bytes;
        self
    }

    /// Length at which a segment is full, as it was set.
    #[must_use]
    pub const fn segment_bytes(&self) -> u64 {
        self.segment_bytes_max
    }

    /// Longest commit, in bytes. Default and most: 64 MiB.
    #[must_use]
    pub const fn commit_bytes_max(mut self, bytes: u32) -> Self {
        self.commit_bytes_max = bytes;
        self
    }

    /// Reads records with system calls. Default: through mappings of the segments, where the file
    /// system has them. See [`FsFile::map`](strandline_core::fs::FsFile::map).
    #[must_use]
    pub const fn no_mapped_reads(mut self) -> Self {
        self.mapped_reads = false;
        self
    }

    /// How many files of sealed segments are open at once. Default: 128; at least 1.
    ///
    /// Those that are closed stay mapped, and are opened again when they are read. Where files are
    /// not mapped, all of them stay open, whatever this says.
    #[must_use]
    pub const fn open_files_max(mut self, files: usize) -> Self {
        self.open_files_max = files;
        self
    }

    /// Says that another process may be writing to the log: a commit at its end that is not whole
    /// is waited for a moment before it is taken for a torn one. Default: nobody else writes.
    #[must_use]
    pub const fn beside_writer(mut self) -> Self {
        self.beside_writer = true;
        self
    }

    /// Whether segments are mapped where they can be.
    #[must_use]
    pub const fn maps_reads(&self) -> bool {
        self.mapped_reads
    }

    /// How much of an active segment to map, in bytes; `None` for nothing.
    pub(crate) fn mapped_bytes(&self) -> Option<u64> {
        self.mapped_reads.then_some(self.segment_bytes_max)
    }

    pub(crate) fn check(&self) -> Result<(), LogError> {
        let limits = [
            (
                "segment_bytes_max",
                self.segment_bytes_max,
                SEGMENT_BYTES_MOST,
            ),
            (
                "commit_bytes_max",
                u64::from(self.commit_bytes_max),
                u64::from(COMMIT_BYTES_MAX),
            ),
        ];
        for (what, found, limit) in limits {
            if found > limit {
                return Err(LogError::TooLarge { what, found, limit });
            }
        }
        if self.segment_bytes_max < SEGMENT_BYTES_LEAST {
            return Err(LogError::TooSmall {
                what: "segment_bytes_max",
                found: self.segment_bytes_max,
                least: SEGMENT_BYTES_LEAST,
            });
        }
        Ok(())
    }
}
