//! `FsLayer` and `FsFileLayer`: a file system over another one, and a file over another one, that pass on
//! what they do not answer themselves. Hold no file system.

use super::file::FsFile;
use super::identity::FileIdentity;
use super::mapping::Mapping;
use super::system::{DirEntry, DirName, FileLock, Fs, OpenMode};
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file system over another: an [`Fs`] that answers a few calls itself and passes the others on.
///
/// For who looks at some calls, or has some fail. A file system that must see every call that changes
/// something, so as to refuse it, say, is no layer but an `Fs`: a call that `Fs` gains later would be passed
/// on here, unseen.
///
/// ```
/// use std::io;
/// use std::path::Path;
/// use std::sync::Arc;
/// use strandline_core::fs::{Fs, FsLayer, MemFs};
///
/// /// Removes nothing.
/// #[derive(Debug)]
/// struct Keeping(MemFs);
///
/// impl FsLayer for Keeping {
///     fn below(&self) -> &dyn Fs {
///         &self.0
///     }
///
///     fn remove_file(&self, _: &Path) -> io::Result<()> {
///         Err(io::ErrorKind::PermissionDenied.into())
///     }
/// }
///
/// let fs: Arc<dyn Fs> = Arc::new(Keeping(MemFs::new()));
/// fs.create_dir_all(Path::new("/d"))?;
/// assert!(fs.remove_file(Path::new("/d/f")).is_err());
/// # Ok::<(), io::Error>(())
/// ```
pub trait FsLayer: Send + Sync + Debug {
    /// The file system that has the files.
    fn below(&self) -> &dyn Fs;

    /// As [`Fs::create_dir_all`].
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.below().create_dir_all(path)
    }

    /// As [`Fs::create_dir`].
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.below().create_dir(path)
    }

    /// As [`Fs::remove_dir`].
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.below().remove_dir(path)
    }

    /// As [`Fs::identity`].
    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        self.below().identity(path)
    }

    /// As [`Fs::canonical`].
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.below().canonical(path)
    }

    /// As [`Fs::is_mount_point`].
    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        self.below().is_mount_point(path)
    }

    /// As [`Fs::open`]. A layer that looks at what is done with files gives an [`FsFileLayer`].
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        self.below().open(path, mode)
    }

    /// As [`Fs::list`].
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.below().list(path)
    }

    /// As [`Fs::list_names`]. A layer that has another [`list`](Self::list) has another one of these too.
    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        self.below().list_names(path)
    }

    /// As [`Fs::rename`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.below().rename(from, to)
    }

    /// As [`Fs::rename_new`].
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.below().rename_new(from, to)
    }

    /// As [`Fs::exchange`].
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.below().exchange(one, other)
    }

    /// As [`Fs::remove_file`].
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.below().remove_file(path)
    }

    /// As [`Fs::link`].
    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.below().link(file, name)
    }

    /// As [`Fs::sync_dir`].
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.below().sync_dir(path)
    }

    /// As [`Fs::discard_copy`].
    fn discard_copy(&self, path: &Path) -> bool {
        self.below().discard_copy(path)
    }

    /// As [`Fs::try_lock`].
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        self.below().try_lock(path)
    }
}

impl<T: FsLayer> Fs for T {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        FsLayer::create_dir_all(self, path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        FsLayer::create_dir(self, path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        FsLayer::remove_dir(self, path)
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        FsLayer::identity(self, path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        FsLayer::canonical(self, path)
    }

    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        FsLayer::is_mount_point(self, path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        FsLayer::open(self, path, mode)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        FsLayer::list(self, path)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        FsLayer::list_names(self, path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FsLayer::rename(self, from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        FsLayer::rename_new(self, from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        FsLayer::exchange(self, one, other)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        FsLayer::remove_file(self, path)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        FsLayer::link(self, file, name)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        FsLayer::sync_dir(self, path)
    }

    fn discard_copy(&self, path: &Path) -> bool {
        FsLayer::discard_copy(self, path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        FsLayer::try_lock(self, path)
    }
}

/// A file over another: an [`FsFile`] that answers a few calls itself and passes the others on.
///
/// [`FsFile::read_up_to`] and [`FsFile::write_all_at`] are made of this file's own `read_at` and `write_at`.
/// A mapping goes past both: a layer that answers reads itself gives none.
#[expect(
    clippy::len_without_is_empty,
    reason = "`FsFile` makes it of the length"
)]
pub trait FsFileLayer: Send + Sync + Debug {
    /// The file that has the bytes.
    fn below(&self) -> &dyn FsFile;

    /// As [`FsFile::read_at`].
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.below().read_at(buffer, offset)
    }

    /// As [`FsFile::write_at`].
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.below().write_at(bytes, offset)
    }

    /// As [`FsFile::sync`].
    fn sync(&self) -> io::Result<()> {
        self.below().sync()
    }

    /// As [`FsFile::set_len`].
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.below().set_len(bytes)
    }

    /// As [`FsFile::fix_below`].
    fn fix_below(&self, end: u64) {
        self.below().fix_below(end);
    }

    /// As [`FsFile::identity`].
    fn identity(&self) -> io::Result<FileIdentity> {
        self.below().identity()
    }

    /// As [`FsFile::links`].
    fn links(&self) -> io::Result<u64> {
        self.below().links()
    }

    /// As [`FsFile::allocate`].
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.below().allocate(bytes)
    }

    /// As [`FsFile::len`].
    fn len(&self) -> io::Result<u64> {
        self.below().len()
    }

    /// As [`FsFile::map`].
    fn map(&self, bytes: u64) -> Option<Mapping> {
        self.below().map(bytes)
    }
}

impl<T: FsFileLayer> FsFile for T {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FsFileLayer::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FsFileLayer::write_at(self, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        FsFileLayer::sync(self)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        FsFileLayer::set_len(self, bytes)
    }

    fn fix_below(&self, end: u64) {
        FsFileLayer::fix_below(self, end);
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        FsFileLayer::identity(self)
    }

    fn links(&self) -> io::Result<u64> {
        FsFileLayer::links(self)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        FsFileLayer::allocate(self, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        FsFileLayer::len(self)
    }

    fn map(&self, bytes: u64) -> Option<Mapping> {
        FsFileLayer::map(self, bytes)
    }
}
