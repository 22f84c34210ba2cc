//! `Folder`: a directory of files that are named by a hash, so that no name is a path.

use super::kept::FILE_BYTES_MAX;
use crate::model::{Fault, damaged};
use cqrs_es::persist::PersistenceError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::{Durability, Hash, Store};
use strandline_core::fs::{
    EntryKind, FileLock, Fs, OpenMode, TEMPORARY_SUFFIX, read_file, replace_file,
};

/// What the directory is called: the name of its store, with this after it.
const SUFFIX: &str = ".cqrs";
const LOCK: &str = "LOCK";
/// Characters of the name of a file: 128 bits of a hash.
const NAME_CHARACTERS: usize = 32;

/// A directory beside a store. Made with the first file in it.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// How many directories there are from beside the store to this one.
    depth: usize,
}

impl Folder {
    /// The folder `kind`, and in it that of `name`, where one is given.
    pub(crate) fn beside(store: &Store, kind: &str, name: Option<&str>) -> Self {
        let mut dir = store.dir().as_os_str().to_owned();
        dir.push(SUFFIX);
        let mut dir = PathBuf::from(dir);
        dir.push(kind);
        dir.extend(name.map(hashed));
        Self {
            fs: store.fs().clone(),
            dir,
            depth: 2 + usize::from(name.is_some()),
        }
    }

    /// Makes the directory, and takes it for this holder alone.
    ///
    /// # Errors
    ///
    /// `ConnectionError` if another holder has it, or the file system refuses.
    pub(crate) fn lock(&self) -> Result<Box<dyn FileLock>, PersistenceError> {
        let locked = self
            .make()
            .and_then(|()| self.fs.try_lock(&self.dir.join(LOCK)));
        match locked {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => {
                let message = format!("{} is open already: share it", self.dir.display());
                Err(PersistenceError::ConnectionError(Box::new(Fault(message))))
            }
            Err(error) => Err(self.refused("lock", &self.dir, error)),
        }
    }

    /// Makes the directory, durably.
    fn make(&self) -> io::Result<()> {
        self.fs.create_dir_all(&self.dir)?;
        for dir in self.dir.ancestors().skip(1).take(self.depth) {
            self.fs.sync_dir(dir)?;
        }
        Ok(())
    }

    /// The bytes that are kept under a name, if there are any.
    ///
    /// # Errors
    ///
    /// `ConnectionError` if they cannot be read; `DeserializationError` if there are too many.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PersistenceError> {
        let path = self.dir.join(hashed(name));
        match read_file(&*self.fs, &path, FILE_BYTES_MAX) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(damaged(path.display().to_string(), error))
            }
            Err(error) => Err(self.refused("read", &path, error)),
        }
    }

    /// Keeps bytes under a name in place of those that are there: who reads finds the one or the other, whole. One
    /// caller at a time for each name. Synced they are on the disk when this returns; written, a power cut may
    /// leave a file that is refused.
    ///
    /// # Errors
    ///
    /// `ConnectionError`; what was there is still there, or the new bytes are.
    pub(crate) fn replace(
        &self,
        name: &str,
        bytes: &[u8],
        durability: Durability,
    ) -> Result<(), PersistenceError> {
        let path = self.dir.join(hashed(name));
        let replace = || match durability {
            // No replication copies such files.
            Durability::Synced | Durability::Replicated => replace_file(&*self.fs, &path, bytes),
            Durability::Written => self.rename_over(&path, bytes),
        };
        let replaced = match replace() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make().and_then(|()| replace())
            }
            replaced => replaced,
        };
        replaced.map_err(|error| self.refused("write", &path, error))
    }

    /// As [`replace_file`], without a sync.
    fn rename_over(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(TEMPORARY_SUFFIX);
        let temporary = PathBuf::from(temporary);
        let file = match self.fs.open(&temporary, OpenMode::Create) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.fs.remove_file(&temporary)?;
                self.fs.open(&temporary, OpenMode::Create)?
            }
            opened => opened?,
        };
        file.write_all_at(bytes, 0)?;
        drop(file);
        self.fs.rename(&temporary, path)
    }

    /// Removes what is kept under a name, durably. Nothing is removed where there is nothing.
    ///
    /// # Errors
    ///
    /// `ConnectionError`.
    pub(crate) fn remove(&self, name: &str) -> Result<(), PersistenceError> {
        let path = self.dir.join(hashed(name));
        let removed = match self.fs.remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed,
        };
        let removed = removed.and_then(|()| self.fs.sync_dir(&self.dir));
        removed.map_err(|error| self.refused("remove", &path, error))
    }

    /// Removes everything that is kept, durably.
    ///
    /// # Errors
    ///
    /// `ConnectionError`; some may be removed then.
    pub(crate) fn clear(&self) -> Result<(), PersistenceError> {
        let remove = |path: &Path| self.fs.remove_file(path);
        self.each(remove)
            .map_err(|error| self.refused("clear", &self.dir, error))
    }

    /// Makes all that was written durable. Time for each file there is.
    ///
    /// # Errors
    ///
    /// `ConnectionError`.
    pub(crate) fn sync(&self) -> Result<(), PersistenceError> {
        let sync = |path: &Path| self.fs.open(path, OpenMode::Read)?.sync();
        self.each(sync)
            .map_err(|error| self.refused("sync", &self.dir, error))
    }

    /// Does something with each file that is kept, and makes the directory durable.
    fn each(&self, work: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let entries = match self.fs.list_names(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let kept = entries.iter().filter(|entry| entry.kind == EntryKind::File);
        for entry in kept.filter(|entry| is_kept(&entry.name)) {
            work(&self.dir.join(&entry.name))?;
        }
        self.fs.sync_dir(&self.dir)
    }

    fn refused(&self, what: &str, path: &Path, error: io::Error) -> PersistenceError {
        let message = format!("cannot {what} {}", path.display());
        let error = strandline::Error::new(strandline::ErrorKind::Io, message).with_source(error);
        PersistenceError::ConnectionError(Box::new(error))
    }
}

/// What a file is called whose name may be any text.
fn hashed(name: &str) -> String {
    let hash = Hash::of(name.as_bytes()).to_string();
    hash.chars().take(NAME_CHARACTERS).collect()
}

/// Whether a file is one of these, or what an interrupted write left of one.
fn is_kept(name: &str) -> bool {
    let name = name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name);
    name.len() == NAME_CHARACTERS && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
