//! The checkpoints of a directory: their names, the newest good one, and the removal of old ones.
//!
//! Reads a checkpoint as `read` does, and writes none. Knows `read` and what is below it.

use crate::{Checkpoint, CheckpointError};
use std::io;
use std::path::Path;
use strandline_core::fs::{EntryKind, Fs, TEMPORARY_SUFFIX};

const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".ckpt";
const DIGITS: usize = 20;
/// How often a directory is listed again whose files go while they are read.
const LISTED_MOST: usize = 100;

/// The file name of a checkpoint: `checkpoint-`, twenty digits, `.ckpt`.
#[must_use]
pub fn file_name(number: u64) -> String {
    format!("{PREFIX}{number:0DIGITS$}{SUFFIX}")
}

/// Whether a file has the name of a checkpoint.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    file_number(name).is_some()
}

/// The number in a file name that is exactly a checkpoint's.
#[must_use]
pub fn file_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let exact = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    exact.then(|| digits.parse().ok()).flatten()
}

/// A checkpoint that cannot be used.
#[derive(Debug)]
pub struct Discarded {
    /// Its file; it was not touched.
    pub file_name: String,
    /// Why.
    pub reason: CheckpointError,
}

impl Discarded {
    /// The number that its name has.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        file_number(&self.file_name)
    }

    /// Whether the file was not there any more when it was to be read.
    fn is_gone(&self) -> bool {
        matches!(&self.reason, CheckpointError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// What [`newest`] found.
#[derive(Debug, Default)]
pub struct Newest {
    /// The newest checkpoint that is whole.
    pub checkpoint: Option<Checkpoint>,
    /// Newer ones that are not.
    pub discarded: Vec<Discarded>,
}

/// Numbers of the checkpoints in `dir`, newest first.
fn numbers(fs: &dyn Fs, dir: &Path) -> Result<Vec<u64>, CheckpointError> {
    let entries = match fs.list_names(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| CheckpointError::io("list", dir, error))?,
    };
    let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let mut numbers: Vec<_> = files.filter_map(|entry| file_number(&entry.name)).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

/// The newest checkpoint of `dir` that is whole. A directory that is missing has none.
///
/// Where another process publishes and removes checkpoints meanwhile, one that is gone is none: the
/// directory is listed again.
///
/// # Errors
///
/// [`CheckpointError::Io`] if the directory cannot be listed. A checkpoint that cannot be read is
/// no error: it is among the discarded.
pub fn newest(fs: &dyn Fs, dir: &Path) -> Result<Newest, CheckpointError> {
    let mut found = newest_listed(fs, dir)?;
    for _ in 1..LISTED_MOST {
        if !found.discarded.iter().any(Discarded::is_gone) {
            break;
        }
        found = newest_listed(fs, dir)?;
    }
    found.discarded.retain(|discarded| !discarded.is_gone());
    Ok(found)
}

fn newest_listed(fs: &dyn Fs, dir: &Path) -> Result<Newest, CheckpointError> {
    let mut found = Newest::default();
    for number in numbers(fs, dir)? {
        let file_name = file_name(number);
        let opened = Checkpoint::open(fs, &dir.join(&file_name)).and_then(|checkpoint| {
            if checkpoint.number() == number {
                Ok(checkpoint)
            } else {
                Err(CheckpointError::Damaged("its name has another number"))
            }
        });
        match opened {
            Ok(checkpoint) => {
                found.checkpoint = Some(checkpoint);
                break;
            }
            Err(reason) => found.discarded.push(Discarded { file_name, reason }),
        }
    }
    Ok(found)
}

/// Removes all but the newest `keep` checkpoints of `dir`, and what interrupted calls left. Gives
/// the names of what was removed.
///
/// # Errors
///
/// [`CheckpointError::Io`].
pub fn prune(fs: &dyn Fs, dir: &Path, keep: usize) -> Result<Vec<String>, CheckpointError> {
    let entries = fs
        .list_names(dir)
        .map_err(|error| CheckpointError::io("list", dir, error))?;
    let temporaries = entries
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::File)
        .map(|entry| entry.name)
        .filter(|name| {
            name.strip_suffix(TEMPORARY_SUFFIX)
                .and_then(file_number)
                .is_some()
        });
    let old = numbers(fs, dir)?.into_iter().skip(keep).map(file_name);
    let mut removed = Vec::new();
    for name in old.chain(temporaries) {
        let path = dir.join(&name);
        fs.remove_file(&path)
            .map_err(|error| CheckpointError::io("remove", &path, error))?;
        removed.push(name);
    }
    Ok(removed)
}
