//! `WholeFiles`: files that an opening reads from one end to the other, kept as files on the disk, so that they
//! can be mapped. These are the merged files of an index; segments are read by blocks.
//!
//! They have their room before all blocks, as while one is mapped its bytes are on the disk whatever its name becomes. A
//! copy has its name once all of it was written. That it is what was written, also after a power cut, is for its checksums
//! to say, which its reader looks at: one that is not is [discarded](WholeFiles::discard), and made again.

use super::blocks::{Blocks, REQUEST_BYTES_MAX};
use super::catalog::{Catalog, RemoteFile};
use super::transfer::{Filling, Transfer};
use std::collections::HashSet;
use std::io;
use std::ops::Range;
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
    /// The names of those that are kept. Held while some are made, so that each is made once, and none that is kept no
    /// more.
    kept: Mutex<HashSet<String>>,
}

/// A copy that is being made.
struct Begun {
    path: PathBuf,
    temporary: PathBuf,
    filling: Arc<Filling>,
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

    /// Makes the copies of files that are not there yet, of all of them at once: of those that are kept whole, if there
    /// is a place for them and they are listed. Fetches before what is to be fetched `also`.
    ///
    /// # Errors
    ///
    /// What could not be fetched; the copies that were being made are not there then. What stands against writing one is
    /// none: then it is not there.
    pub(super) fn make(
        &self,
        files: &[(&str, &RemoteFile)],
        also: Vec<Transfer>,
        blocks: &Blocks,
    ) -> io::Result<()> {
        let Some(dir) = &self.dir else {
            return blocks.transfer(also);
        };
        let kept = self.kept.lock();
        let (mut begun, mut transfers) = (Vec::new(), also);
        for (name, file) in files {
            let copy = name_of(file, &self.of);
            let is_wanted = is_kept_whole(name) && kept.contains(&copy);
            if !is_wanted || self.opened(file).is_some() {
                continue;
            }
            let Ok(one) = Begun::begin(&*self.fs, dir.join(copy)) else {
                continue;
            };
            transfers.extend(pieces(file).map(|(object, range, at)| Transfer {
                object,
                range,
                to: one.filling.clone(),
                at,
            }));
            begun.push(one);
        }
        let transferred = blocks.transfer(transfers);
        for one in begun {
            one.finish(&*self.fs, transferred.is_ok());
        }
        transferred
    }

    /// The copy of a file, if it is there and as long as that.
    pub(super) fn opened(&self, file: &RemoteFile) -> Option<Arc<dyn FsFile>> {
        let path = self.path_of(file)?;
        let there = self.fs.open(&path, OpenMode::Read).ok()?;
        let is_whole = there.len().is_ok_and(|len| len == file.bytes());
        is_whole.then_some(there)
    }

    /// How much those take that are there, in bytes. O(files).
    pub(super) fn bytes(&self) -> u64 {
        let kept = self.kept.lock();
        let paths = self
            .dir
            .iter()
            .flat_map(|dir| kept.iter().map(|name| dir.join(name)));
        let there = paths.filter_map(|path| self.fs.open(&path, OpenMode::Read).ok());
        there.filter_map(|file| file.len().ok()).sum()
    }

    /// Removes the copy of a file, and says whether there was one.
    pub(super) fn discard(&self, file: &RemoteFile) -> bool {
        let _kept = self.kept.lock();
        let path = self.path_of(file);
        path.is_some_and(|path| self.fs.remove_file(&path).is_ok())
    }

    fn path_of(&self, file: &RemoteFile) -> Option<PathBuf> {
        let dir = self.dir.as_ref()?;
        Some(dir.join(name_of(file, &self.of)))
    }
}

impl Begun {
    fn begin(fs: &dyn Fs, path: PathBuf) -> io::Result<Self> {
        let temporary = begin(fs, &path)?;
        let file = fs.open(&temporary, OpenMode::Create)?;
        Ok(Self {
            path,
            temporary,
            filling: Arc::new(Filling::new(file)),
        })
    }

    /// Has the copy be there, or removes it. It is not synced: after a power cut it is whole, or is found not to be.
    fn finish(self, fs: &dyn Fs, is_fetched: bool) {
        let is_whole = is_fetched && !self.filling.has_failed();
        if !is_whole || fs.rename(&self.temporary, &self.path).is_err() {
            let _ = fs.remove_file(&self.temporary);
        }
    }
}

/// What is to be asked for to have all of a file: of which object, where in it, and where in the file that goes.
fn pieces(file: &RemoteFile) -> impl Iterator<Item = (Arc<str>, Range<u64>, u64)> {
    file.parts().iter().flat_map(|part| {
        let step = usize::try_from(REQUEST_BYTES_MAX).unwrap_or(usize::MAX);
        (0..part.bytes).step_by(step).map(move |within| {
            let length = REQUEST_BYTES_MAX.min(part.bytes - within);
            let start = part.offset.saturating_add(within);
            let range = start..start.saturating_add(length);
            (part.key.clone(), range, part.from.saturating_add(within))
        })
    })
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
    let temporary = begin(fs, path)?;
    let written = write(fs, &temporary, bytes, read).and_then(|()| fs.rename(&temporary, path));
    if written.is_err() {
        let _ = fs.remove_file(&temporary);
    }
    written?;
    fs.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// What a file is called until it is whole. Nothing has that name.
fn begin(fs: &dyn Fs, path: &Path) -> io::Result<PathBuf> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(UNFINISHED);
    let temporary = PathBuf::from(temporary);
    match fs.remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(temporary),
    }
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
