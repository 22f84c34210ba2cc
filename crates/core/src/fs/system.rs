//! `Fs`: a file system, as the layers above know it: names, directories, locks.

use super::file::FsFile;
use super::identity::FileIdentity;
use std::fmt::Debug;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read. It can be synced, and not changed.
    Read,
    /// An existing file that has no other name, to read, and to write from `end` on: what is below
    /// is neither written nor cut off.
    Append {
        /// Length in bytes of what stays as it is; the file has at least as many.
        end: u64,
    },
    /// A file that must not exist yet, to read and write.
    Create,
}

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, device or anything else that is never opened.
    Other,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Name without the directory; a name that is not UTF-8 has its bad bytes replaced.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Length in bytes, for a file.
    pub bytes: u64,
}

/// The name of a directory entry, and what it is, as a directory tells without a look at each entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirName {
    /// As [`DirEntry::name`].
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

impl From<DirEntry> for DirName {
    fn from(entry: DirEntry) -> Self {
        Self {
            name: entry.name,
            kind: entry.kind,
        }
    }
}

/// A file system.
///
/// Implementations follow no symbolic link in the last component of a path, and make files that
/// only their owner can read.
///
/// A store calls it under its locks and on its own threads, so it must not use that store. If it panics
/// in a write or a sync of the log, the store stops writing as if that had failed and could not be undone.
pub trait Fs: Send + Sync + Debug {
    /// Makes a directory and its parents, if they are missing.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory that is not there yet. The default cannot.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, whatever has the name; `Unsupported`, or what else the file system says.
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes an empty directory. The default cannot.
    ///
    /// # Errors
    ///
    /// `DirectoryNotEmpty`; `Unsupported`, or what else the file system says.
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Which file or directory has this name now. Of a symbolic link at the end, the link itself;
    /// what a directory is behind one says the identity of `.` in it. The default cannot tell.
    ///
    /// A file system over another passes it on, as it does the other calls that have a default: see
    /// [`FsLayer`](super::FsLayer).
    ///
    /// # Errors
    ///
    /// `NotFound`; `Unsupported`, or what else the file system says.
    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The path of a directory that is there: without `.` and `..`, and without links. The default knows
    /// of no links.
    ///
    /// A file system over another passes it on.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory`, or what else the file system says.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => drop(plain.pop()),
                part => plain.push(part),
            }
        }
        self.list(&plain).map(|_| plain)
    }

    /// Whether a directory is where a file system is mounted, so that it can be neither moved nor
    /// replaced. The default says no.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        let _ = path;
        Ok(false)
    }

    /// Opens a regular file.
    ///
    /// # Errors
    ///
    /// `NotFound`, `AlreadyExists` for [`OpenMode::Create`], `InvalidInput` for what is no regular
    /// file. For [`OpenMode::Append`], `PermissionDenied` if the file has another name too, and
    /// `InvalidInput` if it is shorter. Or what else the file system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>>;

    /// Lists a directory, sorted by name.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// The names in a directory, sorted. A length is a call to the system for each entry, some 5 µs; the
    /// default asks for it all the same.
    ///
    /// A file system over another passes it on.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let entries = self.list(path)?;
        Ok(entries.into_iter().map(DirName::from).collect())
    }

    /// Renames a file, replacing what has the new name. Durable after [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames a file or a directory to a name that nothing has. Durable after
    /// [`sync_dir`](Self::sync_dir). The default cannot.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `Unsupported`, or what else the file system says.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let _ = (from, to);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives each of two files or directories the name of the other, in one step. Durable after
    /// [`sync_dir`](Self::sync_dir). The default cannot.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the file system cannot, or what else it says.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let _ = (one, other);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes a file. Durable after [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Gives a file a second name; both are the same file from then on. Durable after
    /// [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    ///
    /// `Unsupported` where the file system cannot, which is the default; `AlreadyExists`, or what
    /// else the file system says.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let _ = (file, name);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Makes the entries of a directory durable.
    ///
    /// # Errors
    ///
    /// What the file system says; after an error nothing is known of what is durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes what is kept here of a file that is elsewhere, as that was found damaged: who opens it then reads it
    /// anew from there. Says whether anything was kept. The default keeps nothing of files that are elsewhere.
    ///
    /// A file system over another passes it on.
    fn discard_copy(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// Takes the exclusive lock of a file, making the file if it is missing; `None` if another
    /// holder, in this process or another, has it. Dropping the lock releases it.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>>;
}

/// A held lock.
pub trait FileLock: Send + Sync + Debug {
    /// Which file is locked. Where that is not known, none.
    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    /// Puts a short text into the file in the place of what is in it, for people who are refused the lock. It is taken
    /// out when the lock is released, and stays if the process is killed. Not durable. Where there is no such file,
    /// nothing is done.
    ///
    /// # Errors
    ///
    /// What the file system says; the lock is held all the same.
    fn note(&self, _text: &str) -> io::Result<()> {
        Ok(())
    }
}
