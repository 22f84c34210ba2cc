//! Where heads are kept: a file, a directory, a bucket, a command, a witness.

#[cfg(feature = "object-store")]
mod bucket;
mod command;
mod directory;
mod file;
#[cfg(feature = "http")]
mod witness;

#[cfg(feature = "object-store")]
pub use bucket::{BucketSink, heads_in};
pub use command::CommandSink;
pub use directory::DirectorySink;
pub use file::FileSink;
#[cfg(feature = "http")]
pub use witness::{WitnessSink, heads_at};

use crate::kept::KeptHeads;
use std::fmt::{Debug, Display};
use std::io;
use strandline_proof::{Checkpoint, ConsistencyProof, NoteSignature, SignedCheckpoint, TreeHead};

/// Proves that the log of a new head begins with its first so many events.
pub type Prove<'p> = &'p dyn Fn(u64) -> Result<ConsistencyProof, strandline::Error>;

/// Whether a head is the one that is looked for.
pub type IsWanted<'p> = &'p dyn Fn(&SignedCheckpoint) -> bool;

/// A place where heads are kept. Of use where who can write the store cannot write it.
pub trait AnchorSink: Debug + Send {
    /// What it is called, for people.
    fn name(&self) -> String;

    /// The head of the log `origin` over most events that it has, if it can say.
    ///
    /// # Errors
    ///
    /// Why it cannot be asked.
    fn newest(&mut self, origin: &str) -> Result<Option<TreeHead>, SinkError>;

    /// The heads that it has, if it can tell them with their signatures: those of the key that signs count then, and
    /// [`newest`](Self::newest) is not asked. By default it cannot. Of heads that are over fewer events than one that
    /// `is_wanted` it need not tell.
    ///
    /// # Errors
    ///
    /// Why it cannot be asked.
    fn kept(&mut self, is_wanted: IsWanted<'_>) -> Result<Option<KeptHeads>, SinkError> {
        let _ = is_wanted;
        Ok(None)
    }

    /// Keeps a head, durably. Gives what it has signed itself, as a witness does.
    ///
    /// # Errors
    ///
    /// Why it was not kept.
    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        prove: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError>;
}

/// Why a head was not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// It cannot be read or written.
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
    /// It has a head over more events: the store has lost some, or is an earlier one.
    #[error("it has a head of {kept} events, and the log has {size}")]
    Ahead {
        /// Events of its head.
        kept: u64,
        /// Events of the log.
        size: u64,
    },
    /// It has a head that the log never had.
    #[error("it has a head of {kept} events that the log never had")]
    Contradicted {
        /// Events of its head.
        kept: u64,
    },
    /// Its newest head ends in removed events of which a compaction was told to forget the digests, so nothing proves that
    /// the log goes on from it.
    #[error(
        "its head of {kept} events ends in removed ones, of which a compaction was told to forget the digests, so nothing \
         proves that the log goes on from it: compare the log with a backup, and keep heads in a new place"
    )]
    Forgotten {
        /// Events of its head.
        kept: u64,
    },
    /// What is there is nothing in which heads are kept.
    #[error("{0}")]
    Foreign(String),
    /// It was refused.
    #[error("it was refused: {0}")]
    Refused(String),
    /// The log cannot prove that it has grown.
    #[error("the proof cannot be made")]
    Log(#[from] strandline::Error),
}

impl<S: AnchorSink + ?Sized> AnchorSink for Box<S> {
    fn name(&self) -> String {
        (**self).name()
    }

    fn newest(&mut self, origin: &str) -> Result<Option<TreeHead>, SinkError> {
        (**self).newest(origin)
    }

    fn kept(&mut self, is_wanted: IsWanted<'_>) -> Result<Option<KeptHeads>, SinkError> {
        (**self).kept(is_wanted)
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        prove: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        (**self).keep(head, prove)
    }
}

/// That what stands where a head is to be kept is this head: with its size in the name of the place, another one of the
/// same log contradicts it.
fn same_head(place: &dyn Display, there: &KeptHeads, head: &Checkpoint) -> Result<(), SinkError> {
    let mut heads = there.heads.iter().map(SignedCheckpoint::unverified);
    if heads.clone().any(|kept| kept == head) {
        return Ok(());
    }
    if heads.clone().any(|kept| kept.origin() == head.origin()) {
        return Err(SinkError::Contradicted {
            kept: head.head().size,
        });
    }
    // Nothing is said against this log by what is not about it.
    Err(SinkError::Foreign(match heads.next() {
        Some(other) => format!(
            "{place} is of the log {}: give each log a place of its own",
            other.origin()
        ),
        None => format!("{place} is no head, and is left as it is"),
    }))
}
