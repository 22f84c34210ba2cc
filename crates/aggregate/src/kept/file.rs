//! One saved state as a file: sections of a checkpoint.

use super::held::Head;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use strandline::Hash;
use strandline_checkpoint::{Checkpoint, CheckpointError, CheckpointWriter};
use strandline_core::fs::{Fs, OpenMode, TEMPORARY_SUFFIX, read_file};

/// Of the sections.
const FORMAT: u32 = 1;
/// Longest file that is read: 256 MiB. A state that is longer is not saved.
const FILE_BYTES_MAX: u64 = 256 << 20;

const FORMAT_SECTION: &str = "format";
const OF_SECTION: &str = "of";
/// A state as it is.
pub(super) const STATE_SECTION: &str = "state";
/// One that is sealed, bound to what the file says that it is of.
pub(super) const SEALED_SECTION: &str = "sealed";

/// What a saved state is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Of {
    pub(super) aggregate: String,
    /// Of the state.
    pub(super) version: u32,
    pub(super) entity: String,
    pub(super) clock: u32,
    pub(super) hash: Hash,
}

impl Of {
    /// What a sealed state is bound to, beside its coordinate.
    pub(super) fn bound(&self) -> Vec<u8> {
        let mut bytes = self.version.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.clock.to_le_bytes());
        bytes.extend_from_slice(self.hash.as_bytes());
        bytes.extend_from_slice(self.aggregate.as_bytes());
        bytes
    }

    pub(super) const fn head(&self) -> Head {
        Head {
            clock: self.clock,
            hash: self.hash,
        }
    }
}

/// Writes a state in the place of what the file has. Not synced: what a power cut leaves of it is found damaged, and
/// costs a load from the first event.
pub(super) fn write(
    fs: &dyn Fs,
    path: &Path,
    number: u64,
    of: &Of,
    (section, state): (&'static str, Vec<u8>),
) -> Result<(), CheckpointError> {
    let bytes = CheckpointWriter::new()
        .metadata(FORMAT_SECTION, &FORMAT)?
        .metadata(OF_SECTION, of)?
        .section(section, state)?
        .encode(number);
    let replaced = match u64::try_from(bytes.len()) {
        Ok(..=FILE_BYTES_MAX) => replace(fs, path, &bytes),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    };
    replaced.map_err(|source| CheckpointError::Io {
        operation: "write",
        path: path.to_owned(),
        source,
    })
}

fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(TEMPORARY_SUFFIX);
    let temporary = PathBuf::from(temporary);
    // What an interrupted call left.
    match fs.remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = fs.open(&temporary, OpenMode::Create)?;
    file.write_all_at(bytes, 0)?;
    drop(file);
    fs.rename(&temporary, path)
}

/// What a file is of, and its state, in the section in which it is to be.
pub(super) fn read(
    fs: &dyn Fs,
    path: &Path,
    number: u64,
    section: &'static str,
) -> Result<(Of, Vec<u8>), CheckpointError> {
    let bytes = read_file(fs, path, FILE_BYTES_MAX).map_err(|source| CheckpointError::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    })?;
    let checkpoint = Checkpoint::decode(bytes)?;
    if checkpoint.number() != number {
        return Err(CheckpointError::Damaged("its name has another number"));
    }
    let found = checkpoint.metadata::<u32>(FORMAT_SECTION)?;
    if found != FORMAT {
        return Err(CheckpointError::VersionUnsupported {
            found,
            supported: FORMAT,
        });
    }
    let of = checkpoint.metadata(OF_SECTION)?;
    let state = checkpoint.section(section);
    let state = state.ok_or_else(|| CheckpointError::Missing {
        name: section.to_owned(),
    })?;
    Ok((of, state.to_vec()))
}
