//! `ReplicateError`: why a store is not shipped.

use crate::bucket::BucketError;
use crate::object::{Key, ObjectError, Term, TermRecord};
use std::io;
use std::path::PathBuf;
use strandline_core::{Sequence, rfc3339};
use strandline_segment::LogError;

/// Why a store is not shipped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicateError {
    /// Another writer has the bucket.
    #[error(
        "term {} of the bucket is held by {}, process {}, since {}: nothing more is acknowledged here, and only a \
         takeover goes on", .0.term, .0.host, .0.process, rfc3339(.0.taken_ms)
    )]
    Fenced(Box<TermRecord>),
    /// An object of this shipper's term was put by another: a copy of this machine or directory is at work.
    #[error("{key} is not what was put there: another process works as this one; stop one of them")]
    Cloned {
        /// The object.
        key: Key,
    },
    /// A later term was taken, and what its object says cannot be read: a newer version wrote it, say.
    #[error("{key} is there, so another writer has the bucket, and it cannot be read: {source}")]
    FencedUnread {
        /// The object.
        key: Key,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// The bucket is that of another log.
    #[error("the bucket has another log; give each store a prefix of its own")]
    OtherLog,
    /// The bucket has more of the log than this store: it was restored from an older copy, say.
    #[error(
        "the bucket has the log below sequence {bucket}, this store below {store}; restore the store from the bucket"
    )]
    BucketAhead {
        /// The sequence after the bucket's last.
        bucket: Sequence,
        /// The sequence after the store's last.
        store: Sequence,
    },
    /// The log of the bucket took another way than that of this store.
    #[error(
        "the log of the bucket and that of this store differ before sequence {0}; restore the store from the bucket, \
         or give it another prefix"
    )]
    Diverged(Sequence),
    /// The object store refused or failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The bucket refused all that was asked of it since the start, for as long as [`ReplicateOptions::refused_timeout`] says:
    /// the credentials are wrong, or there is no such bucket.
    ///
    /// [`ReplicateOptions::refused_timeout`]: crate::ReplicateOptions::refused_timeout
    #[error("nothing was shipped, as the bucket has refused since the start: {0}")]
    Refused(#[source] BucketError),
    /// An object is not what it should be.
    #[error("{key} cannot be read: {source}")]
    Object {
        /// Which.
        key: Key,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// An object that the newest state needs is not there.
    #[error("{0} is missing in the bucket")]
    Missing(Key),
    /// The bucket refuses an object as one that is there, and has none under its key. For a moment that may be so, where
    /// two requests meet; it is tried again, less and less often.
    #[error(
        "the bucket refuses {0} as an object that is there, and says that it is not when it is asked for it: it is tried \
         again; if that goes on, the object store does not do what is asked of it"
    )]
    Contradictory(Key),
    /// The log of the store cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store refuses, or is closed.
    #[error(transparent)]
    Store(#[from] strandline::Error),
    /// The file beside the store that says which terms are its own, or one of the store's, cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said, or what is wrong with it.
        source: io::Error,
    },
    /// The bucket that the store was shipped to before has no term any more.
    #[error(
        "the store was shipped to {bucket} before, and that has no log any more: its disk is not mounted, or somebody \
         deleted what was there"
    )]
    BucketLost {
        /// The bucket.
        bucket: String,
    },
    /// The bucket has objects of a log, and no term: whoever begins there would share the numbers of its chunks.
    #[error(
        "{bucket} has {key} and no term: somebody deleted what says who writes there; bring that back, or delete all that \
         is under the prefix once no old writer lives, or ship to another prefix"
    )]
    TermsLost {
        /// The bucket.
        bucket: String,
        /// An object that is there.
        key: String,
    },
    /// The bucket has an object of a term later than the newest, so that the object of that term was deleted: whoever
    /// takes the term would share the numbers of its chunks, and go on without what it has acknowledged.
    #[error(
        "{bucket} has {key} and not {}: somebody deleted what says who has term {}; bring that back, or ship to another \
         prefix once no writer of that term lives", Key::Term(.key.term()), .key.term()
    )]
    TermLost {
        /// The bucket.
        bucket: String,
        /// An object of the term.
        key: Key,
    },
    /// The next state would be longer than whoever reads it takes.
    #[error(
        "the list of what is in the bucket would have {bytes} bytes, and {most} are the most: have fewer segments, by \
         larger ones or a compaction that merges them"
    )]
    StateTooLong {
        /// How long it would be.
        bytes: usize,
        /// Most that a state has.
        most: usize,
    },
    /// Everything is replicated, and what was rewritten before is not deleted from the bucket yet: by a redaction or
    /// compaction, say. The next start goes on with it.
    #[error(
        "everything is replicated, and the bucket still has objects of segments that were rewritten, with what was \
         redacted or removed from these"
    )]
    NotDeleted,
    /// The log was rewritten where it was being shipped. A next term goes on.
    #[error("the log was rewritten while it was shipped; a next term goes on")]
    Rewritten,
    /// The shipper was told to stop.
    #[error("the shipper was stopped")]
    Stopped,
    /// A thread of the shipper has ended by a panic, of which it has told when it happened.
    #[error(
        "the shipper has ended by a panic, which is a fault of the program; the store is written on"
    )]
    Panicked,
}

impl ReplicateError {
    /// Whether the shipper tries again by itself, with a wait between: the others need somebody.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Bucket(_)
            | Self::Log(_)
            | Self::File { .. }
            | Self::Missing(_)
            | Self::Contradictory(_)
            | Self::Rewritten => true,
            Self::Fenced(_)
            | Self::Cloned { .. }
            | Self::FencedUnread { .. }
            | Self::OtherLog
            | Self::BucketAhead { .. }
            | Self::Diverged(_)
            | Self::Object { .. }
            | Self::BucketLost { .. }
            | Self::Refused(_)
            | Self::TermsLost { .. }
            | Self::TermLost { .. }
            | Self::StateTooLong { .. }
            | Self::NotDeleted
            | Self::Store(_)
            | Self::Stopped
            | Self::Panicked => false,
        }
    }

    /// Whether nothing more is done in a term once a job beside the chunks has ended so.
    pub(crate) const fn ends_term(&self) -> bool {
        self.is_fence() || matches!(self, Self::Panicked)
    }

    /// Whether the store must not be written any more.
    pub(crate) const fn is_fence(&self) -> bool {
        matches!(
            self,
            Self::Fenced(_) | Self::Cloned { .. } | Self::FencedUnread { .. }
        )
    }
}

/// Makes the error of a file.
pub(crate) fn of_file(path: &std::path::Path) -> impl FnOnce(io::Error) -> ReplicateError {
    let path = path.to_owned();
    move |source| ReplicateError::File { path, source }
}

/// Makes the error of an object.
pub(crate) fn of_object(key: Key) -> impl FnOnce(ObjectError) -> ReplicateError {
    move |source| ReplicateError::Object { key, source }
}

/// Who reigns instead, as the object under `key` says it.
pub(crate) fn fenced(key: &Key, content: &[u8]) -> ReplicateError {
    let read = |term: Term| TermRecord::decode(term, content);
    match key {
        Key::Term(term) => match read(*term) {
            Ok(record) => ReplicateError::Fenced(Box::new(record)),
            // That it is there is enough.
            Err(source) => ReplicateError::FencedUnread {
                key: key.clone(),
                source,
            },
        },
        key => ReplicateError::Cloned { key: key.clone() },
    }
}
