//! `LogFollower`: reading on in a log that another process writes.
//!
//! Repairs nothing and is no part of opening: it begins where that has read to. May know `open` and what is
//! below, but nothing that writes.

use crate::error::{At, LogError, ScanError};
use crate::files::{MANIFESTS_READ_MOST, ManifestMark, SegmentFile, replaced_again_and_again};
use crate::format::{
    Frame, LogIdentity, LogPosition, MANIFEST_FILE, Manifest, SegmentHeader, SegmentInfo,
};
use crate::open::ScannedLog;
use crate::read::{LogReader, Replacement};
use crate::scan::{FrameScanner, Step, check_frame_before};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use strandline_core::Epoch;
use strandline_core::fs::{Fs, OpenMode};

const NOT_LISTED: &str = "the MANIFEST does not list the segment";
const ANOTHER_FILE: &str = "another file, or none, has the name of the one that was read";

/// Reads whole commits as another process writes them. Takes no lock and changes nothing.
#[derive(Debug)]
pub struct LogFollower {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// What the manifest that was read last says of the log as a whole.
    course: Course,
    /// The segment that is read; it was active when that manifest was read.
    file: SegmentFile,
    header: SegmentHeader,
    position: LogPosition,
    reader: LogReader,
    /// The manifest that listed this segment as the active one when it was read last.
    listed_in: Option<ManifestMark>,
}

/// What tells logs apart, and the courses that one log can take: one that is restored from a backup goes
/// on from there in another way.
#[derive(Debug, Clone, Copy)]
struct Course {
    identity: LogIdentity,
    epoch: Epoch,
    manifest_number: u64,
}

impl Course {
    const fn of(manifest: &Manifest) -> Self {
        Self {
            identity: manifest.identity,
            epoch: manifest.epoch(),
            manifest_number: manifest.number,
        }
    }
}

/// Whether a log can have come from `old` to `new` by being written. The one place where manifests are
/// compared for that; what they cannot tell, frames and files do.
fn is_same_course(old: &Course, new: &Course) -> bool {
    old.identity == new.identity
        && old.epoch == new.epoch
        && old.manifest_number <= new.manifest_number
}

impl ScannedLog {
    /// A reader of the whole commits, which [`LogFollower::follow`] tells of more. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if there is no segment.
    pub fn into_follower(self) -> Result<(LogReader, LogFollower), LogError> {
        let (fs, dir) = (self.log.fs.clone(), self.log.dir.clone());
        let course = Course::of(&self.log.manifest);
        let (info, file) = self.log.active()?;
        let (header, file) = (info.header, file.clone());
        let position = self.end();
        let reader = self.into_reader();
        let follower = LogFollower {
            fs,
            dir,
            course,
            file,
            header,
            position,
            reader: reader.clone(),
            listed_in: None,
        };
        Ok((reader, follower))
    }
}

/// Opens what views that were taken may read: nobody looks any more whether it is to be opened again.
impl Drop for LogFollower {
    fn drop(&mut self) {
        self.reader.keep_for_views();
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
    /// Without news: two reads of the last segment, three small ones of the manifest, and a look at which
    /// files they are. If the manifest is another one, it is read: O(segments).
    ///
    /// # Errors
    ///
    /// [`LogError::OtherCourse`] if what is in the directory now does not go on from what was read:
    /// another log, or an earlier or restored copy of this one. So too if the log has not what was read
    /// of it and was never durable, or if the file that it was carried into was rewritten since, and what
    /// was read stands elsewhere or is gone; and if the segment was merged with later ones since the last
    /// call. Open the log again. [`LogError::Corrupt`], [`LogError::Io`],
    /// and what `visit` returns; the commits before are taken, and the call may be repeated.
    pub fn follow<E>(
        &mut self,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<LogPosition, ScanError<E>> {
        self.follow_to_end(&mut visit).map_err(|error| match error {
            ScanError::Log(LogError::LogBehind { reason, .. }) => self.gone(reason).into(),
            error => error,
        })
    }

    /// Checks that what is in the directory now goes on from what was read, and reads no more of it.
    ///
    /// # Errors
    ///
    /// [`LogError::OtherCourse`] if not; [`LogError::Corrupt`], [`LogError::Io`].
    pub fn check(&self) -> Result<(), LogError> {
        let mark = self.mark()?;
        if mark.is_some() && mark == self.listed_in && self.is_named()? {
            return Ok(());
        }
        let Some(manifest) = Manifest::read(&*self.fs, &self.dir)? else {
            return Err(self.gone("the MANIFEST is gone"));
        };
        if !is_same_course(&self.course, &Course::of(&manifest)) {
            return Err(self.gone("its MANIFEST is another one"));
        }
        let Some(own) = manifest.segment(self.file.id) else {
            // Merged into the one before it: only by going on is more to be learnt.
            let holder = manifest.holder(self.file.id).map(drop);
            return holder.ok_or_else(|| self.gone(NOT_LISTED));
        };
        let checked = if own.header.generation > self.header.generation {
            // Carried into another file, or rewritten: only by going on is more to be learnt.
            Ok(())
        } else if own.header == self.header && self.is_named()? {
            // What is wrong in the file that was read is damage.
            Ok(())
        } else {
            match own.end() {
                _ if own.header != self.header => Err(self.gone(ANOTHER_FILE)),
                None => Err(self.gone(ANOTHER_FILE)),
                // It may have got a new file with the same frames.
                Some(end) if end.offset < self.position.offset => {
                    check_frame_before(&self.file, own, &end)
                }
                Some(_) => SegmentFile::open(&*self.fs, &self.dir, &own.header, OpenMode::Read)
                    .and_then(|named| check_frame_before(&named, own, &self.position)),
            }
        };
        match checked {
            Err(_) if self.is_replaced(&manifest)? => Ok(()),
            Err(LogError::LogBehind { reason, .. }) => Err(self.gone(reason)),
            checked => checked,
        }
    }

    fn follow_to_end<E>(
        &mut self,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<LogPosition, ScanError<E>> {
        let mut missed = 0;
        while missed < MANIFESTS_READ_MOST {
            let length = self.file.len()?;
            let reason = self.read_on(length, visit)?;
            // Before the manifest, so that one that comes in between has another mark.
            let mark = self.mark()?;
            if mark.is_some()
                && mark == self.listed_in
                && self
                    .check_own_file(&SegmentInfo {
                        header: self.header,
                        end: None,
                    })
                    .is_ok()
            {
                return Ok(self.position);
            }
            let manifest = Manifest::read(&*self.fs, &self.dir)?;
            let Some(manifest) = manifest else {
                return Err(self.gone("the MANIFEST is gone").into());
            };
            let course = Course::of(&manifest);
            if !is_same_course(&self.course, &course) {
                return Err(self.gone("its MANIFEST is another one").into());
            }
            let holder = manifest.holder(self.file.id);
            let own = *holder.ok_or_else(|| self.gone(NOT_LISTED))?;
            let after = manifest.find(own.id()).map_or(usize::MAX, |at| at + 1);
            let later = manifest.segments.get(after..).unwrap_or_default().iter();
            if own.end().is_none() && own.header == self.header {
                // While a segment is active its file is never given another one's place.
                match self.check_own_file(&own) {
                    Ok(()) => {
                        self.course = course;
                        self.listed_in = mark;
                        return Ok(self.position);
                    }
                    Err(error) if !self.is_replaced(&manifest)? => return Err(error.into()),
                    Err(_) => {
                        missed += 1;
                        continue;
                    }
                }
            }
            let moved = match own.id() == self.file.id {
                true => self.move_on(&own, later, reason, visit),
                false => self.go_on_in_merged(&own, later, visit),
            };
            match moved {
                Ok(()) => {
                    self.course = course;
                    missed = 0;
                }
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
        // Of a sealed segment that got a new file with the same frames, this one has them all too.
        self.check_own_file(own)?;
        let offset = u64::from(self.position.offset);
        let reason = reason.unwrap_or("the segment does not end as the MANIFEST says");
        Err(LogError::corrupt(self.file.name(), offset, reason).into())
    }

    /// Goes on after a segment that was merged into `own`, if that ends where this one does.
    fn go_on_in_merged<'a, E>(
        &mut self,
        own: &SegmentInfo,
        mut later: impl Iterator<Item = &'a SegmentInfo>,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        // This is still the file in which it was appended to.
        self.read_on(self.file.len()?, visit)?;
        let is_end = own.end.is_some_and(|end| end.is_same_place(&self.position));
        match later.next().filter(|_| is_end) {
            Some(next) => Ok(self.go_on(next)?),
            // What follows stands behind what was read, in one file, with other positions.
            None => Err(self.gone("it was merged with what follows").into()),
        }
    }

    /// The mark of the manifest that is there now; none if there is none.
    fn mark(&self) -> Result<Option<ManifestMark>, LogError> {
        let path = self.dir.join(MANIFEST_FILE);
        match ManifestMark::read(&*self.fs, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.at("read", &path).map(Some),
        }
    }

    /// Whether the log has another manifest by now.
    fn is_replaced(&self, manifest: &Manifest) -> Result<bool, LogError> {
        let newest = Manifest::read(&*self.fs, &self.dir)?;
        Ok(newest.is_some_and(|newest| newest != *manifest))
    }

    /// Checks that the file that is read is the one that the directory has by its name, and that what was
    /// read last is still there: a file may be written over too.
    fn check_own_file(&self, info: &SegmentInfo) -> Result<(), LogError> {
        check_frame_before(&self.file, info, &self.position)?;
        match self.is_named()? {
            true => Ok(()),
            false => Err(self.gone(ANOTHER_FILE)),
        }
    }

    /// Whether the name of the file that is read names it. Where files cannot be told apart, it does.
    fn is_named(&self) -> Result<bool, LogError> {
        let path = &self.file.path;
        let named = self.file.file.identity().and_then(|open| {
            let named = self.fs.identity(path)?;
            Ok(named == open)
        });
        match named {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            named => named.at("look at", path),
        }
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
        // A sealed one may have been rewritten since. Its chain is the same then, and so may be where the
        // last frame stands: frames are padded, and some bodies get longer while others get shorter.
        if copy.end().is_some() && !self.has_what_was_read(&file)? {
            return Err(self.gone("the file that it was carried into was rewritten since"));
        }
        file.set_written_end(self.position.offset);
        self.reader.replace(vec![Replacement {
            info: as_active(copy),
            last: copy.id(),
            file: file.clone(),
        }]);
        self.moved_to(copy, file, self.position);
        Ok(())
    }

    /// Whether every record that was read stands in another file of the segment where it stood, as it
    /// was. Linear in the bytes.
    fn has_what_was_read(&self, other: &SegmentFile) -> Result<bool, LogError> {
        let (start, until) = (self.header.start(), u64::from(self.position.offset));
        let mut was = FrameScanner::new(&self.file, start, until);
        let mut is = FrameScanner::new(other, start, until);
        while was.position() != self.position {
            match (was.next()?, is.next()?) {
                (Step::Frame(was), Step::Frame(is))
                    if was.end() == is.end() && was.records().eq(is.records()) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Goes on in the segment that the last frames that were read of this one were carried into, after
    /// it was sealed before them. What was read stays where it is, as nothing in this file changes.
    ///
    /// The frames are handed to `visit` again: what they say of their segment is news. Not before all
    /// of them were found: of another log nothing is to be learnt.
    fn go_on_within<'a, E>(
        &mut self,
        sealed_end: LogPosition,
        later: impl Iterator<Item = &'a SegmentInfo>,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let mut sealed_end = sealed_end;
        let mut passed = Vec::new();
        for info in later {
            let file = SegmentFile::open(&*self.fs, &self.dir, info.header(), OpenMode::Read)?;
            let position = self.pass(info, &file, &mut |_| Ok::<_, E>(()))?;
            passed.push((info, file.clone(), sealed_end));
            if self.is_where_read(&position) {
                for (info, file, _) in &passed {
                    let position = self.pass(info, file, visit)?;
                    file.set_written_end(position.offset);
                }
                for (info, file, sealed_end) in passed {
                    self.reader.add(as_active(info), &file, sealed_end);
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

    /// Hands the frames of a segment up to what was read to `visit`, and says where they end.
    fn pass<E>(
        &self,
        info: &SegmentInfo,
        file: &SegmentFile,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<LogPosition, ScanError<E>> {
        let until = info.end().map_or(file.len()?, |end| u64::from(end.offset));
        let mut position = info.start();
        let mut scanner = FrameScanner::new(file, position, until.min(u64::from(u32::MAX)));
        while !self.is_where_read(&position)
            && let Step::Frame(frame) = scanner.next()?
            && frame.end().sequence <= self.position.sequence
        {
            visit(&frame).map_err(ScanError::Visit)?;
            position = frame.end();
        }
        Ok(position)
    }

    /// Whether what was read ends with the same commit, wherever that stands.
    fn is_where_read(&self, position: &LogPosition) -> bool {
        let read = &self.position;
        (position.sequence, position.log_hash) == (read.sequence, read.log_hash)
    }

    fn moved_to(&mut self, info: &SegmentInfo, file: SegmentFile, position: LogPosition) {
        self.listed_in = None;
        self.header = *info.header();
        self.file = file;
        self.position = position;
    }

    fn gone(&self, reason: &'static str) -> LogError {
        LogError::OtherCourse {
            file: self.file.name(),
            sequence: self.position.sequence.get(),
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
