//! `LogEntry`: a record or a note of a log, with what its hash covers beside it. Reads and writes none.

use crate::Sequence;
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

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// Sequence of the next event.
    pub sequence: Sequence,
    /// Hash of the log.
    pub log_hash: Hash,
}
