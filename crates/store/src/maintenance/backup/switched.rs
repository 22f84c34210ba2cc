//! `Switched`: a file system in which one file is read in the place of another, so that a store can be
//! looked at as it will be once that file is renamed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{DirEntry, DirName, FileIdentity, FileLock, Fs, FsFile, OpenMode};

/// Another file system, to read only, with one file in the place of another.
#[derive(Debug)]
pub(super) struct Switched {
    inner: Arc<dyn Fs>,
    place: PathBuf,
    file: PathBuf,
}

impl Switched {
    /// Has `file` read wherever `place` is asked for.
    pub(super) fn new(inner: Arc<dyn Fs>, place: PathBuf, file: PathBuf) -> Self {
        Self { inner, place, file }
    }
}

fn read_only<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Fs for Switched {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        match mode {
            OpenMode::Read if path == self.place => self.inner.open(&self.file, mode),
            OpenMode::Read => self.inner.open(path, mode),
            _ => read_only(),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.list(path)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        self.inner.list_names(path)
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        self.inner.identity(path)
    }

    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        self.inner.is_mount_point(path)
    }

    fn create_dir_all(&self, _path: &Path) -> io::Result<()> {
        read_only()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        read_only()
    }

    fn remove_file(&self, _path: &Path) -> io::Result<()> {
        read_only()
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        read_only()
    }

    fn discard_copy(&self, path: &Path) -> bool {
        self.inner.discard_copy(path)
    }

    fn try_lock(&self, _path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        read_only()
    }
}
