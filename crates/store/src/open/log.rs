//! Reading the log: what the index is filled from, every frame after that, and repairs.

use super::base;
use super::carry::carry;
use super::found::{Found, note};
use super::merged::{MergedTaken, Place};
use super::steps::{Step, Steps};
use crate::model::{Access, KindTable};
use crate::rows::checkpoint::Restored;
use crate::rows::{
    Committed, RemovedHeads, RemovedInSegments, Replay, Sealed, SegmentNames, SourcePositions,
    Summary,
};
use crate::{Error, ErrorKind, OpenReport, StoreOptions};
use strandline_core::{HlcClock, Random};
use strandline_index::{IndexWriter, SequenceGate};
use strandline_segment::{LogFollower, LogPosition, LogReader, LogWriter, UncheckedLog};

/// What reading the log came to.
pub(super) struct Replayed {
    pub(super) writer: Option<LogWriter>,
    /// What reads on, in a store opened to read only.
    pub(super) follower: Option<LogFollower>,
    pub(super) reader: LogReader,
    pub(super) end: LogPosition,
    pub(super) names: SegmentNames,
    /// The names of kinds.
    pub(super) table: KindTable,
    /// How far sources were gone through.
    pub(super) positions: SourcePositions,
    /// What the records of the last segment say beside their rows.
    pub(super) summary: Summary,
    pub(super) hlc: HlcClock,
    pub(super) checkpointed: Option<LogPosition>,
    pub(super) without_footer: Vec<Sealed>,
    pub(super) removed: RemovedInSegments,
    pub(super) merged: MergedTaken,
}

/// Fills the index from the base and the log after it, repairs the log, and publishes. If the log is to
/// be read again, gives what was found instead.
pub(super) fn replay(
    index: &mut IndexWriter,
    place: Place<'_>,
    (log, checkpoint): (UncheckedLog, (Option<(u64, Restored)>, bool)),
    options: &StoreOptions,
    random: &Random,
    report: &mut OpenReport,
    steps: &mut Steps,
) -> Result<Result<Replayed, Found>, Error> {
    let mut replay = Replay::new(index);
    let start = base::fill(
        (&log, place),
        checkpoint,
        options.from_log,
        &mut replay,
        report,
        steps,
    )?;
    let scanned = steps.take(Step::Log, || {
        log.scan(start.position, start.durable, |frame| replay.frame(frame))
    })?;
    report.proven_durable = scanned.proven_durable();
    if let Some(torn) = scanned.torn_tail() {
        report.torn_tail = true;
        report.notices.push(torn.to_string());
    }
    let end = scanned.end();
    if end.sequence > SequenceGate::BOUND_MAX {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "the log says that its next sequence is {}, which none can be",
                end.sequence
            ),
        ));
    }
    if options.access != Access::Read && scanned.has_long_proven_part()? {
        drop(replay);
        return steps
            .take(Step::Repair, || carry(scanned, None, random))
            .map(Err);
    }
    let (writer, follower, reader) = steps.take(Step::Repair, || match options.access {
        Access::Read => scanned
            .into_follower()
            .map(|(reader, follower)| (None, Some(follower), reader)),
        Access::Create | Access::Write => {
            let opened = scanned.into_writer(random);
            opened.map(|(writer, reader, repairs)| {
                note(repairs, report);
                (Some(writer), None, reader)
            })
        }
    })?;
    (report.events_from_log, report.log_bytes) = replay.read_from_log();
    let Committed {
        names,
        hlc,
        removed,
        summary,
        table,
        positions,
        kind_conflicts,
    } = replay.commit(end);
    for conflict in kind_conflicts {
        let notice = format!("the log names a kind twice, and the first name counts: {conflict}");
        report.notices.push(notice);
    }
    let mut all_removed = start.removed;
    if !removed.is_empty() {
        all_removed.set(end.segment, Some(RemovedHeads::Map(removed)));
    }
    Ok(Ok(Replayed {
        writer,
        follower,
        reader,
        end,
        names,
        table,
        positions,
        summary,
        hlc,
        checkpointed: start.checkpoint,
        without_footer: start.without_footer,
        removed: all_removed,
        merged: start.merged,
    }))
}
