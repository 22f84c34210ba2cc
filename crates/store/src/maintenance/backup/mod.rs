//! `backup`: a store's directory copied whole, while it is written.
//!
//! What is at the target stays whole until the new copy was checked and takes its place, and is never
//! replaced by less: see `strandline_segment::UncheckedLog::stage_copy`. This adds where the target may
//! be, what the checkpoints prove, and the verification of the copy.
//!
//! Puts no copy in the place of a store: `restore` does. Knows verification and where directories lie; knows no
//! other verb of maintenance.

mod backed_up;
mod left;
mod options;
mod staged;
mod switched;
mod target;

pub use backed_up::BackedUp;
pub use options::BackupOptions;
pub(super) use staged::copy;
pub(super) use target::lock;

use super::places::check_apart;
use super::progress::OnProgress;
use crate::Error;
#[cfg(doc)]
use crate::ErrorKind;
use crate::model::LOCK_FILE;
use crate::open::refuse_elsewhere;
use left::Left;
use staged::{open_log, stage};
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_segment::{CopyMode, Manifest};
use target::{check_target, is_empty_but_lock, is_missing};

/// Copies the store in `dir` into the directory `target`, also while a process writes it, and brings
/// an earlier backup there up to date: [`backup_with`] without a verification.
///
/// # Errors
///
/// As there.
pub fn backup(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    target: &Path,
    mode: CopyMode,
    on_progress: OnProgress<'_>,
) -> Result<BackedUp, Error> {
    let options = BackupOptions::new().mode(mode);
    backup_with(fs, dir, target, options, on_progress)
}

/// Copies the store in `dir` into the directory `target`, also while a process writes it, and brings
/// an earlier backup there up to date.
///
/// The backup is a store: it has every event that was written when the call began, and perhaps some
/// that came since, and ends after a whole commit. With [`CopyMode::Link`] sealed segments are linked
/// where both directories are on one file system, which costs no bytes; damage to those on the disk
/// then strikes both. Neither store ever changes a file that the other has, so the backup can be opened,
/// written to and maintained as any store; once events were written to it, it is brought up to date no
/// more.
///
/// An earlier backup is never replaced by less: the store must have every commit that it has, and must
/// not end before what its checkpoints, frames and manifest prove to have been durable. It stays whole
/// until the new one was checked, and takes its place in one step. So an interrupted or refused call
/// leaves it as it was. It may leave files beside it, and without an earlier backup files that are no store; a
/// repeated call goes on with them, and the error says how many there are. A call that fails because the disk of
/// the target is full removes what it has brought.
///
/// ```
/// use strandline::maintenance::{BackupOptions, backup_with, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// store.sync()?;
///
/// // Another process may do that too: it needs the directory alone.
/// let fs: std::sync::Arc<dyn strandline::fs::Fs> = std::sync::Arc::new(strandline::fs::OsFs);
/// let target = dir.path().join("orders.backup");
/// let options = BackupOptions::new().verify();
/// let done = backup_with(&fs, &path, &target, options, &mut unwatched)?;
/// assert_eq!(done.end.get(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if `target` is the store itself, lies in it or holds it, under whatever
/// name; if it is no directory, or has something else in it than a backup of this store; and if the
/// earlier backup there has events that the store has not: it was written to, or the store lost its end,
/// or was put back by a restore; if sealed segments of either are in a bucket, and `fs` is not the file system
/// that has them. [`ErrorKind::LogBehindCheckpoint`] if the store ends before where it was
/// durable, [`ErrorKind::Corrupt`] if it is damaged. [`ErrorKind::Locked`] if the target is open for
/// writing; [`ErrorKind::NotFound`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`]. In all cases what is at the
/// target can be read as before.
pub fn backup_with(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    target: &Path,
    options: BackupOptions,
    on_progress: OnProgress<'_>,
) -> Result<BackedUp, Error> {
    check_apart(&**fs, dir, target)?;
    let log = open_log(fs, dir).map_err(|error| {
        let message = format!("{} was not backed up", dir.display());
        Error::new(error.kind(), message).with_source(error)
    })?;
    check_target(&**fs, log.identity(), target)?;
    refuse_elsewhere(&**fs, target)?;
    drop(log);
    let is_new = is_missing(&**fs, target)?;
    fs.create_dir_all(target)
        .map_err(|error| Error::io("make the directory", target, error))?;
    let lock = lock(&**fs, target)?;
    let told = |error: Error, what: &str| {
        let message = format!("{} {what} {}", dir.display(), target.display());
        Error::new(error.kind(), message).with_source(error)
    };
    let before = Left::of(&**fs, target);
    let staged = stage(fs, dir, target, options, on_progress).and_then(|staged| {
        let problems = match options.verify {
            true => staged.verify(on_progress)?,
            false => Vec::new(),
        };
        Ok((staged, problems))
    });
    let (staged, problems) = staged.map_err(|error| {
        // A copy that found no room is not left in the room of others; with any other a repeated call goes on.
        let left = match error.is_of_full_disk() {
            true => before.and_then(|before| before.remove_what_came(&**fs, target)),
            false => before.and_then(|before| before.what_came(&**fs, target)),
        };
        if is_new && is_empty_but_lock(&**fs, target) {
            // Nobody else has begun anything there, as the lock is held.
            let _ = fs.remove_file(&target.join(LOCK_FILE));
            let _ = fs.remove_dir(target);
        }
        let what = match Manifest::read(&**fs, target) {
            Ok(None) => "was not backed up, and there is no backup yet in",
            _ => "was not backed up, and nothing has changed in the backup in",
        };
        let (dir, at) = (dir.display(), target.display());
        let left = left.unwrap_or_default();
        let message = format!("{dir} {what} {at}{left}");
        Error::new(error.kind(), message).with_source(error)
    })?;
    let published = staged.publish(problems);
    drop(lock);
    published.map_err(|error| told(error, "may be backed up or not yet, repeat it, in"))
}
