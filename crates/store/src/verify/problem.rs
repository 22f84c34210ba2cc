//! `Problem`: one thing that is wrong. Knows no report.

use std::fmt;
use std::ops::Range;
use strandline_core::Sequence;
use strandline_segment::RecordPosition;

/// Most problems that a report lists.
pub const PROBLEMS_MAX: usize = 1000;

/// One thing that verification found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The event, where one can be named.
    pub sequence: Option<Sequence>,
    /// What is wrong: what was written, or what was made of it.
    pub kind: ProblemKind,
    /// How many events from that one on are damaged or gone; 0 where something is wrong with one that is
    /// there, or with none.
    pub events: u64,
    /// The file that is wrong, where one can be named.
    pub file: Option<String>,
    /// What is wrong, and where.
    pub message: String,
}

/// What a [`Problem`] is about, which says what mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The log: restore it from a backup, or keep what is left with
    /// [`salvage`](crate::maintenance::salvage()).
    Log,
    /// A footer, a checkpoint, or the index in memory, which say something else than the log:
    /// [`rebuild`](crate::maintenance::rebuild) makes them anew.
    Index,
}

impl Problem {
    /// Something that is wrong, with no event and in no file.
    pub(crate) const fn new(kind: ProblemKind, message: String) -> Self {
        Self {
            sequence: None,
            kind,
            events: 0,
            file: None,
            message,
        }
    }

    /// The same, with an event.
    pub(super) const fn of_event(mut self, sequence: Option<Sequence>) -> Self {
        self.sequence = sequence;
        self
    }

    /// The same, of events that are lost.
    pub(super) fn of_lost(mut self, events: &Range<u64>) -> Self {
        self.sequence = Some(Sequence::new(events.start));
        self.events = events.end - events.start;
        self
    }

    /// The same, in a file.
    pub(crate) fn in_file(mut self, file: Option<String>) -> Self {
        self.file = file;
        self
    }

    /// Something that a file says which was made of the log.
    pub(super) fn of_index_file(file: &str, message: &str) -> Self {
        let message = format!("{file}: {message}");
        Self::new(ProblemKind::Index, message).in_file(Some(file.to_owned()))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        match (self.sequence, self.events) {
            (Some(sequence), 0) => write!(f, "event {sequence}: {message}"),
            (Some(sequence), 1) => write!(f, "{message}; event {sequence} is lost"),
            (Some(sequence), events) => {
                let last = sequence.get().saturating_add(events - 1);
                write!(
                    f,
                    "{message}; events {sequence} to {last} ({events}) are lost"
                )
            }
            (None, _) => f.write_str(message),
        }
    }
}

/// What is wrong with an event, and where it stands.
pub(super) fn message_at(position: RecordPosition, message: &str) -> String {
    format!(
        "{message} (segment {}, offset {})",
        position.segment, position.offset
    )
}
