//! What errors of the layers below mean to callers of the store.

use super::lost::Lost;
use crate::{Error, ErrorKind};
use strandline_checkpoint::CheckpointError;
use strandline_core::{AttributeError, NameError};
use strandline_index::{BlockError, IndexError};
use strandline_segment::{LogError, ScanError};

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        Self::new(ErrorKind::LockLost, lost.to_string())
    }
}

impl From<LogError> for Error {
    fn from(error: LogError) -> Self {
        let (kind, message) = match &error {
            LogError::LogBehind {
                is_notes_alone: true,
                ..
            } => (
                ErrorKind::LogBehindCheckpoint,
                "the log's records of removals have vanished from its end, and no event",
            ),
            LogError::LogBehind { .. } => (
                ErrorKind::LogBehindCheckpoint,
                "durable events have vanished from the log",
            ),
            LogError::OtherCourse { .. } => (
                ErrorKind::LogBehindCheckpoint,
                "another store, or an earlier, restored or rewritten copy of this one, is in the \
                 directory now, or none; open it again",
            ),
            LogError::VersionUnsupported { .. } => (
                ErrorKind::UnsupportedVersion,
                "the store cannot be read by this version",
            ),
            LogError::RewrittenTooLong { .. } => (
                ErrorKind::TooLarge,
                "a segment is too long to be rewritten, and nothing has changed; export the events and \
                 import those that are to stay",
            ),
            LogError::OtherTarget { .. } => (
                ErrorKind::InvalidInput,
                "the backup there cannot be brought up to date",
            ),
            LogError::BeingWritten { .. } => (
                ErrorKind::Locked,
                "the store is open for writing elsewhere, though its LOCK is free: LOCK was removed or \
                 replaced meanwhile, which nobody may do; close the other holder",
            ),
            LogError::TooSmall { .. } => (ErrorKind::InvalidInput, "an option is out of its range"),
            LogError::NoFrame { .. } => (ErrorKind::InvalidInput, "that place cannot be shown"),
            error if error.is_corruption() => (ErrorKind::Corrupt, "the log is damaged"),
            LogError::Io { source, .. } if is_full(source) => {
                (ErrorKind::Io, "there is no room on the disk")
            }
            _ => (ErrorKind::Io, "the log cannot be used"),
        };
        Self::new(kind, message).with_source(error)
    }
}

impl From<ScanError<Self>> for Error {
    fn from(error: ScanError<Self>) -> Self {
        match error {
            ScanError::Log(error) => error.into(),
            ScanError::Visit(error) => error,
        }
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::new(ErrorKind::InvalidInput, "a name is refused").with_source(error)
    }
}

impl From<AttributeError> for Error {
    fn from(error: AttributeError) -> Self {
        Self::new(ErrorKind::InvalidInput, "an attribute is refused").with_source(error)
    }
}

impl From<IndexError> for Error {
    fn from(error: IndexError) -> Self {
        Self::new(ErrorKind::Exhausted, "the index takes no more events").with_source(error)
    }
}

impl From<BlockError> for Error {
    fn from(error: BlockError) -> Self {
        Self::new(ErrorKind::Corrupt, "an index block is damaged").with_source(error)
    }
}

impl From<CheckpointError> for Error {
    fn from(error: CheckpointError) -> Self {
        Self::new(ErrorKind::Io, "the checkpoint was not saved").with_source(error)
    }
}

/// Whether an error says that there is no room, on the disk or for this user.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}
