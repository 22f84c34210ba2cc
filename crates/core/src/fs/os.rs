//! The file system of the operating system.

use super::floor::Floor;
use super::os_file::{OsFile, OsLock, identity};
use super::{DirEntry, DirName, EntryKind, FileIdentity, FileLock, Fs, FsFile, OpenMode};
use crate::process::Process;
use crate::sync::atomic::AtomicBool;
use rustix::fs::{OFlags, RenameFlags};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Permissions of new files: the owner reads and writes.
const FILE_MODE: u32 = 0o600;
/// Permissions of new directories: the owner does everything.
const DIRECTORY_MODE: u32 = 0o700;
/// How often a file is locked that is removed meanwhile.
const LOCK_TRIES: usize = 1000;

/// The file system of the operating system (Unix).
///
/// Opens without following a symbolic link in the last component; other components, the store's
/// own directory among them, may be links.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFs;

#[expect(clippy::disallowed_methods, reason = "this is the seam")]
impl Fs for OsFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(DIRECTORY_MODE).create(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        identity_at(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let path = path.canonicalize()?;
        match std::fs::metadata(&path)?.is_dir() {
            true => Ok(path),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};
        let told = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::empty())?;
        let root = StatxAttributes::MOUNT_ROOT;
        if told.stx_attributes_mask.contains(root) {
            return Ok(told.stx_attributes.contains(root));
        }
        is_of_another_device(path)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        is_of_another_device(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let file = options(mode).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        let floor = Floor::of(mode, metadata.len(), metadata.nlink())?;
        Ok(Arc::new(OsFile { file, floor }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = std::fs::read_dir(path)?
            .filter_map(|entry| {
                // A name may be gone before it is looked at: then it is not in the directory.
                match entry.and_then(|entry| describe(&entry)) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    described => Some(described),
                }
            })
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let names = std::fs::read_dir(path)?.map(|entry| {
            let entry = entry?;
            Ok(DirName {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind: kind_of(entry.file_type()?),
            })
        });
        // Where a directory does not tell what an entry is, that may be gone before it is looked at.
        let is_gone = |named: &io::Result<_>| matches!(named, Err(error) if error.kind() == io::ErrorKind::NotFound);
        let names = names.filter(|named| !is_gone(named));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rename_with(from, to, RenameFlags::NOREPLACE) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => rename_to_made(from, to),
            renamed => renamed,
        }
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        rename_with(one, other, RenameFlags::EXCHANGE)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        std::fs::hard_link(file, name)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        match File::open(path)?.sync_all() {
            // It has no such call (SMB, 9P): there is nothing more that can be done, and the answer is the
            // same for every directory of it. A sync that fails says something else.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        for _ in 0..LOCK_TRIES {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(FILE_MODE)
                .custom_flags(flags(OFlags::NOFOLLOW))
                .open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let identity = identity(&file.metadata()?);
            let lock = OsLock {
                file,
                identity,
                process: Process::current(),
                has_note: AtomicBool::new(false),
            };
            match self.identity(path) {
                Ok(named) if named == identity => return Ok(Some(Box::new(lock))),
                // Whoever held it has removed it after it was opened here: the lock of a file without a
                // name keeps nobody out.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(
            "the file that was locked has not the name, again and again",
        ))
    }
}

/// Which file has the name, and nothing else of it: to ask for its times has Linux (since 6.13) give the
/// next write to it a time of its own, which puts a synced append a third behind.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn identity_at(path: &Path) -> io::Result<FileIdentity> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
    let told = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::INO);
    match told {
        Ok(told) => Ok(FileIdentity {
            device: makedev(told.stx_dev_major, told.stx_dev_minor),
            inode: told.stx_ino,
        }),
        Err(rustix::io::Errno::NOSYS) => metadata_identity_at(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn identity_at(path: &Path) -> io::Result<FileIdentity> {
    metadata_identity_at(path)
}

fn metadata_identity_at(path: &Path) -> io::Result<FileIdentity> {
    Ok(identity(&std::fs::symlink_metadata(path)?))
}

/// Whether a directory is on another device than the one it is in, or is the root.
fn is_of_another_device(path: &Path) -> io::Result<bool> {
    let own = std::fs::metadata(path)?;
    let parent = std::fs::metadata(path.join(".."))?;
    Ok(own.dev() != parent.dev() || own.ino() == parent.ino())
}

/// Renames with flags. `Unsupported` where the system, or the file system, does not know them.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_with(from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
    use rustix::io::Errno;
    let renamed = rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags);
    renamed.map_err(|error| match error {
        Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => io::ErrorKind::Unsupported.into(),
        error => error.into(),
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_with(_from: &Path, _to: &Path, _flags: RenameFlags) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Renames to a name that is taken first, by what the rename then replaces: nobody else can take it.
#[expect(clippy::disallowed_methods, reason = "this is the seam")]
fn rename_to_made(from: &Path, to: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(from)?.is_dir() {
        OsFs.create_dir(to)?;
        return std::fs::rename(from, to);
    }
    match std::fs::hard_link(from, to) {
        // It knows no links either (FAT, SMB, many in user space).
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(io::ErrorKind::Unsupported.into())
        }
        linked => linked.and_then(|()| std::fs::remove_file(from)),
    }
}

/// What a directory entry is, and how long.
fn describe(entry: &std::fs::DirEntry) -> io::Result<DirEntry> {
    let kind = kind_of(entry.file_type()?);
    let bytes = match kind {
        EntryKind::File => entry.metadata()?.len(),
        _ => 0,
    };
    Ok(DirEntry {
        name: entry.file_name().to_string_lossy().into_owned(),
        kind,
        bytes,
    })
}

fn kind_of(file_type: std::fs::FileType) -> EntryKind {
    if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

/// Flags as the standard library takes them.
const fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

fn options(mode: OpenMode) -> OpenOptions {
    let mut options = OpenOptions::new();
    // Without O_NONBLOCK the open of a named pipe would wait for its other end.
    options
        .read(true)
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    match mode {
        OpenMode::Read => {}
        OpenMode::Append { .. } => {
            options.write(true);
        }
        OpenMode::Create => {
            options.write(true).create_new(true).mode(FILE_MODE);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn files_belong_to_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er");
        OsFs.create_dir_all(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), DIRECTORY_MODE);
        OsFs.open(&path.join("f"), OpenMode::Create).unwrap();
        assert_eq!(mode(&path.join("f")), FILE_MODE);
    }

    #[test]
    fn links_and_directories_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        OsFs.open(&dir.path().join("f"), OpenMode::Create).unwrap();
        symlink(dir.path().join("f"), dir.path().join("link")).unwrap();
        assert!(OsFs.open(&dir.path().join("link"), OpenMode::Read).is_err());
        assert!(OsFs.open(dir.path(), OpenMode::Read).is_err());
        let kinds: Vec<_> = OsFs
            .list(dir.path())
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name, entry.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("f".to_owned(), EntryKind::File),
                ("link".to_owned(), EntryKind::Other)
            ]
        );
    }

    #[test]
    fn a_name_that_goes_while_it_is_listed_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let names = [dir.path().join("a"), dir.path().join("b")];
        OsFs.open(&names[0], OpenMode::Create).unwrap();
        std::thread::scope(|scope| {
            let renaming = scope.spawn(|| {
                for turn in 0..20_000 {
                    let (from, to) = (&names[turn % 2], &names[(turn + 1) % 2]);
                    OsFs.rename(from, to).unwrap();
                }
            });
            while !renaming.is_finished() {
                OsFs.list(dir.path()).unwrap();
            }
        });
    }

    /// Cause: the system refuses to sync a directory of a file system that has no such call, and a store or
    /// backup could not be made there.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_directory_that_cannot_be_synced_by_itself_is_passed_over() {
        OsFs.sync_dir(Path::new("/proc")).unwrap();
        let missing = OsFs.sync_dir(Path::new("/proc/nothing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_lock_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        let held = OsFs.try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(OsFs.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(OsFs.try_lock(&path).unwrap().is_some());
    }

    /// Cause: who holds a lock may remove its file. Another who had opened it before, and locked it after,
    /// held a file without a name, and a third one the next file.
    #[test]
    fn a_lock_is_of_the_file_that_has_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        if let Some(lock) = OsFs.try_lock(&path).unwrap() {
                            assert_eq!(lock.identity(), OsFs.identity(&path).ok());
                            OsFs.remove_file(&path).unwrap();
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn a_note_is_there_as_long_as_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        let read = || crate::fs::read_file(&OsFs, &path, 100).unwrap();
        let held = OsFs.try_lock(&path).unwrap().unwrap();
        held.note("longer").unwrap();
        held.note("short").unwrap();
        assert_eq!(read(), b"short");
        drop(held);
        assert_eq!(read(), b"");
        // A file with two names says nothing of either.
        OsFs.link(&path, &dir.path().join("other")).unwrap();
        let held = OsFs.try_lock(&path).unwrap().unwrap();
        held.note("text").unwrap();
        assert_eq!(read(), b"");
        drop(held);
        // What is there and was put there by nobody who has the lock stays.
        OsFs.remove_file(&path).unwrap();
        let file = OsFs.open(&path, OpenMode::Create).unwrap();
        file.write_at(b"another's", 0).unwrap();
        drop(OsFs.try_lock(&path).unwrap().unwrap());
        assert_eq!(read(), b"another's");
    }

    #[test]
    fn a_lock_is_released_though_a_child_has_its_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        #[expect(
            clippy::disallowed_methods,
            reason = "the file of a lock is not to be had"
        )]
        let file = File::create(&path).unwrap();
        file.try_lock().unwrap();
        let shared_with_a_child = file.try_clone().unwrap();
        let identity = identity(&file.metadata().unwrap());
        let process = Process::current();
        drop(OsLock {
            file,
            identity,
            process,
            has_note: AtomicBool::new(false),
        });
        assert!(OsFs.try_lock(&path).unwrap().is_some());
        drop(shared_with_a_child);
    }
}
