//! What can go wrong: `LogError`, and the two errors that wrap it. Plain values, which know nothing of the
//! rest.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file system refused.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A frame, record or header is not what was written, where a torn tail is ruled out.
    #[error("{file} is damaged at offset {offset}: {reason}; restore a backup")]
    Corrupt {
        /// File name.
        file: String,
        /// Offset in the file, in bytes.
        offset: u64,
        /// What was found.
        reason: String,
    },
    /// The footer of a sealed segment is not what was written; its frames say the same.
    #[error("the footer of {file} is damaged: {reason}; it can be rebuilt from the frames")]
    FooterDamaged {
        /// File name.
        file: String,
        /// What was found.
        reason: &'static str,
    },
    /// There are segments with frames and no manifest that says which of them count.
    #[error("the MANIFEST is missing beside {file}, which holds events; restore a backup")]
    ManifestMissing {
        /// A segment with frames.
        file: String,
    },
    /// A segment of the manifest has no file.
    #[error("{file} is missing, the MANIFEST lists it; restore a backup")]
    SegmentMissing {
        /// File name.
        file: String,
    },
    /// A file was written by a later version of the format.
    #[error(
        "{file} has format version {found}, this program reads up to {supported}; open it with the \
         version of the program that wrote it, or a later one"
    )]
    VersionUnsupported {
        /// File name.
        file: String,
        /// Version in the file.
        found: u32,
        /// Latest version that can be read.
        supported: u32,
    },
    /// The log ends before, or differs at, a position up to which it was known durable.
    #[error(
        "the log was durable up to sequence {expected_sequence}, and {file} does not show that any \
         more: {reason}; restore a backup"
    )]
    LogBehind {
        /// File of the position.
        file: String,
        /// Sequence up to which the log was durable.
        expected_sequence: u64,
        /// Sequence that the log has now, as far as it could be told.
        found_sequence: u64,
        /// How it was noticed.
        reason: &'static str,
        /// Whether every record is there, and what is missing are notes after them.
        is_notes_alone: bool,
    },
    /// What is in the directory now does not go on from what was read: it is another log, or an earlier or
    /// restored copy of this one, or what was read was never durable and is gone, or it was carried into
    /// another file that was rewritten since. Nothing is damaged.
    #[error(
        "{file} was read up to sequence {sequence}, and the log that is there now does not go on from \
         there: {reason}"
    )]
    OtherCourse {
        /// The file that was read.
        file: String,
        /// Up to where.
        sequence: u64,
        /// How it was noticed.
        reason: &'static str,
    },
    /// The last segment changed while it was read to be written to.
    #[error(
        "{file} changed at offset {offset} while it was read: something else writes to it, or the \
         disk does not give the same bytes twice"
    )]
    Changed {
        /// File name.
        file: String,
        /// Offset in the file, in bytes.
        offset: u32,
    },
    /// No frame begins at the offset that was asked for. That need not be damage: it may be the wrong offset.
    #[error("no frame begins at offset {offset} of {file}")]
    NoFrame {
        /// File name.
        file: String,
        /// Offset in the file, in bytes.
        offset: u32,
    },
    /// A commit, record or option is over a limit.
    #[error("{what} has {found}, the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A segment cannot be rewritten: its records would become too long for one file. Those that are
    /// written with [`LogOptions::record_growth_bytes_max`](crate::LogOptions::record_growth_bytes_max)
    /// set never do.
    #[error(
        "{file} would have {found} bytes and more, the limit of a segment is {limit}: it was written \
         without room for what a rewriting adds to short records"
    )]
    RewrittenTooLong {
        /// The file that was to be written.
        file: String,
        /// Its length as far as it was written, in bytes.
        found: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// An option is under its least value.
    #[error("{what} is {found}, the least is {least}")]
    TooSmall {
        /// Which option.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The least value.
        least: u64,
    },
    /// A commit is empty, or its first sequence is below the log's next.
    #[error(
        "a commit of {records} records cannot begin at sequence {first} where the log is at {next}"
    )]
    OutOfOrder {
        /// Records of the commit.
        records: usize,
        /// First sequence of the commit.
        first: u64,
        /// Next sequence of the log.
        next: u64,
    },
    /// The target of a copy holds something else than an earlier copy; the log itself is not concerned.
    #[error("{reason}; keep it, and name another directory")]
    OtherTarget {
        /// What it is.
        reason: String,
    },
    /// The segment that is appended to is locked by another writer.
    #[error("{file} is being written by another writer")]
    BeingWritten {
        /// File name.
        file: String,
    },
    /// A segment is being rewritten, and one rewriting at a time is allowed.
    #[error("{file} is being rewritten already; try again when that is done")]
    BeingRewritten {
        /// File name.
        file: String,
    },
    /// A write could not be undone, so nothing more is written.
    #[error("an earlier write failed and could not be undone; open the log again")]
    Stopped,
    /// No number is left for another segment.
    #[error("the log has used all segment numbers")]
    SegmentsExhausted,
}

impl LogError {
    /// Whether the error says that something on disk is damaged or missing.
    #[must_use]
    pub const fn is_corruption(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::FooterDamaged { .. }
                | Self::ManifestMissing { .. }
                | Self::SegmentMissing { .. }
        )
    }

    /// The name of the file that is damaged or missing, if that is what the error says.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Corrupt { file, .. }
            | Self::FooterDamaged { file, .. }
            | Self::ManifestMissing { file }
            | Self::SegmentMissing { file } => Some(file),
            _ => None,
        }
    }

    pub(crate) fn corrupt(file: impl Into<String>, offset: u64, reason: impl ToString) -> Self {
        Self::Corrupt {
            file: file.into(),
            offset,
            reason: reason.to_string(),
        }
    }
}

/// Adds the operation and the path to an error of the file system. One that says what is wrong with a
/// file, which was opened to read it, is given as it is.
pub(crate) trait At<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, LogError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, LogError> {
        self.map_err(|source| match source.downcast::<LogError>() {
            Ok(own) => own,
            Err(source) => LogError::Io {
                operation,
                path: path.to_path_buf(),
                source,
            },
        })
    }
}

/// Why a commit or rotation failed, and what that means.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of it is in the log; trying again is safe.
    #[error("not written: {0}")]
    NotWritten(#[source] LogError),
    /// It may or may not be there after the next opening, and nothing more is written until then.
    #[error("unknown whether it was written: {0}")]
    Unknown(#[source] LogError),
}

/// Why a scan stopped.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The visitor refused a frame.
    #[error("the visitor refused a frame")]
    Visit(E),
}

impl<E> ScanError<ScanError<E>> {
    /// The error of a scan whose visitor can fail as a scan can.
    pub(crate) fn flatten(self) -> ScanError<E> {
        match self {
            Self::Log(error) => ScanError::Log(error),
            Self::Visit(error) => error,
        }
    }
}
