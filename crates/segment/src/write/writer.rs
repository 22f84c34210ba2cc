//! `LogWriter`: appends commits. There is one, and it is not cloned. What begins the next segment is in
//! `rotate`.

use super::claims::BeingRewritten;
use super::next::NextSegment;
use super::space::Space;
use super::sync_handle::SyncHandle;
use crate::error::{AppendError, At, LogError};
use crate::files::SegmentFile;
use crate::format::{
    COMMIT_RECORDS_MAX, CommitBuffer, FramePlace, LogPosition, MANIFEST_FILE, Manifest, SegmentInfo,
};
use crate::options::{LogOptions, frame_bytes};
use crate::read::LogReader;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use strandline_core::fs::{FileLock, Fs};
use strandline_core::{Epoch, Sequence};

/// Appends commits to the active segment, each with one positioned write.
#[derive(Debug)]
pub struct LogWriter {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) dir: PathBuf,
    pub(super) options: LogOptions,
    pub(super) manifest: Manifest,
    pub(super) active: SegmentFile,
    pub(super) space: Arc<Space>,
    pub(super) position: LogPosition,
    pub(super) reader: LogReader,
    /// Whether a write could not be undone.
    pub(super) stopped: bool,
    /// Whether the manifest on the disk does not say yet from where notes are written.
    pub(super) manifest_is_behind: bool,
    /// Whether segments that are begun may have runs.
    pub(super) has_runs: bool,
    pub(super) next: NextSegment,
    pub(super) being_rewritten: BeingRewritten,
    /// That of the active segment, let go when nothing is done to its file any more.
    pub(crate) lock: Option<Box<dyn FileLock>>,
}

/// Where a commit was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where its frame begins.
    pub start: LogPosition,
    /// Where the next one begins.
    pub end: LogPosition,
}

impl LogWriter {
    pub(crate) fn new(
        fs: Arc<dyn Fs>,
        dir: PathBuf,
        options: LogOptions,
        mut manifest: Manifest,
        active: SegmentFile,
        position: LogPosition,
        reader: LogReader,
    ) -> Self {
        let end = u64::from(position.offset);
        let manifest_is_behind = manifest.unrecorded_before().is_none();
        if manifest_is_behind {
            // From here on a program writes that records what it removes.
            manifest.unrecorded_before = position.sequence;
        }
        Self {
            next: NextSegment::new(fs.clone(), &dir, active.id, options.segment_bytes_max),
            fs,
            dir,
            space: Arc::new(Space::new(end, end, options.segment_bytes_max)),
            options,
            manifest,
            active,
            position,
            reader,
            stopped: false,
            manifest_is_behind,
            has_runs: false,
            being_rewritten: BeingRewritten::default(),
            lock: None,
        }
    }

    /// Which course of the log this is; see [`Manifest::epoch`].
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.manifest.epoch()
    }

    /// Where the next commit goes.
    #[must_use]
    pub const fn position(&self) -> LogPosition {
        self.position
    }

    /// Where the first frame of the active segment is, or will be.
    #[must_use]
    pub fn segment_start(&self) -> LogPosition {
        let active = self.manifest.segments.last();
        active.map_or(self.position, SegmentInfo::start)
    }

    /// The handle that syncs the active segment.
    #[must_use]
    pub fn active(&self) -> SyncHandle {
        SyncHandle {
            file: self.active.file.clone(),
            space: self.space.clone(),
        }
    }

    /// Whether so much of the active segment is used that the next one should be made ahead.
    #[must_use]
    pub fn wants_next(&self) -> bool {
        u64::from(self.position.offset) >= self.options.segment_bytes_max / 2
    }

    /// Whether a commit of `records` records whose bodies have `body_bytes` fits in the active
    /// segment, and a rewriting of it all would too.
    #[must_use]
    pub fn fits(&self, body_bytes: usize, records: usize) -> bool {
        let start = self.segment_start().sequence.get();
        // Gaps in the sequences count as records: then a segment is full too soon.
        let before = self.position.sequence.get().saturating_sub(start);
        let all = before.saturating_add(records as u64);
        let bytes = frame_bytes(body_bytes, records);
        let end = u64::from(self.position.offset).saturating_add(bytes);
        end <= self.options.segment_bytes_max
            && self.options.fits_rewritten(end, all)
            && (before == 0 || all <= u64::from(self.options.segment_records_max))
            && self.fits_empty(body_bytes, records)
    }

    /// Whether such a commit fits in an empty segment, and is within the limits of a commit.
    #[must_use]
    pub fn fits_empty(&self, body_bytes: usize, records: usize) -> bool {
        self.options.fits_empty(body_bytes, records)
    }

    /// Writes a commit, as [`append_undone_by`](Self::append_undone_by) does, and syncs a failed
    /// one's undoing itself. For logs that nobody else syncs meanwhile.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn append(
        &mut self,
        commit: &mut CommitBuffer,
        first_sequence: Sequence,
        durable_through: Sequence,
    ) -> Result<Appended, AppendError> {
        self.append_undone_by(commit, first_sequence, durable_through, SyncHandle::sync)
    }

    /// Writes a note: bytes that the log chain covers, without a sequence. Frames with records stand
    /// before and after it as if it were not there; [`Frame::note`](crate::Frame::note) gives it to who
    /// reads the log. A sequence that is durable says nothing of a note after it: sync, and it is.
    ///
    /// In a log of an earlier version the manifest is replaced first, so that earlier programs, which
    /// know no notes, refuse the log and do not take the note for a torn tail.
    ///
    /// # Errors
    ///
    /// As [`append_undone_by`](Self::append_undone_by), which says what `sync` is; what replacing the
    /// manifest says.
    pub fn append_note(
        &mut self,
        body: &[u8],
        durable_through: Sequence,
        sync: impl FnOnce(&SyncHandle) -> io::Result<()>,
    ) -> Result<Appended, AppendError> {
        if self.stopped {
            return Err(AppendError::NotWritten(LogError::Stopped));
        }
        if self.manifest_is_behind {
            self.replace_manifest(self.manifest.next(), || ())?;
        }
        let mut note = CommitBuffer::default();
        note.set_note(body);
        self.append_undone_by(&mut note, self.position.sequence, durable_through, sync)
    }

    /// Says up to where the caller has synced the log. If that is in the active segment, the next manifest
    /// that is written says it too, so that a note there is known to have been durable.
    pub fn set_synced(&mut self, position: LogPosition) {
        if position.segment == self.active.id {
            self.manifest.synced = Some(position);
        }
    }

    /// Removals of events before this sequence may have no record in the log; 0 in a log that was made
    /// by a version that records them.
    #[must_use]
    pub const fn unrecorded_before(&self) -> Sequence {
        self.manifest.unrecorded_before
    }

    /// Writes a commit whose records have the sequences from `first_sequence` on.
    ///
    /// If the write fails, what it left is cut off and `sync` makes that durable. Only one sync of
    /// a file may run at a time if each is to hear of its failures, hence the parameter.
    ///
    /// `durable_through` is what the caller knows durable; it is kept in the frame as proof.
    ///
    /// # Errors
    ///
    /// [`AppendError::NotWritten`] if the commit is refused, or its write failed and was undone.
    /// [`AppendError::Unknown`] if it could not be undone; every later call is refused then.
    pub fn append_undone_by(
        &mut self,
        commit: &mut CommitBuffer,
        first_sequence: Sequence,
        durable_through: Sequence,
        sync: impl FnOnce(&SyncHandle) -> io::Result<()>,
    ) -> Result<Appended, AppendError> {
        self.check(commit, first_sequence)
            .map_err(AppendError::NotWritten)?;
        let start = self.position;
        let place = FramePlace {
            salt: self.active.salt,
            start,
            first_sequence,
            durable_through,
        };
        let limit = u64::from(self.options.commit_bytes_max);
        let size = commit.frame_bytes() as u64;
        let Some((bytes, end)) = commit.seal(&place) else {
            return Err(AppendError::NotWritten(LogError::TooLarge {
                what: "a commit",
                found: size,
                limit,
            }));
        };
        let offset = u64::from(start.offset);
        let written = self.active.file.write_all_at(bytes, offset);
        if let Err(error) = written.at("write", &self.active.path) {
            return Err(self.undo(error, sync));
        }
        self.position = end;
        self.space.wrote(u64::from(end.offset));
        self.active.set_written_end(end.offset);
        Ok(Appended { start, end })
    }

    fn check(&self, commit: &CommitBuffer, first_sequence: Sequence) -> Result<(), LogError> {
        if self.stopped {
            return Err(LogError::Stopped);
        }
        let is_elsewhere = match commit.is_note() {
            true => first_sequence != self.position.sequence,
            false => first_sequence < self.position.sequence,
        };
        if commit.is_empty() || is_elsewhere {
            return Err(LogError::OutOfOrder {
                records: commit.len(),
                first: first_sequence.get(),
                next: self.position.sequence.get(),
            });
        }
        if commit.len() > COMMIT_RECORDS_MAX {
            return Err(LogError::TooLarge {
                what: "the number of records in a commit",
                found: commit.len() as u64,
                limit: COMMIT_RECORDS_MAX as u64,
            });
        }
        let bytes = commit.frame_bytes() as u64;
        let left = self
            .options
            .segment_bytes_max
            .saturating_sub(u64::from(self.position.offset));
        let limit = left.min(u64::from(self.options.commit_bytes_max));
        if bytes > limit {
            return Err(LogError::TooLarge {
                what: "a commit",
                found: bytes,
                limit,
            });
        }
        Ok(())
    }

    /// Cuts off what a failed write may have left.
    fn undo(
        &mut self,
        error: LogError,
        sync: impl FnOnce(&SyncHandle) -> io::Result<()>,
    ) -> AppendError {
        let end = u64::from(self.position.offset);
        let cut = self.active.file.set_len(end);
        self.space.cut(end);
        let undone = cut.and_then(|()| sync(&self.active()));
        match undone {
            Ok(()) => AppendError::NotWritten(error),
            Err(_) => self.stop(error),
        }
    }

    pub(super) fn stop(&mut self, error: LogError) -> AppendError {
        self.stopped = true;
        AppendError::Unknown(error)
    }

    /// Replaces the manifest; `staged` is called when the next opening may find either.
    pub(super) fn replace_manifest(
        &mut self,
        manifest: Manifest,
        staged: impl FnOnce(),
    ) -> Result<(), AppendError> {
        let path = self.dir.join(MANIFEST_FILE);
        let file = manifest.stage(&*self.fs, &path);
        let file = file.map_err(AppendError::NotWritten)?;
        staged();
        let published = file.publish(&*self.fs).at("replace", &path);
        published.map_err(|error| self.stop(error))?;
        self.manifest = manifest;
        self.manifest_is_behind = false;
        Ok(())
    }

    /// Cuts off what was set aside and not used. Nobody may sync meanwhile.
    fn cut_off_space(&self) -> Result<(), LogError> {
        let end = u64::from(self.position.offset);
        if self.active.len()? > end {
            self.active
                .file
                .set_len(end)
                .at("truncate", &self.active.path)?;
            self.space.cut(end);
        }
        Ok(())
    }
}

/// Opens what views that were taken may read. Gives back the space that was set aside, and a next segment
/// that was made ahead; if that fails, the next opening does it.
impl Drop for LogWriter {
    fn drop(&mut self) {
        // From now on another writer may rewrite segments.
        self.reader.keep_for_views();
        if !self.stopped {
            self.next.discard();
            let _ = self.cut_off_space();
        }
    }
}
