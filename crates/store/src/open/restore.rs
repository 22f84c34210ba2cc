//! What the index is filled from before the log is read: a checkpoint, or footers.
//!
//! Neither is ever needed: a damaged one is noted and costs time.

use super::replay::Replay;
use crate::checkpoint::{self, Restored};
use crate::footer;
use crate::{Error, OpenPath, OpenReport};
use strandline_checkpoint::Newest;
use strandline_core::Sequence;
use strandline_segment::{LogPosition, UncheckedLog};

/// Where to read the log from.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// The log before it is in the index; none for the whole log.
    pub(super) position: Option<LogPosition>,
    /// Sequences below this one are known to have been durable.
    pub(super) durable: Sequence,
    /// Position of the checkpoint that was used.
    pub(super) checkpoint: Option<LogPosition>,
}

/// Fills the index from the newest checkpoint that can be used, else from the footers of sealed
/// segments.
pub(super) fn restore(
    log: &UncheckedLog,
    newest: Newest,
    replay: &mut Replay<'_>,
    report: &mut OpenReport,
) -> Start {
    for discarded in newest.discarded {
        report.notices.push(format!(
            "checkpoint {} cannot be used and was passed over: {}",
            discarded.file_name, discarded.reason
        ));
    }
    if let Some(found) = newest.checkpoint {
        let restored = checkpoint::restore(&found, log.identity());
        match restored.and_then(|restored| load(&restored, replay)) {
            Ok((start, events)) => {
                report.path = OpenPath::Checkpoint;
                report.events_from_checkpoint = events;
                return start;
            }
            Err(error) => report.notices.push(format!(
                "checkpoint {} cannot be used and was passed over: {error}",
                found.number()
            )),
        }
    }
    from_footers(log, replay, report)
}

fn load(restored: &Restored<'_>, replay: &mut Replay<'_>) -> Result<(Start, u64), Error> {
    let position = restored.position;
    let events = replay.block(restored.rows, restored.hlc)?;
    let names: Option<Vec<_>> = restored
        .names
        .iter()
        .map(|number| replay.coordinate(*number))
        .collect();
    match names {
        Some(names) => replay.set_names(position.segment, &names),
        None => return Err(checkpoint::malformed()),
    }
    let start = Start {
        position: Some(position),
        durable: restored.allocated,
        checkpoint: Some(position),
    };
    Ok((start, events))
}

/// Takes the blocks of the first sealed segments, up to the first that has none.
fn from_footers(log: &UncheckedLog, replay: &mut Replay<'_>, report: &mut OpenReport) -> Start {
    let mut start = Start::default();
    for segment in log.segments() {
        let Some(end) = segment.end() else { break };
        let loaded = log
            .footer(segment.id())
            .map_err(Error::from)
            .and_then(|bytes| match bytes {
                None => Ok(None),
                Some(bytes) => {
                    let (newest, block) = footer::decode(&bytes)?;
                    replay.block(block, newest).map(Some)
                }
            });
        match loaded {
            Ok(Some(events)) => {
                report.path = OpenPath::Footers;
                report.events_from_footers += events;
                start.position = Some(end);
                start.durable = end.sequence;
            }
            Ok(None) => {
                report.notices.push(format!(
                    "segment {} has no footer; its frames were read instead",
                    segment.id()
                ));
                break;
            }
            Err(error) => {
                report.notices.push(format!(
                    "the footer of segment {} cannot be used, its frames were read instead: {error}",
                    segment.id()
                ));
                break;
            }
        }
    }
    start
}
