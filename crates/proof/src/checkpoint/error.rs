//! `CheckpointError`: why something is no checkpoint, or one that counts for nothing.

use crate::note::{KeyName, NoteError};

/// Why something is no checkpoint, or one that counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is no note, or its signatures are not what they have to be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line of the text is not what it has to be.
    #[error("line {number} of the checkpoint: {reason}")]
    Line {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is of another log.
    #[error("the checkpoint is of the log {got}, not of {expected}")]
    WrongOrigin {
        /// The log that is asked for.
        expected: String,
        /// The log that it says it is of.
        got: String,
    },
    /// There are signatures by known keys, and none of them is the log's.
    #[error("the checkpoint is not signed by its log, {0}")]
    NotByLog(KeyName),
    /// Fewer witnesses signed it than are asked for.
    #[error("the checkpoint is signed by {got} known witnesses, not by {required}")]
    TooFewWitnesses {
        /// How many are asked for.
        required: usize,
        /// How many known ones signed it.
        got: usize,
    },
}
