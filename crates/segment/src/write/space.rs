//! `Space`: disk space set aside ahead of the active segment's end.
//!
//! A sync of a file that has grown must write its new length and extents too. Where the space was
//! set aside before, most syncs write data alone. What is set aside and not used reads as zeros, is
//! the end to whoever reads frames, and is cut off when the footer is written or the log closed.

use strandline_core::fs::FsFile;
use strandline_core::sync::atomic::{AtomicU64, Ordering};

/// How much is set aside at a time, at most: little beside a segment.
const STEP_BYTES_MOST: u64 = 4 << 20;
const STEPS_OF_A_SEGMENT: u64 = 16;

/// Up to where a segment is written, and how long its file is made.
///
/// Both are hints: they are read and written relaxed, and nothing depends on them being right.
#[derive(Debug)]
pub(super) struct Space {
    written: AtomicU64,
    set_aside: AtomicU64,
    /// Most bytes of a segment.
    limit: u64,
}

impl Space {
    /// For a file that is written up to `end`, has `set_aside` bytes, and will have at most `limit`.
    pub(crate) fn new(end: u64, set_aside: u64, limit: u64) -> Self {
        Self {
            written: AtomicU64::new(end),
            set_aside: AtomicU64::new(set_aside),
            limit,
        }
    }

    /// Notes that the file is written up to `end`.
    pub(crate) fn wrote(&self, end: u64) {
        self.written.store(end, Ordering::Relaxed);
    }

    /// Notes that the file was cut off at `end`.
    pub(crate) fn cut(&self, end: u64) {
        self.set_aside.store(end, Ordering::Relaxed);
    }

    /// Sets more space aside once less than half a step is left. For the thread that syncs.
    pub(crate) fn prepare(&self, file: &dyn FsFile) {
        let step = STEP_BYTES_MOST.min(self.limit / STEPS_OF_A_SEGMENT);
        let wanted = self.written.load(Ordering::Relaxed) + step / 2;
        let set_aside = self.set_aside.load(Ordering::Relaxed);
        if wanted <= set_aside || set_aside >= self.limit {
            return;
        }
        let end = (wanted + step / 2).min(self.limit);
        // Without it syncs take longer, and a full disk shows in the next write.
        let end = match file.allocate(end) {
            Ok(()) => end,
            Err(_) => self.limit,
        };
        self.set_aside.store(end, Ordering::Relaxed);
    }
}
