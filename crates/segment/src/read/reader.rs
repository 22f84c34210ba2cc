//! `LogReader`: gives views of a log that grows, and is told of what changes. Reads nothing itself.

use super::list::SegmentList;
use super::segment::ReadSegment;
use super::view::LogView;
use crate::error::LogError;
use crate::files::{OpenFiles, SegmentFile};
use crate::format::{LogPosition, SegmentId, SegmentInfo};
use std::sync::Arc;
use strandline_core::sync::{Mutex, RwLock};

/// A segment that takes the place of those that it was made of.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) info: SegmentInfo,
    /// The last of them; the first has the number of the new one.
    pub(crate) last: SegmentId,
    pub(crate) file: SegmentFile,
}

/// Gives views of a log that is written; cheap to clone.
#[derive(Debug, Clone)]
pub struct LogReader {
    /// Replaced as a whole.
    newest: Arc<RwLock<LogView>>,
    /// Held while a new view is made of the newest: by the writer, and by whoever gives a sealed
    /// segment a new file.
    changes: Arc<Mutex<()>>,
    pub(crate) open_files: Arc<OpenFiles>,
}

impl LogReader {
    pub(crate) fn new(
        infos: Vec<SegmentInfo>,
        files: Vec<SegmentFile>,
        open_files: Arc<OpenFiles>,
        mapped_bytes: Option<u64>,
    ) -> Self {
        let segments = infos.into_iter().zip(files).map(|(info, file)| {
            Arc::new(match info.end() {
                Some(end) => {
                    file.set_written_end(end.offset);
                    ReadSegment::new(info, file)
                }
                None => ReadSegment::active(info, &file, &open_files),
            })
        });
        let view = LogView {
            segments: Arc::new(SegmentList::new(segments)),
            mapped_bytes,
        };
        Self {
            newest: Arc::new(RwLock::new(view)),
            changes: Arc::new(Mutex::new(())),
            open_files,
        }
    }

    /// The segments that there are now.
    #[must_use]
    pub fn view(&self) -> LogView {
        self.newest.read().clone()
    }

    /// The sealed segments that were not opened with the log, and that nobody has used or
    /// [checked](Self::check) since, oldest first. O(segments of these).
    #[must_use]
    pub fn unchecked(&self) -> Vec<SegmentId> {
        self.open_files.unchecked()
    }

    /// How many these are.
    #[must_use]
    pub fn unchecked_count(&self) -> usize {
        self.open_files.unchecked_count()
    }

    /// Checks the file of a sealed segment as its first use does: header, length and last frame. Nothing is
    /// wrong with one that was rewritten since the log was opened. One open of a file, and two reads.
    ///
    /// With `keeps` it stays open or mapped for readers, and can be read whatever another process makes of
    /// its name.
    ///
    /// # Errors
    ///
    /// As said at [`UncheckedLog::open`](crate::UncheckedLog::open).
    pub fn check(&self, segment: SegmentId, keeps: bool) -> Result<(), LogError> {
        let view = self.view();
        let own = view.info(segment).zip(view.file(segment));
        let checked = match own.and_then(|(info, file)| Some((info, file, info.end()?))) {
            Some((_, file, _)) if keeps => file.len().map(drop),
            Some((info, _, end)) => self.open_files.check(info.header(), &end),
            None => Ok(()),
        };
        let checked = match checked {
            Err(_) if self.view().info(segment) != own.map(|(info, _)| info) => Ok(()),
            checked => checked,
        };
        if !matches!(checked, Err(LogError::Io { .. })) {
            self.open_files.checked(segment);
        }
        checked
    }

    /// Opens the segments that nobody has used yet, and keeps them open or mapped: then all that there are
    /// now can be read whatever another process makes of their names. Whatever else is wrong with a file is
    /// told to whoever reads it. O(segments).
    ///
    /// # Errors
    ///
    /// [`LogError::OtherCourse`] if another process has replaced one of them before: the log is to be opened
    /// again.
    pub fn keep_all(&self) -> Result<(), LogError> {
        for segment in self.view().segments.iter() {
            if let Err(error @ LogError::OtherCourse { .. }) = segment.file.len() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Opens what views that somebody has may read and nobody has used yet, before others may take its name
    /// away. O(segments); opens nothing if nobody has a view.
    pub(crate) fn keep_for_views(&self) {
        let segments = self.newest.read().segments.clone();
        // This one, and that of the reader.
        let is_viewed = Arc::strong_count(&segments) > 2;
        let (all, some) = match is_viewed {
            true => (Some(segments.iter()), None),
            false => (None, Some(segments.shared())),
        };
        for segment in all.into_iter().flatten().chain(some.into_iter().flatten()) {
            // Of a file that is open or mapped nothing is read, and one that was closed stays so. What
            // cannot be opened is told to whoever reads it.
            let _ = segment.file.file.read_at(&mut [], 0);
        }
    }

    /// Adds a segment after the one that was sealed at `sealed_end`.
    pub(crate) fn add(&self, info: SegmentInfo, file: &SegmentFile, sealed_end: LogPosition) {
        self.change(|segments| {
            segments.renew(sealed_end.segment, |sealed| {
                Some(sealed.sealed(sealed_end, &self.open_files))
            });
            let active = ReadSegment::active(info, file, &self.open_files);
            segments.push(Arc::new(active));
        });
    }

    /// Puts rewritten segments in the place of those that they were made of.
    pub(crate) fn replace(&self, rewritten: Vec<Replacement>) {
        self.change(|segments| {
            for Replacement { info, last, file } in rewritten {
                let segment = match info.end() {
                    Some(_) => ReadSegment::new(info, file),
                    None => ReadSegment::active(info, &file, &self.open_files),
                };
                segments.replace(info.id()..=last, Arc::new(segment));
            }
        });
    }

    /// Shows the new file of a segment, which has the same frames, if the segment is there still and
    /// was not rewritten.
    pub(crate) fn renew(&self, info: &SegmentInfo, file: &SegmentFile) {
        self.change(|segments| {
            segments.renew(info.id(), |segment| {
                (segment.info == *info).then(|| ReadSegment::new(*info, file.clone()))
            });
        });
    }

    /// Replaces the view by one with other segments. Copies a pointer for each chunk of the list.
    fn change(&self, change: impl FnOnce(&mut SegmentList)) {
        let _changes = self.changes.lock();
        let mut segments = SegmentList::clone(&self.newest.read().segments);
        change(&mut segments);
        let segments = Arc::new(segments);
        let before = std::mem::replace(&mut self.newest.write().segments, segments);
        // Files that nobody has any more are closed without the lock.
        drop(before);
    }
}
