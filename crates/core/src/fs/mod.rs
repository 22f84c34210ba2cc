//! The file seam: the only place where files are touched.
//!
//! [`OsFs`] is the operating system, [`MemFs`] keeps files in memory. Calls go through `dyn`: next
//! to a system call an indirect call does not show, and no type above has to carry a parameter.
//!
//! Anyone may have a file mapped, or linked under another name, so there is no way to open one that
//! exists and write all over it. A file is new ([`OpenMode::Create`]), or is appended to behind an
//! end that is given ([`OpenMode::Append`]), or is read; what is below the end is neither written nor
//! cut off, and the end rises as more is shown to others ([`FsFile::fix_below`]). Whatever is to
//! be otherwise gets a new file, and one rename ([`StagedFile`]).

mod floor;
mod identity;
mod mapping;
mod memory;
mod os;
mod replace;

#[cfg(feature = "test-util")]
mod fault;
#[cfg(feature = "test-util")]
mod sim;

pub use identity::FileIdentity;
pub use mapping::Mapping;
pub use memory::MemFs;
pub use os::OsFs;
pub use replace::{StagedFile, TEMPORARY_SUFFIX, read_file, replace_file};

#[cfg(feature = "test-util")]
pub use fault::{Fault, FaultFs, Operation};
#[cfg(feature = "test-util")]
pub use sim::{Draws, Fill, Keep, Loss, SimDisk, SimFault, SimFaultKind, SimFs, Step};

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
    /// A file system that wraps another passes it on, as it does the other calls that have a default.
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
    /// A file system that wraps another passes it on.
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
}

/// An open file, read and written at positions.
pub trait FsFile: Send + Sync + Debug {
    /// Reads into `buffer` from `offset`, and says how many bytes; 0 is the end of the file.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes `bytes` at `offset`, and says how many were written.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` below the end that is fixed, and if the file is open to read. What the
    /// file system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes contents and length durable.
    ///
    /// # Errors
    ///
    /// What the file system says; after an error nothing is known of what is durable.
    fn sync(&self) -> io::Result<()>;

    /// Sets the length in bytes.
    ///
    /// # Errors
    ///
    /// As [`write_at`](Self::write_at).
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Fixes what is below `end`: this handle neither writes nor cuts it from now on. For who has
    /// shown it to others, who may map it, or link the file.
    ///
    /// A file system that wraps another passes it on; the default does nothing.
    fn fix_below(&self, end: u64) {
        let _ = end;
    }

    /// Which file this is, whatever name it has by now. The default cannot tell.
    ///
    /// # Errors
    ///
    /// `Unsupported`, or what else the file system says.
    fn identity(&self) -> io::Result<FileIdentity> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// How many names the file has: with more than one, others have it too, and it is not appended
    /// to. A file system that wraps another passes it on; the default knows of one.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn links(&self) -> io::Result<u64> {
        Ok(1)
    }

    /// Sets disk space aside and makes the file at least `bytes` long. What was not written reads
    /// as zeros.
    ///
    /// Does nothing where the file system has no such call.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let _ = bytes;
        Ok(())
    }

    /// The length in bytes.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn len(&self) -> io::Result<u64>;

    /// The first `bytes` bytes as memory, which may be more than the file has yet; `None` where
    /// that cannot be had, and then they are to be read. The default maps nothing.
    ///
    /// What may be asked of the mapping is said at [`Mapping::get`].
    fn map(&self, bytes: u64) -> Option<Mapping> {
        let _ = bytes;
        None
    }

    /// Whether the length is 0.
    ///
    /// # Errors
    ///
    /// What the file system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `offset` until `buffer` is full or the file ends, and says how many bytes.
    ///
    /// # Errors
    ///
    /// What the file system says; an interrupted call is repeated.
    fn read_up_to(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
        let wanted = buffer.len();
        while !buffer.is_empty() {
            match self.read_at(buffer, offset) {
                Ok(0) => break,
                Ok(count) => {
                    buffer = buffer.get_mut(count..).unwrap_or_default();
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted - buffer.len())
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    ///
    /// What the file system says; an interrupted call is repeated, a write of nothing counts as a
    /// full disk. Some of the bytes may have been written.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::StorageFull.into()),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
