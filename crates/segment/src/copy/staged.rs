//! `StagedCopy`: a copy that is whole, and not yet in the place of the earlier one. Writes no segment.

use super::options::CopiedLog;
use crate::error::{At, LogError};
use crate::files::{SegmentFile, is_temporary_segment, temporary};
use crate::format::{LogPosition, MANIFEST_FILE, Manifest, SegmentId};
use crate::scan::{check_position, not_listed};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{EntryKind, Fs, OpenMode};

/// A copy of a log, durable, whose manifest stands beside the one of the earlier copy and has not taken
/// its place.
#[derive(Debug)]
#[must_use = "the earlier copy is there until this one is published"]
pub struct StagedCopy {
    fs: Arc<dyn Fs>,
    to: PathBuf,
    manifest: Manifest,
    report: CopiedLog,
    is_published: bool,
}

impl StagedCopy {
    /// Makes the names of the files durable, then writes the manifest beside the one that is there.
    pub(super) fn write(
        fs: Arc<dyn Fs>,
        to: &Path,
        manifest: Manifest,
        report: CopiedLog,
    ) -> Result<Self, LogError> {
        let named = fs.sync_dir(to);
        named.at("sync", to)?;
        let path = to.join(MANIFEST_FILE);
        drop(manifest.stage(&*fs, &path)?);
        Ok(Self {
            to: to.to_path_buf(),
            fs,
            manifest,
            report,
            is_published: false,
        })
    }

    /// Where the copy ends.
    #[must_use]
    pub const fn end(&self) -> LogPosition {
        self.report.end
    }

    /// The file that becomes the manifest: whoever reads it in the place of that reads the copy.
    #[must_use]
    pub fn manifest_path(&self) -> PathBuf {
        temporary(&self.to.join(MANIFEST_FILE))
    }

    /// Checks that the copy has a position, as
    /// [`UncheckedLog::check_position`](crate::UncheckedLog::check_position) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check_position(&self, position: &LogPosition) -> Result<(), LogError> {
        let Some(info) = self.manifest.holder(position.segment) else {
            return Err(not_listed(position, self.report.end.sequence));
        };
        let file = SegmentFile::open(&*self.fs, &self.to, info.header(), OpenMode::Read)?;
        check_position(&file, info, position)
    }

    /// Puts the copy in the place of the earlier one, durably, in one step, and removes what only that
    /// one had.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]. Either copy may be there then; a call that makes one again goes on.
    pub fn publish(mut self) -> Result<CopiedLog, LogError> {
        let staged = self.manifest_path();
        // It may have taken the place whatever the rename says.
        self.is_published = true;
        let (fs, to) = (&*self.fs, &self.to);
        let path = to.join(MANIFEST_FILE);
        fs.rename(&staged, &path).at("rename", &staged)?;
        fs.sync_dir(to).at("sync", to)?;
        self.remove_unlisted()?;
        Ok(self.report)
    }

    /// Removes segments of this log that the copy does not list.
    fn remove_unlisted(&self) -> Result<(), LogError> {
        let (fs, to) = (&*self.fs, &self.to);
        let segments = &self.manifest.segments;
        let mut any = false;
        for entry in fs.list(to).at("list", to)? {
            let is_listed = segments.iter().any(|info| info.file_name() == entry.name);
            let path = to.join(&entry.name);
            if entry.kind == EntryKind::File && !is_listed && self.is_own(&entry.name, &path) {
                fs.remove_file(&path).at("remove", &path)?;
                any = true;
            }
        }
        match any {
            true => fs.sync_dir(to).at("sync", to),
            false => Ok(()),
        }
    }

    /// Whether a file is a segment of this log, or was to become one.
    fn is_own(&self, name: &str, path: &Path) -> bool {
        let is_of_log = || {
            let own = SegmentFile::open_own(&*self.fs, path, &self.manifest.identity);
            own.is_ok_and(|own| own.is_some())
        };
        is_temporary_segment(name) || SegmentId::parse_file_name(name).is_some() && is_of_log()
    }
}

impl Drop for StagedCopy {
    fn drop(&mut self) {
        if !self.is_published {
            // The segments stay: a call that makes a copy again goes on with them.
            let _ = self.fs.remove_file(&self.manifest_path());
        }
    }
}
