//! The directory that a backup is made in: what it may hold, and the lock of its store. Makes nothing in it but
//! that.

use crate::maintenance::places::LOST_AND_FOUND;
use crate::model::LOCK_FILE;
use crate::open::locked;
use crate::{Error, ErrorKind};
use std::io;
use std::path::Path;
use strandline_core::fs::{FileLock, Fs, TEMPORARY_SUFFIX};
use strandline_segment::{LogIdentity, MANIFEST_FILE, Manifest, SegmentId};

pub(super) fn is_missing(fs: &dyn Fs, target: &Path) -> Result<bool, Error> {
    match fs.list(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        listed => match listed {
            Ok(_) => Ok(false),
            Err(error) => Err(Error::io("list", target, error)),
        },
    }
}

pub(super) fn is_empty_but_lock(fs: &dyn Fs, target: &Path) -> bool {
    let is_lock = |name: &str| name == LOCK_FILE;
    let entries = fs.list(target);
    entries.is_ok_and(|entries| entries.iter().all(|entry| is_lock(&entry.name)))
}

/// Refuses a target that holds something else than a backup of this log, a whole one or what an
/// interrupted call left, before anything is made there.
pub(super) fn check_target(
    fs: &dyn Fs,
    identity: &LogIdentity,
    target: &Path,
) -> Result<(), Error> {
    let refuse = |what: String| {
        let message = format!(
            "{} {what}; keep it, and name another directory",
            target.display()
        );
        Err(Error::new(ErrorKind::InvalidInput, message))
    };
    match Manifest::read(fs, target) {
        Ok(Some(earlier)) if earlier.identity() != identity => {
            return refuse("holds another store".to_owned());
        }
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(error) => {
            let message = format!("the backup in {} cannot be read", target.display());
            let error = Error::from(error);
            return Err(Error::new(error.kind(), message).with_source(error));
        }
    }
    if is_missing(fs, target)? {
        return Ok(());
    }
    let entries = fs
        .list(target)
        .map_err(|error| Error::io("list", target, error))?;
    let left_by_call = |name: &str| {
        let whole = name.strip_suffix(TEMPORARY_SUFFIX);
        whole == Some(MANIFEST_FILE)
            || SegmentId::parse_file_name(whole.unwrap_or(name)).is_some()
            || [LOCK_FILE, LOST_AND_FOUND].contains(&name)
    };
    match entries.iter().find(|entry| !left_by_call(&entry.name)) {
        Some(entry) => refuse(format!("holds {} and no backup", entry.name)),
        None => Ok(()),
    }
}

/// The lock of whoever writes the store in a directory.
///
/// # Errors
///
/// [`ErrorKind::Locked`] if somebody has it, [`ErrorKind::Io`].
pub(in crate::maintenance) fn lock(fs: &dyn Fs, dir: &Path) -> Result<Box<dyn FileLock>, Error> {
    let path = dir.join(LOCK_FILE);
    let lock = fs
        .try_lock(&path)
        .map_err(|error| Error::io("lock", &path, error))?;
    lock.ok_or_else(|| locked(fs, dir, "is open for writing", ""))
}
