//! `Status`: who has the store open, what is at work in it, and its counts; and how far something is.

use serde::{Deserialize, Serialize};
use strandline::maintenance::{Progress, ProgressUnit};
use strandline::{Sequence, Stats};

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProgressTold {
    pub(crate) done: u64,
    #[serde(default)]
    pub(crate) total: Option<u64>,
    pub(crate) unit: Unit,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Events,
    Bytes,
}

impl From<Progress> for ProgressTold {
    fn from(progress: Progress) -> Self {
        Self {
            done: progress.done,
            total: progress.total,
            unit: match progress.unit {
                ProgressUnit::Bytes => Unit::Bytes,
                _ => Unit::Events,
            },
        }
    }
}

/// How a store gets on that a program has open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// The process that has it open.
    pub process: u32,
    /// Since when it listens, in milliseconds since 1970.
    pub since_ms: u64,
    /// What is being done.
    pub running: Option<RunningWork>,
    /// What was done last.
    pub last: Option<LastWork>,
    /// Counts and watermarks.
    pub store: StoreStatus,
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunningWork {
    /// What was asked for: `compact`, say.
    #[serde(rename = "do")]
    pub name: String,
    /// The process that asked.
    pub asked_by: u32,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// How much is done, of events or bytes, where that was told.
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
    /// Whether it was asked to stop.
    pub cancelled: bool,
}

/// What was done last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastWork {
    /// What was asked for: `compact`, say.
    #[serde(rename = "do")]
    pub name: String,
    /// The process that asked.
    pub asked_by: u32,
    /// From when, in milliseconds since 1970.
    pub since_ms: u64,
    /// To when.
    pub ended_ms: u64,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// Counts and watermarks of a store, as [`Stats`] has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Visible events.
    pub events: u64,
    /// Entities with a visible event.
    pub entities: u64,
    /// Scopes with a visible event.
    pub scopes: u64,
    /// Sequences below this one are visible.
    pub visible: Sequence,
    /// Sequences below this one are on the disk.
    pub durable: Sequence,
    /// Sequences below this one are acknowledged by the replication, if there is one.
    pub replicated: Option<Sequence>,
    /// Sequences below this one are written.
    pub written: Sequence,
    /// Submitted appends that are not as durable as they asked.
    pub in_flight: u64,
    /// Segment files.
    pub segments: u64,
    /// Blocks of the index of which something was found damaged.
    pub index_damaged: u64,
    /// What is wrong with segments that the background has looked into.
    pub segment_problems: Vec<String>,
    /// Bytes of all files in the directory.
    pub bytes_on_disk: u64,
    /// What the last merge of the index failed by that was not done since.
    pub merge_failed: Option<String>,
    /// Whether an earlier failure stopped all writing, and which.
    pub poisoned: Option<String>,
}

impl From<&Stats> for StoreStatus {
    fn from(stats: &Stats) -> Self {
        Self {
            events: stats.events,
            entities: stats.entities,
            scopes: stats.scopes,
            visible: stats.visible,
            durable: stats.durable,
            replicated: stats.replicated,
            written: stats.written,
            in_flight: stats.in_flight as u64,
            segments: stats.segments as u64,
            index_damaged: stats.index_damaged as u64,
            segment_problems: stats.segment_problems.clone(),
            bytes_on_disk: stats.bytes_on_disk,
            merge_failed: stats.merge_failed.clone(),
            poisoned: stats.poisoned.clone(),
        }
    }
}
