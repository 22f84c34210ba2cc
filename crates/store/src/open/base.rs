//! The base of an opening: what the index is filled from before the log is read, merged files of several sealed
//! segments, footers of the others, and the checkpoint of the active one. Reads no frame of the active segment.
//!
//! None of it is ever needed: what is damaged is noted and costs time.

use super::merged::{MergedFound, MergedTaken, Place};
use super::steps::{Step, Steps};
use crate::rows::checkpoint::{self, Restored};
use crate::rows::footer::{self, Opened};
use crate::rows::{Ended, RemovedHeads, RemovedInSegments, Replay, Sealed, newest_reading};
use crate::{Error, OpenPath, OpenReport};
use strandline_checkpoint::Newest;
use strandline_core::Sequence;
use strandline_segment::{LogPosition, SealedFrames, SegmentInfo, UncheckedLog};

/// Where to read the log from, and what is to be written anew.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// The log before it is in the index; none for the whole log.
    pub(super) position: Option<LogPosition>,
    /// Sequences below this one are known to have been durable.
    pub(super) durable: Sequence,
    /// Position of the checkpoint that was found.
    pub(super) checkpoint: Option<LogPosition>,
    /// Sealed segments that have no good footer.
    pub(super) without_footer: Vec<Sealed>,
    /// Where streams end whose newest event was removed.
    pub(super) removed: RemovedInSegments,
    /// The merged files that there are.
    pub(super) merged: MergedTaken,
}

/// The newest checkpoint with its number, if it is one of this log, and whether others were passed over.
pub(super) fn read_checkpoint(
    log: &UncheckedLog,
    newest: Newest,
    report: &mut OpenReport,
) -> (Option<(u64, Restored)>, bool) {
    let was_discarded = !newest.discarded.is_empty();
    for discarded in newest.discarded {
        report.notices.push(format!(
            "checkpoint {} cannot be used and was passed over: {}",
            discarded.file_name, discarded.reason
        ));
    }
    let restored = newest.checkpoint.and_then(|found| {
        let number = found.number();
        report.checkpoint_bytes = found.file_bytes() as u64;
        let restored = checkpoint::restore(found, log.identity());
        restored
            .inspect_err(|error| pass_over(number, error, report))
            .ok()
            .map(|restored| (number, restored))
    });
    (restored, was_discarded)
}

/// Fills the index with everything before the active segment, and with what the newest good
/// checkpoint has of that. With `from_log` everything comes from frames, and the checkpoint is proof
/// of what was durable and no more.
///
/// # Errors
///
/// `Corrupt` if a sealed segment without a good footer is damaged.
pub(super) fn fill(
    (log, place): (&UncheckedLog, Place<'_>),
    (restored, was_discarded): (Option<(u64, Restored)>, bool),
    from_log: bool,
    replay: &mut Replay<'_>,
    report: &mut OpenReport,
    steps: &mut Steps,
) -> Result<Start, Error> {
    let mut start = Start::default();
    if let Some((_, restored)) = &restored {
        start.durable = restored.allocated;
        start.checkpoint = Some(restored.position);
    }
    steps.take(Step::Footers, || {
        let mut merged = MergedFound::find(place, log, !from_log, report)?;
        let infos = log.segments();
        let mut at = 0;
        while let Some(info) = infos.get(at) {
            if let Some(end) = merged.take(infos, at, replay, report) {
                at = end;
                note_reading((log, place), (infos, at), replay);
                continue;
            }
            if info.is_sealed() {
                let rows = restored.as_ref().filter(|_| !from_log);
                attach(log, info, from_log, rows, replay, report, &mut start)?;
            } else {
                start.position = Some(info.start());
            }
            at += 1;
        }
        start.merged = merged.finish(&mut start.removed, replay, report);
        Ok::<_, Error>(())
    })?;
    report.reason = if report.path == OpenPath::Created {
        "there was no store".to_owned()
    } else if from_log {
        // What the checkpoint proves holds; what it says is written anew.
        start.checkpoint = None;
        "the log alone was asked for".to_owned()
    } else {
        let why = take_rows(restored.as_ref(), &mut start, replay, report, steps);
        let why = why.unwrap_or_else(|| match was_discarded || report.checkpoint_bytes > 0 {
            true => "no checkpoint can be used".to_owned(),
            false => "there is no checkpoint".to_owned(),
        });
        match report.path {
            OpenPath::Scan => format!("{why}, and no sealed segment has a good footer"),
            _ => why,
        }
    };
    Ok(start)
}

/// Tells the newest clock reading before the segment at a place if that has notes alone, which say none, and its
/// footer may have to be written: a merged file says none but that at its own end.
fn note_reading(
    (log, place): (&UncheckedLog, Place<'_>),
    (infos, at): (&[SegmentInfo], usize),
    replay: &mut Replay<'_>,
) {
    let has_notes_alone =
        |info: &SegmentInfo| info.end().map(|end| end.sequence) == Some(info.start().sequence);
    let before = at.checked_sub(1).and_then(|before| infos.get(before));
    if let Some(before) = before
        && infos.get(at).is_some_and(has_notes_alone)
        && let Ok(newest) = newest_reading((&**place.fs, place.dir), &log.view(), before)
    {
        replay.observe(newest);
    }
}

/// Takes the rows of a checkpoint, if it is of the active segment, and says why or why not; nothing
/// if there is none that can be used.
fn take_rows(
    restored: Option<&(u64, Restored)>,
    start: &mut Start,
    replay: &mut Replay<'_>,
    report: &mut OpenReport,
    steps: &mut Steps,
) -> Option<String> {
    let (number, restored) = restored?;
    if start.position.map(|position| position.segment) != Some(restored.position.segment) {
        return Some(format!(
            "checkpoint {number} is of a segment that was sealed since"
        ));
    }
    match steps.take(Step::Checkpoint, || load(restored, start, replay)) {
        Ok(events) => {
            report.path = OpenPath::Checkpoint;
            report.events_from_checkpoint = events;
            start.position = Some(restored.position);
            Some(format!(
                "checkpoint {number} is whole and of the active segment"
            ))
        }
        Err(error) => {
            pass_over(*number, &error, report);
            None
        }
    }
}

fn pass_over(number: u64, error: &Error, report: &mut OpenReport) {
    report.notices.push(format!(
        "checkpoint {number} cannot be used and was passed over: {error}"
    ));
}

/// Takes the rows of a checkpoint of the active segment. Changes nothing if they do not fit.
fn load(restored: &Restored, start: &Start, replay: &mut Replay<'_>) -> Result<u64, Error> {
    let first = start.position.map(|position| position.sequence);
    let (block, names) = restored.rows(first.unwrap_or_default())?;
    let summary = restored.summary()?;
    let rows = u64::from(block.rows());
    replay.block(block, restored.hlc)?;
    replay.set_names(restored.position.segment, names, summary);
    Ok(rows)
}

/// Takes the rows that a checkpoint has of a segment that was sealed since and has no footer, and gives
/// where they end; where the segment begins if there are none, or it may have been rewritten since.
fn take_sealed_rows(
    (number, restored): &(u64, Restored),
    frames: &SealedFrames,
    replay: &mut Replay<'_>,
    report: &mut OpenReport,
) -> Result<LogPosition, Error> {
    let start = frames.info().start();
    if !frames.has_position(&restored.position)? {
        return Ok(start);
    }
    let taken = restored.rows(start.sequence).and_then(|(block, names)| {
        let summary = restored.summary()?;
        let rows = u64::from(block.rows());
        replay.block(block, restored.hlc)?;
        replay.set_names(start.segment, names, summary);
        Ok(rows)
    });
    match taken {
        Ok(rows) => {
            report.events_from_checkpoint += rows;
            Ok(restored.position)
        }
        Err(error) => {
            pass_over(*number, &error, report);
            Ok(start)
        }
    }
}

/// Takes the rows of a sealed segment: its footer, or what a checkpoint and its frames say.
fn attach(
    log: &UncheckedLog,
    info: &SegmentInfo,
    from_log: bool,
    restored: Option<&(u64, Restored)>,
    replay: &mut Replay<'_>,
    report: &mut OpenReport,
    start: &mut Start,
) -> Result<(), Error> {
    let Some(frames) = log.sealed_frames(info.id()) else {
        return Ok(());
    };
    let found = match log.footer(info.id()) {
        _ if from_log => Err(None),
        Ok(None) => Err(None),
        Ok(Some(footer)) => {
            footer::open(footer, frames.clone()).map_err(|error| Some(error.to_string()))
        }
        Err(error) => Err(Some(error.to_string())),
    };
    match found {
        Ok(Opened {
            newest,
            summary,
            heads,
            block,
        }) => {
            replay.learn(&summary);
            report.events_from_footers += u64::from(block.rows());
            report.footers_used += 1;
            if report.path == OpenPath::Scan {
                report.path = OpenPath::Footers;
            }
            start.removed.set(info.id(), heads);
            replay.block(block.into(), Some(newest))
        }
        Err(reason) => {
            // One that was not written yet is no damage: a process was ended before it could be.
            report.footers_missing += 1;
            if let Some(reason) = reason {
                report.notices.push(format!(
                    "the footer of {} cannot be used, its frames were read: {reason}",
                    info.file_name()
                ));
            }
            let from = match restored {
                Some(restored) => take_sealed_rows(restored, &frames, replay, report)?,
                None => info.start(),
            };
            frames.visit_from(from, |frame| replay.frame(frame))?;
            let newest = replay.newest();
            let Ended { removed, summary } = replay.end_segment();
            start.without_footer.push(Sealed {
                info: *info,
                newest,
                summary,
            });
            let heads = (!removed.is_empty()).then_some(RemovedHeads::Map(removed));
            start.removed.set(info.id(), heads);
            Ok(())
        }
    }
}
