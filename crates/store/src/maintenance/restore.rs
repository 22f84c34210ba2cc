//! `restore`: a copy of a backup put in the place of a store.

use super::backup::{copy, lock};
use super::progress::OnProgress;
use super::verify::{Kept, verify};
use crate::{Error, ErrorKind, Problem, ProblemKind, Sequence, StoreOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_segment::{CopyMode, Manifest};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The store has the events with sequences below this one.
    pub end: Sequence,
    /// Where the store is now that was replaced.
    pub replaced: Option<PathBuf>,
    /// What is wrong with the indexes of the backup. They were left out then, and the first opening
    /// makes them anew from the log, which is intact.
    pub left_out: Vec<Problem>,
}

/// What becomes of a store that is where a backup is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The restore is refused.
    Refuse,
    /// It is moved aside, under a name of its own, and kept.
    MoveAside,
}

/// Verifies the backup in `backup_dir`, copies it beside `dir`, and puts the copy in the place of
/// `dir` in one step. The backup is not touched, and shares nothing with the copy. If footers or the
/// checkpoint of it say something else than its log, the log alone is copied.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if verification finds anything wrong with the log; `dir` is then as it was.
/// [`ErrorKind::InvalidInput`] if `dir` exists and may not be moved, [`ErrorKind::Locked`] if it is
/// open for writing; [`ErrorKind::NotFound`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn restore(
    fs: &Arc<dyn Fs>,
    backup_dir: &Path,
    dir: &Path,
    existing: Existing,
    on_progress: OnProgress<'_>,
) -> Result<Restored, Error> {
    let there = fs.list(dir).is_ok_and(|entries| !entries.is_empty());
    if there && existing == Existing::Refuse {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{} exists; move it away, or ask for that", dir.display()),
        ));
    }
    let store = StoreOptions::new()
        .read_only()
        .fs(fs.clone())
        .open(backup_dir)?;
    let verified = verify(&store, &Kept::default(), on_progress)?;
    let problems = verified.report.problems;
    if let Some(problem) = problems.iter().find(|one| one.kind == ProblemKind::Log) {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("the backup is damaged, nothing was restored: {problem}"),
        ));
    }
    drop(store);
    let _lock = if there { Some(lock(&**fs, dir)?) } else { None };
    let staging = beside(dir, ".restoring");
    let mode = match problems.is_empty() {
        true => CopyMode::Copy,
        false => CopyMode::FramesAlone,
    };
    let copied = copy(fs, backup_dir, &staging, mode, on_progress)?;
    Manifest::begin_epoch(&**fs, &staging, &StoreOptions::new().random()?)?;
    let replaced = if there {
        let aside = free_name(dir);
        fs.rename(dir, &aside)
            .map_err(|error| Error::io("move", dir, error))?;
        Some(aside)
    } else {
        None
    };
    fs.rename(&staging, dir)
        .map_err(|error| Error::io("move", &staging, error))?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs.sync_dir(parent)
        .map_err(|error| Error::io("sync", parent, error))?;
    Ok(Restored {
        end: copied.end,
        replaced,
        left_out: problems,
    })
}

/// A path beside `dir` with a suffix to its name.
fn beside(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    dir.with_file_name(name)
}

/// A name beside `dir` that is not taken.
fn free_name(dir: &Path) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let path = beside(dir, &format!(".replaced-{number}"));
        if !path.exists() || number == u32::MAX {
            return path;
        }
        number += 1;
    }
}
