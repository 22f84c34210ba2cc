//! Copying: a consistent copy of a log in another directory, also while a process writes it.
//!
//! An earlier copy there stays whole until the new one was checked and its manifest takes the place of
//! the old one: no file that the old manifest lists is changed or removed before that. What has the
//! same name and grew since is therefore written under another (see `SegmentHeader::beside`).
//!
//! Changes nothing in the log that is copied. May know `open` and what is below; to `follow` it is a
//! stranger.

mod course;
mod files;
mod options;
mod staged;

pub use options::{CopiedLog, CopyMode, CopyOptions};
pub use staged::StagedCopy;

use crate::error::{At, LogError, ScanError};
use crate::files::{MANIFESTS_READ_MOST, replaced_again_and_again, sync_parents};
use crate::format::{MANIFEST_FILE, Manifest, SegmentInfo};
use crate::open::UncheckedLog;
use course::Earlier;
use files::Files;
use std::path::Path;

impl UncheckedLog {
    /// How many bytes a copy has at most: the frames of the sealed segments, and the whole active
    /// one.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn copy_bytes_max(&self) -> Result<u64, LogError> {
        let mut bytes = 0;
        for (info, file) in self.manifest.segments.iter().zip(&self.files) {
            bytes += match info.end {
                Some(end) => u64::from(end.offset),
                None => file.len()?,
            };
        }
        Ok(bytes)
    }

    /// Copies the log into the directory `to`, and brings an earlier copy up to date:
    /// [`stage_copy`](Self::stage_copy) and [`StagedCopy::publish`].
    ///
    /// # Errors
    ///
    /// As these.
    pub fn copy_to<E>(
        self,
        to: &Path,
        mode: CopyMode,
        on_bytes: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<CopiedLog, ScanError<E>> {
        let staged = self.stage_copy(to, CopyOptions::new(mode), on_bytes)?;
        Ok(staged.publish()?)
    }

    /// Makes a copy of the log in the directory `to`, which is made if it is missing, ready to be
    /// published. Another process may write the log meanwhile: the copy has everything that was
    /// written when the call began, and ends after a whole commit.
    ///
    /// An earlier copy there stays as it was. It is looked at first: the log must have all that it has.
    /// An interrupted call can be repeated, and
    /// goes on with what it left.
    ///
    /// Every frame that is copied is checked. Of segments that are linked or kept their header is, and the
    /// frame at their end, if no more is asked for. `on_bytes` is told how many more bytes are done, and can
    /// end the call.
    ///
    /// # Errors
    ///
    /// [`LogError::LogBehind`] if the log ends before where it is known durable, [`LogError::Corrupt`] if
    /// what is read of it is damaged. [`LogError::OtherTarget`] if the target is a copy of another log or
    /// of another course of it, or has more of it. [`LogError::Io`], and what `on_bytes` returns.
    pub fn stage_copy<E>(
        self,
        to: &Path,
        how: CopyOptions,
        mut on_bytes: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<StagedCopy, ScanError<E>> {
        let (fs, dir, options) = (self.fs.clone(), self.dir.clone(), self.options.clone());
        let durable = self.durable;
        let mut log = self;
        for _ in 0..MANIFESTS_READ_MOST {
            if let Some(staged) = log.stage_once(to, how, &mut on_bytes)? {
                return Ok(staged);
            }
            let again = Self::open(fs.clone(), &dir, options.clone())?;
            log = again.ok_or_else(|| LogError::corrupt(MANIFEST_FILE, 0, "it is gone"))?;
            if let Some(durable) = &durable {
                log.note_durable(durable)?;
            }
        }
        Err(replaced_again_and_again().into())
    }

    /// Copies the log as its manifest lists it. Gives nothing if a segment was rewritten meanwhile: who
    /// rewrites says in a note that it is done, and a copy with that note and the segment as it was
    /// before would look like one in which it was put back.
    fn stage_once<E>(
        self,
        to: &Path,
        how: CopyOptions,
        on_bytes: &mut impl FnMut(u64) -> Result<(), E>,
    ) -> Result<Option<StagedCopy>, ScanError<E>> {
        let (fs, dir) = (self.fs.clone(), self.dir.clone());
        let earlier = Earlier::read(&*fs, to, &self.manifest, how.known)?;
        earlier.check(&self)?;
        fs.create_dir_all(to).at("make", to)?;
        if earlier.manifest.is_none() {
            sync_parents(&*fs, to)?;
        }
        // Who opens the copy to write, be it a copy of the copy by hand, begins an epoch of its own.
        let mut manifest = Manifest {
            is_copy: true,
            ..self.manifest.clone()
        };
        let last = manifest.segments.last().map(SegmentInfo::start);
        let start = last.ok_or_else(|| LogError::corrupt(MANIFEST_FILE, 0, "it is empty"))?;
        let mut files = Files::new(&*fs, to, how, &earlier, on_bytes, start);
        files.remove_temporaries()?;
        for (info, file) in manifest.segments.iter_mut().zip(&self.files) {
            if let Some(end) = info.end {
                info.header = files.sealed(info, file, end)?;
            }
        }
        let own = self.manifest.clone();
        if let Some(active) = manifest.segments.last_mut() {
            active.header = files.active(self, active)?;
        }
        let report = files.report;
        // All of it is durable before the manifest is.
        manifest.synced = (report.end.last_frame > 0).then_some(report.end);
        let newest = Manifest::read(&*fs, &dir)?;
        if newest.is_some_and(|newest| is_rewritten(&own, &newest)) {
            return Ok(None);
        }
        Ok(Some(StagedCopy::write(fs, to, manifest, report)?))
    }
}

/// Whether a segment has another generation in the newest manifest.
fn is_rewritten(own: &Manifest, newest: &Manifest) -> bool {
    own.segments.iter().any(|own| {
        let listed = newest.segment(own.id());
        listed.is_some_and(|listed| listed.header != own.header)
    })
}
