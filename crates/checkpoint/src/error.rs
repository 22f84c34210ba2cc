//! `CheckpointError`: what can go wrong. Plain values, which know nothing of the rest.

use std::io;
use std::path::PathBuf;
use strandline_core::codec::DecodeError;

/// What can go wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system refused.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A section's name breaks the rules or is taken.
    #[error("{name:?} cannot name a section: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The rule.
        reason: &'static str,
    },
    /// Metadata cannot be written in its format, or is over the limit.
    #[error("section {name:?} cannot be encoded: {source}")]
    Encode {
        /// The section.
        name: String,
        /// What the encoder said.
        source: bincode::error::EncodeError,
    },
    /// Metadata is not what it is read as.
    #[error("section {name:?} cannot be decoded: {source}")]
    Decode {
        /// The section.
        name: String,
        /// What the decoder said.
        source: bincode::error::DecodeError,
    },
    /// Metadata has bytes after its end.
    #[error("section {name:?} has {bytes} bytes more than its metadata")]
    LeftOver {
        /// The section.
        name: String,
        /// How many.
        bytes: usize,
    },
    /// There is no such section.
    #[error("there is no section {name:?}")]
    Missing {
        /// The section.
        name: String,
    },
    /// The file is not what was written.
    #[error("the checkpoint is damaged: {0}")]
    Damaged(&'static str),
    /// The file ends early or has an impossible value.
    #[error("the checkpoint is damaged: {0}")]
    Malformed(#[from] DecodeError),
    /// A later version of the format wrote the file.
    #[error("the checkpoint has format version {found}, this program reads up to {supported}")]
    VersionUnsupported {
        /// Version in the file.
        found: u32,
        /// Latest version that can be read.
        supported: u32,
    },
}

impl CheckpointError {
    pub(crate) fn io(operation: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_path_buf(),
            source,
        }
    }
}
