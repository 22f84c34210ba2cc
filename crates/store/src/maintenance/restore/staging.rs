//! `Staging`: the directory in which a copy is made and checked before it takes its place.
//!
//! While it is incomplete it has a marker, which is locked. What has a marker that nobody has locked was
//! left by a restore that was killed, and the next one removes it; unless it has been opened to write
//! since. Nothing else is ever removed: a store that was replaced has no marker.

use super::steps::{also, exists, rename_new, sync};
use crate::model::{LOCK_FILE, MARKER, STAGING_BESIDE, STAGING_WITHIN, is_of_log};
use crate::{Error, ErrorKind};
use std::io;
use std::path::{Path, PathBuf};
use strandline_core::fs::{EntryKind, FileLock, Fs, TEMPORARY_SUFFIX};
use strandline_segment::MANIFEST_FILE;

/// What follows the name of the target in that of the store that it was, before a number.
const REPLACED: &str = ".replaced-";

#[derive(Debug)]
pub(super) struct Staging<'a> {
    fs: &'a dyn Fs,
    pub(super) path: PathBuf,
    /// Directories that were made for it to be in, the innermost first.
    made: Vec<PathBuf>,
    _marker: Box<dyn FileLock>,
}

impl<'a> Staging<'a> {
    /// Makes one beside `target`, whose parents are made if they are missing.
    pub(super) fn beside(fs: &'a dyn Fs, target: &Path) -> Result<Self, Error> {
        let parent = target.parent().unwrap_or(target);
        let mut made = Vec::new();
        for parent in target.ancestors().skip(1) {
            if exists(fs, parent)? {
                break;
            }
            made.push(parent.to_path_buf());
        }
        let made_all = fs.create_dir_all(parent);
        let staged = made_all
            .map_err(|error| Error::io("make the directory", parent, error))
            .and_then(|()| Self::at_free_name(fs, target));
        match staged {
            Ok((path, marker)) => Ok(Self {
                fs,
                path,
                made,
                _marker: marker,
            }),
            Err(error) => {
                remove_made(fs, &made);
                Err(error)
            }
        }
    }

    fn at_free_name(fs: &dyn Fs, target: &Path) -> Result<(PathBuf, Box<dyn FileLock>), Error> {
        for number in 1..u32::MAX {
            let path = with_suffix(target, STAGING_BESIDE, number);
            if exists(fs, &path)? {
                remove_leftover(fs, &path);
            }
            if let Some(marker) = make(fs, &path)? {
                return Ok((path, marker));
            }
        }
        Err(Error::new(ErrorKind::Io, "no name is free for the copy"))
    }

    /// Makes one in the directory `target`, which is locked.
    pub(super) fn within(fs: &'a dyn Fs, target: &Path) -> Result<Self, Error> {
        let path = target.join(STAGING_WITHIN);
        remove_leftover(fs, &path);
        let marker = make(fs, &path)?.ok_or_else(|| {
            let message = format!("another restore is at work in {}", path.display());
            Error::new(ErrorKind::Locked, message)
        })?;
        Ok(Self {
            fs,
            path,
            made: Vec::new(),
            _marker: marker,
        })
    }

    /// Removes it after an error, to which is added what could not be removed. What was renamed although
    /// that failed is not removed for it.
    pub(super) fn abandon(self, error: Error) -> Error {
        let is_there = exists(self.fs, &self.path).unwrap_or(true);
        let is_removed =
            is_there && is_of_copy(self.fs, &self.path) && remove_copy(self.fs, &self.path).is_ok();
        if is_there && !is_removed {
            return also(
                error,
                &format!("see what is left in {}", self.path.display()),
            );
        }
        remove_made(self.fs, &self.made);
        error
    }

    /// Makes the names durable of the directories that were made for it to be in, and its own.
    pub(super) fn sync_parents(&self, target: &Path) -> Result<(), Error> {
        for made in &self.made {
            sync(self.fs, made.parent().unwrap_or(made))?;
        }
        sync(self.fs, target.parent().unwrap_or(target))
    }
}

/// Moves the store in `from` to a name beside `target` that says that it was replaced, and gives that.
pub(super) fn set_aside(fs: &dyn Fs, from: &Path, target: &Path) -> io::Result<PathBuf> {
    for number in 1..u32::MAX {
        let path = with_suffix(target, REPLACED, number);
        match rename_new(fs, from, &path) {
            Ok(true) => return Ok(path),
            Ok(false) => {}
            Err(error) => {
                // Where it was done although it failed, it is undone.
                if exists(fs, from).is_ok_and(|is_there| !is_there) {
                    let _ = rename_new(fs, &path, from);
                }
                return Err(error);
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn with_suffix(target: &Path, suffix: &str, number: u32) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!("{suffix}{number}"));
    target.with_file_name(name)
}

/// Makes a directory with a locked marker in it; nothing if there is one already.
fn make(fs: &dyn Fs, path: &Path) -> Result<Option<Box<dyn FileLock>>, Error> {
    let made = match fs.create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => match exists(fs, path)? {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => fs.create_dir_all(path),
        },
        made => made,
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        made => made.map_err(|error| Error::io("make the directory", path, error))?,
    }
    let marker = path.join(MARKER);
    let locked = match fs.try_lock(&marker) {
        // Another restore took it for a leftover, before it had its marker.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        locked => locked.map_err(|error| Error::io("make", &marker, error)),
    };
    // Durable before anything is put beside it.
    match locked.and_then(|lock| sync(fs, path).map(|()| lock)) {
        Ok(lock) => Ok(lock),
        Err(error) => {
            let _ = fs.remove_file(&marker);
            let _ = fs.remove_dir(path);
            Err(error)
        }
    }
}

/// Whether a directory has nothing but what a copy has that is being made, and nobody wrote to since.
pub(super) fn is_of_copy(fs: &dyn Fs, path: &Path) -> bool {
    let Ok(entries) = fs.list(path) else {
        return false;
    };
    let is_marked = entries.iter().any(|entry| entry.name == MARKER);
    let is_own = |name: &str| {
        let name = name.trim_end_matches(TEMPORARY_SUFFIX);
        is_of_log(name) || [MARKER, MANIFEST_FILE].contains(&name)
    };
    let all_own = entries.iter().all(|entry| {
        entry.kind == EntryKind::File && entry.name != LOCK_FILE && is_own(&entry.name)
    });
    entries.is_empty() || is_marked && all_own
}

/// Removes what a restore left that was killed, if it is one.
fn remove_leftover(fs: &dyn Fs, path: &Path) {
    // A link leads to what is not beside the target.
    let is_itself = fs.canonical(path).is_ok_and(|found| found == path);
    if !is_itself || !is_of_copy(fs, path) {
        return;
    }
    let marker = path.join(MARKER);
    let is_marked = exists(fs, &marker).unwrap_or(true);
    if !is_marked {
        // It fails if another restore puts its marker there now.
        let _ = fs.remove_dir(path);
    } else if let Ok(Some(_lock)) = fs.try_lock(&marker) {
        // Before it was locked another restore may have given the name to the store that it replaced; the
        // lock has made the marker then.
        let _ = match is_of_copy(fs, path) {
            // What cannot be removed stays, and another name is taken.
            true => remove_copy(fs, path),
            false => remove_marker(fs, path),
        };
    }
}

/// Removes a copy, its marker last, so that what an interruption leaves is known for what it is.
fn remove_copy(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    for entry in fs.list(path)? {
        if entry.name != MARKER {
            fs.remove_file(&path.join(entry.name))?;
        }
    }
    fs.sync_dir(path)?;
    remove_marker(fs, path)?;
    fs.remove_dir(path)
}

/// Removes the marker of a copy that is in its place, or that is empty.
pub(super) fn remove_marker(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    match fs.remove_file(&path.join(MARKER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_made(fs: &dyn Fs, made: &[PathBuf]) {
    for made in made {
        // Somebody else may have put something there.
        let _ = fs.remove_dir(made);
    }
}
