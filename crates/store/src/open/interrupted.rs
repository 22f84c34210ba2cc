//! Restores that were interrupted: no new store is made where one was about to be, nor in a copy that is not whole.

use crate::Error;
use crate::model::{MARKER, STAGING_BESIDE, STAGING_WITHIN};
use std::io;
use std::path::{Path, PathBuf};
use strandline_core::fs::Fs;
use strandline_segment::MANIFEST_FILE;

/// Refuses a directory without a store that a restore was filling, or was about to make. It may have
/// been interrupted or be at work. One look at the MANIFEST, where there is one.
pub(super) fn refuse(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let exists = |path: &Path| fs.identity(path).is_ok();
    if exists(&dir.join(MANIFEST_FILE)) {
        return Ok(());
    }
    if exists(&dir.join(MARKER)) {
        return Err(Error::restore_interrupted(format!(
            "{} is no store but the copy that a restore was making, which was interrupted or is at work; \
             restore again to the directory that it was for, which makes the copy anew, or remove it",
            dir.display()
        )));
    }
    let within = dir.join(STAGING_WITHIN);
    let found = match exists(&within.join(MARKER)) {
        true => Some(within),
        false => beside(fs, dir),
    };
    match found {
        None => Ok(()),
        Some(copy) => Err(Error::restore_interrupted(format!(
            "{} holds no store yet: a restore to it was interrupted, or is at work; restore again, \
             or remove {} to make do without",
            dir.display(),
            copy.display()
        ))),
    }
}

/// The copy that was to be renamed to `dir`, where nothing is.
fn beside(fs: &dyn Fs, dir: &Path) -> Option<PathBuf> {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    fs.identity(dir).err().filter(is_missing)?;
    let prefix = format!("{}{STAGING_BESIDE}", dir.file_name()?.to_string_lossy());
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let entries = fs.list(parent).ok()?.into_iter();
    let is_marked = |path: &PathBuf| fs.identity(&path.join(MARKER)).is_ok();
    entries
        .filter(|entry| entry.name.starts_with(&prefix))
        .map(|entry| parent.join(entry.name))
        .find(is_marked)
}
