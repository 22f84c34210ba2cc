//! `CopiedLog`: a consistent copy of a log in another directory, also while a process writes it.
//!
//! An earlier copy there stays whole until the new one was checked and its manifest takes the place of
//! the old one: no file that the old manifest lists is changed or removed before that. What has the
//! same name and grew since is therefore written under another (see `SegmentHeader::beside`).

mod course;
mod files;
mod staged;

pub use staged::StagedCopy;

use crate::error::At;
use crate::format::MANIFEST_FILE;
use crate::log::{MANIFESTS_READ_MOST, replaced_again_and_again, sync_parents};
use crate::manifest::{Manifest, SegmentInfo};
use crate::{LogError, LogPosition, ScanError, SegmentId, UncheckedLog};
use course::Earlier;
use files::Files;
use std::io;
use std::path::{Path, PathBuf};
use strandline_core::fs::{Fs, TEMPORARY_SUFFIX};

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedLog {
    /// Where the copy ends.
    pub end: LogPosition,
    /// Segments that were copied.
    pub copied: usize,
    /// Segments that share their bytes with the original.
    pub linked: usize,
    /// Segments that an earlier copy had brought.
    pub kept: usize,
    /// Bytes that were written.
    pub bytes: u64,
}

/// How a log is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyMode {
    /// Sealed segments are linked where the file system can, and copied where not.
    Link,
    /// Everything is copied.
    Copy,
    /// Frames are copied, and no footers, which may be wrong.
    FramesAlone,
}

/// How a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct CopyOptions {
    mode: CopyMode,
    known: Option<LogPosition>,
    check_all: bool,
}

impl CopyOptions {
    /// A copy that is not checked further than while it is made, onto a target of which nothing more is
    /// known than what is found there.
    pub const fn new(mode: CopyMode) -> Self {
        Self {
            mode,
            known: None,
            check_all: false,
        }
    }

    /// A position that an earlier copy at the target is known to have had, if one is.
    pub const fn known(mut self, position: Option<LogPosition>) -> Self {
        self.known = position;
        self
    }

    /// Checks every frame of segments that are linked or kept too. Kept ones that are damaged are
    /// brought anew.
    pub const fn check_all(mut self) -> Self {
        self.check_all = true;
        self
    }
}

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
    /// Every frame that is copied is checked. Of segments that are linked or kept their header is, and
    /// the frame at their end, if no more is asked for. `on_bytes` is told how many more bytes are done, and can end the call.
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
        let listed = newest
            .segments
            .iter()
            .find(|listed| listed.id() == own.id());
        listed.is_some_and(|listed| listed.header != own.header)
    })
}

/// What the file at `path` is called until it is whole.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY_SUFFIX);
    name.into()
}

pub(crate) fn remove(fs: &dyn Fs, path: &Path) -> Result<(), LogError> {
    match fs.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}

/// Number and generation of the segment whose file, or temporary file, is called so.
fn parse_own(name: &str) -> Option<(SegmentId, u32)> {
    SegmentId::parse_file_name(name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name))
}
