//! `LogOptions`: the sizes of a log, and what of them fits. Plain values; may know `format` and `error`.

use crate::error::LogError;
use crate::format::{
    COMMIT_BYTES_MAX, COMMIT_RECORDS_MAX, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, RECORD_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
};

/// Shortest limit for a segment: 64 KiB.
pub const SEGMENT_BYTES_LEAST: u64 = 64 << 10;
/// Longest limit for a segment, 4 GiB less one byte: offsets have 32 bits.
pub const SEGMENT_BYTES_MOST: u64 = u32::MAX as u64;
/// Most records of a segment by default: 2^22.
pub const SEGMENT_RECORDS_MAX_DEFAULT: u32 = 1 << 22;

/// The sizes of a log.
#[derive(Debug, Clone)]
pub struct LogOptions {
    pub(crate) segment_bytes_max: u64,
    pub(crate) segment_records_max: u32,
    pub(crate) rewritten_bytes_max: u64,
    pub(crate) record_growth_bytes_max: usize,
    pub(crate) commit_bytes_max: u32,
    pub(crate) mapped_reads: bool,
    pub(crate) open_files_max: usize,
    pub(crate) beside_writer: bool,
    pub(crate) newest_opened: usize,
}

/// How many of the newest sealed segments an opening looks into by default.
const NEWEST_OPENED_DEFAULT: usize = 8;

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes_max: 256 << 20,
            segment_records_max: SEGMENT_RECORDS_MAX_DEFAULT,
            rewritten_bytes_max: SEGMENT_BYTES_MOST,
            record_growth_bytes_max: 0,
            commit_bytes_max: COMMIT_BYTES_MAX,
            mapped_reads: true,
            open_files_max: 128,
            beside_writer: false,
            newest_opened: NEWEST_OPENED_DEFAULT,
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

    /// Number of records with which a segment is full, however long it is. Default:
    /// [`SEGMENT_RECORDS_MAX_DEFAULT`]; at least 1, which 0 counts as. A commit that has more is alone
    /// in its segment.
    #[must_use]
    pub const fn segment_records_max(mut self, records: u32) -> Self {
        self.segment_records_max = if records == 0 { 1 } else { records };
        self
    }

    /// How much longer a rewriting may make the body of a record, in bytes, rounded up to a multiple of
    /// [`FRAME_ALIGNMENT`]. Default: 0.
    ///
    /// A segment takes only as many records as fit in [`rewritten_bytes_max`](Self::rewritten_bytes_max)
    /// if each of them becomes so much longer: what could be written can be rewritten.
    #[must_use]
    pub const fn record_growth_bytes_max(mut self, bytes: usize) -> Self {
        self.record_growth_bytes_max =
            match bytes.checked_next_multiple_of(FRAME_ALIGNMENT as usize) {
                Some(bytes) => bytes,
                None => usize::MAX,
            };
        self
    }

    /// Longest file of a segment that was rewritten, its footer apart, in bytes. Default and most:
    /// 4 GiB less one byte.
    #[must_use]
    pub const fn rewritten_bytes_max(mut self, bytes: u64) -> Self {
        self.rewritten_bytes_max = bytes;
        self
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

    /// How many of the newest sealed segments are opened with the log, and their headers checked. Default: 8.
    ///
    /// Of the others one listing of the directory tells that they are there. Each is opened and checked before its first use, or by [`LogReader::check`](crate::LogReader::check).
    #[must_use]
    pub const fn newest_opened(mut self, segments: usize) -> Self {
        self.newest_opened = segments;
        self
    }

    /// Opens all segments with the log: they can be read then whatever another process makes of their
    /// names. For who reads all of them anyway.
    #[must_use]
    pub const fn opens_all(self) -> Self {
        self.newest_opened(usize::MAX)
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

    /// Whether the `records` of a segment that ends at `end` can be rewritten, however long they become.
    pub(crate) const fn fits_rewritten(&self, end: u64, records: u64) -> bool {
        let growth = records.saturating_mul(self.record_growth_bytes_max as u64);
        end.saturating_add(growth) <= self.rewritten_bytes_max
    }

    /// Whether segments that have `records` records and end at `end`, all of them one after the other, may
    /// become one: it has no more records than a segment, and can be rewritten.
    #[must_use]
    pub const fn fits_merged(&self, end: u64, records: u64) -> bool {
        records <= self.segment_records_max as u64 && self.fits_rewritten(end, records)
    }

    /// Whether a commit of `records` records whose bodies have `body_bytes` fits in an empty segment, and
    /// is within the limits of a commit: what no rotation makes room for is refused.
    #[must_use]
    pub const fn fits_empty(&self, body_bytes: usize, records: usize) -> bool {
        let bytes = frame_bytes(body_bytes, records);
        let end = (SEGMENT_HEADER_BYTES as u64).saturating_add(bytes);
        records <= COMMIT_RECORDS_MAX
            && bytes <= self.commit_bytes_max as u64
            && end <= self.segment_bytes_max
            && self.fits_rewritten(end, records as u64)
    }

    /// Whether every option is within its range. A log that is made or opened checks it.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`], [`LogError::TooSmall`].
    pub fn check(&self) -> Result<(), LogError> {
        let limits = [
            (
                "segment_bytes_max",
                self.segment_bytes_max,
                SEGMENT_BYTES_MOST,
            ),
            (
                "rewritten_bytes_max",
                self.rewritten_bytes_max,
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

/// Most bytes that the frame of such a commit takes.
pub(crate) const fn frame_bytes(body_bytes: usize, records: usize) -> u64 {
    let records = (records as u64).saturating_mul(RECORD_HEADER_BYTES as u64);
    (FRAME_HEADER_BYTES as u64 + FRAME_ALIGNMENT as u64)
        .saturating_add(records)
        .saturating_add(body_bytes as u64)
}
