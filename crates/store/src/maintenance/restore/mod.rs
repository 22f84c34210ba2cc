//! `restore`: a copy of a backup put in the place of a store.
//!
//! What can refuse refuses before anything is copied. The copy is made where it can be renamed into its
//! place, checked as a whole, and only then takes it. One whose source nobody needs afterwards is linked, and checked
//! there alone.
//!
//! Judges no store itself. Knows how a backup is copied and how a store is verified, and where directories lie;
//! it is above every other verb of maintenance, and none knows it.

mod existing;
mod place;
mod staging;
mod steps;
mod target;

pub use existing::Existing;

use super::backup::{copy, lock};
use super::progress::OnProgress;
use super::verify::{Kept, verify};
use crate::{Epoch, Error, ErrorKind, Problem, Sequence, Store, StoreOptions};
use staging::Staging;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_segment::{CopyMode, Manifest};
use target::{Found, Target, resolve};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The store has the events with sequences below this one.
    pub end: Sequence,
    /// Its epoch, which is a new one: see [`Store::epoch`](crate::Store::epoch).
    pub epoch: Epoch,
    /// Where the store is now that was replaced.
    pub replaced: Option<PathBuf>,
    /// Where that one ended; `None` if it could not be opened either.
    pub replaced_end: Option<Sequence>,
    /// How many of the events below the end are gone from the log, by a compaction.
    pub removed: u64,
    /// How many of them are there without their payload, by a redaction.
    pub redacted: u64,
    /// What is wrong with the indexes of the backup. They were left out then, and the first opening
    /// makes them anew from the log, which is intact.
    pub left_out: Vec<Problem>,
}

/// Verifies the backup in `backup_dir`, makes a copy of it that shares nothing with it, verifies the copy,
/// and puts it in `dir`, in a new [epoch](crate::Store::epoch). The backup is not touched. If footers or
/// the checkpoint of it say something else than its log, the log alone is copied. Reads the backup twice
/// and the copy once. The files belong to whoever calls this, and only they can read them.
///
/// What may be in `dir`, which may be a link to a directory, and how the copy gets there:
///
/// - Nothing: the copy is made beside it, in `dir.restoring-1`, and renamed. Parents are made.
/// - An empty directory, be it one where a file system is mounted: the copy is made within it, and its files
///   are moved, the MANIFEST last.
/// - A store, if [`Existing::MoveAside`] says so: the copy is made beside it, the two exchange their names
///   in one step, and the store is `dir.replaced-1` then. So there is a whole store in `dir` at any moment.
///   (Where the file system cannot exchange names, it is moved aside first, and moved back if the copy
///   cannot take its place.) It may be one that does not open, or has gone further than the backup.
///
/// Anything else is refused before anything is copied. If the restore fails later, what was there is there,
/// or the whole new store, and the error names what could not be removed. If it is killed, the next one
/// removes what it left, but never a store: one that was replaced when it had no name of its own yet stays
/// `dir.restoring-1`. A directory that was being filled, or that was not there yet, is not opened as a
/// new store until then.
///
/// ```
/// use strandline::maintenance::{Existing, restore, unwatched};
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// let backup = dir.path().join("orders.backup");
/// store.backup_to(&backup)?;
/// store.close()?;
///
/// let fs: std::sync::Arc<dyn strandline::fs::Fs> = std::sync::Arc::new(strandline::fs::OsFs);
/// let done = restore(&fs, &backup, &path, Existing::MoveAside, &mut unwatched)?;
/// assert_eq!(done.end.get(), 1);
/// assert!(done.replaced.is_some_and(|kept| kept.is_dir()), "the store that was there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if verification finds anything wrong with the log; `dir` is then as it was.
/// [`ErrorKind::InvalidInput`] if `dir` has a store that may not be moved, is where a file system with a
/// store in it is mounted, is neither empty nor a store, is a file, or is the backup itself, or in its
/// directory or around it; [`ErrorKind::Locked`] if it is open for writing, or another restore is at work
/// there; [`ErrorKind::NotFound`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn restore(
    fs: &Arc<dyn Fs>,
    backup_dir: &Path,
    dir: &Path,
    existing: Existing,
    on_progress: OnProgress<'_>,
) -> Result<Restored, Error> {
    put(fs, (backup_dir, CopyMode::Copy), dir, existing, on_progress)
}

/// As [`restore`], of a store that was made for it alone and that nobody needs afterwards, as one that was fetched: its
/// sealed segments are linked where both directories are on one file system, which costs no bytes, and all is verified
/// once, as what takes its place. Reads the store once, and the last segment twice.
///
/// If that is damaged, it is done as [`restore`] does it, which says what is wrong, and leaves out footers that are.
///
/// # Errors
///
/// As there. The store can be read as before.
pub fn restore_linked(
    fs: &Arc<dyn Fs>,
    source_dir: &Path,
    dir: &Path,
    existing: Existing,
    on_progress: OnProgress<'_>,
) -> Result<Restored, Error> {
    let source = (source_dir, CopyMode::Link);
    match put(fs, source, dir, existing, on_progress) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            restore(fs, source_dir, dir, existing, on_progress)
        }
        done => done,
    }
}

/// Puts a copy of a backup in the place of a store. What is linked is verified as the copy alone.
fn put(
    fs: &Arc<dyn Fs>,
    (backup_dir, mode): (&Path, CopyMode),
    dir: &Path,
    existing: Existing,
    on_progress: OnProgress<'_>,
) -> Result<Restored, Error> {
    let (source, _) = resolve(&**fs, backup_dir)?;
    let target = Target::look(&**fs, dir, Some(&source), existing)?;
    // A store without that file is open nowhere, and gets none if the backup is refused.
    let mut held = match target.has_lock {
        true => Some(lock(&**fs, &target.path)?),
        false => None,
    };
    let (least, left_out) = match mode {
        CopyMode::Link => (open_backup(fs, &source)?.snapshot().visible(), Vec::new()),
        CopyMode::Copy | CopyMode::FramesAlone => check_backup(fs, &source, on_progress)?,
    };
    if held.is_none() && target.found != Found::Nothing {
        held = Some(lock(&**fs, &target.path)?);
    }
    // It took a while, and before the lock anybody could write.
    let target = Target::look(&**fs, dir, Some(&source), existing)?;
    let replaced_end = match target.found {
        Found::Store => end_of(fs, &target.path),
        Found::Nothing | Found::EmptyDirectory => None,
    };
    let staging = match target.found {
        Found::EmptyDirectory => {
            place::remove_interrupted(&**fs, &target.path, &target.interrupted)?;
            Staging::within(&**fs, &target.path)
        }
        Found::Nothing | Found::Store => Staging::beside(&**fs, &target.path),
    };
    let staging = staging.map_err(not_restored)?;
    let mode = match left_out.is_empty() {
        true => mode,
        false => CopyMode::FramesAlone,
    };
    let copied = make_copy(fs, (&source, least), &staging.path, mode, on_progress);
    let Copied {
        end,
        epoch,
        removed,
        redacted,
    } = match copied {
        Ok(copied) => copied,
        Err(error) => return Err(staging.abandon(not_restored(error))),
    };
    let mut replaced = None;
    match (target.found, &held) {
        (Found::EmptyDirectory, _) => place::fill(&**fs, staging, &target.path)?,
        (Found::Store, Some(held)) => {
            replaced = Some(place::exchange(&**fs, staging, &target.path, &**held)?);
        }
        (Found::Nothing | Found::Store, _) => place::take_name(&**fs, staging, &target.path)?,
    }
    Ok(Restored {
        end,
        epoch,
        replaced,
        replaced_end,
        removed,
        redacted,
        left_out,
    })
}

/// A copy that was verified.
struct Copied {
    end: Sequence,
    epoch: Epoch,
    removed: u64,
    redacted: u64,
}

/// Has `make` make a store in a directory, and puts that in `dir`, where nothing is or an empty directory, in the way
/// of [`restore`].
///
/// # Errors
///
/// As there, and those of `make`: nothing is in `dir` then.
pub(super) fn make_in_vacant<T>(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    make: &mut dyn FnMut(&Path) -> Result<T, Error>,
) -> Result<T, Error> {
    let look = || Target::look(&**fs, dir, None, Existing::Refuse);
    let _held = match look()?.found {
        Found::Nothing => None,
        Found::EmptyDirectory | Found::Store => Some(lock(&**fs, &look()?.path)?),
    };
    // Before the lock anybody could write.
    let target = look()?;
    let staging = match target.found {
        Found::EmptyDirectory => {
            place::remove_interrupted(&**fs, &target.path, &target.interrupted)?;
            Staging::within(&**fs, &target.path)?
        }
        Found::Nothing | Found::Store => Staging::beside(&**fs, &target.path)?,
    };
    let made = match make(&staging.path).and_then(|made| {
        steps::sync(&**fs, &staging.path)?;
        Ok(made)
    }) {
        Ok(made) => made,
        Err(error) => return Err(staging.abandon(error)),
    };
    match target.found {
        Found::EmptyDirectory => place::fill(&**fs, staging, &target.path)?,
        Found::Nothing | Found::Store => place::take_name(&**fs, staging, &target.path)?,
    }
    Ok(made)
}

fn open_backup(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Store, Error> {
    let opened = StoreOptions::new().read_only().fs(fs.clone()).open(dir);
    opened.map_err(|error| {
        let message = "the backup cannot be read, and nothing was restored";
        Error::new(error.kind(), message).with_source(error)
    })
}

/// Verifies a backup, and gives its end and what is wrong with its indexes.
fn check_backup(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    on_progress: OnProgress<'_>,
) -> Result<(Sequence, Vec<Problem>), Error> {
    let store = open_backup(fs, dir)?;
    let verified = verify(&store, &Kept::default(), on_progress)?;
    if let Some(problem) = verified.log_problem() {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("the backup is damaged, nothing was restored: {problem}"),
        ));
    }
    Ok((store.snapshot().visible(), verified.report.problems))
}

/// Copies the backup, which had events up to `least`, and verifies the copy.
fn make_copy(
    fs: &Arc<dyn Fs>,
    (source, least): (&Path, Sequence),
    to: &Path,
    mode: CopyMode,
    on_progress: OnProgress<'_>,
) -> Result<Copied, Error> {
    let copied = copy(fs, source, to, mode, on_progress)?;
    let epoch = Manifest::begin_epoch(&**fs, to, &StoreOptions::new().random()?)?;
    steps::sync(&**fs, to)?;
    let store = StoreOptions::new().read_only().fs(fs.clone()).open(to)?;
    let verified = verify(&store, &Kept::default(), on_progress)?;
    let end = store.snapshot().visible();
    let problem = verified.report.problems.first();
    if problem.is_some() || end != copied.end || end < least {
        let what = match problem {
            Some(problem) => problem.to_string(),
            None => format!("it ends at {end}, the backup at {}", copied.end.max(least)),
        };
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("the copy is not what was copied: {what}"),
        ));
    }
    Ok(Copied {
        end,
        epoch,
        removed: end.get().saturating_sub(store.snapshot().len()),
        redacted: verified.report.redacted,
    })
}

/// An error before the copy took its place.
fn not_restored(error: Error) -> Error {
    Error::new(error.kind(), "nothing was restored").with_source(error)
}

/// Where a store ends, if it can be opened.
fn end_of(fs: &Arc<dyn Fs>, dir: &Path) -> Option<Sequence> {
    let store = StoreOptions::new().read_only().fs(fs.clone()).open(dir);
    store.ok().map(|store| store.snapshot().visible())
}
