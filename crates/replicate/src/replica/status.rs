//! `ReplicaStatus`: how far a replica is, and what it waits for.

use crate::follow::FollowError;
use crate::object::{Term, TermRecord};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Sequence;

/// What a replica is doing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReplicaActivity {
    /// It reads what there is to read.
    Reading,
    /// It has shown all that is acknowledged in its term, and looks for more at intervals.
    Reached,
    /// A later term was taken and has not begun. Nothing is shown until it has.
    WaitingFor {
        /// Which.
        term: Term,
        /// Who took it, once that was read.
        record: Option<TermRecord>,
    },
    /// A request failed, and is made again after a while.
    Retrying(Arc<FollowError>),
    /// It has ended, and shows what it had.
    Failed(Arc<FollowError>),
}

/// How far a replica is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplicaStatus {
    /// The term that it follows; none before it found one.
    pub term: Option<Term>,
    /// Number of the chunk of the term that comes next.
    pub next_chunk: u64,
    /// Events below it are shown.
    pub visible: Sequence,
    /// Events that are received and not shown yet.
    pub events_behind: u64,
    /// How long ago it last saw that there was no more, by its own clock. What was acknowledged before that is
    /// shown. `None` until then.
    pub reached_ago: Option<Duration>,
    /// What it does.
    pub activity: ReplicaActivity,
    /// Bytes of frames that are not synced yet.
    pub unsynced_bytes: u64,
}
