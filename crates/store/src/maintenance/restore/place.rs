//! How a copy takes its place: under a name that nothing has, in exchange for a store, or in a directory
//! that is empty.

use super::staging::{Staging, remove_marker, set_aside};
use super::steps::{also, exists, rename_new, sync};
use super::target::FILL_INSTEAD;
use crate::model::LOCK_FILE;
use crate::{Error, ErrorKind};
use std::io;
use std::path::{Path, PathBuf};
use strandline_core::fs::{FileLock, Fs};
use strandline_segment::{MANIFEST_FILE, SegmentId};

/// Gives the copy the name `target`, which nothing has.
pub(super) fn take_name(fs: &dyn Fs, staging: Staging<'_>, target: &Path) -> Result<(), Error> {
    match rename_new(fs, &staging.path, target) {
        Err(error) => Err(staging.abandon(Error::io("make", target, error))),
        Ok(false) => {
            let message = format!(
                "nothing was restored: something is in {} by now",
                target.display()
            );
            Err(staging.abandon(Error::new(ErrorKind::InvalidInput, message)))
        }
        Ok(true) => {
            let synced = staging.sync_parents(target);
            synced
                .and_then(|()| unmark(fs, target))
                .map_err(|error| in_place(error, target))
        }
    }
}

/// Puts the copy in the place of the store in `target`, and gives the path that this has then. There is a
/// whole store at `target` at any moment, where two names can be exchanged.
pub(super) fn exchange(
    fs: &dyn Fs,
    staging: Staging<'_>,
    target: &Path,
    lock: &dyn FileLock,
) -> Result<PathBuf, Error> {
    if let Err(error) = check_locked(fs, target, lock) {
        return Err(staging.abandon(error));
    }
    let replaced = match fs.exchange(&staging.path, target) {
        Ok(()) => staging.path.clone(),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            match rename_both(fs, &staging.path, target) {
                Ok(replaced) => replaced,
                Err(error) if exists(fs, target)? => return Err(staging.abandon(error)),
                Err(error) => {
                    let copy = format!("the restored store is {}", staging.path.display());
                    return Err(also(error, &copy));
                }
            }
        }
        Err(error) => return Err(staging.abandon(cannot_move(target, error))),
    };
    let done = sync_parent(fs, target).and_then(|()| unmark(fs, target));
    // Without a name of its own it stays where it is.
    let replaced = match replaced == staging.path {
        true => set_aside(fs, &staging.path, target).unwrap_or(replaced),
        false => replaced,
    };
    done.and_then(|()| sync_parent(fs, target))
        .map(|()| replaced.clone())
        .map_err(|error| {
            let replaced = format!("the store that was there is {} now", replaced.display());
            also(in_place(error, target), &replaced)
        })
}

/// A directory that was put there since it was locked is somebody else's.
fn check_locked(fs: &dyn Fs, target: &Path, lock: &dyn FileLock) -> Result<(), Error> {
    let path = target.join(LOCK_FILE);
    match (lock.identity(), fs.identity(&path)) {
        (Some(locked), Ok(named)) if locked == named => Ok(()),
        (None, _) => Ok(()),
        (Some(_), Err(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Locked,
            format!(
                "nothing was restored: another store is in {} by now",
                target.display()
            ),
        )),
    }
}

/// Moves the store aside and the copy in its place, and puts it back if the second cannot be done.
fn rename_both(fs: &dyn Fs, staging: &Path, target: &Path) -> Result<PathBuf, Error> {
    let moved = set_aside(fs, target, target);
    let replaced = moved.map_err(|error| cannot_move(target, error))?;
    let error = match rename_new(fs, staging, target) {
        Ok(true) => return Ok(replaced),
        Ok(false) => io::ErrorKind::AlreadyExists.into(),
        Err(error) => error,
    };
    let error = Error::io("move", staging, error);
    if exists(fs, staging).is_ok_and(|is_there| !is_there) {
        // It was done although it failed.
        return Ok(replaced);
    }
    match rename_new(fs, &replaced, target) {
        Ok(true) => Err(error),
        _ => {
            let replaced = format!(
                "the store that was there is {} now, and cannot be moved back",
                replaced.display()
            );
            Err(also(error, &replaced))
        }
    }
}

/// A directory may be unmovable for what only the attempt shows: mounted elsewhere, or of a lower layer.
fn cannot_move(target: &Path, error: io::Error) -> Error {
    let is_bound = matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices
    );
    let error = Error::io("move", target, error);
    match is_bound {
        true => also(error, &format!("nothing was restored: {FILL_INSTEAD}")),
        false => error,
    }
}

/// Moves the files of the copy into the empty directory that it was made in, the MANIFEST after all that
/// it lists, so that they are no store before they are a whole one.
pub(super) fn fill(fs: &dyn Fs, staging: Staging<'_>, target: &Path) -> Result<(), Error> {
    let mut moved = Vec::new();
    if let Err(error) = move_files(fs, &staging.path, target, &mut moved) {
        let is_store = exists(fs, &target.join(MANIFEST_FILE)).unwrap_or(true);
        if is_store {
            return Err(in_place(error, target));
        }
        for path in moved {
            // What cannot be removed is known by the copy, which then stays too.
            if fs.remove_file(&path).is_err() && exists(fs, &path).unwrap_or(true) {
                let message = format!("see what is left in {}", target.display());
                return Err(also(error, &message));
            }
        }
        return Err(staging.abandon(error));
    }
    let path = staging.path;
    let cleared = clear(fs, &path, target);
    cleared.map_err(|error| in_place(Error::io("clear", &path, error), target))
}

fn move_files(fs: &dyn Fs, from: &Path, to: &Path, moved: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = fs.list(from);
    let entries = entries.map_err(|error| Error::io("list", from, error))?;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    // What is not a segment has no place before the store is whole.
    names.retain(|name| SegmentId::parse_file_name(name).is_some());
    for name in &names {
        move_file(fs, from, to, name, moved)?;
    }
    sync(fs, to)?;
    move_file(fs, from, to, MANIFEST_FILE, moved)?;
    sync(fs, to)
}

fn move_file(
    fs: &dyn Fs,
    from: &Path,
    to: &Path,
    name: &str,
    moved: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let (from, to) = (from.join(name), to.join(name));
    moved.push(to.clone());
    match rename_new(fs, &from, &to) {
        Ok(true) => Ok(()),
        Ok(false) => {
            moved.pop();
            let message = format!("something is in {} by now", to.display());
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
        Err(error) => Err(Error::io("move", &from, error)),
    }
}

/// Moves what is left of a copy, its checkpoint, after the files that are in their place, and removes its
/// directory.
fn clear(fs: &dyn Fs, from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs.list(from)? {
        if strandline_checkpoint::is_file_name(&entry.name) {
            fs.rename(&from.join(&entry.name), &to.join(&entry.name))?;
        }
    }
    remove_marker(fs, from)?;
    match fs.remove_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        removed => removed?,
    }
    fs.sync_dir(to)
}

/// Removes segments that an interrupted restore has moved into a directory that is empty otherwise.
pub(super) fn remove_interrupted(
    fs: &dyn Fs,
    target: &Path,
    segments: &[String],
) -> Result<(), Error> {
    for name in segments {
        let path = target.join(name);
        let removed = fs.remove_file(&path);
        removed.map_err(|error| Error::io("remove", &path, error))?;
    }
    // Before the MANIFEST of their copy is removed, by which they are known.
    sync(fs, target)
}

fn sync_parent(fs: &dyn Fs, target: &Path) -> Result<(), Error> {
    sync(fs, target.parent().unwrap_or(target))
}

fn unmark(fs: &dyn Fs, target: &Path) -> Result<(), Error> {
    let removed = remove_marker(fs, target);
    removed.map_err(|error| Error::io("remove the marker of", target, error))?;
    sync(fs, target)
}

fn in_place(error: Error, target: &Path) -> Error {
    let message = format!(
        "the store is restored in {}, and a power cut may undo that",
        target.display()
    );
    also(error, &message)
}
