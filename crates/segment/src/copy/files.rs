//! `Files`: the segment files of a copy that is being made, each linked, kept or written. Lists none of
//! them: that is the manifest's.

use super::course::Earlier;
use super::options::{CopiedLog, CopyMode, CopyOptions};
use crate::error::{At, LogError, ScanError};
use crate::files::{SegmentFile, has_footer, has_remains, is_temporary_segment, remove, temporary};
use crate::format::{LogPosition, SegmentHeader, SegmentInfo};
use crate::open::UncheckedLog;
use crate::scan::{FrameScanner, Step, check_frame_before, frames_end};
use crate::write::Target;
use std::path::{Path, PathBuf};
use strandline_core::fs::{Fs, OpenMode};

/// How much is copied at once, and told at once.
const COPY_BYTES: usize = 1 << 20;

/// The files of a copy that is being made.
pub(super) struct Files<'a, F> {
    fs: &'a dyn Fs,
    to: &'a Path,
    how: CopyOptions,
    earlier: &'a Earlier,
    on_bytes: &'a mut F,
    pub(super) report: CopiedLog,
}

impl<'a, F> Files<'a, F> {
    pub(super) fn new(
        fs: &'a dyn Fs,
        to: &'a Path,
        how: CopyOptions,
        earlier: &'a Earlier,
        on_bytes: &'a mut F,
        start: LogPosition,
    ) -> Self {
        Self {
            fs,
            to,
            how,
            earlier,
            on_bytes,
            report: CopiedLog {
                end: start,
                copied: 0,
                linked: 0,
                kept: 0,
                bytes: 0,
            },
        }
    }

    /// Removes what interrupted calls left half written.
    pub(super) fn remove_temporaries(&self) -> Result<(), LogError> {
        for entry in self.fs.list(self.to).at("list", self.to)? {
            if is_temporary_segment(&entry.name) {
                remove(self.fs, &self.to.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Brings a sealed segment that ends at `end`, and gives the header that it has in the copy.
    pub(super) fn sealed<E>(
        &mut self,
        info: &SegmentInfo,
        file: &SegmentFile,
        end: LogPosition,
    ) -> Result<SegmentHeader, ScanError<E>>
    where
        F: FnMut(u64) -> Result<(), E>,
    {
        let bytes = u64::from(end.offset);
        let path = self.to.join(info.file_name());
        if self.is_sound(&path, info, end) && self.may_keep(&path, file) {
            self.report.kept += 1;
            (self.on_bytes)(bytes).map_err(ScanError::Visit)?;
            return Ok(info.header);
        }
        if self.earlier.lists_as_active(&info.file_name()) {
            // It was active, and grew since.
            let header = info.header.beside(|name| self.earlier.lists(name));
            self.copy_sealed(&header, file, end)?;
            return Ok(header);
        }
        if self.how.mode == CopyMode::Link && self.link(info, file, end, &path)? {
            self.report.linked += 1;
            (self.on_bytes)(bytes).map_err(ScanError::Visit)?;
            return Ok(info.header);
        }
        self.copy_sealed(&info.header, file, end)?;
        Ok(info.header)
    }

    /// Whether the file at `path`, which is sound, need not be brought: it is a file of its own, or may be one that the
    /// original has, too. An earlier copy may have linked what this one is to copy.
    fn may_keep(&self, path: &Path, original: &SegmentFile) -> bool {
        let is_shared = || {
            let (own, its) = (self.fs.identity(path), self.fs.identity(&original.path));
            matches!((own, its), (Ok(own), Ok(its)) if own == its)
        };
        self.how.mode == CopyMode::Link || !is_shared()
    }

    /// Whether the file at `path` is a segment with this header, of which the frame at its end is there,
    /// and nothing after it but what belongs there.
    fn is_sound(&self, path: &Path, info: &SegmentInfo, end: LogPosition) -> bool {
        let Ok(file) = SegmentFile::open_at(self.fs, path, &info.header) else {
            return false;
        };
        let after = match self.how.mode {
            CopyMode::FramesAlone => file.len().map(|length| length == u64::from(end.offset)),
            CopyMode::Link | CopyMode::Copy => has_remains(&file, end).map(|has| !has),
        };
        let is_long_enough = file
            .len()
            .is_ok_and(|length| length >= u64::from(end.offset));
        is_long_enough
            && after.unwrap_or(false)
            && check_frame_before(&file, info, &end).is_ok()
            && (!self.how.check_all || frames_end(&file, info.start(), end.offset.into()) == end)
    }

    /// Links the file, unless it cannot be or is not what it should be.
    fn link(
        &self,
        info: &SegmentInfo,
        file: &SegmentFile,
        end: LogPosition,
        path: &Path,
    ) -> Result<bool, LogError> {
        let temporary = temporary(path);
        remove(self.fs, &temporary)?;
        if self.fs.link(&file.path, &temporary).is_err() {
            return Ok(false);
        }
        if !self.is_sound(&temporary, info, end) {
            remove(self.fs, &temporary)?;
            return Ok(false);
        }
        self.fs.rename(&temporary, path).at("rename", &temporary)?;
        Ok(true)
    }

    /// Copies the frames of a sealed segment, each of which is checked; and its footer, if it was
    /// written by now and the header stays.
    fn copy_sealed<E>(
        &mut self,
        header: &SegmentHeader,
        file: &SegmentFile,
        end: LogPosition,
    ) -> Result<(), ScanError<E>>
    where
        F: FnMut(u64) -> Result<(), E>,
    {
        let mut new = NewSegment::create(self.fs, self.to, header)?;
        let start = header.start();
        let mut scanner = FrameScanner::new(file, start, u64::from(end.offset));
        let mut told = u64::from(start.offset);
        loop {
            let bad = match scanner.next()? {
                Step::Frame(frame) => {
                    new.target.same_frame(&frame, file.salt)?;
                    None
                }
                Step::End => Some("the segment does not end as the MANIFEST says"),
                Step::Bad(reason) => Some(reason),
            };
            let at = scanner.position();
            match bad {
                Some(_) if at == end => break,
                Some(reason) => {
                    let offset = u64::from(at.offset);
                    return Err(LogError::corrupt(file.name(), offset, reason).into());
                }
                None => {}
            }
            let more = u64::from(at.offset).saturating_sub(told);
            if more >= COPY_BYTES as u64 {
                told += more;
                (self.on_bytes)(more).map_err(ScanError::Visit)?;
            }
        }
        new.target.write()?;
        let mut bytes = u64::from(end.offset);
        let takes_footer = self.how.mode != CopyMode::FramesAlone && header.salt() == file.salt;
        if takes_footer && has_footer(file, end)? {
            bytes += new.copy_footer(file, end)?;
        }
        new.publish()?;
        self.report.copied += 1;
        self.report.bytes += bytes;
        (self.on_bytes)(bytes.saturating_sub(told)).map_err(ScanError::Visit)
    }

    /// Copies the whole commits of the active segment, which a process may be writing, and gives the
    /// header that it has in the copy.
    pub(super) fn active<E>(
        &mut self,
        log: UncheckedLog,
        info: &SegmentInfo,
    ) -> Result<SegmentHeader, ScanError<E>>
    where
        F: FnMut(u64) -> Result<(), E>,
    {
        let header = match self.earlier.manifest {
            Some(_) => info.header.beside(|name| self.earlier.lists(name)),
            None => info.header,
        };
        let mut new = NewSegment::create(self.fs, self.to, &header)?;
        let salt = info.header.salt();
        let mut told = u64::from(info.start().offset);
        let on_bytes = &mut *self.on_bytes;
        let scanned = log.scan(Some(info.start()), info.start().sequence, |frame| {
            new.target.same_frame(frame, salt)?;
            let more = u64::from(frame.end().offset).saturating_sub(told);
            if more >= COPY_BYTES as u64 {
                told += more;
                on_bytes(more).map_err(ScanError::Visit)?;
            }
            Ok(())
        });
        let scanned = scanned.map_err(ScanError::flatten)?;
        let end = scanned.end();
        self.report.end = end;
        self.earlier.check_end(&end)?;
        (self.on_bytes)(u64::from(end.offset).saturating_sub(told)).map_err(ScanError::Visit)?;
        if let Some(kept) = self.earlier.active_until(&info.header, &end) {
            self.report.kept += 1;
            return Ok(kept);
        }
        new.target.write()?;
        new.publish()?;
        self.report.copied += 1;
        self.report.bytes += u64::from(end.offset);
        Ok(header)
    }
}

/// A file that is being written, and is removed when this is dropped before it was published.
struct NewSegment<'a> {
    fs: &'a dyn Fs,
    target: Target,
    path: PathBuf,
    temporary: PathBuf,
    is_published: bool,
}

impl<'a> NewSegment<'a> {
    fn create(fs: &'a dyn Fs, to: &Path, header: &SegmentHeader) -> Result<Self, LogError> {
        let path = to.join(header.file_name());
        let temporary = temporary(&path);
        remove(fs, &temporary)?;
        let file = fs.open(&temporary, OpenMode::Create);
        let file = file.at("create", &temporary)?;
        let file = SegmentFile::new(header, temporary.clone(), file);
        Ok(Self {
            fs,
            target: Target::new(header, file, u64::MAX),
            path,
            temporary,
            is_published: false,
        })
    }

    /// Copies what stands after the frames, and says how many bytes that were. The file may have been
    /// removed meanwhile, and what is left of it has no footer: a part is none.
    fn copy_footer(&self, from: &SegmentFile, end: LogPosition) -> Result<u64, LogError> {
        let (to, length) = (&self.target.file.file, from.len()?);
        let start = u64::from(end.offset);
        let mut offset = start;
        let mut piece = Vec::new();
        while offset < length {
            let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
            piece.resize(COPY_BYTES.min(left), 0);
            from.read(&mut piece, offset)?;
            if piece.is_empty() {
                to.set_len(start).at("truncate", &self.temporary)?;
                return Ok(0);
            }
            to.write_all_at(&piece, offset)
                .at("write", &self.temporary)?;
            offset += piece.len() as u64;
        }
        Ok(offset - start)
    }

    fn publish(mut self) -> Result<(), LogError> {
        let synced = self.target.file.file.sync();
        synced.at("sync", &self.temporary)?;
        let renamed = self.fs.rename(&self.temporary, &self.path);
        renamed.at("rename", &self.temporary)?;
        self.is_published = true;
        Ok(())
    }
}

impl Drop for NewSegment<'_> {
    fn drop(&mut self) {
        if !self.is_published {
            // On a full disk it would be in the way; the next call removes it otherwise.
            let _ = self.fs.remove_file(&self.temporary);
        }
    }
}
