//! Reading the end of a log beside a process that writes it: what a bad frame proves then.
//!
//! A writer fills the last segment while it is read, so two reads show two moments. A frame may be
//! looked at before it is whole, and what stands after it a moment later, when both are. So nothing
//! is called damaged or torn before it was read again, after everything that speaks against it: the
//! proof that a frame was durable was written when that frame was whole.
//!
//! Repairs nothing, and takes no lock.

use super::log::UncheckedLog;
use crate::error::LogError;
use crate::format::{LogPosition, Manifest};
use crate::options::LogOptions;
use crate::scan::{HeadersAfter, frames_end};
use strandline_core::sync::thread;

/// How often a bad frame is read again beside a writer. A commit that is being written is whole
/// after a few looks, if its writer is not interrupted; no number is enough if it is, and after the
/// first none matters for damage.
const LOOKS_BESIDE_WRITER: u32 = 100;

/// A bad frame that is looked at again.
#[derive(Debug)]
pub(crate) struct Look {
    /// Where the frame begins.
    pub(crate) offset: u32,
    /// What was found behind it before it was looked at again.
    pub(crate) after: HeadersAfter,
    taken: u32,
    most: u32,
    /// Whether the segment was known sealed before the last look.
    is_sealed: bool,
}

impl Look {
    pub(crate) const fn new(offset: u32, after: HeadersAfter, options: &LogOptions) -> Self {
        Self {
            offset,
            after,
            taken: 0,
            most: if options.beside_writer {
                LOOKS_BESIDE_WRITER
            } else {
                1
            },
            is_sealed: false,
        }
    }

    /// Whether to look again; lets others run before all but the first look.
    pub(crate) fn again(&mut self) -> bool {
        if self.taken == self.most {
            return false;
        }
        if self.taken > 0 {
            thread::yield_now();
        }
        self.taken += 1;
        true
    }

    /// Whether to look once more, after all other looks: the writer may have finished the commit, and sealed
    /// the segment, since the last of them. All of it is whole now.
    pub(crate) fn last_once_sealed(&mut self, since: Since) -> bool {
        since == Since::SealedLater && !std::mem::replace(&mut self.is_sealed, true)
    }
}

/// What became of the last segment while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// It is the last one still, or nothing is known of it any more.
    Active,
    /// It was sealed, and its frames end where they were read to.
    SealedHere,
    /// It was sealed, and more frames belong to it.
    SealedLater,
    /// The log goes on in another file: what was read last was carried over.
    Carried,
}

impl UncheckedLog {
    /// Where the frames end that can be read of the active segment.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there is no segment.
    pub fn readable_end(&self) -> Result<LogPosition, LogError> {
        let (info, file) = self.active()?;
        Ok(frames_end(file, info.start(), file.readable_bytes()?))
    }

    /// What became of the last segment, whose frames were read up to `position`.
    pub(crate) fn since(&self, position: &LogPosition) -> Result<Since, LogError> {
        let manifest = Manifest::read(&*self.fs, &self.dir)?;
        let listed = manifest
            .as_ref()
            .and_then(|one| one.segment(position.segment));
        let Some(listed) = listed else {
            // A segment that was merged into another was sealed before.
            let holder = manifest
                .as_ref()
                .and_then(|one| one.holder(position.segment));
            return Ok(match holder {
                Some(_) => Since::Carried,
                None => Since::Active,
            });
        };
        let own = self.find(position.segment).map(|(info, _)| info.header);
        let is_other_file = own.is_some_and(|own| own != listed.header);
        Ok(match listed.end() {
            Some(end) if end.is_same_place(position) => Since::SealedHere,
            _ if is_other_file => Since::Carried,
            Some(end) if end.offset < position.offset => Since::Carried,
            None => Since::Active,
            Some(_) => Since::SealedLater,
        })
    }
}
