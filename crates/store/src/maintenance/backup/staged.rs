//! `Staged`: a copy that is whole, verified if that is asked for, and then put in the place of an earlier one.

use super::backed_up::BackedUp;
use super::options::BackupOptions;
use super::switched::Switched;
use crate::maintenance::progress::{Meter, OnProgress};
use crate::maintenance::verify::{Kept, verify};
use crate::open::refuse_elsewhere;
use crate::rows::checkpoint;
use crate::{Error, ErrorKind, Problem, Sequence, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use strandline_checkpoint::Checkpoint;
use strandline_core::fs::{Fs, read_file, replace_file};
use strandline_segment::{
    CopyMode, CopyOptions, LogError, LogIdentity, LogOptions, MANIFEST_FILE, StagedCopy,
    UncheckedLog,
};

/// Most bytes of a checkpoint that is copied.
const CHECKPOINT_BYTES_MAX: u64 = 64 << 30;

/// Copies a store into a directory, which is made if it is missing; see [`backup_with`](super::backup_with).
pub(in crate::maintenance) fn copy(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    target: &Path,
    mode: CopyMode,
    on_progress: OnProgress<'_>,
) -> Result<BackedUp, Error> {
    let options = BackupOptions::new().mode(mode);
    stage(fs, dir, target, options, on_progress)?.publish(Vec::new())
}

/// The log in a directory.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there is no store; what makes it unreadable.
pub(super) fn open_log(fs: &Arc<dyn Fs>, dir: &Path) -> Result<UncheckedLog, Error> {
    refuse_elsewhere(&**fs, dir)?;
    // A compaction beside the backup removes names, and all are read.
    let options = LogOptions::default().beside_writer().opens_all();
    let log = UncheckedLog::open(fs.clone(), dir, options)?;
    log.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("there is no store in {}", dir.display()),
        )
    })
}

/// A copy of a store that is whole, and not yet in the place of an earlier one.
pub(super) struct Staged<'a> {
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
pub(super) fn stage<'a>(
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
    let log = staged.map_err(Error::from)?;
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
    pub(super) fn verify(&self, on_progress: OnProgress<'_>) -> Result<Vec<Problem>, Error> {
        let staged = self.log.manifest_path();
        let target = std::path::absolute(self.target)
            .map_err(|error| Error::io("look up", self.target, error))?;
        let fs = Switched::new(self.fs.clone(), target.join(MANIFEST_FILE), staged);
        let store = StoreOptions::new()
            .read_only()
            .fs(Arc::new(fs))
            .open(target)?;
        let verified = verify(&store, &Kept::default(), on_progress)?;
        match verified.log_problem() {
            Some(problem) => Err(Error::new(
                ErrorKind::Corrupt,
                format!("the copy is damaged: {problem}"),
            )),
            None => Ok(verified.report.problems),
        }
    }

    /// Puts the copy in the place of an earlier one, and then the checkpoint.
    pub(super) fn publish(self, index_problems: Vec<Problem>) -> Result<BackedUp, Error> {
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
