//! `CopiedLog`: a consistent copy of a log in another directory, also while a process writes it.

use crate::error::At;
use crate::file::SegmentFile;
use crate::footer;
use crate::format::MANIFEST_FILE;
use crate::log::{MANIFESTS_READ_MOST, replaced_again_and_again};
use crate::manifest::{Manifest, SegmentInfo};
use crate::quarantine::is_segment_like;
use crate::{LogError, LogPosition, ScanError, UncheckedLog};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, OpenMode, TEMPORARY_SUFFIX};

/// How much is copied at once.
const COPY_BYTES: usize = 1 << 20;
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

    /// Copies the log into the directory `to`, which is made if it is missing, and brings an earlier
    /// copy up to date. Another process may write the log meanwhile: the copy has everything that
    /// was written when the call began, and ends after a whole commit.
    ///
    /// The manifest is replaced last, so an interrupted call leaves the earlier copy as it was, or
    /// none, and can be repeated. Frames of sealed segments are not checked. `on_bytes` is told how
    /// many more bytes are done, and can end the call.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan) of the active segment; [`LogError::OtherTarget`] if the target is a
    /// copy of another log, or was written to. [`LogError::Io`], and what `on_bytes` returns.
    pub fn copy_to<E>(
        self,
        to: &Path,
        mode: CopyMode,
        mut on_bytes: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<CopiedLog, ScanError<E>> {
        let (fs, dir, options) = (self.fs.clone(), self.dir.clone(), self.options.clone());
        let mut log = self;
        for _ in 0..MANIFESTS_READ_MOST {
            if let Some(copied) = log.copy_once(to, mode, &mut on_bytes)? {
                return Ok(copied);
            }
            let again = Self::open(fs.clone(), &dir, options.clone())?;
            log = again.ok_or_else(|| LogError::corrupt(MANIFEST_FILE, 0, "it is gone"))?;
        }
        Err(replaced_again_and_again().into())
    }

    /// Copies the log as its manifest lists it. Gives nothing, and leaves the manifest of the target, if
    /// a segment was rewritten meanwhile: who rewrites says in a note that it is done, and a copy with
    /// that note and the segment as it was before would look like one in which it was put back.
    fn copy_once<E>(
        self,
        to: &Path,
        mode: CopyMode,
        on_bytes: &mut impl FnMut(u64) -> Result<(), E>,
    ) -> Result<Option<CopiedLog>, ScanError<E>> {
        let dir = self.dir.clone();
        let fs = self.fs.clone();
        // Who opens the copy to write, be it a copy of the copy by hand, begins an epoch of its own.
        let manifest = Manifest {
            is_copy: true,
            ..self.manifest.clone()
        };
        let fs = &*fs;
        fs.create_dir_all(to).at("make", to)?;
        let earlier = Manifest::read(fs, to)?;
        if let Some(earlier) = &earlier {
            check_earlier(&manifest, earlier)?;
        }
        let Some(active) = manifest.segments.last() else {
            return Err(LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment").into());
        };
        let mut copy = Copy {
            fs,
            to,
            mode,
            on_bytes,
            report: CopiedLog {
                end: active.start(),
                copied: 0,
                linked: 0,
                kept: 0,
                bytes: 0,
            },
        };
        for (info, file) in manifest.segments.iter().zip(&self.files) {
            if let Some(end) = info.end {
                copy.sealed(info, file, end)?;
            }
        }
        copy.active(self, active)?;
        let report = copy.report;
        let newest = Manifest::read(fs, &dir)?;
        if newest.is_some_and(|newest| is_rewritten(&manifest, &newest)) {
            return Ok(None);
        }
        fs.sync_dir(to).at("sync", to)?;
        if earlier.as_ref() != Some(&manifest) {
            manifest.replace(fs, to)?;
        }
        remove_unlisted(fs, to, &manifest)?;
        Ok(Some(report))
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

/// Checks that an earlier copy is one of this log, and of no other course of it.
fn check_earlier(own: &Manifest, earlier: &Manifest) -> Result<(), LogError> {
    let refuse = |reason| Err(LogError::OtherTarget { reason });
    if earlier.identity != own.identity {
        return refuse("the target is a copy of another log");
    }
    if earlier.number > own.number {
        return refuse(
            "the target was written to after it was copied, or the log was put back since",
        );
    }
    for own in &own.segments {
        let others = &earlier.segments;
        let at = others.binary_search_by_key(&own.id(), SegmentInfo::id).ok();
        let is_other_course = at.and_then(|at| others.get(at)).is_some_and(|other| {
            // Rewritten more often than here: it would get back what was removed from it.
            other.header.generation > own.header.generation
                || other.header.generation == own.header.generation && other.header != own.header
        });
        if is_other_course {
            return refuse("the target was written to after it was copied");
        }
    }
    Ok(())
}

/// Removes segments that the log had when it was copied before, and has no more.
fn remove_unlisted(fs: &dyn Fs, to: &Path, manifest: &Manifest) -> Result<(), LogError> {
    let segments = &manifest.segments;
    let is_listed = |name: &str| segments.iter().any(|info| info.file_name() == name);
    for entry in fs.list(to).at("list", to)? {
        let is_own = is_segment_like(entry.name.trim_end_matches(TEMPORARY_SUFFIX));
        if is_own && !is_listed(&entry.name) {
            let path = to.join(&entry.name);
            fs.remove_file(&path).at("remove", &path)?;
        }
    }
    Ok(())
}

/// A copy that is being made.
struct Copy<'a, F> {
    fs: &'a dyn Fs,
    to: &'a Path,
    mode: CopyMode,
    on_bytes: &'a mut F,
    report: CopiedLog,
}

impl<F> Copy<'_, F> {
    fn sealed<E>(
        &mut self,
        info: &SegmentInfo,
        file: &SegmentFile,
        end: LogPosition,
    ) -> Result<(), ScanError<E>>
    where
        F: FnMut(u64) -> Result<(), E>,
    {
        let bytes = u64::from(end.offset);
        let there = SegmentFile::open(self.fs, self.to, &info.header, OpenMode::Read);
        let is_kept = |length: u64| match self.mode {
            CopyMode::FramesAlone => length == bytes,
            CopyMode::Link | CopyMode::Copy => length >= bytes,
        };
        if there.is_ok_and(|there| there.len().is_ok_and(is_kept)) {
            self.report.kept += 1;
            return (self.on_bytes)(bytes).map_err(ScanError::Visit);
        }
        let path = self.to.join(info.file_name());
        let temporary = temporary(&path);
        remove(self.fs, &temporary)?;
        if self.mode == CopyMode::Link && self.fs.link(&file.path, &temporary).is_ok() {
            self.fs.rename(&temporary, &path).at("rename", &temporary)?;
            self.report.linked += 1;
            return (self.on_bytes)(bytes).map_err(ScanError::Visit);
        }
        let target = self
            .fs
            .open(&temporary, OpenMode::Create)
            .at("create", &temporary)?;
        // The footer too, if it was written by now, and nothing else that may stand after the frames.
        let length = if self.mode != CopyMode::FramesAlone && footer::is_there(file, end)? {
            file.len()?
        } else {
            bytes
        };
        let mut offset = 0;
        let mut piece = Vec::new();
        while offset < length {
            let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
            piece.resize(COPY_BYTES.min(left), 0);
            file.read(&mut piece, offset)?;
            if piece.is_empty() {
                break;
            }
            target
                .write_all_at(&piece, offset)
                .at("write", &temporary)?;
            offset += piece.len() as u64;
            self.report.bytes += piece.len() as u64;
            (self.on_bytes)(piece.len() as u64).map_err(ScanError::Visit)?;
        }
        if bytes < offset && offset < length {
            // The file was removed meanwhile, and what is left of it has no footer: a part is none.
            target.set_len(bytes).at("truncate", &temporary)?;
        }
        self.report.copied += 1;
        Ok(publish(self.fs, &*target, &temporary, &path)?)
    }

    /// Copies the whole commits of the active segment, which a process may be writing.
    fn active<E>(&mut self, log: UncheckedLog, info: &SegmentInfo) -> Result<(), ScanError<E>>
    where
        F: FnMut(u64) -> Result<(), E>,
    {
        let path = self.to.join(info.file_name());
        let temporary = temporary(&path);
        remove(self.fs, &temporary)?;
        let target: Arc<dyn FsFile> = self
            .fs
            .open(&temporary, OpenMode::Create)
            .at("create", &temporary)?;
        let mut pending = Pending {
            offset: 0,
            bytes: info.header.encode(),
        };
        let (on_bytes, report) = (&mut *self.on_bytes, &mut self.report);
        let mut write = |pending: &mut Pending| -> Result<(), ScanError<E>> {
            let bytes = pending.write(&*target, &temporary)?;
            report.bytes += bytes;
            on_bytes(bytes).map_err(ScanError::Visit)
        };
        let scanned = log.scan(Some(info.start()), info.start().sequence, |frame| {
            pending.bytes.extend_from_slice(frame.bytes());
            if pending.bytes.len() >= COPY_BYTES {
                write(&mut pending)?;
            }
            Ok(())
        });
        let scanned = scanned.map_err(|error| match error {
            ScanError::Log(error) => ScanError::Log(error),
            ScanError::Visit(error) => error,
        })?;
        write(&mut pending)?;
        self.report.copied += 1;
        self.report.end = scanned.end();
        Ok(publish(self.fs, &*target, &temporary, &path)?)
    }
}

/// Bytes that wait to be written at an offset.
struct Pending {
    offset: u64,
    bytes: Vec<u8>,
}

impl Pending {
    fn write(&mut self, file: &dyn FsFile, path: &Path) -> Result<u64, LogError> {
        let count = self.bytes.len() as u64;
        file.write_all_at(&self.bytes, self.offset)
            .at("write", path)?;
        self.offset += count;
        self.bytes.clear();
        Ok(count)
    }
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

fn publish(fs: &dyn Fs, file: &dyn FsFile, temporary: &Path, path: &Path) -> Result<(), LogError> {
    file.sync().at("sync", temporary)?;
    fs.rename(temporary, path).at("rename", temporary)
}
