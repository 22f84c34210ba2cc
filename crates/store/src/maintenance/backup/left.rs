//! `Left`: what a backup that failed has brought, to be told, or removed.

use crate::model::{LOCK_FILE, is_of_log};
use std::collections::HashSet;
use std::path::Path;
use strandline_core::fs::{Fs, TEMPORARY_SUFFIX};

/// The names in the target before anything was brought, which nobody but who holds its lock adds to.
pub(super) struct Left(HashSet<String>);

impl Left {
    /// None if they cannot be listed.
    pub(super) fn of(fs: &dyn Fs, target: &Path) -> Option<Self> {
        let listed = fs.list_names(target).ok()?;
        Some(Self(listed.into_iter().map(|entry| entry.name).collect()))
    }

    /// Files of a log that were not there before. Under their names nothing else was changed: what is there is
    /// never overwritten.
    fn came(&self, fs: &dyn Fs, target: &Path) -> Vec<String> {
        let listed = fs.list_names(target).unwrap_or_default();
        let names = listed.into_iter().map(|entry| entry.name);
        let is_brought = |name: &String| {
            let whole = name.strip_suffix(TEMPORARY_SUFFIX);
            *name != LOCK_FILE && (whole.is_some() || is_of_log(name)) && !self.0.contains(name)
        };
        names.filter(is_brought).collect()
    }

    /// What is said of the files that were brought and are left; nothing if there are none.
    pub(super) fn what_came(&self, fs: &dyn Fs, target: &Path) -> Option<String> {
        told(self.came(fs, target).len())
    }

    /// Removes the files that were brought, and says what is left of them; nothing if nothing is.
    pub(super) fn remove_what_came(&self, fs: &dyn Fs, target: &Path) -> Option<String> {
        for name in self.came(fs, target) {
            // What stays is told.
            let _ = fs.remove_file(&target.join(name));
        }
        self.what_came(fs, target)
    }
}

fn told(files: usize) -> Option<String> {
    let (files, are) = match files {
        0 => return None,
        1 => ("1 file".to_owned(), "is"),
        files => (format!("{files} files"), "are"),
    };
    Some(format!(
        ", where {files} of it {are} left, with which a repeated call goes on"
    ))
}
