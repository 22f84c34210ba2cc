//! `Target`: what is where a store is to be, and whether a restore may be made there. Changes nothing.

use super::existing::Existing;
use super::staging::is_of_copy;
use super::steps::exists;
use crate::maintenance::places::{LOST_AND_FOUND, check_apart};
use crate::model::{LOCK_FILE, MARKER, STAGING_WITHIN, is_of_log};
use crate::{Error, ErrorKind};
use std::io;
use std::path::{Component, Path, PathBuf};
use strandline_core::fs::{DirEntry, EntryKind, Fs, OpenMode};
use strandline_segment::{MANIFEST_FILE, Manifest, SEGMENT_HEADER_BYTES};

/// What to do where a store cannot be moved.
pub(super) const FILL_INSTEAD: &str =
    "move its files into another directory and restore again, which fills the empty one";

/// A path where nothing is that a restore must leave alone.
#[derive(Debug)]
pub(super) struct Target {
    /// Absolute, and without links.
    pub(super) path: PathBuf,
    pub(super) found: Found,
    /// Whether there is a file that a writer locks.
    pub(super) has_lock: bool,
    /// Segments that an interrupted restore has moved there.
    pub(super) interrupted: Vec<String>,
}

/// What is at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// A directory in which nothing is, or what an interrupted restore has put there.
    EmptyDirectory,
    /// A store, be it a damaged one.
    Store,
}

impl Target {
    /// Looks at the target of a restore from the backup at `source`, if it is from one, a path as `resolve` gives it.
    /// Changes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if a restore must not be made there, [`ErrorKind::Io`].
    pub(super) fn look(
        fs: &dyn Fs,
        dir: &Path,
        source: Option<&Path>,
        existing: Existing,
    ) -> Result<Self, Error> {
        let (path, is_there) = resolve(fs, dir)?;
        if let Some(source) = source {
            check_apart(fs, source, &path)?;
        }
        let mut target = Self {
            path,
            found: Found::Nothing,
            has_lock: false,
            interrupted: Vec::new(),
        };
        if is_there {
            target.look_into(fs)?;
        }
        if target.found == Found::Store {
            target.check_replaceable(fs, existing)?;
        }
        if target.found != Found::EmptyDirectory && target.path.file_name().is_none() {
            return refuse(&target.path, "is the root of the file system");
        }
        Ok(target)
    }

    fn look_into(&mut self, fs: &dyn Fs) -> Result<(), Error> {
        let entries = fs.list(&self.path);
        let entries = entries.map_err(|error| Error::io("list", &self.path, error))?;
        self.has_lock = entries.iter().any(|entry| entry.name == LOCK_FILE);
        let rest: Vec<_> = entries
            .iter()
            .filter(|entry| !is_of_empty(fs, &self.path, entry))
            .collect();
        self.found = if rest.is_empty() {
            Found::EmptyDirectory
        } else if is_interrupted_fill(fs, &self.path, &rest) {
            self.interrupted = rest.iter().map(|entry| entry.name.clone()).collect();
            Found::EmptyDirectory
        } else if rest.iter().any(|entry| shows_store(fs, &self.path, entry)) {
            Found::Store
        } else {
            return refuse(&self.path, "is not empty, and holds no store");
        };
        Ok(())
    }

    fn check_replaceable(&self, fs: &dyn Fs, existing: Existing) -> Result<(), Error> {
        if existing == Existing::Refuse {
            return refuse(
                &self.path,
                "holds a store, which is moved aside only if that is asked for",
            );
        }
        let is_mount_point = fs.is_mount_point(&self.path);
        if is_mount_point.map_err(|error| Error::io("look at", &self.path, error))? {
            let what = format!(
                "is where a file system is mounted, so that the store in it cannot be moved; {FILL_INSTEAD}"
            );
            return refuse(&self.path, &what);
        }
        Ok(())
    }
}

fn refuse<T>(path: &Path, what: &str) -> Result<T, Error> {
    let message = format!("nothing was restored: {} {what}", path.display());
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// The absolute path of a directory, without links, and whether it is there. What is missing of it is
/// taken as it stands.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if something is there that is no directory; [`ErrorKind::Io`].
pub(super) fn resolve(fs: &dyn Fs, dir: &Path) -> Result<(PathBuf, bool), Error> {
    let absolute = std::path::absolute(dir).map_err(|error| Error::io("resolve", dir, error))?;
    let mut missing = PathBuf::new();
    for ancestor in absolute.ancestors() {
        let found = match ancestor.parent() {
            Some(_) => fs.canonical(ancestor),
            None => Ok(ancestor.to_path_buf()),
        };
        match found {
            Ok(found) if missing.as_os_str().is_empty() => return Ok((found, true)),
            Ok(found) => return Ok((join_missing(fs, &found, &missing, dir)?, false)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(Error::io("resolve", ancestor, error)),
        }
        let name = ancestor.components().next_back();
        let name = name.map_or(Path::new(""), |name| Path::new(name.as_os_str()));
        missing = match missing.as_os_str().is_empty() {
            true => name.to_path_buf(),
            false => name.join(missing),
        };
    }
    refuse(dir, "is in no directory that there is")
}

fn join_missing(fs: &dyn Fs, found: &Path, missing: &Path, dir: &Path) -> Result<PathBuf, Error> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !missing.components().all(is_plain) {
        return refuse(dir, "goes up from a directory that is not there");
    }
    if let Some(first) = missing.components().next() {
        let first = found.join(first);
        if exists(fs, &first)? {
            return refuse(&first, "is a file, or a link to nothing, and no directory");
        }
    }
    Ok(found.join(missing))
}

/// Whether a directory is as good as empty with this entry.
fn is_of_empty(fs: &dyn Fs, dir: &Path, entry: &DirEntry) -> bool {
    match (entry.name.as_str(), entry.kind) {
        (LOST_AND_FOUND, EntryKind::Directory) | (LOCK_FILE, EntryKind::File) => true,
        (STAGING_WITHIN, EntryKind::Directory) => is_of_copy(fs, &dir.join(STAGING_WITHIN)),
        _ => false,
    }
}

/// Whether an entry shows that a store is there. Others have files called MANIFEST, too.
fn shows_store(fs: &dyn Fs, dir: &Path, entry: &DirEntry) -> bool {
    entry.kind == EntryKind::File
        && match entry.name.as_str() {
            MANIFEST_FILE => Manifest::is_one(fs, dir),
            name => is_of_log(name),
        }
}

/// Whether these entries are segments that an interrupted restore has moved into the directory: those of
/// the copy whose MANIFEST was to follow them.
fn is_interrupted_fill(fs: &dyn Fs, dir: &Path, entries: &[&DirEntry]) -> bool {
    let staging = dir.join(STAGING_WITHIN);
    if !is_of_copy(fs, &staging) || !exists(fs, &staging.join(MARKER)).unwrap_or(false) {
        return false;
    }
    let Ok(Some(manifest)) = Manifest::read(fs, &staging) else {
        return false;
    };
    entries.iter().all(|entry| {
        let mut segments = manifest.segments().iter();
        let listed = segments.find(|info| info.file_name() == entry.name);
        listed.is_some_and(|info| {
            let mut header = vec![0; SEGMENT_HEADER_BYTES as usize];
            let file = fs.open(&dir.join(&entry.name), OpenMode::Read);
            let read = file.and_then(|file| file.read_up_to(&mut header, 0));
            read.is_ok() && header == info.header().encode()
        })
    })
}
