//! `ProbeFs`: between the store and the simulated disk. It notes what readers see before each
//! operation, and, for tests of the harness itself, breaks one of the rules that the store keeps.

use super::defect::Defect;
use super::marks::Marks;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use strandline::fs::{FileLock, Fs, FsFile, FsFileLayer, FsLayer, OpenMode, SimFs};

#[derive(Debug, Clone)]
pub(crate) struct ProbeFs {
    pub(crate) inner: SimFs,
    pub(crate) marks: Arc<Mutex<Marks>>,
    pub(crate) defect: Option<Defect>,
}

impl ProbeFs {
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Another file of the segment under the name of the new one, if that rule is broken.
    fn reused(&self, path: &Path, mode: OpenMode) -> Option<Arc<dyn FsFile>> {
        if !self.has(Defect::BlocksReused) || mode != OpenMode::Create || in_quarantine(path) {
            return None;
        }
        let segment = path.file_name()?.to_str()?.get(..SEGMENT_NAME)?;
        if !segment.starts_with("segment-") {
            return None;
        }
        let dir = path.parent()?;
        let entries = self.inner.list(dir).ok()?;
        let mut names = entries.into_iter().map(|entry| entry.name);
        let other = names.rfind(|name| name.starts_with(segment))?;
        let other = dir.join(other);
        let file = self.inner.open(&other, OpenMode::Append { end: 0 }).ok()?;
        self.inner.link(&other, path).ok()?;
        Some(file)
    }

    /// Notes what readers see now.
    fn look(&self) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.look(self.inner.steps_count());
    }
}

/// Length of the part of a segment's file name that its generations share.
const SEGMENT_NAME: usize = "segment-0000000001".len();

fn in_quarantine(path: &Path) -> bool {
    path.iter().any(|part| part == "quarantine")
}

impl FsLayer for ProbeFs {
    fn below(&self) -> &dyn Fs {
        &self.inner
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.look();
        self.inner.create_dir_all(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        self.look();
        let file = match self.reused(path, mode) {
            Some(file) => file,
            None => self.inner.open(path, mode)?,
        };
        Ok(Arc::new(ProbeFile {
            file,
            fs: self.clone(),
            is_temporary: path.extension().is_some_and(|suffix| suffix == "tmp"),
            is_quarantined: in_quarantine(path),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.look();
        if self.has(Defect::NoQuarantine) && in_quarantine(to) {
            return self.inner.remove_file(from);
        }
        self.inner.rename(from, to)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.look();
        self.inner.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.look();
        self.inner.remove_dir(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.look();
        self.inner.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.look();
        self.inner.exchange(one, other)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.look();
        self.inner.remove_file(path)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.look();
        self.inner.link(file, name)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.look();
        if self.has(Defect::NoDirectorySync) {
            return Ok(());
        }
        self.inner.sync_dir(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        self.look();
        self.inner.try_lock(path)
    }
}

#[derive(Debug)]
struct ProbeFile {
    file: Arc<dyn FsFile>,
    fs: ProbeFs,
    is_temporary: bool,
    is_quarantined: bool,
}

impl FsFileLayer for ProbeFile {
    fn below(&self) -> &dyn FsFile {
        &*self.file
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.fs.look();
        if self.is_quarantined && self.fs.has(Defect::NoQuarantine) {
            return Ok(bytes.len());
        }
        match self.file.write_at(bytes, offset) {
            Ok(_) if self.fs.has(Defect::ShortWriteBelieved) => Ok(bytes.len()),
            written => written,
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.fs.look();
        let skipped = self.fs.has(Defect::NoFileSync)
            || self.is_temporary && self.fs.has(Defect::NoSyncBeforeRename)
            || self.is_quarantined && self.fs.has(Defect::QuarantineNotSynced);
        if skipped {
            return Ok(());
        }
        match self.file.sync() {
            Err(_) if self.fs.has(Defect::RetriedSync) => self.file.sync(),
            Err(_) if self.fs.has(Defect::FailedSyncBelieved) => Ok(()),
            synced => synced,
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.fs.look();
        self.file.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.fs.look();
        self.file.allocate(bytes)
    }
}
