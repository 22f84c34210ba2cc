//! `backup`: a store's directory copied whole, while it is written.

use super::progress::{Meter, OnProgress};
use crate::checkpoint;
use crate::{Error, ErrorKind, Sequence};
use std::path::Path;
use std::sync::Arc;
use strandline_checkpoint::Checkpoint;
use strandline_core::fs::{FileLock, Fs, read_file, replace_file};
use strandline_segment::{
    CopiedLog, CopyMode, LogOptions, LogPosition, Manifest, ScanError, UncheckedLog,
};

/// Most bytes of a checkpoint that is copied.
const CHECKPOINT_BYTES_MAX: u64 = 64 << 30;
/// What a backup or a restore brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackedUp {
    /// The copy has the events with sequences below this one.
    pub end: Sequence,
    /// Segments that were copied.
    pub copied: usize,
    /// Segments that share their bytes with the store.
    pub linked: usize,
    /// Segments that an earlier backup had brought.
    pub kept: usize,
    /// Bytes that were written.
    pub bytes: u64,
}

/// Copies the store in `dir` into the directory `target`, also while a process writes it, and brings
/// an earlier backup there up to date.
///
/// The backup is a store: it has every event that was written when the call began, and perhaps some
/// that came since, and ends after a whole commit. With [`CopyMode::Link`] sealed segments are linked
/// where both directories are on one file system, which costs no bytes; damage to those on the disk
/// then strikes both. Neither store ever changes a file that the other has, so the backup can be opened,
/// written to and maintained as any store, and is brought up to date no more then. An interrupted call leaves the earlier backup as it was, and can be repeated.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if `target` is the store itself, another one, or a backup that was opened
/// to write since it was made, by a rebuild for example: it is a store of its own then, and stays as it
/// is. [`ErrorKind::Locked`] if the target is open for writing, [`ErrorKind::Corrupt`] if the store is damaged; [`ErrorKind::NotFound`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn backup(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    target: &Path,
    mode: CopyMode,
    on_progress: OnProgress<'_>,
) -> Result<BackedUp, Error> {
    if same_directory(dir, target) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "a store cannot be backed up into its own directory",
        ));
    }
    if let (Some(own), Some(earlier)) =
        (Manifest::read(&**fs, dir)?, Manifest::read(&**fs, target)?)
        && own.identity() != earlier.identity()
    {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{} holds another store; name another directory",
                target.display()
            ),
        ));
    }
    fs.create_dir_all(target)
        .map_err(|error| Error::io("make the directory", target, error))?;
    let _lock = lock(&**fs, target)?;
    copy(fs, dir, target, mode, on_progress)
}

fn same_directory(dir: &Path, target: &Path) -> bool {
    match (dir.canonicalize(), target.canonicalize()) {
        (Ok(dir), Ok(target)) => dir == target,
        _ => dir == target,
    }
}

pub(super) fn copy(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    target: &Path,
    mode: CopyMode,
    on_progress: OnProgress<'_>,
) -> Result<BackedUp, Error> {
    // Before the manifest: everything that a checkpoint has is in the log that is read after it.
    let newest = strandline_checkpoint::newest(&**fs, dir)?.checkpoint;
    let log = UncheckedLog::open(fs.clone(), dir, LogOptions::default())?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("there is no store in {}", dir.display()),
        )
    })?;
    let mut meter = Meter::bytes(Some(log.copy_bytes_max()?), on_progress);
    let copied = log.copy_to(target, mode, |bytes| meter.add(bytes));
    let copied = copied.map_err(|error| match error {
        ScanError::Log(error) => error.into(),
        ScanError::Visit(error) => error,
    })?;
    let CopiedLog {
        end,
        copied,
        linked,
        kept,
        bytes,
        ..
    } = copied;
    match mode {
        CopyMode::FramesAlone => drop(strandline_checkpoint::prune(&**fs, target, 0)?),
        CopyMode::Link | CopyMode::Copy => {
            copy_checkpoint(&**fs, dir, target, newest.as_ref(), end)?;
        }
    }
    meter.finish()?;
    Ok(BackedUp {
        end: end.sequence,
        copied,
        linked,
        kept,
        bytes,
    })
}

/// Copies a checkpoint that is not newer than the copy, and removes older ones.
fn copy_checkpoint(
    fs: &dyn Fs,
    dir: &Path,
    target: &Path,
    newest: Option<&Checkpoint>,
    end: LogPosition,
) -> Result<(), Error> {
    let Some(number) = newest.map(Checkpoint::number) else {
        return Ok(());
    };
    // A checkpoint has the number of its sequence.
    if Sequence::new(number) > end.sequence {
        return Ok(());
    }
    let name = strandline_checkpoint::file_name(number);
    let (from, to) = (dir.join(&name), target.join(&name));
    // It may be pruned by now; a backup does without.
    if let Ok(bytes) = read_file(fs, &from, CHECKPOINT_BYTES_MAX)
        && checkpoint::is_within(&bytes, end)
    {
        replace_file(fs, &to, &bytes).map_err(|error| Error::io("write", &to, error))?;
    }
    strandline_checkpoint::prune(fs, target, checkpoint::KEPT)?;
    Ok(())
}

pub(super) fn lock(fs: &dyn Fs, dir: &Path) -> Result<Box<dyn FileLock>, Error> {
    let path = dir.join(crate::open::LOCK_FILE);
    let lock = fs
        .try_lock(&path)
        .map_err(|error| Error::io("lock", &path, error))?;
    lock.ok_or_else(|| {
        Error::new(
            ErrorKind::Locked,
            format!("{} is open for writing", dir.display()),
        )
    })
}
