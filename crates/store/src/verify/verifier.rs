//! `Verifier`: a log as it is read, and what is due to be held against the rows of its segments.

use super::checkpoint::{self, StoredCheckpoint};
use super::index::{Check, Compared, Indexes, Job};
use super::log::LogCheck;
use super::merged::Merged;
use super::problem::{PROBLEMS_MAX, Problem, ProblemKind};
use super::report::VerifyReport;
use crate::Error;
use crate::engine::Shared;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Hlc, Region, Sequence};
use strandline_index::Block;
use strandline_segment::{LogPosition, Piece, SegmentInfo};

/// Checks a log piece by piece, and has what was made of it compared.
pub(super) struct Verifier<'a> {
    shared: &'a Shared,
    index: strandline_index::Snapshot,
    pub(super) log: LogCheck<'a>,
    /// The blocks of the index, oldest first.
    blocks: VecDeque<Arc<Block>>,
    /// From here on the rows of the present segment are in no block.
    live_from: Sequence,
    infos: Vec<SegmentInfo>,
    indexes: Indexes,
    merged: Merged,
    stored: Option<Arc<StoredCheckpoint>>,
    /// Whether the place that the checkpoint names was met.
    is_stored_seen: bool,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        index: strandline_index::Snapshot,
        infos: Vec<SegmentInfo>,
        (log, indexes, merged): (LogCheck<'a>, Indexes, Merged),
        stored: Option<StoredCheckpoint>,
    ) -> Self {
        Self {
            shared,
            blocks: index
                .blocks()
                .filter(|block| !merged.has(block, &infos))
                .cloned()
                .collect(),
            merged,
            index,
            log,
            live_from: Sequence::ZERO,
            infos,
            indexes,
            stored: stored.map(Arc::new),
            is_stored_seen: false,
        }
    }

    /// Takes a piece of a segment.
    pub(super) fn piece(&mut self, info: &SegmentInfo, piece: &Piece<'_>) {
        self.enter(info);
        if let Piece::Frame { frame, .. } = piece {
            self.compare_before(info, frame.start().sequence);
        }
        self.log.piece(info, piece);
        if let Piece::Frame { frame, .. } = piece {
            self.meet(&frame.end());
            if let Some(run) = frame.run() {
                self.pass_over(info, &run);
            }
        }
    }

    /// Lets go of a checkpoint whose place is within a run: the commit that ended there is gone, and an opening goes by the
    /// log.
    fn pass_over(&mut self, info: &SegmentInfo, run: &Range<Sequence>) {
        let infos = &self.infos;
        let is_within = |stored: &mut Arc<StoredCheckpoint>| {
            let position = stored.position();
            let is_inside = run.start < position.sequence && position.sequence < run.end;
            is_inside && checkpoint::is_in(&position, info, infos)
        };
        drop(self.stored.take_if(is_within));
    }

    /// Goes to a segment, if it is another one.
    fn enter(&mut self, info: &SegmentInfo) {
        let present = self.log.segment.as_ref();
        if present.is_some_and(|rows| rows.info.id() == info.id()) {
            return;
        }
        let newest = self.end_segment(None);
        self.log.begin(info, newest);
        self.live_from = info.start().sequence;
        self.meet(&info.start());
    }

    /// Gives away what is to be compared with the rows before an event.
    fn compare_before(&mut self, info: &SegmentInfo, before: Sequence) {
        let mut checks = self.due_checkpoint(info, before);
        checks.extend(self.due_parts(info, before));
        if !checks.is_empty()
            && let Some(rows) = &self.log.segment
        {
            let rows = rows.clone();
            self.indexes.compare(Job { rows, checks });
        }
    }

    /// Notes a place between commits, if it is the one that the checkpoint names.
    fn meet(&mut self, place: &LogPosition) {
        if let (Some(stored), Some(rows)) = (&self.stored, &self.log.segment)
            && checkpoint::is_in(&stored.position(), &rows.info, &self.infos)
            && checkpoint::is_at(&stored.position(), place, &rows.info)
        {
            self.is_stored_seen = true;
            self.log.wants_first = true;
        }
    }

    /// The blocks of rows of the present segment before a sequence that were not compared yet, and that
    /// have not all rows of it: a checkpoint's, which other rows follow until there is a footer. A
    /// block of all rows may end before the last frame, whose events were removed.
    fn due_parts(&mut self, info: &SegmentInfo, before: Sequence) -> Vec<Check> {
        let is_due = |block: &Arc<Block>| block.sequences().end <= before;
        let Some(end) = self.blocks.front().filter(|block| is_due(block)) else {
            return Vec::new();
        };
        let after = end.sequences().end.get();
        let is_part = info.end().is_none_or(|end| {
            let rest = Region::all().sequence(after..end.sequence.get());
            self.index.query(&rest).next().is_some()
        });
        match is_part {
            true => self.due_blocks(before),
            false => Vec::new(),
        }
    }

    /// The blocks of the rows before a sequence that were not compared yet.
    fn due_blocks(&mut self, before: Sequence) -> Vec<Check> {
        let is_due = |block: &&Arc<Block>| block.sequences().end <= before;
        let count = self.blocks.iter().take_while(is_due).count();
        let due: Vec<_> = self.blocks.drain(..count).map(Check::Block).collect();
        if let Some(Check::Block(last)) = due.last() {
            self.live_from = last.sequences().end;
        }
        due
    }

    /// The checkpoint, if it is of the rows of the present segment before a sequence, and was not
    /// compared yet.
    fn due_checkpoint(&mut self, info: &SegmentInfo, before: Sequence) -> Vec<Check> {
        let infos = &self.infos;
        let is_due = |stored: &mut Arc<StoredCheckpoint>| {
            let position = stored.position();
            checkpoint::is_in(&position, info, infos) && position.sequence <= before
        };
        let due = match self.is_stored_seen {
            true => self.stored.take_if(is_due),
            false => None,
        };
        due.map(Check::Checkpoint).into_iter().collect()
    }

    /// Has the segment that was read compared with what was made of it. Gives the newest clock
    /// reading.
    fn end_segment(&mut self, to: Option<Sequence>) -> Option<Hlc> {
        let rows = self.log.end_rows(to)?;
        let newest = rows.newest;
        let end = rows.info.end();
        let end = end.map_or(Sequence::new(u64::MAX), |end| end.sequence);
        // Before what this process has of it, which may be the same.
        let mut checks = self.due_checkpoint(&rows.info, end);
        if rows.info.is_sealed() {
            checks.push(Check::Footer);
        }
        checks.extend(self.due_blocks(end));
        let merged = self.merged.of_segment(&rows.info, &self.infos);
        if rows.info.is_sealed() && merged.iter().any(|one| !one.is_of_file()) {
            self.live_from = end;
        }
        if rows.info.is_sealed() {
            checks.extend(merged.into_iter().map(Check::Merged));
        }
        checks.push(Check::Live(self.live_from));
        self.indexes.compare(Job { rows, checks });
        newest
    }

    /// Takes what comparing the indexes found. `discarded` are checkpoints that cannot be used.
    pub(super) fn finish(
        mut self,
        until: &LogPosition,
        discarded: Vec<Problem>,
    ) -> Result<VerifyReport, Error> {
        // The active segment may have no frames, and a checkpoint all the same.
        if let Some(last) = self.infos.last().copied()
            && last.id() == until.segment
        {
            self.enter(&last);
            self.compare_before(&last, last.start().sequence);
        }
        self.end_segment(Some(until.sequence));
        let is_whole = !self.log.damage.any;
        let Compared { problems, readings } = self.indexes.finish()?;
        let mut found = discarded;
        for (file, reason) in &self.merged.unread {
            found.push(Problem::of_index_file(file, reason));
        }
        // Past damage the place may be one that was not found.
        if is_whole && let Some(stored) = &self.stored {
            found.push(stored.misplaced());
        }
        found.extend(problems);
        for reading in readings {
            let firsts = &self.log.firsts;
            let after = firsts.partition_point(|(at, _)| *at < reading.end);
            let next = firsts.get(after).map(|(_, hlc)| *hlc);
            if checkpoint::contradicts(reading.claimed, next) {
                found.push(reading.contradicted());
            }
        }
        let last = self.log.last;
        if is_whole && last.is_some_and(|last| last.log_hash != until.log_hash) {
            let message = "the log chain does not end in the hash that the store has";
            self.log.problem(None, None, message.to_owned());
        }
        let infos = self.infos;
        let mut report = self.log.finish(|sequence| {
            let begun = |info: &SegmentInfo| info.start().sequence <= sequence;
            let at = infos.partition_point(begun).checked_sub(1)?;
            infos.get(at).map(SegmentInfo::file_name)
        });
        let indexed = self.index.len();
        if report.problems.is_empty() && found.is_empty() && indexed > report.events {
            let events = report.events;
            let durable = self.shared.group.durable();
            let message = format!(
                "the index has {indexed} events, the log {events} up to {} (durable below {durable})",
                until.sequence
            );
            found.push(Problem::new(ProblemKind::Index, message));
        }
        report.problems.extend(found);
        report.problems.truncate(PROBLEMS_MAX);
        Ok(report)
    }
}
