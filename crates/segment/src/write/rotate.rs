//! Rotating: the active segment is sealed, and the next one begins. And the segments that were sealed, for
//! their footers.

use super::next::NextSegment;
use super::sealed_segment::SealedSegment;
use super::space::Space;
use super::sync_handle::SyncHandle;
use super::writer::LogWriter;
use crate::error::{AppendError, At, LogError};
use crate::files::{SegmentFile, lock_segment};
use crate::format::{
    LogPosition, MANIFEST_FILE, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentId, SegmentInfo,
};
use std::io;
use std::sync::Arc;
use strandline_core::Random;

impl LogWriter {
    /// The handle that makes the file of the next segment ahead of the rotation, which is shorter
    /// then.
    #[must_use]
    pub fn next_segment(&self) -> NextSegment {
        self.next.clone()
    }

    /// Seals the active segment, as [`rotate_synced_by`](Self::rotate_synced_by) does, and syncs it
    /// itself. For logs that nobody else syncs meanwhile.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn rotate(&mut self, random: &Random) -> Result<SealedSegment, AppendError> {
        self.rotate_synced_by(random, |active| active.file.sync())
    }

    /// Seals the active segment and begins the next.
    ///
    /// `sync` makes everything written to the active one durable. Then the next one gets its
    /// header, and the manifest is replaced, each durable before the next step. When this returns,
    /// the whole log is durable. Space that was set aside stays until the footer is written.
    ///
    /// # Errors
    ///
    /// [`AppendError::NotWritten`] if the next segment or the new manifest cannot be written; the
    /// active segment stays, and the call may be repeated. [`AppendError::Unknown`] if the active
    /// segment cannot be synced or the manifest not replaced; every later call is refused then.
    pub fn rotate_synced_by(
        &mut self,
        random: &Random,
        sync: impl FnOnce(&SyncHandle) -> io::Result<()>,
    ) -> Result<SealedSegment, AppendError> {
        if self.stopped {
            return Err(AppendError::NotWritten(LogError::Stopped));
        }
        let (id, file) = self.next.file().map_err(AppendError::NotWritten)?;
        let synced = sync(&self.active()).at("sync", &self.active.path);
        synced.map_err(|error| self.stop(error))?;
        let header = SegmentHeader {
            has_runs: self.has_runs,
            ..SegmentHeader::after(self.manifest.identity, id, &self.position, random)
        };
        let next = SegmentFile::new(&header, self.dir.join(id.file_name()), file);
        let lock = lock_segment(&*self.fs, &next.path).map_err(AppendError::NotWritten)?;
        // Whatever a failure leaves is not listed, and is written over.
        let written = next.file.write_all_at(&header.bytes(), 0);
        let written = written.at("write", &next.path);
        let synced = written.and_then(|()| next.file.sync().at("sync", &next.path));
        synced.map_err(|error| {
            self.next.spoiled();
            AppendError::NotWritten(error)
        })?;
        self.publish(SegmentInfo { header, end: None })?;
        next.set_written_end(SEGMENT_HEADER_BYTES);
        self.next.took(id);
        self.lock = Some(lock);
        let start = u64::from(header.start().offset);
        let limit = self.options.segment_bytes_max;
        self.space = Arc::new(Space::new(start, self.next.space_bytes(), limit));
        let sealed_file = std::mem::replace(&mut self.active, next.clone());
        let sealed_end = std::mem::replace(&mut self.position, header.start());
        self.reader
            .add(SegmentInfo { header, end: None }, &next, sealed_end);
        let sealed = self.manifest.segments.iter().rev().nth(1).copied();
        let read = self.reader.view().file(sealed_end.segment).cloned();
        Ok(self.sealed_of(
            sealed.unwrap_or(SegmentInfo { header, end: None }),
            sealed_end,
            read.unwrap_or(sealed_file),
        ))
    }

    /// Replaces the manifest by one in which the active segment ends here and `next` follows. What is listed
    /// is written anew, and copied nowhere before.
    fn publish(&mut self, next: SegmentInfo) -> Result<(), AppendError> {
        let path = self.dir.join(MANIFEST_FILE);
        let went_on = self.manifest.go_on(self.position, next);
        let published = match self.manifest.stage(&*self.fs, &path) {
            Ok(staged) => {
                let published = staged.publish(&*self.fs).at("replace", &path);
                published.map_err(|error| self.stop(error))
            }
            Err(error) => Err(AppendError::NotWritten(error)),
        };
        match published {
            Ok(()) => self.manifest_is_behind = false,
            Err(_) => self.manifest.take_back(went_on),
        }
        published
    }

    /// A sealed segment of this log, so that its footer can be written.
    ///
    /// # Errors
    ///
    /// [`LogError::SegmentMissing`] if it is not a sealed one.
    pub fn sealed_segment(&self, segment: SegmentId) -> Result<SealedSegment, LogError> {
        let info = self.sealed_info(segment)?;
        let end = info.end().unwrap_or_else(|| info.start());
        let view = self.reader.view();
        let read = view.file(segment).ok_or_else(|| LogError::SegmentMissing {
            file: info.file_name(),
        })?;
        Ok(self.sealed_of(info, end, read.clone()))
    }

    /// What the manifest has of a sealed segment.
    pub(super) fn sealed_info(&self, segment: SegmentId) -> Result<SegmentInfo, LogError> {
        let info = self.manifest.segment(segment);
        let sealed = info.filter(|info| info.is_sealed()).copied();
        sealed.ok_or_else(|| LogError::SegmentMissing {
            file: segment.file_name(),
        })
    }

    fn sealed_of(&self, info: SegmentInfo, end: LogPosition, read: SegmentFile) -> SealedSegment {
        SealedSegment::new(
            self.fs.clone(),
            &self.dir,
            info,
            end,
            read,
            self.reader.clone(),
        )
    }
}
