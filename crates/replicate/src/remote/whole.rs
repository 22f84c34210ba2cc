//! `WholeFiles`: files that an opening reads from one end to the other, kept as files on the disk, so that they
//! can be mapped. These are the merged files of an index; segments are read by blocks.
//!
//! They count in no budget: while one is mapped, its bytes are on the disk whatever its name becomes. A copy has its
//! name once it is durable; that it is what was written is for its checksums to say, which its reader looks at.

use super::catalog::{Catalog, RemoteFile};
use super::objects::NotFetched;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, OpenMode};
use strandline_core::sync::Mutex;

/// What their names in the directory of the cache begin with.
const PREFIX: &str = "whole-";
/// What a file is called until all of it is there.
const UNFINISHED: &str = ".tmp";
/// How much is written at once.
const PIECE_BYTES: usize = 16 << 20;

/// The files in the directory of a cache that are kept whole.
#[derive(Debug)]
pub(super) struct WholeFiles {
    fs: Arc<dyn Fs>,
    /// None where the directory is another's.
    dir: Option<PathBuf>,
    /// The bucket and the log.
    of: String,
    /// The names of those that are kept. Held while one is made, so that each is made once, and none that is kept no
    /// more.
    kept: Mutex<HashSet<String>>,
}

impl WholeFiles {
    pub(super) fn new(fs: Arc<dyn Fs>, dir: Option<&Path>, of: String) -> Self {
        Self {
            fs,
            dir: dir.map(Path::to_path_buf),
            of,
            kept: Mutex::default(),
        }
    }

    /// Removes those of which the catalog has nothing.
    pub(super) fn keep(&self, catalog: &Catalog) {
        let Some(dir) = &self.dir else {
            return;
        };
        let files = catalog.files().filter(|(name, _)| is_kept_whole(name));
        let mut kept = self.kept.lock();
        *kept = files.map(|(_, file)| name_of(file, &self.of)).collect();
        // What cannot be removed now is found again at the next opening.
        for entry in self.fs.list_names(dir).unwrap_or_default() {
            if entry.name.starts_with(PREFIX) && !kept.contains(&entry.name) {
                let _ = self.fs.remove_file(&dir.join(entry.name));
            }
        }
    }

    /// Opens the copy of a file, which is made with `read` if it is not there yet; none if it is no such file, or
    /// there is no place for it, or it is listed no more.
    ///
    /// # Errors
    ///
    /// What `read` says. What stands against writing is none: then there is no place.
    pub(super) fn open(
        &self,
        name: &str,
        file: &RemoteFile,
        read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
    ) -> io::Result<Option<Arc<dyn FsFile>>> {
        let Some(dir) = self.dir.as_ref().filter(|_| is_kept_whole(name)) else {
            return Ok(None);
        };
        let copy = name_of(file, &self.of);
        let path = dir.join(&copy);
        let kept = self.kept.lock();
        if !kept.contains(&copy) {
            return Ok(None);
        }
        let there = self.fs.open(&path, OpenMode::Read).ok();
        let is_whole = |there: &Arc<dyn FsFile>| there.len().is_ok_and(|len| len == file.bytes());
        if let Some(there) = there.filter(is_whole) {
            return Ok(Some(there));
        }
        match write_whole(&*self.fs, &path, file.bytes(), read) {
            Ok(()) => Ok(self.fs.open(&path, OpenMode::Read).ok()),
            Err(error) if NotFetched::in_error(&error).is_some() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Whether the copy of a file is there.
    pub(super) fn has(&self, file: &RemoteFile) -> bool {
        let path = self
            .dir
            .as_ref()
            .map(|dir| dir.join(name_of(file, &self.of)));
        path.is_some_and(|path| self.fs.open(&path, OpenMode::Read).is_ok())
    }
}

/// Whether an opening reads all of a file with this name.
pub(super) fn is_kept_whole(name: &str) -> bool {
    name.starts_with("index-") && name.ends_with(".idx")
}

/// What the copy of a file is called: another one if it is in other objects, or those of another bucket or log.
fn name_of(file: &RemoteFile, of: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(blake3::hash(of.as_bytes()).as_bytes());
    for part in file.parts() {
        let length = u64::try_from(part.key.len()).unwrap_or(u64::MAX);
        for number in [part.from, part.bytes, part.offset, length] {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(part.key.as_bytes());
    }
    let digits = hasher.finalize().to_hex();
    format!("{PREFIX}{digits}")
}

/// Writes a file of so many bytes, which has its name once all of it is on the disk.
pub(super) fn write_whole(
    fs: &dyn Fs,
    path: &Path,
    bytes: u64,
    read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(UNFINISHED);
    let temporary = PathBuf::from(temporary);
    match fs.remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write(fs, &temporary, bytes, read).and_then(|()| fs.rename(&temporary, path));
    if written.is_err() {
        let _ = fs.remove_file(&temporary);
    }
    written?;
    fs.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

fn write(
    fs: &dyn Fs,
    path: &Path,
    bytes: u64,
    read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    let file = fs.open(path, OpenMode::Create)?;
    let most = usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .min(PIECE_BYTES);
    let mut piece = vec![0; most];
    let mut offset = 0;
    while offset < bytes {
        let count = read(&mut piece, offset)?;
        let read = piece.get(..count).filter(|read| !read.is_empty());
        let read = read.ok_or(io::ErrorKind::UnexpectedEof)?;
        file.write_all_at(read, offset)?;
        offset = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    file.sync()
}
