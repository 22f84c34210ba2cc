//! Taking a snapshot of a store.

use super::reader::Reader;
use super::snapshot::Snapshot;
use crate::engine::Shared;
use strandline_segment::LogPosition;

/// The store as it is now.
pub(crate) fn snapshot(shared: &Shared) -> Snapshot {
    let positions = shared.positions.read();
    // The log after the index, so that it has every segment that the index tells of.
    let index = shared.index.snapshot();
    let log = shared.log.view();
    drop(positions);
    Snapshot {
        index,
        reader: Reader {
            log,
            redacted: shared.redacted.clone(),
            kinds: shared.kinds.clone(),
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
