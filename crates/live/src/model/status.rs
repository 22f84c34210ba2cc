//! `Status`: how far a consumer is, and what is wrong with it.

use super::consumer::ConsumerKind;
use super::parked::Parked;
use super::state::{Counters, LastError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use strandline::{RefusedPosition, SavedPosition};
use strandline_core::Sequence;

/// How a consumer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Condition {
    /// It has handled everything that there is.
    CaughtUp,
    /// It is at work, and has not handled everything yet.
    Behind,
    /// It is being built anew.
    Rebuilding,
    /// It is held by a worker and behind, and has not moved for a while.
    Stalled,
    /// Nobody works on it.
    Stopped,
    /// It stopped with an error.
    Faulted,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CaughtUp => "caught up",
            Self::Behind => "behind",
            Self::Rebuilding => "rebuilding",
            Self::Stalled => "stalled",
            Self::Stopped => "stopped",
            Self::Faulted => "faulted",
        })
    }
}

/// Who holds a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// Number of its process.
    pub pid: u32,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// For how long it holds the partition without renewing that, in milliseconds.
    pub lease_ms: u64,
}

/// How a partition of a consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// Its number, from 0.
    pub partition: u32,
    /// How it is.
    pub condition: Condition,
    /// The position that was saved last.
    pub position: Option<SavedPosition>,
    /// Every event before this sequence was handled or is parked: as saved, or in this process as applied. Of a
    /// [refused](Self::refused) position that is known of what is before its rewind alone.
    pub sequence: Sequence,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// For how long the lease of who holds it has run out: he has neither saved nor renewed it for its time and so long
    /// after it, by the clock of who asks. He hangs, or his process is stopped, and the next worker that is started takes
    /// his place. None if nobody holds it, or who does has renewed it in time.
    pub overdue: Option<Duration>,
    /// When it was saved last, in milliseconds since 1970; 0 if never.
    pub saved_at_ms: u64,
    /// When its position moved last, in milliseconds since 1970; 0 if never.
    pub moved_at_ms: u64,
    /// What is parked.
    pub parked: Vec<Parked>,
    /// What was done.
    pub counters: Counters,
    /// What it failed by last.
    pub last_error: Option<LastError>,
    /// Files of it that are damaged, and why; an older one is used.
    pub damaged: Vec<String>,
    /// Why the store does not take the position, as of another store or after a restore: a worker that is started stops
    /// with that. Not looked for while somebody works on it, who has seen that it is taken.
    pub refused: Option<RefusedPosition>,
}

/// A version of a projection that is made beside the one that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuild {
    /// Which version.
    pub version: u32,
    /// Every event before this sequence is in it, in all partitions, as it was saved last.
    pub sequence: Sequence,
    /// Who works on it, on its first partition that somebody does; nobody if it was left.
    pub holder: Option<Holder>,
}

/// How a consumer is: what its partitions are together, and each.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ConsumerKind,
    /// Which version of it is served.
    pub version: u32,
    /// The highest version that is made beside it, to take its place.
    pub rebuild: Option<Rebuild>,
    /// How it is: as the partition with which it is worst.
    pub condition: Condition,
    /// Every event before this sequence was handled or is parked, in all partitions.
    pub sequence: Sequence,
    /// Where the store ends: the next event has this sequence.
    pub head: Sequence,
    /// How many events there are at most from `sequence` to `head`; those that the consumer does not ask for are among
    /// them, until it has passed over them and saved that.
    pub behind: u64,
    /// How old the first of these is.
    pub behind_time: Duration,
    /// How many keys are parked.
    pub parked: usize,
    /// What it failed by last.
    pub last_error: Option<LastError>,
    /// Each partition.
    pub partitions: Vec<PartitionStatus>,
}
