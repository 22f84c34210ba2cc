//! `SealedSegment`: a segment that takes no more frames, and the writing of its footer.
//!
//! Anyone may have the file mapped, or linked under another name: a snapshot, another process, a
//! backup. So what is in it stays. A footer is appended in place only where nothing was ever written
//! after the frames and the file has no other name. Else the segment gets a new file: the same header
//! and frames, so that checksums and positions hold, and the footer, whole and checked before one
//! rename puts it in the place of the old file. Who has that reads on in it.

use crate::error::{At, LogError, ScanError};
use crate::files::{
    Footer, SegmentFile, has_remains, is_unwritten, read_footer, remove, temporary,
};
use crate::format::{FOOTER_BYTES_MAX, LogPosition, SegmentInfo, TRAILER_BYTES, encode_trailer};
use crate::read::LogReader;
use crate::scan::SealedFrames;
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, OpenMode};
use strandline_core::sync::Mutex;

/// How much is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// A segment that takes no more frames. Its footer may be written from any thread.
#[derive(Debug)]
pub struct SealedSegment {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    info: SegmentInfo,
    end: LogPosition,
    /// What readers have, replaced when the segment gets a new file: whatever is kept of this keeps
    /// no descriptor of its own.
    read: Mutex<SegmentFile>,
    reader: LogReader,
}

impl SealedSegment {
    pub(crate) fn new(
        fs: Arc<dyn Fs>,
        dir: &Path,
        info: SegmentInfo,
        end: LogPosition,
        read: SegmentFile,
        reader: LogReader,
    ) -> Self {
        Self {
            fs,
            dir: dir.to_path_buf(),
            info,
            end,
            read: Mutex::new(read),
            reader,
        }
    }

    /// The segment.
    #[must_use]
    pub const fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// What readers have.
    pub(crate) fn file(&self) -> SegmentFile {
        self.read.lock().clone()
    }

    /// Its frames.
    #[must_use]
    pub fn frames(&self) -> Option<SealedFrames> {
        SealedFrames::new(self.info, self.file())
    }

    /// The footer that was written, mapped where that is asked for and can be done; see
    /// [`UncheckedLog::footer`](crate::UncheckedLog::footer).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn footer(&self, mapped: bool) -> Result<Option<Footer>, LogError> {
        read_footer(&self.file(), self.end, mapped)
    }

    /// Writes the footer and syncs it: after the frames where nothing stands there and nobody else
    /// has the file, or else in a new file that takes the place of the old one, which takes as long as
    /// copying and checking the frames. Interrupted, it leaves no footer, or a damaged one, which is
    /// noticed and can be written again, or the footer that there was.
    ///
    /// Views that are taken from now on have the new file; those that were taken keep the old one.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`] over [`FOOTER_BYTES_MAX`], which nobody would read;
    /// [`LogError::SegmentMissing`] if the file is gone; [`LogError::Corrupt`] if frames are damaged
    /// that were to be copied; [`LogError::Io`]. The frames are not touched in any case.
    pub fn write_footer(&self, footer: &[u8]) -> Result<(), LogError> {
        let found = (footer.len() as u64).saturating_add(TRAILER_BYTES as u64);
        if found > FOOTER_BYTES_MAX {
            return Err(LogError::TooLarge {
                what: "a footer",
                found,
                limit: FOOTER_BYTES_MAX,
            });
        }
        match self.to_append_to()? {
            Some(file) => {
                // Space that was set aside, and is zeros.
                let offset = u64::from(self.end.offset);
                file.file.set_len(offset).at("truncate", &file.path)?;
                self.write_behind(&file, footer)
            }
            None => self.renew(Some(footer)),
        }
    }

    /// Gives the segment a new file without a footer if something stands after the frames that is neither
    /// their footer nor space that was set aside: frames that were carried on into another segment, or
    /// were torn. Gives whether it did.
    ///
    /// One look at the end of the file, where there is nothing of that. Views that were taken keep the
    /// old file, as with [`write_footer`](Self::write_footer).
    ///
    /// # Errors
    ///
    /// As [`write_footer`](Self::write_footer).
    pub fn remove_remains(&self) -> Result<bool, LogError> {
        let (fs, header) = (&*self.fs, &self.info.header);
        let file = SegmentFile::open(fs, &self.dir, header, OpenMode::Read)?;
        let has_remains = has_remains(&file, self.end)?;
        drop(file);
        if has_remains {
            self.renew(None)?;
        }
        Ok(has_remains)
    }

    fn write_behind(&self, file: &SegmentFile, footer: &[u8]) -> Result<(), LogError> {
        let offset = u64::from(self.end.offset);
        let trailer = encode_trailer(file.salt, self.end, footer);
        let place = offset.saturating_add(footer.len() as u64);
        let (to, path) = (&file.file, &file.path);
        to.write_all_at(footer, offset).at("write", path)?;
        to.write_all_at(&trailer, place).at("write", path)?;
        to.sync().at("sync", path)
    }

    /// The file, if a footer may be appended to it: it has one name, and nothing but space that was
    /// set aside follows the frames.
    fn to_append_to(&self) -> Result<Option<SegmentFile>, LogError> {
        let behind = OpenMode::Append {
            end: self.end.offset.into(),
        };
        let file = match SegmentFile::open(&*self.fs, &self.dir, &self.info.header, behind) {
            Err(LogError::Io { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                return Ok(None);
            }
            opened => opened?,
        };
        Ok(is_unwritten(&file, self.end.offset.into())?.then_some(file))
    }

    /// Puts a new file with the same frames and this footer, if any, in the place of the one that there is.
    fn renew(&self, footer: Option<&[u8]>) -> Result<(), LogError> {
        let (fs, dir, header) = (&*self.fs, self.dir.as_path(), &self.info.header);
        let old = SegmentFile::open(fs, dir, header, OpenMode::Read)?;
        // Views have it that may not have opened it, and the new file may be removed later.
        self.file().len()?;
        let path = temporary(&old.path);
        remove(fs, &path)?;
        let made = self.make(&old, &path, footer);
        let made = made.and_then(|()| fs.rename(&path, &old.path).at("rename", &path));
        if let Err(error) = made {
            // The next opening removes what cannot be removed.
            let _ = fs.remove_file(&path);
            return Err(error);
        }
        fs.sync_dir(dir).at("sync", dir)?;
        let new = SegmentFile::open(fs, dir, header, OpenMode::Read)?;
        new.set_written_end(self.end.offset);
        let new = self.reader.open_files.sealed(&new, header, self.end);
        self.reader.renew(&self.info, &new);
        *self.read.lock() = new;
        Ok(())
    }

    /// Makes, syncs and checks the new file.
    fn make(&self, old: &SegmentFile, path: &Path, footer: Option<&[u8]>) -> Result<(), LogError> {
        let file = self.fs.open(path, OpenMode::Create).at("create", path)?;
        let new = SegmentFile::new(&self.info.header, path.to_path_buf(), file);
        let end = u64::from(self.end.offset);
        let mut bytes = Vec::new();
        let mut offset = 0;
        while offset < end {
            let count = (end - offset).min(COPY_BYTES);
            bytes.resize(usize::try_from(count).unwrap_or(0), 0);
            old.read(&mut bytes, offset)?;
            if bytes.is_empty() {
                let reason = "the file ends before its last frame does";
                return Err(LogError::corrupt(old.name(), offset, reason));
            }
            new.file.write_all_at(&bytes, offset).at("write", path)?;
            offset += bytes.len() as u64;
        }
        new.set_written_end(self.end.offset);
        match footer {
            Some(footer) => self.write_behind(&new, footer)?,
            None => new.file.sync().at("sync", path)?,
        }
        let Some(frames) = SealedFrames::new(self.info, new) else {
            return Ok(());
        };
        let checked = frames.visit(|_| Ok::<_, Infallible>(()));
        checked.map_err(|error| match error {
            ScanError::Log(error) => error,
            ScanError::Visit(never) => match never {},
        })
    }
}
