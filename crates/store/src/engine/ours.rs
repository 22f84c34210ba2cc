//! `Ours`: whether the directory is still the one that this process holds. Nothing else decides that.
//!
//! A store is held by the lock of its file LOCK. That goes with the file: to another path when the
//! directory is moved, and nowhere when the file is removed, after which somebody else may lock another
//! one. So the path of LOCK has to name the file whose lock is held, and so has that of the segment that
//! is appended to, which is locked as well. The manifest is replaced only if its number and its
//! checksum are those of the one that was put there last: nobody has it open, and a file that is not open gets another inode by and by on file
//! systems that keep none on the disk (FAT, many in user space). And a lock is held by one process: a fork
//! has the open file too, and none of the threads that the store needs.
//!
//! [`OwnedFs`] asks before each change of names and after each sync, so whoever writes through it
//! changes nothing that the path names for somebody else by then, and says of nothing that it is
//! durable which a successor may not have seen. Between the look and the change there is a moment in
//! which a directory can be exchanged: there is no call that looks and changes in one.

use crate::engine::group_sync::{GroupSync, Poison};
use crate::model::{LOCK_FILE, Lost};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use strandline_core::Process;
use strandline_core::fs::{
    DirEntry, DirName, FileIdentity, FileLock, Fs, FsFile, Mapping, OpenMode,
};
use strandline_core::sync::Mutex;
use strandline_segment::{MANIFEST_FILE, ManifestMark, SyncHandle};

/// What this process holds a store by.
#[derive(Debug)]
pub(crate) struct Ours {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    held: Mutex<Held>,
    process: Process,
    lost: OnceLock<Lost>,
    /// What is in the directory, for as long as that is kept.
    names: Mutex<Names>,
    /// What is stopped when it is lost, once it is there.
    group: OnceLock<Weak<GroupSync<SyncHandle>>>,
}

/// The files that have to be what their paths name.
#[derive(Debug)]
struct Held {
    /// Those that are locked: LOCK, and the segment that is appended to.
    locked: Vec<(PathBuf, FileIdentity)>,
    /// The marks that the manifest may have: of the one that was there at the opening, or was put there
    /// last, and of those since whose replacement failed, which may have been done. Any, if there is none.
    manifests: Vec<ManifestMark>,
}

/// The names in the directory, which an opening asks for in each of its steps: listing thousands takes
/// milliseconds, and nobody else changes them.
#[derive(Debug, Default)]
struct Names {
    is_kept: bool,
    listed: Option<Vec<DirName>>,
}

impl Ours {
    pub(crate) fn new(fs: Arc<dyn Fs>, dir: &Path, lock: &dyn FileLock) -> Arc<Self> {
        let manifest = ManifestMark::read(&*fs, &dir.join(MANIFEST_FILE)).ok();
        let ours = Self {
            fs,
            dir: dir.to_path_buf(),
            held: Mutex::new(Held {
                locked: Vec::new(),
                manifests: manifest.into_iter().collect(),
            }),
            process: Process::current(),
            lost: OnceLock::new(),
            names: Mutex::default(),
            group: OnceLock::new(),
        };
        ours.holds(&dir.join(LOCK_FILE), lock);
        Arc::new(ours)
    }

    /// The file system, as this process may use it for as long as it holds the store.
    pub(crate) fn fs(self: &Arc<Self>) -> Arc<dyn Fs> {
        Arc::new(OwnedFs {
            inner: self.fs.clone(),
            ours: self.clone(),
        })
    }

    /// The file system beneath, for files that are not the store's.
    pub(crate) fn beneath(&self) -> &Arc<dyn Fs> {
        &self.fs
    }

    /// Says what is to be stopped when the store is lost.
    pub(crate) fn stops(&self, group: &Arc<GroupSync<SyncHandle>>) {
        let _ = self.group.set(Arc::downgrade(group));
    }

    /// Whether this is the process that opened the store, and no fork of it. Takes no lock: whoever had
    /// one when this process was forked does not exist here.
    pub(crate) fn is_in_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// Fails in a fork.
    pub(crate) fn check_process(&self) -> Result<(), Lost> {
        if self.is_in_this_process() {
            return Ok(());
        }
        let dir = self.dir.clone();
        Err(Lost::Fork { dir })
    }

    /// Fails if the store is another's by now, or nobody's, and then stops all writing. Not to be called
    /// under the lock of the group sync.
    ///
    /// # Errors
    ///
    /// Contains [`Lost`]; or what looking at a file says, which stops nothing.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.check_before_look()?;
        let missing = {
            let held = self.held.lock();
            let mut missing = None;
            for (path, identity) in &held.locked {
                if !self.is_named(path, *identity)? {
                    missing = Some(path.clone());
                }
            }
            missing
        };
        missing.map_or(Ok(()), |path| Err(self.lose(&path)))
    }

    /// Replaces the manifest by a file that was written beside it, if it is the one that was there last.
    fn replace_manifest(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_to_change()?;
        {
            let mut held = self.held.lock();
            let is_ours = held.manifests.is_empty()
                || match ManifestMark::read(&*self.fs, to) {
                    Ok(found) => held.manifests.contains(&found),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                    Err(error) => return Err(error),
                };
            if is_ours {
                let new = ManifestMark::read(&*self.fs, from)?;
                match self.fs.rename(from, to) {
                    Ok(()) => held.manifests = vec![new],
                    Err(error) => {
                        held.manifests.push(new);
                        return Err(error);
                    }
                }
                return Ok(());
            }
        }
        Err(self.lose(to))
    }

    /// From now on the directory is listed once, until something is changed in it. For a single thread.
    pub(crate) fn keep_names(&self) {
        *self.names.lock() = Names {
            is_kept: true,
            listed: None,
        };
    }

    /// The directory is listed whenever that is asked for.
    pub(crate) fn let_names_go(&self) {
        *self.names.lock() = Names::default();
    }

    fn list_names(&self) -> io::Result<Vec<DirName>> {
        if let Some(listed) = &self.names.lock().listed {
            return Ok(listed.clone());
        }
        // Without the lock, for which appends may wait.
        let listed = self.fs.list_names(&self.dir)?;
        let mut names = self.names.lock();
        names.listed = names.is_kept.then(|| listed.clone());
        Ok(listed)
    }

    /// Whether a file is in the directory, as far as names are kept.
    fn is_listed(&self, path: &Path) -> bool {
        let names = self.names.lock();
        let mut listed = names.listed.iter().flatten();
        path.parent() == Some(&self.dir)
            && listed.any(|entry| path.file_name() == Some(OsStr::new(&entry.name)))
    }

    /// Fails as [`check`](Self::check) does, before names are changed.
    fn check_to_change(&self) -> io::Result<()> {
        self.names.lock().listed = None;
        self.check()
    }

    fn check_before_look(&self) -> io::Result<()> {
        self.check_process().map_err(io::Error::other)?;
        match self.lost.get() {
            None => Ok(()),
            // Whoever noticed it first may not have come to stop what is to be stopped.
            Some(_) => Err(self.lose(&self.dir)),
        }
    }

    /// Whether a path names a file.
    fn is_named(&self, path: &Path, identity: FileIdentity) -> io::Result<bool> {
        loop {
            return match self.fs.identity(path) {
                Ok(found) => Ok(found == identity),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::Unsupported => Ok(true),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(false),
                    _ => Err(error),
                },
            };
        }
    }

    /// Stops all writing, as a path does not name what it should.
    fn lose(&self, path: &Path) -> io::Error {
        let lost = || Lost::Directory {
            dir: self.dir.clone(),
            file: path.file_name().unwrap_or_default().to_os_string(),
        };
        let lost = self.lost.get_or_init(lost);
        if let Some(group) = self.group.get().and_then(Weak::upgrade) {
            group.stop_for(Poison::lock_lost(&lost.to_string()));
        }
        io::Error::other(lost.clone())
    }

    /// Fails if the loss was noticed before. No call to the system.
    fn check_known(&self) -> io::Result<()> {
        match self.lost.get() {
            None => Ok(()),
            Some(lost) => Err(io::Error::other(lost.clone())),
        }
    }

    /// Notes that a file is locked. Where the file system does not tell files apart, nothing is looked at.
    fn holds(&self, path: &Path, lock: &dyn FileLock) {
        if let Some(identity) = lock.identity() {
            self.held.lock().locked.push((path.to_path_buf(), identity));
        }
    }

    fn lets_go(&self, path: &Path) {
        self.held.lock().locked.retain(|(held, _)| held != path);
    }
}

/// A lock that is held with the store.
#[derive(Debug)]
struct OwnedLock {
    inner: Box<dyn FileLock>,
    path: PathBuf,
    ours: Arc<Ours>,
}

impl FileLock for OwnedLock {
    fn identity(&self) -> Option<FileIdentity> {
        self.inner.identity()
    }
}

impl Drop for OwnedLock {
    fn drop(&mut self) {
        if self.ours.is_in_this_process() {
            self.ours.lets_go(&self.path);
        }
    }
}

/// A file system in which nothing is changed once the store is lost.
#[derive(Debug)]
struct OwnedFs {
    inner: Arc<dyn Fs>,
    ours: Arc<Ours>,
}

impl Fs for OwnedFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.create_dir_all(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.remove_dir(path)
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        self.inner.identity(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.canonical(path)
    }

    fn is_mount_point(&self, path: &Path) -> io::Result<bool> {
        self.inner.is_mount_point(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        match mode {
            OpenMode::Read => return self.inner.open(path, mode),
            OpenMode::Create => self.ours.check_to_change()?,
            // One that is appended to is there already.
            _ => self.ours.check()?,
        }
        let inner = self.inner.open(path, mode)?;
        let ours = self.ours.clone();
        Ok(Arc::new(OwnedFile { inner, ours }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.list(path)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        match path == self.ours.dir {
            true => self.ours.list_names(),
            false => self.inner.list_names(path),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.file_name() == Some(OsStr::new(MANIFEST_FILE)) && to.parent() == Some(&self.ours.dir)
        {
            return self.ours.replace_manifest(from, to);
        }
        self.ours.check_to_change()?;
        self.inner.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.exchange(one, other)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.remove_file(path)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.ours.check_to_change()?;
        self.inner.link(file, name)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)?;
        self.ours.check()
    }

    fn discard_copy(&self, path: &Path) -> bool {
        self.inner.discard_copy(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        match self.ours.is_listed(path) {
            true => self.ours.check()?,
            // It may be made.
            false => self.ours.check_to_change()?,
        }
        let locked = self.inner.try_lock(path)?;
        Ok(locked.map(|inner| {
            self.ours.holds(path, &*inner);
            let (path, ours) = (path.to_path_buf(), self.ours.clone());
            Box::new(OwnedLock { inner, path, ours }) as Box<dyn FileLock>
        }))
    }
}

/// A file that is written to for as long as the store is held.
#[derive(Debug)]
struct OwnedFile {
    inner: Arc<dyn FsFile>,
    ours: Arc<Ours>,
}

impl FsFile for OwnedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        // What goes into a file of ours harms nobody, and counts for nothing before a sync.
        self.ours.check_known()?;
        self.inner.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.inner.sync()?;
        self.ours.check()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.ours.check()?;
        self.inner.set_len(bytes)
    }

    fn fix_below(&self, end: u64) {
        self.inner.fix_below(end);
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        self.inner.identity()
    }

    fn links(&self) -> io::Result<u64> {
        self.inner.links()
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.ours.check_known()?;
        self.inner.allocate(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn map(&self, bytes: u64) -> Option<Mapping> {
        self.inner.map(bytes)
    }

    fn is_empty(&self) -> io::Result<bool> {
        self.inner.is_empty()
    }

    fn read_up_to(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_up_to(buffer, offset)
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use strandline_core::fs::MemFs;

    #[test]
    fn names_that_are_kept_are_those_that_there_are() {
        let (memory, dir) = (Arc::new(MemFs::new()), Path::new("/d"));
        memory.create_dir_all(dir).unwrap();
        let lock = memory.try_lock(&dir.join(LOCK_FILE)).unwrap().unwrap();
        let ours = Ours::new(memory.clone(), dir, &*lock);
        let fs = ours.fs();
        let check = || {
            let listed = fs.list_names(dir).unwrap();
            assert_eq!(listed, memory.list_names(dir).unwrap());
        };
        ours.keep_names();
        check();
        // Nobody else changes anything, so it is not looked for.
        memory.open(&dir.join("a"), OpenMode::Create).unwrap();
        assert_eq!(fs.list_names(dir).unwrap().len(), 1);
        let (b, c) = (dir.join("b"), dir.join("c"));
        let changes: [&dyn Fn(); 6] = [
            &|| drop(fs.open(&b, OpenMode::Create).unwrap()),
            &|| fs.rename(&b, &c).unwrap(),
            &|| fs.rename_new(&c, &b).unwrap(),
            &|| fs.create_dir(&dir.join("e")).unwrap(),
            &|| drop(fs.try_lock(&dir.join("l")).unwrap()),
            &|| fs.remove_file(&b).unwrap(),
        ];
        for change in changes {
            change();
            check();
        }
        ours.let_names_go();
        memory.open(&dir.join("f"), OpenMode::Create).unwrap();
        check();
    }
}
