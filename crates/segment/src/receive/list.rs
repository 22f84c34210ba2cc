//! A manifest of the log taken over: sealed, rewritten, merged and carried files in the place of those that
//! the copy has, for the same commits.

use super::LogReceiver;
use super::files::{copy_bytes, make_segment, open_to_append, remove_unlisted};
use crate::error::{At, LogError};
use crate::files::{LastFrame, SegmentFile, check_length, last_frame, lock_segment, read_footer};
use crate::format::{LogPosition, MANIFEST_FILE, Manifest, SegmentHeader, SegmentInfo};
use crate::scan::{FrameScanner, Step, check_frame_before, frames_end};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::fs::Fs;

impl LogReceiver {
    /// The segments of a manifest of the log whose files have to be there before it is
    /// [listed](Self::list): those that the copy has not, and the active one if the copy cannot go on with
    /// its own. A sealed one that it has without its footer is not among them. O(segments).
    #[must_use]
    pub fn lacking(&self, manifest: &Manifest) -> Vec<SegmentInfo> {
        let is_new = |info: &&SegmentInfo| {
            let own = self.manifest.segment(info.id());
            let is_longer = || {
                info.end
                    .is_some_and(|end| self.is_behind(&info.header, &end))
            };
            own.is_none_or(|own| own.header != info.header) || is_longer()
        };
        let is_begun_here = |info: &SegmentInfo| {
            info.end.is_none()
                && info.start().is_same_place(&self.end)
                && info.id() > self.header.id
        };
        let new = manifest.segments.iter().filter(is_new);
        new.filter(|info| !is_begun_here(info)).copied().collect()
    }

    /// Whether the copy has its active segment open with this header and ends before `end` in it.
    pub(super) fn is_behind(&self, header: &SegmentHeader, end: &LogPosition) -> bool {
        self.header == *header && self.end.offset < end.offset
    }

    /// Takes over a manifest of the log: it may have other files for what the copy has, sealed elsewhere,
    /// rewritten, merged or carried after a crash, and is of a moment that the copy may be past. Gives where
    /// the copy ends, which is where it ended, or further if the file of the active segment has more.
    ///
    /// Files that the copy has not are in the directory already: under their names, or
    /// [staged](Self::staged_path). One that is staged is checked frame by frame, and takes the place of a
    /// file of the same segment, which gets a footer so, or has more of the active one; of one with its name, header, length and last frame
    /// are, as those of a file that is fetched when it is read. The file of the active segment is always
    /// checked frame by frame.
    ///
    /// All of it is durable before the manifest takes the place of the earlier one, in one step; then
    /// what is not listed any more is removed. O(segments), and linear in the bytes of what is staged.
    ///
    /// # Errors
    ///
    /// [`LogError::OtherCourse`] if the log does not have what the copy has, or lists another file by a name
    /// that the copy lists; [`LogError::SegmentMissing`], [`LogError::Corrupt`] and
    /// [`LogError::VersionUnsupported`] if a file is not there or not what is listed. Nothing was changed
    /// then but that files that were staged may have got their names. [`LogError::Io`],
    /// [`LogError::Stopped`].
    pub fn list(&mut self, manifest: &Manifest) -> Result<LogPosition, LogError> {
        self.check_running()?;
        if manifest.identity != self.manifest.identity {
            return Err(self.other("the MANIFEST is of another log"));
        }
        let listing = Listing::prepare(&*self.fs, &self.dir, Some(self), manifest)?;
        self.stopping(|this| {
            if let Some((staged, end)) = &listing.to_append {
                this.append_from(staged, end)?;
            }
            // What is sealed, or proven by the manifest, is durable.
            this.sync_file()?;
            let earlier = Manifest {
                unrecorded_before: manifest.unrecorded_before,
                ..this.manifest.clone()
            };
            match listing.active {
                Active::Kept => {
                    let manifest = listing.manifest(&earlier, this.end);
                    listing.put_in_place(&*this.fs, &this.dir, &manifest)?;
                    this.manifest = manifest;
                    this.synced = this.end;
                    listing.put_footers_in_place(&*this.fs, &this.dir)?;
                    remove_unlisted(&*this.fs, &this.dir, &this.manifest)
                }
                Active::Found(_) | Active::New => {
                    *this = listing.publish(this.fs.clone(), &this.dir, &earlier)?;
                    Ok(())
                }
            }
        })?;
        Ok(self.end)
    }

    /// Appends what a staged file has more of the active segment: whoever reads that has its file open.
    fn append_from(&mut self, staged: &Path, end: &LogPosition) -> Result<(), LogError> {
        let file = SegmentFile::open_at(&*self.fs, staged, &self.header)?;
        copy_bytes(&file, &self.file, self.end.offset.into()..end.offset.into())?;
        self.file.set_written_end(end.offset);
        self.end = *end;
        Ok(())
    }
}

/// The active segment of a listing.
enum Active {
    /// The one that the copy has, with its file and its end.
    Kept,
    /// One whose file was found, and where its frames end.
    Found(LogPosition),
    /// One whose file is to be made.
    New,
}

/// What a manifest of the log makes of a copy, checked and not done yet.
pub(super) struct Listing {
    segments: Vec<SegmentInfo>,
    active: Active,
    /// Staged files that were checked, and the names that they get.
    staged: Vec<(PathBuf, PathBuf)>,
    /// Those of segments that the copy has: they have footers. A reader takes another file by the name of the
    /// active segment for another log, so they get their names after the manifest says that it is sealed.
    with_footers: Vec<(PathBuf, PathBuf)>,
    /// A staged file that has more of the active segment of the copy, and up to where.
    to_append: Option<(PathBuf, LogPosition)>,
}

impl Listing {
    /// Finds the files of a manifest, and checks them, and that they have what the copy has.
    pub(super) fn prepare(
        fs: &dyn Fs,
        dir: &Path,
        copy: Option<&LogReceiver>,
        manifest: &Manifest,
    ) -> Result<Self, LogError> {
        let no_segment = || LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment");
        let (last, sealed) = manifest.segments.split_last().ok_or_else(no_segment)?;
        let mut listing = Self {
            segments: sealed.to_vec(),
            active: Active::Kept,
            staged: Vec::new(),
            with_footers: Vec::new(),
            to_append: None,
        };
        for info in sealed {
            listing.sealed(fs, dir, copy, info)?;
        }
        let own = copy.map_or(&[][..], |copy| &copy.manifest.segments);
        if let Some(at) = own.iter().position(|own| own.header == last.header) {
            // The copy has been going on from there.
            listing.segments.extend(own.iter().skip(at));
            if let Some(copy) = copy.filter(|copy| copy.header == last.header) {
                listing.more_of_active(fs, dir, copy, last)?;
            }
            return Ok(listing);
        }
        if let Some(copy) = copy {
            refuse_taken_name(copy, &last.header)?;
        }
        listing.segments.push(SegmentInfo {
            header: last.header,
            end: None,
        });
        let end = copy.map_or_else(|| last.start(), LogReceiver::end);
        listing.active = match listing.find(fs, dir, &last.header)? {
            Some((file, _)) => {
                let bytes = file.readable_bytes()?;
                let found = frames_end(&file, last.start(), bytes);
                if u64::from(found.offset) != bytes {
                    let reason = "there is no frame that follows";
                    return Err(LogError::corrupt(file.name(), found.offset.into(), reason));
                }
                file.file.sync().at("sync", &file.path)?;
                Active::Found(found)
            }
            None if last.start().is_same_place(&end) => Active::New,
            None => {
                return Err(LogError::SegmentMissing {
                    file: last.file_name(),
                });
            }
        };
        if let Some(copy) = copy
            && !listing.has(fs, dir, &copy.end)?
        {
            return Err(copy.other("the log that is listed does not have what was received"));
        }
        Ok(listing)
    }

    /// Looks for a staged file of the active segment of the copy that has more of it.
    fn more_of_active(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        copy: &LogReceiver,
        info: &SegmentInfo,
    ) -> Result<(), LogError> {
        let staged = LogReceiver::staged_path(dir, &info.header);
        let file = match SegmentFile::open_at(fs, &staged, &info.header) {
            Err(LogError::SegmentMissing { .. }) => return Ok(()),
            opened => opened?,
        };
        let bytes = file.readable_bytes()?;
        let found = frames_end(&file, info.start(), bytes);
        if u64::from(found.offset) != bytes {
            let reason = "there is no frame that follows";
            return Err(LogError::corrupt(file.name(), found.offset.into(), reason));
        }
        if copy.is_behind(&info.header, &found) {
            let own = check_frame_before(&file, info, &copy.end);
            own.map_err(|_| copy.other("the log that is listed does not have what was received"))?;
            self.to_append = Some((staged, found));
        }
        Ok(())
    }

    /// Checks the file of a sealed segment.
    fn sealed(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        copy: Option<&LogReceiver>,
        info: &SegmentInfo,
    ) -> Result<(), LogError> {
        let end = info.end.unwrap_or_else(|| info.start());
        let own = copy.and_then(|copy| copy.manifest.segment(info.id()));
        let is_own = own.is_some_and(|own| own.header == info.header);
        if let Some(copy) = copy.filter(|_| !is_own) {
            refuse_taken_name(copy, &info.header)?;
        }
        let Some((file, is_staged)) = self.find(fs, dir, &info.header)? else {
            return Err(LogError::SegmentMissing {
                file: info.file_name(),
            });
        };
        check_length(&file, &end)?;
        if is_staged {
            let found = frames_end(&file, info.start(), end.offset.into());
            if found != end {
                let reason = "the segment does not end as the MANIFEST says";
                return Err(LogError::corrupt(file.name(), found.offset.into(), reason));
            }
            // What else stands after the frames is nothing, as where a segment was sealed before its end.
            if read_footer(&file, end, false)?.is_some_and(|footer| !footer.is_intact()) {
                let reason = "the footer's checksum is wrong";
                return Err(LogError::corrupt(file.name(), end.offset.into(), reason));
            }
            file.file.sync().at("sync", &file.path)?;
            if is_own && let Some(staged) = self.staged.pop() {
                if copy.is_some_and(|copy| copy.is_behind(&info.header, &end)) {
                    self.to_append = Some((staged.0.clone(), end));
                }
                self.with_footers.push(staged);
            }
            return Ok(());
        }
        match own
            .filter(|_| is_own)
            .is_some_and(|own| own.end == info.end)
        {
            true => Ok(()),
            false => match last_frame(&file, &end)? {
                LastFrame::Own => Ok(()),
                LastFrame::Other(error) => Err(error),
                LastFrame::Damaged => {
                    let reason = "its last frame is not there";
                    Err(LogError::corrupt(
                        file.name(),
                        end.last_frame.into(),
                        reason,
                    ))
                }
            },
        }
    }

    /// The file of a segment, and whether it is a staged one, which is noted then.
    fn find(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        header: &SegmentHeader,
    ) -> Result<Option<(SegmentFile, bool)>, LogError> {
        let name = dir.join(header.file_name());
        let staged = LogReceiver::staged_path(dir, header);
        for (path, is_staged) in [(&staged, true), (&name, false)] {
            let file = match SegmentFile::open_at(fs, path, header) {
                Err(LogError::SegmentMissing { .. }) => continue,
                opened => opened?,
            };
            if is_staged {
                self.staged.push((staged.clone(), name.clone()));
            }
            return Ok(Some((file, is_staged)));
        }
        Ok(None)
    }

    /// Whether what is listed has a commit that ends where the copy does.
    fn has(&self, fs: &dyn Fs, dir: &Path, end: &LogPosition) -> Result<bool, LogError> {
        let found_end = match &self.active {
            Active::Found(found) => Some(*found),
            Active::Kept | Active::New => None,
        };
        for info in &self.segments {
            let until = info.end.or(found_end).unwrap_or_else(|| info.start());
            if info.start().is_same_place(end) || until.is_same_place(end) {
                return Ok(true);
            }
            if info.start().sequence > end.sequence || until.sequence < end.sequence {
                continue;
            }
            let staged = LogReceiver::staged_path(dir, &info.header);
            let mut all = self.staged.iter().chain(&self.with_footers);
            let is_staged = all.any(|(from, _)| *from == staged);
            let path = match is_staged {
                true => staged,
                false => dir.join(info.file_name()),
            };
            let file = SegmentFile::open_at(fs, &path, &info.header)?;
            let mut scanner = FrameScanner::new(&file, info.start(), until.offset.into());
            while let Step::Frame(frame) = scanner.next()? {
                // In a run nothing speaks against it: what was there had been durable, and was removed.
                let is_within =
                    |run: Range<Sequence>| run.start < end.sequence && end.sequence < run.end;
                if frame.end().is_same_place(end) || frame.run().is_some_and(is_within) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Gives staged files their names, and puts the manifest that lists them in the place of the earlier
    /// one, durably. It stands beside that one first, so that whoever finds the files knows whose they are.
    fn put_in_place(&self, fs: &dyn Fs, dir: &Path, manifest: &Manifest) -> Result<(), LogError> {
        let path = dir.join(MANIFEST_FILE);
        let new = manifest.stage(fs, &path)?;
        fs.sync_dir(dir).at("sync", dir)?;
        rename_all(fs, &self.staged)?;
        // Files that have their names already may be as new.
        fs.sync_dir(dir).at("sync", dir)?;
        new.publish(fs).at("replace", &path)
    }

    /// Gives files with footers the names of those without, durably.
    fn put_footers_in_place(&self, fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
        match self.with_footers.is_empty() {
            true => Ok(()),
            false => {
                rename_all(fs, &self.with_footers)?;
                fs.sync_dir(dir).at("sync", dir)
            }
        }
    }

    /// The manifest after `earlier`, in which this is listed and durable up to `end`.
    fn manifest(&self, earlier: &Manifest, end: LogPosition) -> Manifest {
        Manifest {
            segments: self.segments.clone(),
            synced: (end.last_frame > 0).then_some(end),
            ..earlier.next()
        }
    }

    /// Does all of it, where the copy does not go on in its own file.
    pub(super) fn publish(
        mut self,
        fs: Arc<dyn Fs>,
        dir: &Path,
        earlier: &Manifest,
    ) -> Result<LogReceiver, LogError> {
        let no_segment = || LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment");
        let header = self.segments.last().ok_or_else(no_segment)?.header;
        let end = match &self.active {
            Active::New => {
                let staged = LogReceiver::staged_path(dir, &header);
                drop(make_segment(&*fs, &staged, &header)?);
                self.staged.push((staged, dir.join(header.file_name())));
                header.start()
            }
            Active::Found(end) => *end,
            Active::Kept => return Err(no_segment()),
        };
        let manifest = self.manifest(earlier, end);
        self.put_in_place(&*fs, dir, &manifest)?;
        let file = open_to_append(&*fs, dir, &header, &end)?;
        let lock = lock_segment(&*fs, &file.path)?;
        self.put_footers_in_place(&*fs, dir)?;
        remove_unlisted(&*fs, dir, &manifest)?;
        Ok(LogReceiver::new(
            fs,
            dir,
            manifest,
            (header, file, end),
            lock,
        ))
    }
}

fn rename_all(fs: &dyn Fs, staged: &[(PathBuf, PathBuf)]) -> Result<(), LogError> {
    for (staged, name) in staged {
        fs.rename(staged, name).at("rename", staged)?;
    }
    Ok(())
}

/// Refuses a segment whose file would take the name of another one that the copy lists: what a reader has
/// of that would be gone before the manifest says so.
fn refuse_taken_name(copy: &LogReceiver, header: &SegmentHeader) -> Result<(), LogError> {
    let own = copy.manifest.segment(header.id);
    match own.is_some_and(|own| own.file_name() == header.file_name()) {
        true => Err(copy.other("another file has the name of one that is listed")),
        false => Ok(()),
    }
}
