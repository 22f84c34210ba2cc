//! `Seen`: what was seen of who holds a partition, and since when it has been so.
//!
//! Kept beside the files that it is of, so that it outlives each attempt to claim. Knows no files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline_core::sync::Mutex;

/// What a holder that lives changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) token: u32,
    /// The number of the newest state.
    pub(super) state: u64,
    /// A number of what the file of the lease says, which is another one after each beat.
    pub(super) beat: u64,
}

/// What was seen of who holds a partition, by the directory of that. One entry for each partition that was held when it
/// was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    signs: Mutex<BTreeMap<PathBuf, (Sign, Duration)>>,
}

impl Seen {
    /// For how long a sign has been as it was read between two times: at least, since what happened before the first
    /// look at it is not known.
    pub(super) fn unchanged(&self, dir: &Path, sign: Sign, read: (Duration, Duration)) -> Duration {
        let (before, after) = read;
        let mut signs = self.signs.lock();
        match signs.get(dir) {
            Some((seen, since)) if *seen == sign => before.saturating_sub(*since),
            _ => {
                signs.insert(dir.to_path_buf(), (sign, after));
                Duration::ZERO
            }
        }
    }

    /// Nobody holds the partition who was looked at.
    pub(super) fn forget(&self, dir: &Path) {
        self.signs.lock().remove(dir);
    }
}
