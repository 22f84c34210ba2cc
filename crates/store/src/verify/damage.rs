//! `Damage`: what of the log could not be read, and which events that concerns.

use super::problem::{Problem, ProblemKind};
use std::ops::Range;
use strandline_core::Sequence;
use strandline_core::record::{Runs, push_run};
use strandline_segment::SegmentInfo;

/// What is wrong with the events of a log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Whether anything could not be read.
    pub(super) any: bool,
    /// Events that could not be read; runs in any order.
    unread: Vec<Range<u64>>,
    /// Events that were, and something is wrong with; runs in any order.
    wrong: Vec<Range<u64>>,
    /// The sequence after the last that was met.
    next: Sequence,
    /// Bytes without a frame, until it is known which events they held.
    stretch: Option<Stretch>,
    /// A frame that is not whole, until it is known whether its records tell more.
    frame: Option<Problem>,
    /// Events of the segment whose entity a lost record named: the first, and how many.
    unnamed: Option<(Sequence, u64)>,
}

/// Bytes of a segment that are no frames.
#[derive(Debug)]
struct Stretch {
    offset: u64,
    bytes: u64,
    reason: &'static str,
    /// The sequence after the last before it.
    from: Sequence,
    /// Events that were found in it all the same.
    found: Vec<Range<u64>>,
}

impl Damage {
    /// Takes a stretch of bytes.
    pub(super) fn bytes(&mut self, offset: u64, bytes: u64, reason: &'static str) {
        self.any = true;
        match &mut self.stretch {
            Some(stretch) if stretch.offset + stretch.bytes == offset => stretch.bytes += bytes,
            _ => {
                self.stretch = Some(Stretch {
                    offset,
                    bytes,
                    reason,
                    from: self.next,
                    found: Vec::new(),
                });
            }
        }
    }

    /// Takes a frame whose header is right and whose records are not all.
    pub(super) fn frame(&mut self, info: &SegmentInfo, offset: u32, reason: &str) {
        self.any = true;
        self.frame = Some(problem(info, offset.into(), reason, None));
    }

    /// Takes records that are not right.
    pub(super) fn records(
        &mut self,
        info: &SegmentInfo,
        events: Range<u64>,
        offset: u32,
        reason: &str,
    ) -> Problem {
        // They are what is wrong with the frame.
        self.frame = None;
        self.unread.push(events.clone());
        problem(info, offset.into(), reason, Some(events))
    }

    /// Notes that an event was met, whether or not it is right.
    pub(super) fn met(&mut self, sequence: Sequence) {
        if let Some(stretch) = &mut self.stretch {
            push_run(&mut stretch.found, sequence);
        }
    }

    /// Notes that something is wrong with an event that was read.
    pub(super) fn wrong(&mut self, sequence: Sequence) {
        push_run(&mut self.wrong, sequence);
    }

    /// Takes what others found to be wrong.
    pub(super) fn all_wrong(&mut self, mut runs: Vec<Range<u64>>) {
        self.wrong.append(&mut runs);
    }

    /// Notes an event whose entity nothing tells any more.
    pub(super) fn unnamed(&mut self, sequence: Sequence) {
        push_run(&mut self.unread, sequence);
        let (_, count) = self.unnamed.get_or_insert((sequence, 0));
        *count += 1;
    }

    /// Goes on at a place that is right, before the event `to`, or at the end of the segment. Gives what
    /// was wrong before it.
    pub(super) fn settle(&mut self, info: &SegmentInfo, to: Option<Sequence>) -> Vec<Problem> {
        let mut problems: Vec<_> = self.frame.take().into_iter().collect();
        if let Some(stretch) = self.stretch.take() {
            self.next = self.next.max(to.unwrap_or(self.next));
            let missing = stretch.from.get()..to.unwrap_or(stretch.from).get();
            let missing = Runs::of(vec![missing]).without(&Runs::of(stretch.found));
            let events = missing.as_slice().first().cloned();
            self.unread.extend_from_slice(missing.as_slice());
            let reason = format!("{} bytes are no frame ({})", stretch.bytes, stretch.reason);
            problems.push(problem(info, stretch.offset, &reason, events));
            // Where events were found between them.
            for events in missing.as_slice().iter().skip(1) {
                problems.push(problem(info, stretch.offset, &reason, Some(events.clone())));
            }
        }
        problems
    }

    /// Where the log goes on after what was met.
    pub(super) fn goes_on_at(&mut self, next: Sequence) {
        self.next = self.next.max(next);
    }

    /// Ends a segment, whose last event is before `to`, if that is known.
    pub(super) fn end_segment(&mut self, info: &SegmentInfo, to: Option<Sequence>) -> Vec<Problem> {
        let mut problems = self.settle(info, to);
        if let Some((sequence, count)) = self.unnamed.take() {
            let file = info.file_name();
            let message = format!(
                "its entity was named by a record that is damaged, and {count} in all of {file} are so"
            );
            let problem = Problem::new(ProblemKind::Log, message);
            problems.push(problem.of_event(Some(sequence)).in_file(Some(file)));
        }
        problems
    }

    /// Notes that events are gone from the end of the log.
    pub(super) fn gone(&mut self, to: Sequence) -> Option<Range<u64>> {
        let gone = self.next.get()..to.get();
        if gone.is_empty() {
            return None;
        }
        self.any = true;
        self.unread.push(gone.clone());
        self.next = to;
        Some(gone)
    }

    /// How many events could not be read, and how many something is wrong with.
    pub(super) fn counts(self) -> (u64, u64) {
        let unread = Runs::of(self.unread);
        let wrong = unread.with(&Runs::of(self.wrong));
        (unread.count(), wrong.count())
    }
}

fn problem(info: &SegmentInfo, offset: u64, reason: &str, events: Option<Range<u64>>) -> Problem {
    let file = info.file_name();
    let message = format!("{file} is damaged at offset {offset}: {reason}");
    let problem = Problem::new(ProblemKind::Log, message).in_file(Some(file));
    match events {
        Some(events) => problem.of_lost(&events),
        None => problem,
    }
}
