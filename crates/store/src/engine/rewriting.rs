//! `Rewriting`: the right to rewrite segments, which one thread has at a time, what rewritings leave to be
//! removed, and what they found damaged.

use crate::{Error, ErrorKind};
use std::io;
use std::ops::{Deref, DerefMut, RangeInclusive};
use std::path::{Path, PathBuf};
use strandline_core::fs::Fs;
use strandline_core::sync::thread::ThreadId;
use strandline_core::sync::{Mutex, MutexGuard};
use strandline_segment::{SegmentId, SupersededFiles};

/// What rewritings have replaced, and could not remove yet, and what they could not read.
#[derive(Debug, Default)]
pub(crate) struct Rewriting {
    files: Vec<SupersededFiles>,
    /// Files of the index that hold what was removed.
    merged: Vec<PathBuf>,
    /// Segments that cannot be merged, as some of them are damaged.
    barred: Vec<RangeInclusive<SegmentId>>,
}

impl Rewriting {
    /// Takes files that were replaced, and removes them.
    ///
    /// # Errors
    ///
    /// `Io`; the next call tries again, and so does the next opening.
    pub(crate) fn supersede(
        &mut self,
        fs: &dyn Fs,
        files: SupersededFiles,
        merged: Vec<PathBuf>,
    ) -> Result<(), Error> {
        self.files.push(files);
        self.merged.extend(merged);
        self.remove_superseded(fs)
    }

    /// Removes files of the index that are of no use any more, as [`supersede`](Self::supersede) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn remove(&mut self, fs: &dyn Fs, merged: Vec<PathBuf>) -> Result<(), Error> {
        self.merged.extend(merged);
        self.remove_superseded(fs)
    }

    /// Has segments merged no more.
    pub(crate) fn bar(&mut self, segments: RangeInclusive<SegmentId>) {
        self.barred.push(segments);
    }

    pub(crate) fn is_barred(&self, segment: SegmentId) -> bool {
        self.barred.iter().any(|range| range.contains(&segment))
    }

    pub(super) fn remove_superseded(&mut self, fs: &dyn Fs) -> Result<(), Error> {
        let left = || {
            Error::new(
                ErrorKind::Io,
                "what was to go is gone from the log, and the files that were replaced cannot be \
                 removed; call again, or open the store again",
            )
        };
        let mut dir = None;
        while let Some(path) = self.merged.last() {
            match fs.remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(left().with_source(error));
                }
                _ => dir = path.parent().map(Path::to_path_buf),
            }
            self.merged.pop();
        }
        if let Some(dir) = dir {
            fs.sync_dir(&dir)
                .map_err(|error| left().with_source(error))?;
        }
        while let Some(files) = self.files.last() {
            files.remove().map_err(|error| left().with_source(error))?;
            self.files.pop();
        }
        Ok(())
    }
}

/// The right to rewrite segments.
pub(crate) struct RewritingGuard<'a> {
    rewriter: &'a Mutex<Option<ThreadId>>,
    rewriting: MutexGuard<'a, Rewriting>,
}

impl<'a> RewritingGuard<'a> {
    /// Of the thread that is noted in `rewriter`, which is forgotten when this is dropped.
    pub(super) const fn new(
        rewriter: &'a Mutex<Option<ThreadId>>,
        rewriting: MutexGuard<'a, Rewriting>,
    ) -> Self {
        Self {
            rewriter,
            rewriting,
        }
    }
}

impl Deref for RewritingGuard<'_> {
    type Target = Rewriting;

    fn deref(&self) -> &Rewriting {
        &self.rewriting
    }
}

impl DerefMut for RewritingGuard<'_> {
    fn deref_mut(&mut self) -> &mut Rewriting {
        &mut self.rewriting
    }
}

impl Drop for RewritingGuard<'_> {
    fn drop(&mut self) {
        // While the right is still held.
        *self.rewriter.lock() = None;
    }
}
