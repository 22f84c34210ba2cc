//! The file `MANIFEST`: reading it and replacing it. What its bytes say is in `format`.

use crate::error::{At, LogError};
use crate::format::{MANIFEST_FILE, MANIFEST_MAGIC, Manifest};
use std::io;
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode, StagedFile, read_file, replace_file};
use strandline_core::{Epoch, Random};

/// Most bytes that a manifest is read with; enough for 350,000 segments.
const BYTES_MAX: u64 = 64 << 20;

/// How many manifests are read in a row before opening or following gives up.
pub(crate) const MANIFESTS_READ_MOST: u32 = 100;

impl Manifest {
    /// Reads the manifest of `dir`, if there is one. Looks at no segment.
    ///
    /// # Errors
    ///
    /// [`LogError`] if it cannot be read, is damaged, or of a later format.
    pub fn read(fs: &dyn Fs, dir: &Path) -> Result<Option<Self>, LogError> {
        let path = dir.join(MANIFEST_FILE);
        match read_file(fs, &path, BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Self::decode(&read.at("read", &path)?).map(Some),
        }
    }

    /// Whether the manifest of `dir` begins as one of any version does, be it damaged otherwise. Others have
    /// files of that name.
    #[must_use]
    pub fn is_one(fs: &dyn Fs, dir: &Path) -> bool {
        let mut begin = [0; MANIFEST_MAGIC.len()];
        let file = fs.open(&dir.join(MANIFEST_FILE), OpenMode::Read);
        let read = file.and_then(|file| file.read_up_to(&mut begin, 0));
        read.is_ok() && begin == *MANIFEST_MAGIC
    }

    /// Begins a new epoch in the log in `dir`, which nobody has open to write: from here on it goes
    /// another way than the log that it was copied from.
    ///
    /// # Errors
    ///
    /// [`LogError`] if there is no manifest, or it can be neither read nor replaced.
    pub fn begin_epoch(fs: &dyn Fs, dir: &Path, random: &Random) -> Result<Epoch, LogError> {
        let manifest = Self::read(fs, dir)?;
        let manifest = manifest.ok_or_else(|| LogError::corrupt(MANIFEST_FILE, 0, "it is gone"))?;
        let manifest = manifest.in_new_epoch(random);
        manifest.replace(fs, dir)?;
        Ok(manifest.epoch)
    }

    /// Replaces the manifest of `dir`.
    pub(crate) fn replace(&self, fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
        let path = dir.join(MANIFEST_FILE);
        replace_file(fs, &path, &self.encode()).at("replace", &path)
    }

    /// Writes the manifest beside the one at `path`, durably: publishing it puts it in the place of that.
    pub(crate) fn stage<'a>(
        &self,
        fs: &dyn Fs,
        path: &'a Path,
    ) -> Result<StagedFile<'a>, LogError> {
        StagedFile::write(fs, path, &self.encode()).at("write", path)
    }
}

/// After [`MANIFESTS_READ_MOST`].
pub(crate) fn replaced_again_and_again() -> LogError {
    LogError::corrupt(
        MANIFEST_FILE,
        0,
        "it is replaced again and again, each time with segments that are not there",
    )
}
