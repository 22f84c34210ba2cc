//! Taking a snapshot of a store.

use super::reader::Reader;
use super::snapshot::Snapshot;
use crate::engine::{Redactions, Shared};
use crate::meter::Metrics;
use crate::model::Kinds;
use crate::tree::Trees;
use std::sync::Arc;
use strandline_core::Epoch;
use strandline_core::sync::RwLock;
use strandline_index::IndexReader;
use strandline_segment::{LogIdentity, LogPosition, LogReader, LogView};

/// What snapshots are taken of. It is there as long as somebody has it, and keeps no store open.
#[derive(Debug, Clone)]
pub(crate) struct Readable {
    positions: Arc<RwLock<()>>,
    index: IndexReader,
    log: LogReader,
    redacted: Arc<Redactions>,
    kinds: Arc<Kinds>,
    trees: Arc<Trees>,
    metrics: Metrics,
    identity: LogIdentity,
    epoch: Epoch,
}

impl Readable {
    pub(crate) fn of(shared: &Shared) -> Self {
        Self {
            positions: shared.positions.clone(),
            index: shared.index.clone(),
            log: shared.log.clone(),
            redacted: shared.redacted.clone(),
            kinds: shared.kinds.clone(),
            trees: shared.trees.clone(),
            metrics: shared.metrics.clone(),
            identity: shared.identity,
            epoch: shared.epoch,
        }
    }

    /// The store as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (index, log) = together(&self.positions, &self.index, &self.log);
        Snapshot {
            index,
            reader: Reader {
                log,
                redacted: self.redacted.clone(),
                kinds: self.kinds.clone(),
                trees: self.trees.clone(),
                metrics: self.metrics.clone(),
            },
            log: self.identity,
            epoch: self.epoch,
        }
    }
}

/// Index and log with the same positions.
fn together(
    positions: &RwLock<()>,
    index: &IndexReader,
    log: &LogReader,
) -> (strandline_index::Snapshot, LogView) {
    let positions = positions.read();
    // The log after the index, so that it has every segment that the index tells of.
    let index = index.snapshot();
    let log = log.view();
    drop(positions);
    (index, log)
}

/// The store as it is now.
pub(crate) fn snapshot(shared: &Shared) -> Snapshot {
    let (index, log) = together(&shared.positions, &shared.index, &shared.log);
    Snapshot {
        index,
        reader: Reader {
            log,
            redacted: shared.redacted.clone(),
            kinds: shared.kinds.clone(),
            trees: shared.trees.clone(),
            metrics: shared.metrics.clone(),
        },
        log: shared.identity,
        epoch: shared.epoch,
    }
}

/// Where the written log ends, and a snapshot in whose log that position is.
pub(crate) fn end_and_snapshot(shared: &Shared) -> (LogPosition, Snapshot) {
    match (&shared.writer, &shared.follower) {
        (Some(writer), _) => {
            let writer = writer.lock();
            (writer.log.position(), snapshot(shared))
        }
        (None, Some(follower)) => {
            let follower = follower.lock();
            (follower.position(), snapshot(shared))
        }
        (None, None) => (shared.opened_at, snapshot(shared)),
    }
}
