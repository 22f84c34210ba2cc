//! `backup`: a store's directory copied whole, while it is written.
//!
//! What is at the target stays whole until the new copy was checked and takes its place, and is never
//! replaced by less: see `strandline_segment::UncheckedLog::stage_copy`. This adds where the target may
//! be, what the checkpoints prove, and the verification of the copy.

use super::places::check_apart;
use super::progress::{Meter, OnProgress};
use super::switched::Switched;
use super::verify::{Kept, verify};
use crate::model::LOCK_FILE;
use crate::rows::checkpoint;
use crate::{Error, ErrorKind, Problem, ProblemKind, Sequence, StoreOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_checkpoint::Checkpoint;
use strandline_core::fs::{FileLock, Fs, TEMPORARY_SUFFIX, read_file, replace_file};
use strandline_segment::{
    CopyMode, CopyOptions, LogError, LogIdentity, LogOptions, MANIFEST_FILE, Manifest, ScanError,
    SegmentId, StagedCopy, UncheckedLog,
};

/// Most bytes of a checkpoint that is copied.
const CHECKPOINT_BYTES_MAX: u64 = 64 << 30;
/// What a file system puts into an empty directory by itself.
const OF_FILE_SYSTEM: &str = "lost+found";

/// What a backup or a restore brought.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// What a verification found wrong with indexes, if one was asked for: they are copied as they are,
    /// and a rebuild of the store makes them anew. The log is intact.
    pub index_problems: Vec<Problem>,
}

/// How a backup is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct BackupOptions {
    mode: CopyMode,
    verify: bool,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl BackupOptions {
    /// Sealed segments are linked where that can be, and the copy is not read again.
    pub const fn new() -> Self {
        Self {
            mode: CopyMode::Link,
            verify: false,
        }
    }

    /// How segments are brought. Default: [`CopyMode::Link`].
    pub const fn mode(mut self, mode: CopyMode) -> Self {
        self.mode = mode;
        self
    }

    /// Verifies all of the copy, what an earlier backup had brought too, before it takes that one's
    /// place. Default: frames that are copied are checked as they are copied, and of the other segments
    /// the end.
    pub const fn verify(mut self) -> Self {
        self.verify = true;
        self
    }
}

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
/// leaves it as it was. Without an earlier backup, an interrupted call leaves files that are no store;
/// a repeated call goes on with them.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if `target` is the store itself, lies in it or holds it, under whatever
/// name; if it is no directory, or has something else in it than a backup of this store; and if the
/// earlier backup there has events that the store has not: it was written to, or the store lost its end,
/// or was put back by a restore. [`ErrorKind::LogBehindCheckpoint`] if the store ends before where it was
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
    drop(log);
    let is_new = is_missing(&**fs, target)?;
    fs.create_dir_all(target)
        .map_err(|error| Error::io("make the directory", target, error))?;
    let lock = lock(&**fs, target)?;
    let told = |error: Error, what: &str| {
        let message = format!("{} {what} {}", dir.display(), target.display());
        Error::new(error.kind(), message).with_source(error)
    };
    let staged = stage(fs, dir, target, options, on_progress).and_then(|staged| {
        let problems = match options.verify {
            true => staged.verify(on_progress)?,
            false => Vec::new(),
        };
        Ok((staged, problems))
    });
    let (staged, problems) = staged.map_err(|error| {
        if is_new && is_empty_but_lock(&**fs, target) {
            // Nobody else has begun anything there, as the lock is held.
            let _ = fs.remove_file(&target.join(LOCK_FILE));
            let _ = fs.remove_dir(target);
        }
        match Manifest::read(&**fs, target) {
            Ok(None) => told(error, "was not backed up, and there is no backup yet in"),
            _ => told(
                error,
                "was not backed up, and nothing has changed in the backup in",
            ),
        }
    })?;
    let published = staged.publish(problems);
    drop(lock);
    published.map_err(|error| told(error, "may be backed up or not yet, repeat it, in"))
}

/// Copies a store into a directory, which is made if it is missing; see [`backup_with`].
pub(super) fn copy(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    target: &Path,
    mode: CopyMode,
    on_progress: OnProgress<'_>,
) -> Result<BackedUp, Error> {
    let options = BackupOptions::new().mode(mode);
    stage(fs, dir, target, options, on_progress)?.publish(Vec::new())
}

fn is_missing(fs: &dyn Fs, target: &Path) -> Result<bool, Error> {
    match fs.list(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        listed => match listed {
            Ok(_) => Ok(false),
            Err(error) => Err(Error::io("list", target, error)),
        },
    }
}

fn is_empty_but_lock(fs: &dyn Fs, target: &Path) -> bool {
    let is_lock = |name: &str| name == LOCK_FILE;
    let entries = fs.list(target);
    entries.is_ok_and(|entries| entries.iter().all(|entry| is_lock(&entry.name)))
}

fn open_log(fs: &Arc<dyn Fs>, dir: &Path) -> Result<UncheckedLog, Error> {
    let log = UncheckedLog::open(fs.clone(), dir, LogOptions::default().beside_writer())?;
    log.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("there is no store in {}", dir.display()),
        )
    })
}

/// Refuses a target that holds something else than a backup of this log, a whole one or what an
/// interrupted call left, before anything is made there.
fn check_target(fs: &dyn Fs, identity: &LogIdentity, target: &Path) -> Result<(), Error> {
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
            || [LOCK_FILE, OF_FILE_SYSTEM].contains(&name)
    };
    match entries.iter().find(|entry| !left_by_call(&entry.name)) {
        Some(entry) => refuse(format!("holds {} and no backup", entry.name)),
        None => Ok(()),
    }
}

/// A copy of a store that is whole, and not yet in the place of an earlier one.
struct Staged<'a> {
    fs: &'a Arc<dyn Fs>,
    dir: &'a Path,
    target: &'a Path,
    mode: CopyMode,
    log: StagedCopy,
    identity: LogIdentity,
    /// Number of the newest checkpoint of the store.
    checkpoint: Option<u64>,
}

/// Makes a copy of a store ready.
fn stage<'a>(
    fs: &'a Arc<dyn Fs>,
    dir: &'a Path,
    target: &'a Path,
    options: BackupOptions,
    on_progress: OnProgress<'_>,
) -> Result<Staged<'a>, Error> {
    // Before the manifest: everything that a checkpoint has is in the log that is read after it.
    let newest = strandline_checkpoint::newest(&**fs, dir)?.checkpoint;
    let number = newest.as_ref().map(Checkpoint::number);
    let mut log = open_log(fs, dir)?;
    let identity = *log.identity();
    let position = |found: Option<Checkpoint>| checkpoint::position(&found?, &identity);
    if let Some(durable) = position(newest) {
        log.note_durable(&durable)
            .map_err(|error| behind(&log, durable.sequence, error))?;
    }
    let earlier = strandline_checkpoint::newest(&**fs, target)?.checkpoint;
    let mut how = CopyOptions::new(options.mode).known(position(earlier));
    if options.verify {
        how = how.check_all();
    }
    let mut meter = Meter::bytes(Some(log.copy_bytes_max()?), on_progress);
    let staged = log.stage_copy(target, how, |bytes| meter.add(bytes));
    let log = staged.map_err(|error| match error {
        ScanError::Log(error) => error.into(),
        ScanError::Visit(error) => error,
    })?;
    meter.finish()?;
    Ok(Staged {
        fs,
        dir,
        target,
        mode: options.mode,
        log,
        identity,
        checkpoint: number,
    })
}

/// The error of a log that does not have what a checkpoint of it proves.
fn behind(log: &UncheckedLog, durable: Sequence, error: LogError) -> Error {
    let message = match log.readable_end() {
        Ok(end) => format!(
            "the store was durable up to sequence {durable}, and what can be read of it ends at {}",
            end.sequence
        ),
        Err(_) => format!("the store was durable up to sequence {durable}"),
    };
    Error::new(Error::from(error).kind(), message)
}

impl Staged<'_> {
    /// Verifies all of the copy, and gives what is wrong with indexes.
    fn verify(&self, on_progress: OnProgress<'_>) -> Result<Vec<Problem>, Error> {
        let staged = self.log.manifest_path();
        let target = std::path::absolute(self.target)
            .map_err(|error| Error::io("look up", self.target, error))?;
        let fs = Switched::new(self.fs.clone(), target.join(MANIFEST_FILE), staged);
        let store = StoreOptions::new()
            .read_only()
            .fs(Arc::new(fs))
            .open(target)?;
        let problems = verify(&store, &Kept::default(), on_progress)?
            .report
            .problems;
        match problems.iter().find(|one| one.kind == ProblemKind::Log) {
            Some(problem) => Err(Error::new(
                ErrorKind::Corrupt,
                format!("the copy is damaged: {problem}"),
            )),
            None => Ok(problems),
        }
    }

    /// Puts the copy in the place of an earlier one, and then the checkpoint.
    fn publish(self, index_problems: Vec<Problem>) -> Result<BackedUp, Error> {
        let (fs, target) = (&**self.fs, self.target);
        let checkpoint = self.read_checkpoint();
        self.remove_checkpoints_of_elsewhere()?;
        let copied = self.log.publish()?;
        if let Some((name, bytes)) = checkpoint {
            let path = target.join(name);
            replace_file(fs, &path, &bytes).map_err(|error| Error::io("write", &path, error))?;
        }
        let kept = match self.mode {
            CopyMode::FramesAlone => 0,
            CopyMode::Link | CopyMode::Copy => checkpoint::KEPT,
        };
        strandline_checkpoint::prune(fs, target, kept)?;
        Ok(BackedUp {
            end: copied.end.sequence,
            copied: copied.copied,
            linked: copied.linked,
            kept: copied.kept,
            bytes: copied.bytes,
            index_problems,
        })
    }

    /// Name and bytes of the store's checkpoint, if it is one of a place in the copy. It may have been
    /// pruned by now; a backup does without.
    fn read_checkpoint(&self) -> Option<(String, Vec<u8>)> {
        if self.mode == CopyMode::FramesAlone {
            return None;
        }
        let name = strandline_checkpoint::file_name(self.checkpoint?);
        let bytes = read_file(&**self.fs, &self.dir.join(&name), CHECKPOINT_BYTES_MAX).ok()?;
        let found = Checkpoint::decode(bytes.clone()).ok()?;
        let at = checkpoint::position(&found, &self.identity)?;
        self.log
            .check_position(&at)
            .is_ok()
            .then_some((name, bytes))
    }

    /// Removes checkpoints that the earlier backup has of a place that is not in the copy, as the store
    /// carried on elsewhere since: the copy would be taken for one that lost its end. They only save time.
    fn remove_checkpoints_of_elsewhere(&self) -> Result<(), Error> {
        let (fs, target) = (&**self.fs, self.target);
        let mut any = false;
        while let Some(found) = strandline_checkpoint::newest(fs, target)?.checkpoint {
            let at = checkpoint::position(&found, &self.identity);
            if at.is_none_or(|at| self.log.check_position(&at).is_ok()) {
                break;
            }
            let path = target.join(strandline_checkpoint::file_name(found.number()));
            fs.remove_file(&path)
                .map_err(|error| Error::io("remove", &path, error))?;
            any = true;
        }
        if any {
            fs.sync_dir(target)
                .map_err(|error| Error::io("sync", target, error))?;
        }
        Ok(())
    }
}

pub(super) fn lock(fs: &dyn Fs, dir: &Path) -> Result<Box<dyn FileLock>, Error> {
    let path = dir.join(LOCK_FILE);
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
