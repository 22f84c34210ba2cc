//! The steps on a file system that a restore is made of, each whole or not done. Knows no store.

use crate::Error;
use std::io;
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode};

/// Whether anything has this name.
pub(super) fn exists(fs: &dyn Fs, path: &Path) -> Result<bool, Error> {
    match fs.identity(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(fs.list(path).is_ok() || fs.open(path, OpenMode::Read).is_ok())
        }
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

/// Says something more in an error.
pub(super) fn also(error: Error, more: &str) -> Error {
    Error::new(error.kind(), more.to_owned()).with_source(error)
}

pub(super) fn sync(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let synced = fs.sync_dir(dir);
    synced.map_err(|error| Error::io("sync", dir, error))
}

/// Renames to a name that nothing has; `false` if something has it.
pub(super) fn rename_new(fs: &dyn Fs, from: &Path, to: &Path) -> io::Result<bool> {
    match fs.rename_new(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            if exists(fs, to).map_err(io::Error::other)? {
                return Ok(false);
            }
            fs.rename(from, to).map(|()| true)
        }
        Err(error) => Err(error),
    }
}
