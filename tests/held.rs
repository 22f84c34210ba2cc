//! `HeldFs`: a file system whose syncs wait while they are held, so that what is in flight stays so.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use strandline::fs::{DirEntry, FileLock, Fs, FsFile, MemFs, OpenMode};

#[derive(Debug, Clone, Default)]
pub(crate) struct HeldFs {
    inner: MemFs,
    hold: Arc<Hold>,
}

#[derive(Debug, Default)]
struct Hold {
    held: Mutex<bool>,
    released: Condvar,
}

impl HeldFs {
    /// Lets every sync wait until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        *self.hold.held.lock().unwrap() = true;
    }

    pub(crate) fn release(&self) {
        *self.hold.held.lock().unwrap() = false;
        self.hold.released.notify_all();
    }
}

impl Fs for HeldFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        Ok(Arc::new(HeldFile {
            inner: self.inner.open(path, mode)?,
            hold: self.hold.clone(),
        }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        self.inner.try_lock(path)
    }
}

#[derive(Debug)]
struct HeldFile {
    inner: Arc<dyn FsFile>,
    hold: Arc<Hold>,
}

impl FsFile for HeldFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        let held = self.hold.held.lock().unwrap();
        drop(self.hold.released.wait_while(held, |held| *held).unwrap());
        self.inner.sync()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.inner.set_len(bytes)
    }

    fn fix_below(&self, end: u64) {
        self.inner.fix_below(end);
    }

    fn links(&self) -> io::Result<u64> {
        self.inner.links()
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}
