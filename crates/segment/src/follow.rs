//! `LogFollower`: reading on in a log that another process writes.

use crate::file::SegmentFile;
use crate::log::{MANIFESTS_READ_MOST, replaced_again_and_again};
use crate::manifest::{Manifest, SegmentInfo};
use crate::recover::ScannedLog;
use crate::scan::{FrameScanner, Step};
use crate::{Frame, LogError, LogPosition, LogReader, MANIFEST_FILE, ScanError};
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
        let position = self.end();
        let reader = self.into_reader();
        let follower = LogFollower {
            fs,
            dir,
            manifest_number,
            file,
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
    /// Without news: one read of the last segment and one of the manifest.
    ///
    /// # Errors
    ///
    /// [`LogError::LogBehind`] if the segment is gone from the log, by a compaction say: open the
    /// log again. [`LogError::Corrupt`], [`LogError::Io`], and what `visit` returns; the commits
    /// before are taken, and the call may be repeated.
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
            let Some(end) = own.end() else {
                self.manifest_number = manifest.number;
                return Ok(self.position);
            };
            // Whole positions: what is missing may be a note, which takes no sequence.
            let same =
                |at: &LogPosition| (at.sequence, at.log_hash) == (end.sequence, end.log_hash);
            if !same(&self.position) {
                // Sealed since the length was asked for; now everything up to the end is there. If
                // it was rewritten too, this is still the file in which it was appended to.
                self.read_on(self.file.len()?, &mut visit)?;
            }
            if !same(&self.position) {
                let offset = u64::from(self.position.offset);
                let reason = reason.unwrap_or("the segment does not end as the MANIFEST says");
                return Err(LogError::corrupt(self.file.name(), offset, reason).into());
            }
            match segments.next() {
                Some(next) => match self.go_on(next) {
                    Ok(()) => missed = 0,
                    // It may have been rewritten, and its old file removed, since that manifest.
                    Err(error) if !self.is_replaced(&manifest)? => return Err(error.into()),
                    Err(_) => missed += 1,
                },
                None => return Err(self.gone("no segment follows").into()),
            }
        }
        Err(replaced_again_and_again().into())
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
        let active = SegmentInfo {
            header: *next.header(),
            end: None,
        };
        self.reader.add(active, &file, self.position);
        self.position = next.start();
        self.file = file;
        Ok(())
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
