//! `Rewriting`: the right to rewrite segments, which one thread has at a time, and what rewritings leave
//! to be removed.

use crate::store::Shared;
use crate::{Error, ErrorKind};
use std::ops::{Deref, DerefMut};
use strandline_core::sync::thread::{self, ThreadId};
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

    fn remove_superseded(&mut self) -> Result<(), Error> {
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

impl Shared {
    /// The right to rewrite segments, once whoever has it is done.
    ///
    /// # Errors
    ///
    /// `Busy` if this thread has it. `Io` if files that were replaced by an earlier one cannot be removed.
    pub(crate) fn begin_rewriting(&self) -> Result<RewritingGuard<'_>, Error> {
        self.writer()?;
        self.check_ours()?;
        let this = thread::current().id();
        if *self.rewriter.lock() == Some(this) {
            let message = "this thread is within a compaction or redaction of the store";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        let rewriting = self.rewriting.lock();
        *self.rewriter.lock() = Some(this);
        let rewriter = &self.rewriter;
        let mut rewriting = RewritingGuard {
            rewriter,
            rewriting,
        };
        self.check_poison()?;
        rewriting.remove_superseded()?;
        Ok(rewriting)
    }
}
