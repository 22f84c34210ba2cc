//! `LogEntry`: a record or a note of a log, with what its hash covers beside it. Reads and writes none.

use crate::Sequence;
use std::ops::Range;
use strandline_core::Hash;
use strandline_core::record::StoredRecord;

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "each is handed on at once, and none is kept"
)]
pub enum LogEntry<'a> {
    /// An event, or the place of one that was removed.
    Record(LogRecord<'a>),
    /// Commits of which nothing is left but some places of events: those that follow it.
    Run(LogRun<'a>),
    /// What the log says of itself, between two commits: the record of a removal, say.
    Note {
        /// Its bytes.
        body: &'a [u8],
        /// Hash of the log after it.
        log_hash: Hash,
    },
}

/// A record of a log, by itself: it has its coordinate, and the hash of its entity's event before it, which is
/// [`Hash::ZERO`] for the first. The number of the coordinate says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord<'a> {
    /// Place in the commit order.
    pub sequence: Sequence,
    /// Hash of the event; of one that was removed too.
    pub hash: Hash,
    /// All else.
    pub record: StoredRecord<'a>,
    /// Hash of the log after the commit, if this is the last record of one.
    pub log_hash: Option<Hash>,
}

/// Commits all of whose events were removed, and whose hashes are gone. The records that are kept of them come after it,
/// none of which is the last of a commit. There is none in a log whose [`LogOrigin`](strandline_segment::LogOrigin) does not
/// say `has_runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRun<'a> {
    /// Places in the commit order.
    pub sequences: Range<Sequence>,
    /// How many records are kept.
    pub kept: usize,
    /// What the store says of it: bytes, whose table is in the format.
    pub said: &'a [u8],
    /// Hash of the log after the last of the commits, which nothing proves.
    pub log_hash: Hash,
}

impl LogRun<'_> {
    /// How many events it is of that have no record.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        let (start, end) = (self.sequences.start.get(), self.sequences.end.get());
        end.saturating_sub(start).saturating_sub(self.kept as u64)
    }
}

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// Sequence of the next event.
    pub sequence: Sequence,
    /// Hash of the log.
    pub log_hash: Hash,
}
