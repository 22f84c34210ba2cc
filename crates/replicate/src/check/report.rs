//! What a check found, and why there was none.

use crate::object::{Key, Term};
use crate::overview::OverviewError;
use std::ops::Range;
use strandline_core::Sequence;

/// What a check of a bucket found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedCheck {
    /// The term whose log it was.
    pub term: Term,
    /// Number of its newest state.
    pub state: u64,
    /// Where the log ends: what says of removals after it is not in the bucket.
    pub end: Sequence,
    /// Compactions and redactions that the log tells of.
    pub removals: u64,
    /// Events below the end that were removed, or whose payloads were redacted.
    pub gone: u64,
    /// Objects that were read.
    pub objects: u64,
    /// Objects that were deleted while it went on.
    pub deleted: u64,
    /// Objects that were not read, as they have no key that says what they are.
    pub passed_over: u64,
    /// Payloads that should not be there, by key.
    pub leftovers: Vec<Leftover>,
    /// Objects of which it cannot be said, by key.
    pub unread: Vec<UnreadObject>,
    /// Of a bucket in a directory: files, by their paths in it, that a put left which did not end, or has not ended yet.
    /// They have parts of the log, and no command removes them. The first thousand.
    pub unfinished: Vec<String>,
}

impl RemovedCheck {
    /// Whether no payload was found that should be gone, every object could be read, and nothing else is there that
    /// may have some.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.leftovers.is_empty() && self.unread.is_empty() && self.unfinished.is_empty()
    }
}

/// An object that has payloads which should be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The object.
    pub key: Key,
    /// Whether the log as it is now is made of it. If not it is waiting to be deleted, came late, or was put back.
    pub is_listed: bool,
    /// Whether the log says that the removal was done. If not it was interrupted, or what says so was not shipped yet.
    pub is_done: bool,
    /// Of how many events it has payloads.
    pub events: u64,
    /// Their sequences: the first [`RUNS_MAX`](Self::RUNS_MAX) runs.
    pub sequences: Vec<Range<Sequence>>,
}

impl Leftover {
    /// Most runs of sequences that are told of an object.
    pub const RUNS_MAX: usize = 64;
}

/// An object of which it cannot be said what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadObject {
    /// The object.
    pub key: Key,
    /// Why.
    pub reason: String,
}

/// Why a bucket cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemovedCheckError {
    /// The newest state cannot be read, or a request failed.
    #[error(transparent)]
    Overview(#[from] OverviewError),
    /// There is no state, so nothing says what is gone.
    #[error("there is no log in the bucket")]
    NoLog,
    /// Whoever watches has stopped it.
    #[error(transparent)]
    Cancelled(#[from] strandline::Error),
}
