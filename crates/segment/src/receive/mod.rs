//! `LogReceiver`: a copy of a log that grows as its writer tells of it, over whatever lies between.
//!
//! What is received is bytes of the log's own segment files, with their headers, and its manifests. All of
//! it is checked before it is written or listed, so whoever sends it need not be believed. The copy has the
//! same bytes at the same offsets, and a reader beside it reads on as beside the log's own writer.
//!
//! Fetches nothing, and makes no frame of its own. May know what is below: `write` and the rooms under it.

mod files;
mod frames;
mod list;
mod open;

use crate::error::{At, LogError};
use crate::files::{SegmentFile, lock_segment, temporary};
use crate::format::{LogIdentity, LogPosition, Manifest, SegmentHeader, SegmentInfo};
use files::make_segment;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::Epoch;
use strandline_core::fs::{FileLock, Fs, OpenMode};

/// Writes a copy of a log in a directory of its own, as it is told of it.
///
/// The manifest of the directory says that it is of a copy, so whoever opens it to write begins another
/// epoch. Its numbers rise by a count of its own, and its epoch stays the one of the first manifest: the
/// chain of the log says by itself whether it goes on.
///
/// While there is a receiver the active segment is locked, and a writer is refused. After an error of the
/// file system, or one that leaves open what was written, every call says [`LogError::Stopped`]; the
/// directory is opened again then.
#[derive(Debug)]
pub struct LogReceiver {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// As it is on disk.
    manifest: Manifest,
    /// The active segment: its header, and its file, open to be appended to.
    header: SegmentHeader,
    file: SegmentFile,
    /// Where its frames end.
    end: LogPosition,
    /// Up to where they are durable, as the manifest says.
    synced: LogPosition,
    is_stopped: bool,
    /// Held, and given up for that of the next segment.
    _lock: Box<dyn FileLock>,
}

impl LogReceiver {
    /// A receiver whose active segment is durable up to where it ends.
    fn new(
        fs: Arc<dyn Fs>,
        dir: &Path,
        manifest: Manifest,
        (header, file, end): (SegmentHeader, SegmentFile, LogPosition),
        lock: Box<dyn FileLock>,
    ) -> Self {
        Self {
            fs,
            dir: dir.to_path_buf(),
            manifest,
            header,
            file,
            end,
            synced: end,
            is_stopped: false,
            _lock: lock,
        }
    }

    /// Where the copy ends; the next bytes that it can use begin here. What is behind
    /// [`synced`](Self::synced) may be gone after a power cut.
    #[must_use]
    pub const fn end(&self) -> LogPosition {
        self.end
    }

    /// Up to where the copy is durable.
    #[must_use]
    pub const fn synced(&self) -> LogPosition {
        self.synced
    }

    /// The manifest of the copy, as it is on disk.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The identity of the log.
    #[must_use]
    pub const fn identity(&self) -> &LogIdentity {
        self.manifest.identity()
    }

    /// The epoch of the copy: that of the manifest that it began with.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.manifest.epoch()
    }

    /// Where the file of a segment is put, whole and with a footer if it has one, before
    /// [`list`](Self::list) or [`create`](Self::create) is told of it. They sync it.
    #[must_use]
    pub fn staged_path(dir: &Path, header: &SegmentHeader) -> PathBuf {
        temporary(&dir.join(header.file_name()))
    }

    /// Takes bytes of a segment file of the log: whole frames, which begin at `start` and end at `end`, of
    /// the segment with this header. Gives where the copy ends.
    ///
    /// They go on where the copy ends: in the same segment, or in the next one, which begins there; then
    /// what was active is sealed, and three files are synced. What the copy has already is compared, and the
    /// rest is taken, so the same bytes may come again. Not durable before [`sync`](Self::sync).
    ///
    /// Every frame is checked first: checksums, salt, sequence and log hash. O(bytes).
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if the bytes are not whole frames from `start` to `end`;
    /// [`LogError::OtherCourse`] if they do not go on from what the copy has: something is missing between,
    /// or the log is another one, or took another course. Nothing was written then, and the receiver goes
    /// on. [`LogError::Io`], [`LogError::Stopped`].
    pub fn receive(
        &mut self,
        header: &SegmentHeader,
        start: &LogPosition,
        bytes: &[u8],
        end: &LogPosition,
    ) -> Result<LogPosition, LogError> {
        self.check_running()?;
        if header.identity != self.manifest.identity {
            return Err(self.other("the bytes are of another log"));
        }
        frames::check(header, start, bytes, end)?;
        if *header == self.header {
            if start.offset > self.end.offset {
                return Err(self.other("bytes are missing between"));
            }
            let rest = self.unlike_file(&self.file, &self.end, start, bytes)?;
            if start.offset == self.end.offset && *start != self.end {
                return Err(self.other("the frame before the bytes is another one"));
            }
            if !rest.is_empty() {
                self.append(rest, *end)?;
            }
            return Ok(self.end);
        }
        if let Some(own) = self.manifest.segment(header.id)
            && own.header == *header
            && let Some(sealed_end) = own.end
        {
            let file = SegmentFile::open(&*self.fs, &self.dir, header, OpenMode::Read)?;
            let rest = self.unlike_file(&file, &sealed_end, start, bytes)?;
            return match rest.is_empty() {
                true => Ok(self.end),
                false => Err(self.other("the segment goes on where the copy has it sealed")),
            };
        }
        let is_next = header.id > self.header.id && *start == header.start();
        if !is_next || !start.is_same_place(&self.end) {
            return Err(self.other("the bytes do not begin where the copy ends"));
        }
        self.stopping(|this| this.rotate(header))?;
        if !bytes.is_empty() {
            self.append(bytes, *end)?;
        }
        Ok(self.end)
    }

    /// Makes durable what was received, and says so in the manifest: two files are synced, and the
    /// directory. Does nothing if there is nothing new.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`], [`LogError::Stopped`].
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.check_running()?;
        if self.synced == self.end {
            return Ok(());
        }
        self.stopping(|this| {
            this.sync_file()?;
            let manifest = Manifest {
                synced: (this.end.last_frame > 0).then_some(this.end),
                ..this.manifest.next()
            };
            this.publish(manifest)
        })?;
        self.synced = self.end;
        Ok(())
    }

    /// What of `bytes`, which stand at `start`, is past the frames of a file that end at `end`; the bytes
    /// before must be those of the file.
    fn unlike_file<'a>(
        &self,
        file: &SegmentFile,
        end: &LogPosition,
        start: &LogPosition,
        bytes: &'a [u8],
    ) -> Result<&'a [u8], LogError> {
        let there = end.offset.saturating_sub(start.offset);
        let there = usize::try_from(there).unwrap_or(usize::MAX);
        let (known, rest) = bytes.split_at(there.min(bytes.len()));
        let mut own = vec![0; known.len()];
        file.read(&mut own, start.offset.into())?;
        match own == known {
            true => Ok(rest),
            false => Err(self.other("the copy has other bytes in this place")),
        }
    }

    /// Writes frames that were checked at the end.
    fn append(&mut self, bytes: &[u8], end: LogPosition) -> Result<(), LogError> {
        self.stopping(|this| {
            let written = this
                .file
                .file
                .write_all_at(bytes, u64::from(this.end.offset));
            written.at("write", &this.file.path)
        })?;
        self.file.set_written_end(end.offset);
        self.end = end;
        Ok(())
    }

    /// Seals the active segment where it ends, and goes on in a new file.
    fn rotate(&mut self, header: &SegmentHeader) -> Result<(), LogError> {
        self.sync_file()?;
        let file = make_segment(&*self.fs, &self.dir.join(header.file_name()), header)?;
        let dir = &self.dir;
        self.fs.sync_dir(dir).at("sync", dir)?;
        let lock = lock_segment(&*self.fs, &file.path)?;
        let mut manifest = self.manifest.clone();
        // What it was before is on disk until this one is.
        let _ = manifest.go_on(
            self.end,
            SegmentInfo {
                header: *header,
                end: None,
            },
        );
        self.publish(manifest)?;
        self.header = *header;
        self.file = file;
        self._lock = lock;
        self.end = header.start();
        self.synced = self.end;
        Ok(())
    }

    fn sync_file(&self) -> Result<(), LogError> {
        self.file.file.sync().at("sync", &self.file.path)
    }

    /// Puts a manifest in the place of the one that is there.
    fn publish(&mut self, manifest: Manifest) -> Result<(), LogError> {
        manifest.replace(&*self.fs, &self.dir)?;
        self.manifest = manifest;
        Ok(())
    }

    fn check_running(&self) -> Result<(), LogError> {
        match self.is_stopped {
            true => Err(LogError::Stopped),
            false => Ok(()),
        }
    }

    /// Does what changes files. Whatever it leaves where it fails, nothing more is written: bytes that a
    /// disk did not take are not to be written again in the same place.
    fn stopping<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let changed = change(self);
        self.is_stopped |= changed.is_err();
        changed
    }

    fn other(&self, reason: &'static str) -> LogError {
        LogError::OtherCourse {
            file: self.file.name(),
            sequence: self.end.sequence.get(),
            reason,
        }
    }
}
