//! `LogFollower`: reading on in a log that another process writes.

use crate::file::SegmentFile;
use crate::log::{MANIFESTS_READ_MOST, check_frame_before, replaced_again_and_again};
use crate::manifest::{Manifest, SegmentInfo};
use crate::recover::ScannedLog;
use crate::scan::{FrameScanner, Step};
use crate::{Frame, LogError, LogPosition, LogReader, MANIFEST_FILE, ScanError, SegmentHeader};
use std::path::PathBuf;
use std::sync::Arc;
use strandline_core::fs::{Fs, OpenMode};

/// Reads whole commits as another process writes them. Takes no lock and changes nothing.
#[derive(Debug)]
pub struct LogFollower {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// Number of the manifest that was read last.
    manifest_number: u64,
    /// The segment that is read; it was active when that manifest was read.
    file: SegmentFile,
    header: SegmentHeader,
    position: LogPosition,
    reader: LogReader,
}

impl ScannedLog {
    /// A reader of the whole commits, which [`LogFollower::follow`] tells of more. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there is no segment.
    pub fn into_follower(self) -> Result<(LogReader, LogFollower), LogError> {
        let (fs, dir) = (self.log.fs.clone(), self.log.dir.clone());
        let manifest_number = self.log.manifest.number;
        let Some(file) = self.log.files.last().cloned() else {
            return Err(LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment"));
        };
        let Some(header) = self.log.manifest.segments.last().map(|info| info.header) else {
            return Err(LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment"));
        };
        let position = self.end();
        let reader = self.into_reader();
        let follower = LogFollower {
            fs,
            dir,
            manifest_number,
            file,
            header,
            position,
            reader: reader.clone(),
        };
        Ok((reader, follower))
    }
}

impl LogFollower {
    /// Where the log ends, as far as it was read.
    #[must_use]
    pub const fn position(&self) -> LogPosition {
        self.position
    }

    /// Hands the commits that came since the last call to `visit`, oldest first. What is not a
    /// whole commit yet is left for the next call.
    ///
    /// Where the process that wrote was killed, and the next one carried the end of the log into
    /// another file, the reading goes on in that after the last commit that was read. If it is another
    /// segment, its commits up to there are handed to `visit` again, in their new place: bodies may
    /// be others.
    ///
    /// Without news: one read of the last segment and one of the manifest.
    ///
    /// # Errors
    ///
    /// [`LogError::LogBehind`] if the segment is gone from the log, by a compaction say, or the log has
    /// not what was read of it and was never durable: open the log again. [`LogError::Corrupt`],
    /// [`LogError::Io`], and what `visit` returns; the commits before are taken, and the call may be
    /// repeated.
    pub fn follow<E>(
        &mut self,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<LogPosition, ScanError<E>> {
        let mut missed = 0;
        while missed < MANIFESTS_READ_MOST {
            let length = self.file.len()?;
            let reason = self.read_on(length, &mut visit)?;
            let manifest = Manifest::read(&*self.fs, &self.dir)?;
            let Some(manifest) = manifest else {
                return Err(self.gone("the MANIFEST is gone").into());
            };
            if manifest.number == self.manifest_number {
                return Ok(self.position);
            }
            let mut segments = manifest.segments.iter();
            let Some(own) = segments.find(|info| info.id() == self.file.id) else {
                return Err(self.gone("the MANIFEST does not list the segment").into());
            };
            if own.end().is_none() && own.header == self.header {
                self.manifest_number = manifest.number;
                return Ok(self.position);
            }
            let moved = self.move_on(own, segments, reason, &mut visit);
            match moved {
                Ok(()) => missed = 0,
                Err(error @ ScanError::Visit(_)) => return Err(error),
                // It may have been rewritten, and its old file removed, since that manifest.
                Err(error) if !self.is_replaced(&manifest)? => return Err(error),
                Err(_) => missed += 1,
            }
        }
        Err(replaced_again_and_again().into())
    }

    /// Goes on where a manifest says that the log does, which lists the segment as `own` and others
    /// after it. `reason` is what was wrong where the reading stopped.
    fn move_on<'a, E>(
        &mut self,
        own: &SegmentInfo,
        mut later: impl Iterator<Item = &'a SegmentInfo>,
        reason: Option<&'static str>,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let is_same_file = own.header == self.header;
        let Some(end) = own.end() else {
            return Ok(self.go_on_in_copy(own)?);
        };
        if self.position.sequence > end.sequence
            || is_same_file && self.position.offset > end.offset
        {
            return self.go_on_within(end, later, visit);
        }
        // Whole positions: what is missing may be a note, which takes no sequence.
        let same = |at: &LogPosition| (at.sequence, at.log_hash) == (end.sequence, end.log_hash);
        if !same(&self.position) {
            // Sealed since the length was asked for; now everything up to the end is there. If it was
            // rewritten too, this is still the file in which it was appended to.
            let until = match is_same_file {
                true => u64::from(end.offset),
                false => self.file.len()?,
            };
            self.read_on(until, visit)?;
        }
        if same(&self.position) {
            let next = later.next();
            let next = next.ok_or_else(|| self.gone("no segment follows"))?;
            return Ok(self.go_on(next)?);
        }
        if !is_same_file {
            // Copied into another file, which was gone on with and sealed.
            return Ok(self.go_on_in_copy(own)?);
        }
        let offset = u64::from(self.position.offset);
        let reason = reason.unwrap_or("the segment does not end as the MANIFEST says");
        Err(LogError::corrupt(self.file.name(), offset, reason).into())
    }

    /// Whether the log has another manifest by now.
    fn is_replaced(&self, manifest: &Manifest) -> Result<bool, LogError> {
        let newest = Manifest::read(&*self.fs, &self.dir)?;
        Ok(newest.is_some_and(|newest| newest.number != manifest.number))
    }

    /// Reads the frames up to `until`, and says what is wrong where they end before it.
    fn read_on<E>(
        &mut self,
        until: u64,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<Option<&'static str>, ScanError<E>> {
        let until = until.min(u64::from(u32::MAX));
        let mut scanner = FrameScanner::new(&self.file, self.position, until);
        loop {
            let end = match scanner.next()? {
                Step::Frame(frame) => {
                    visit(&frame).map_err(ScanError::Visit)?;
                    frame.end()
                }
                Step::End => return Ok(None),
                Step::Bad(reason) => return Ok(Some(reason)),
            };
            self.position = end;
            self.file.set_written_end(end.offset);
        }
    }

    /// Goes on to the segment after this one, which was read to its end.
    fn go_on(&mut self, next: &SegmentInfo) -> Result<(), LogError> {
        let file = SegmentFile::open(&*self.fs, &self.dir, next.header(), OpenMode::Read)?;
        self.reader.add(as_active(next), &file, self.position);
        self.moved_to(next, file, next.start());
        Ok(())
    }

    /// Goes on in a file that this segment was copied into, with its frames at the same offsets.
    fn go_on_in_copy(&mut self, copy: &SegmentInfo) -> Result<(), LogError> {
        let file = SegmentFile::open(&*self.fs, &self.dir, copy.header(), OpenMode::Read)?;
        check_frame_before(&file, copy, &self.position)?;
        file.set_written_end(self.position.offset);
        self.reader.replace(vec![(as_active(copy), file.clone())]);
        self.moved_to(copy, file, self.position);
        Ok(())
    }

    /// Goes on in the segment that the last frames that were read of this one were carried into, after
    /// it was sealed before them. What was read stays where it is, as nothing in this file changes.
    ///
    /// The frames are handed to `visit` again: what they say of their segment is news.
    fn go_on_within<'a, E>(
        &mut self,
        sealed_end: LogPosition,
        later: impl Iterator<Item = &'a SegmentInfo>,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let read = (self.position.sequence, self.position.log_hash);
        let mut sealed_end = sealed_end;
        let mut passed = Vec::new();
        for info in later {
            let file = SegmentFile::open(&*self.fs, &self.dir, info.header(), OpenMode::Read)?;
            let until = info.end().map_or(file.len()?, |end| u64::from(end.offset));
            let mut position = info.start();
            let mut scanner = FrameScanner::new(&file, position, until.min(u64::from(u32::MAX)));
            while read != (position.sequence, position.log_hash)
                && let Step::Frame(frame) = scanner.next()?
                && frame.end().sequence <= read.0
            {
                visit(&frame).map_err(ScanError::Visit)?;
                position = frame.end();
            }
            drop(scanner);
            file.set_written_end(position.offset);
            passed.push((as_active(info), file.clone(), sealed_end));
            if read == (position.sequence, position.log_hash) {
                for (info, file, sealed_end) in passed {
                    self.reader.add(info, &file, sealed_end);
                }
                self.moved_to(info, file, position);
                return Ok(());
            }
            match info.end() {
                Some(end) if position == end => sealed_end = end,
                _ => break,
            }
        }
        let reason = "what was read of it and was never durable is not in the log";
        Err(self.gone(reason).into())
    }

    fn moved_to(&mut self, info: &SegmentInfo, file: SegmentFile, position: LogPosition) {
        self.header = *info.header();
        self.file = file;
        self.position = position;
    }

    fn gone(&self, reason: &'static str) -> LogError {
        LogError::LogBehind {
            file: self.file.name(),
            expected_sequence: self.position.sequence.get(),
            found_sequence: 0,
            reason,
        }
    }
}

/// A segment of which it is not known where it ends.
const fn as_active(info: &SegmentInfo) -> SegmentInfo {
    SegmentInfo {
        header: info.header,
        end: None,
    }
}
