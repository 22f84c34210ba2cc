//! `Rewriting`: the right to rewrite segments, which one thread has at a time, and what rewritings leave
//! to be removed.

use crate::{Error, ErrorKind};
use std::ops::{Deref, DerefMut};
use strandline_core::sync::thread::ThreadId;
use strandline_core::sync::{Mutex, MutexGuard};
use strandline_segment::SupersededFiles;

/// What rewritings have replaced, and could not remove yet.
#[derive(Debug, Default)]
pub(crate) struct Rewriting(Vec<SupersededFiles>);

impl Rewriting {
    /// Takes files that were replaced, and removes them.
    ///
    /// # Errors
    ///
    /// `Io`; the next call tries again, and so does the next opening.
    pub(crate) fn supersede(&mut self, files: SupersededFiles) -> Result<(), Error> {
        self.0.push(files);
        self.remove_superseded()
    }

    pub(super) fn remove_superseded(&mut self) -> Result<(), Error> {
        while let Some(files) = self.0.last() {
            files.remove().map_err(|error| {
                Error::new(
                    ErrorKind::Io,
                    "what was to go is gone from the log, and the files that were replaced cannot \
                     be removed; call again, or open the store again",
                )
                .with_source(error)
            })?;
            self.0.pop();
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
