//! `MemFs`: a file system in memory. What an open file does is in `handle`.

use super::handle::{MemHandle, MemLock};
use super::tree::{MemFile, Tree};
use crate::fs::floor::Floor;
use crate::fs::{DirEntry, EntryKind, FileIdentity, FileLock, Fs, FsFile, OpenMode};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file system in memory. Clones share their files.
///
/// Directories need not be made before files are put in them, and a sync does nothing.
#[derive(Clone, Default)]
pub struct MemFs {
    tree: Arc<Mutex<Tree>>,
}

/// Without what is behind the lock, which is not held while a caller's formatter is written to.
impl fmt::Debug for MemFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFs").finish_non_exhaustive()
    }
}

impl MemFs {
    /// An empty file system.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A file system of its own with the files as they are now and no lock held: what a process
    /// that was killed now would leave behind.
    #[must_use]
    pub fn fork(&self) -> Self {
        let tree = self.tree.lock();
        let device = FileIdentity::new_device();
        // By the file, so that names of one file are names of one file there too.
        let mut copies = BTreeMap::new();
        let files = tree.files.iter().map(|(path, file)| {
            let copy = copies.entry(file.number).or_insert_with(|| {
                Arc::new(MemFile {
                    device,
                    number: file.number,
                    bytes: RwLock::new(file.bytes.read().clone()),
                })
            });
            (path.clone(), copy.clone())
        });
        let files = files.collect();
        Self {
            tree: Arc::new(Mutex::new(Tree {
                files,
                directories: tree.directories.clone(),
                locks: BTreeSet::new(),
                device,
                numbers: tree.numbers,
            })),
        }
    }
}

impl MemFs {
    fn handle(
        &self,
        tree: &Tree,
        file: Arc<MemFile>,
        mode: OpenMode,
    ) -> io::Result<Arc<dyn FsFile>> {
        let bytes = file.bytes.read().len() as u64;
        Ok(Arc::new(MemHandle {
            floor: Floor::of(mode, bytes, tree.links(&file))?,
            tree: self.tree.clone(),
            file,
        }))
    }
}

impl Fs for MemFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        if path.ancestors().any(|path| tree.files.contains_key(path)) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        tree.make_directories(path);
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        if tree.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        tree.make_directories(path);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        if tree.has_entries(path) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let removed = tree.directories.remove(path);
        removed.map(drop).ok_or_else(|| not_found(path))
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        let mut tree = self.tree.lock();
        if let Some(file) = tree.files.get(path) {
            return Ok(file.identity());
        }
        if !tree.has_directory(path) {
            return Err(not_found(path));
        }
        tree.make_directories(path);
        let inode = tree.directories.get(path).copied();
        let inode = inode.ok_or_else(|| not_found(path))?;
        Ok(FileIdentity {
            device: tree.device,
            inode,
        })
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let mut tree = self.tree.lock();
        if tree.directories.contains_key(path) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        match (tree.files.get(path), mode) {
            (Some(_), OpenMode::Create) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(file), _) => self.handle(&tree, file.clone(), mode),
            (None, OpenMode::Create) => {
                let file = tree.new_file(path);
                self.handle(&tree, file, mode)
            }
            (None, _) => Err(not_found(path)),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let tree = self.tree.lock();
        let directories = tree
            .directories
            .keys()
            .map(|path| (path, EntryKind::Directory, 0));
        let files = tree
            .files
            .iter()
            .map(|(path, file)| (path, EntryKind::File, file.bytes.read().len() as u64));
        let mut entries: Vec<_> = directories
            .chain(files)
            .filter(|(entry, ..)| entry.parent() == Some(path))
            .map(|(entry, kind, bytes)| DirEntry {
                name: entry
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                kind,
                bytes,
            })
            .collect();
        if entries.is_empty() && !tree.directories.contains_key(path) {
            return Err(not_found(path));
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename(&mut self.tree.lock(), from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        match tree.exists(to) {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => rename(&mut tree, from, to),
        }
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        for path in [one, other] {
            if !tree.exists(path) {
                return Err(not_found(path));
            }
        }
        if one.starts_with(other) || other.starts_with(one) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (first, second) = (tree.take(one), tree.take(other));
        tree.put(other, first);
        tree.put(one, second);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let removed = self.tree.lock().files.remove(path);
        removed.map(drop).ok_or_else(|| not_found(path))
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        let found = tree.files.get(file).cloned();
        let file = found.ok_or_else(|| not_found(file))?;
        if tree.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        tree.files.insert(name.to_path_buf(), file);
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        let mut tree = self.tree.lock();
        let file = match tree.files.get(path) {
            Some(file) => file.clone(),
            None => tree.new_file(path),
        };
        if !tree.locks.insert(file.number) {
            return Ok(None);
        }
        Ok(Some(Box::new(MemLock {
            tree: self.tree.clone(),
            file,
        })))
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("no file {}", path.display()),
    )
}

fn rename(tree: &mut Tree, from: &Path, to: &Path) -> io::Result<()> {
    if let Some(file) = tree.files.get(from).cloned() {
        if tree.directories.contains_key(to) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        tree.files.remove(from);
        tree.files.insert(to.to_path_buf(), file);
        return Ok(());
    }
    if !tree.has_directory(from) {
        return Err(not_found(from));
    }
    if tree.files.contains_key(to) {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    if to.starts_with(from) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if tree.has_entries(to) {
        return Err(io::ErrorKind::DirectoryNotEmpty.into());
    }
    tree.make_directories(from);
    let taken = tree.take(from);
    tree.put(to, taken);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_was_written_at_positions() {
        let fs = MemFs::new();
        let file = fs.open(Path::new("/d/f"), OpenMode::Create).unwrap();
        file.write_all_at(b"world", 6).unwrap();
        file.write_all_at(b"hello ", 0).unwrap();
        let mut buffer = [0; 20];
        assert_eq!(file.read_up_to(&mut buffer, 0).unwrap(), 11);
        assert_eq!(&buffer[..11], b"hello world");
        assert_eq!(file.read_at(&mut buffer, 99).unwrap(), 0);
    }

    #[test]
    fn a_fork_is_undisturbed_and_unlocked() {
        let fs = MemFs::new();
        let lock = fs.try_lock(Path::new("/d/LOCK")).unwrap();
        assert!(lock.is_some());
        assert!(fs.try_lock(Path::new("/d/LOCK")).unwrap().is_none());
        let file = fs.open(Path::new("/d/f"), OpenMode::Create).unwrap();
        file.write_all_at(b"a", 0).unwrap();
        let fork = fs.fork();
        file.write_all_at(b"b", 0).unwrap();
        assert_eq!(
            crate::fs::read_file(&fork, Path::new("/d/f"), 9).unwrap(),
            b"a"
        );
        assert!(fork.try_lock(Path::new("/d/LOCK")).unwrap().is_some());
        assert!(fs.open(Path::new("/d/f"), OpenMode::Create).is_err());
    }
}
