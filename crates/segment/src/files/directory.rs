//! What is done to a directory whatever its files hold.

use crate::error::{At, LogError};
use std::io;
use std::path::Path;
use strandline_core::fs::Fs;

/// Removes a file, if it is there.
pub(crate) fn remove(fs: &dyn Fs, path: &Path) -> Result<(), LogError> {
    match fs.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}

/// Makes the directory's own entry durable, and those of its parents, which may be as new: an
/// earlier call may have been killed after it made them.
pub(crate) fn sync_parents(fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
    for parent in dir.ancestors().skip(1) {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        match fs.sync_dir(parent) {
            // Who may not open a directory has not made anything in it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            synced => synced.at("sync", parent)?,
        }
    }
    Ok(())
}
