//! Quarantine: what is cut off or out of place is kept, under a name of its own. Does not decide what that
//! is.

use crate::error::{At, LogError};
use std::io;
use std::path::{Path, PathBuf};
use strandline_core::fs::{Fs, FsFile, OpenMode};

/// The directory that torn tails and stray files are moved to.
pub const QUARANTINE_DIR: &str = "quarantine";

/// Moves a file of `dir` into the quarantine and says what it is called there.
pub(crate) fn set_aside(fs: &dyn Fs, dir: &Path, name: &str) -> Result<String, LogError> {
    let to = free_name(fs, dir, name)?;
    let from = dir.join(name);
    // Whoever made it may have been killed before it was synced.
    let synced = fs.open(&from, OpenMode::Read).and_then(|file| file.sync());
    synced.at("sync", &from)?;
    fs.rename(&from, &to).at("move", &from)?;
    let quarantine = quarantine_dir(dir);
    fs.sync_dir(&quarantine).at("sync", &quarantine)?;
    fs.sync_dir(dir).at("sync", dir)?;
    Ok(display_name(&to))
}

/// Keeps bytes in the quarantine, durably, and says what the file is called.
pub(crate) fn keep(
    fs: &dyn Fs,
    dir: &Path,
    stem: &str,
    mut next: impl FnMut(u64) -> Result<Vec<u8>, LogError>,
) -> Result<String, LogError> {
    let path = free_name(fs, dir, stem)?;
    let file = fs.open(&path, OpenMode::Create).at("create", &path)?;
    if let Err(error) = copy(&*file, &path, &mut next) {
        // On a full disk each opening would leave another part of a copy. What stays after all is
        // harmless, as the original is still there.
        let _ = fs.remove_file(&path);
        return Err(error);
    }
    let quarantine = quarantine_dir(dir);
    fs.sync_dir(&quarantine).at("sync", &quarantine)?;
    fs.sync_dir(dir).at("sync", dir)?;
    Ok(display_name(&path))
}

fn copy(
    file: &dyn FsFile,
    path: &Path,
    next: &mut dyn FnMut(u64) -> Result<Vec<u8>, LogError>,
) -> Result<(), LogError> {
    let mut offset = 0;
    loop {
        let bytes = next(offset)?;
        if bytes.is_empty() {
            return file.sync().at("sync", path);
        }
        file.write_all_at(&bytes, offset).at("write", path)?;
        offset += bytes.len() as u64;
    }
}

fn display_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    format!("{}/{}", QUARANTINE_DIR, name.to_string_lossy())
}

/// Where torn tails and stray files go.
fn quarantine_dir(dir: &Path) -> PathBuf {
    dir.join(QUARANTINE_DIR)
}

/// A name in the quarantine that is not taken.
fn free_name(fs: &dyn Fs, dir: &Path, stem: &str) -> Result<PathBuf, LogError> {
    let quarantine = quarantine_dir(dir);
    fs.create_dir_all(&quarantine).at("make", &quarantine)?;
    let taken = match fs.list(&quarantine) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        taken => taken.at("list", &quarantine)?,
    };
    let free = (0u64..)
        .map(|number| match number {
            0 => stem.to_owned(),
            _ => format!("{stem}.{number}"),
        })
        .find(|name| taken.iter().all(|entry| entry.name != *name));
    Ok(quarantine.join(free.unwrap_or_else(|| stem.to_owned())))
}
