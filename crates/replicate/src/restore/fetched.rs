//! `Fetched`: the directory of a restore, which has a marker, so that no other one is taken for it.

use crate::follow::FollowError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{EntryKind, FileLock, Fs, OpenMode};
use strandline_segment::LogError;

/// What follows the name of the target.
const SUFFIX: &str = ".fetched";
/// The file that only such a directory has.
const MARKER: &str = "FETCHING";
/// The directories in it: of what lacks what was put back, and of what is shorter.
const INNER: [&str; 2] = ["whole", "shorter"];

/// The directory that a log is fetched into.
pub(super) struct Fetched {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// Of the marker: no other restore is at work in it.
    _lock: Box<dyn FileLock>,
}

impl Fetched {
    /// Makes the directory for what is to be restored to `target`, or takes the one that an interrupted call left.
    ///
    /// # Errors
    ///
    /// [`FollowError::Io`], with `AlreadyExists` for a directory that something else made; [`FollowError::Log`] if
    /// another restore is at work in it.
    pub(super) fn claim(fs: &Arc<dyn Fs>, target: &Path) -> Result<Self, FollowError> {
        let mut path = target.as_os_str().to_owned();
        path.push(SUFFIX);
        let path = PathBuf::from(path);
        fs.create_dir_all(&path)
            .map_err(|error| FollowError::io("make", &path, error))?;
        let entries = fs.list_names(&path);
        let entries = entries.map_err(|error| FollowError::io("list", &path, error))?;
        if entries.is_empty() {
            let marker = path.join(MARKER);
            let made = fs.open(&marker, OpenMode::Create);
            let made = made.and_then(|file| file.sync());
            made.and_then(|()| fs.sync_dir(&path))
                .map_err(|error| FollowError::io("make", &marker, error))?;
        } else if !entries.iter().any(|entry| entry.name == MARKER) {
            let reason = "it is not of a restore; move it away";
            let error = io::Error::new(io::ErrorKind::AlreadyExists, reason);
            return Err(FollowError::io("use", &path, error));
        }
        let marker = path.join(MARKER);
        let lock = fs.try_lock(&marker);
        let lock = lock.map_err(|error| FollowError::io("lock", &marker, error))?;
        let lock = lock.ok_or_else(|| LogError::BeingWritten {
            file: MARKER.to_owned(),
        })?;
        Ok(Self {
            fs: fs.clone(),
            path,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where all of the log is made anew, with nothing in it.
    pub(super) fn clear_whole(&self) -> Result<PathBuf, FollowError> {
        let [whole, _] = INNER;
        self.clear(whole)
    }

    /// Where something shorter is made, with nothing in it.
    pub(super) fn clear_shorter(&self) -> Result<PathBuf, FollowError> {
        let [_, shorter] = INNER;
        self.clear(shorter)
    }

    fn clear(&self, name: &str) -> Result<PathBuf, FollowError> {
        let inner = self.path.join(name);
        self.empty(&inner)?;
        Ok(inner)
    }

    /// Removes all of it, the marker last.
    pub(super) fn remove(self) -> Result<(), FollowError> {
        for name in INNER {
            let inner = self.clear(name)?;
            match self.fs.remove_dir(&inner) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(FollowError::io("remove", &inner, error));
                }
                _ => {}
            }
        }
        self.empty(&self.path)?;
        let marker = self.path.join(MARKER);
        let removed = self.fs.remove_file(&marker);
        removed.map_err(|error| FollowError::io("remove", &marker, error))?;
        let removed = self.fs.remove_dir(&self.path);
        removed.map_err(|error| FollowError::io("remove", &self.path, error))
    }

    /// Removes the files of a directory but for the marker.
    fn empty(&self, dir: &Path) -> Result<(), FollowError> {
        let entries = match self.fs.list_names(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(|error| FollowError::io("list", dir, error))?,
        };
        for entry in entries {
            if entry.kind == EntryKind::File && entry.name != MARKER {
                let path = dir.join(&entry.name);
                let removed = self.fs.remove_file(&path);
                removed.map_err(|error| FollowError::io("remove", &path, error))?;
            }
        }
        Ok(())
    }
}
