//! `FollowError`: why a bucket is not followed, restored from or taken over. Says what to do about it.

use crate::bucket::BucketError;
use crate::object::{Key, ObjectError, Term, TermRecord};
use crate::remote::NotFetched;
use std::io;
use std::path::PathBuf;
use strandline_core::rfc3339;
use strandline_segment::LogError;

/// Why a bucket cannot be followed, restored from or taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// A request failed. Whether waiting mends it, the error says.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// An object is not what it should be.
    #[error("{key} cannot be used: {source}")]
    Object {
        /// Which.
        key: String,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// An object that was listed is not there any more: the bucket was swept in the meantime. It is begun again
    /// with the newest state, which is done by itself where it can be.
    #[error("{key} was deleted while it was needed; begin again")]
    Gone {
        /// Its key.
        key: String,
    },
    /// Nobody has begun to ship a log to the bucket.
    #[error("the bucket has no log: no term of it has begun")]
    Empty,
    /// The bucket has an object of a term, and not the object that says who has that term: somebody deleted it. What that
    /// term has acknowledged would be passed over.
    #[error(
        "{key} is there and {} is not, which says who has term {}: somebody deleted that; bring it back from a version of \
         the bucket, or have the writer that has the term begin another bucket", Key::Term(.key.term()), .key.term()
    )]
    TermLost {
        /// An object of the term.
        key: Key,
    },
    /// The newest term was taken and has not begun, so that it is not known which log the bucket goes on with. It is
    /// known once that term begins, or another takes its place.
    #[error(
        "term {} of the bucket was taken by {}, process {}, at {} and has not begun: wait for it, or take the bucket \
         over", .0.term, .0.host, .0.process, rfc3339(.0.taken_ms)
    )]
    NotBegun(Box<TermRecord>),
    /// The bucket has another log than the directory.
    #[error("the bucket has another log than {}: name another directory or bucket", dir.display())]
    OtherLog {
        /// The directory.
        dir: PathBuf,
    },
    /// What was read and shown is not in the log that the bucket goes on with. Nothing more is read. It happens
    /// where a bucket was rolled back or written by hand, or two writers had the same term.
    #[error(
        "the log of the bucket contradicts what was read of it, in term {term} after sequence {sequence}: {reason}; \
         keep both, and begin in another directory"
    )]
    Diverged {
        /// The term that contradicts.
        term: Term,
        /// Sequence up to which the log was read.
        sequence: u64,
        /// How it was noticed.
        reason: String,
    },
    /// The point in time that was asked for is past the end of the log in the bucket.
    #[error("the log in the bucket ends at sequence {end}, before what was asked for")]
    NotReached {
        /// The sequence after the last event.
        end: u64,
    },
    /// The copy in the directory.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store that is made of it.
    #[error(transparent)]
    Store(#[from] strandline::Error),
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
}

impl FollowError {
    /// Whether trying again may help with nothing done by anybody.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Bucket(error) => error.kind().is_passing(),
            Self::Gone { .. } | Self::NotBegun(_) => true,
            Self::Store(_) => false,
            _ => self.not_fetched().is_some(),
        }
    }

    /// Whether the directory has a store or a copy of another log, so that nothing is fetched into it.
    #[must_use]
    pub const fn is_of_store(&self) -> bool {
        matches!(self, Self::Log(LogError::OtherTarget { .. }))
    }

    /// Whether what was needed is not in the bucket any more, and something newer is.
    pub(crate) fn is_gone(&self) -> bool {
        let is_gone = || self.not_fetched().is_some_and(NotFetched::is_gone);
        matches!(self, Self::Gone { .. }) || is_gone()
    }

    /// What could not be had from the bucket, where a file of it was read.
    fn not_fetched(&self) -> Option<&NotFetched> {
        match self {
            Self::Io { source, .. } | Self::Log(LogError::Io { source, .. }) => {
                NotFetched::in_error(source)
            }
            _ => None,
        }
    }

    pub(crate) fn io(operation: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn object(key: &Key, source: ObjectError) -> Self {
        Self::Object {
            key: key.to_string(),
            source,
        }
    }
}
