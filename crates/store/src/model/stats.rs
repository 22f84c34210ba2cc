//! `Stats`: counts, watermarks and sizes; `CacheStats`: what the caches hold.

use strandline_core::Sequence;

/// Counts, watermarks and sizes of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Visible events.
    pub events: u64,
    /// Entities with a visible event.
    pub entities: u64,
    /// Scopes with a visible event.
    pub scopes: u64,
    /// Sequences below this one are visible.
    pub visible: Sequence,
    /// Sequences below this one are on the disk; in a store opened to read only, proven so. Past what is visible
    /// where events wait to be replicated.
    pub durable: Sequence,
    /// Sequences below this one are acknowledged by the replication; none if there is no replication.
    pub replicated: Option<Sequence>,
    /// Sequences below this one are written.
    pub written: Sequence,
    /// Events that are written and not durable: what a power cut would take.
    pub durable_lag: u64,
    /// Events that are written and not replicated: what the loss of this machine would take; 0 if there is no
    /// replication.
    pub replicated_lag: u64,
    /// Events that are written and not visible: their appends have not returned.
    pub visible_lag: u64,
    /// Submitted appends that are not as durable as they asked; at most
    /// [`StoreOptions::in_flight_max`](crate::StoreOptions::in_flight_max).
    pub in_flight: usize,
    /// Segment files.
    pub segments: usize,
    /// The sealed parts that the index is in now: blocks of one segment or of several, and rows that
    /// have none yet.
    pub index_parts: usize,
    /// Of these, blocks of which something was found damaged in this process, so that it has it in memory, made
    /// anew from the log, or cannot be read. A footer stays as it is until a rebuild; a merged file is made anew
    /// when the background merges next, which it does once a segment is sealed, or when the store is opened to write.
    pub index_damaged: usize,
    /// Files in use that hold the rows of several segments, by the number of these: of 8 and more, 64 and
    /// more, and so on; the first is of those with fewer.
    pub merged_files: Vec<usize>,
    /// Merges of parts of the index that were done since the store was opened.
    pub merges: u64,
    /// Bytes that these have written.
    pub merged_bytes_written: u64,
    /// What the last merge failed by that was not done since. It is tried again when a segment is sealed, and
    /// less and less often after each further failure; others go on meanwhile.
    pub merge_failed: Option<String>,
    /// Segments that were not opened with the store, and are looked into after that, in the background or
    /// when they are used first. Few at once, and none soon.
    pub segments_unchecked: usize,
    /// What was wrong with those that the background has looked into, a sentence each: a header that is
    /// damaged, or another file with the name of a segment. [`Store::verify`](crate::Store::verify) finds
    /// it too.
    pub segment_problems: Vec<String>,
    /// Bytes of all files in the store's directory; 0 once that is another one.
    pub bytes_on_disk: u64,
    /// What the caches hold.
    pub caches: CacheStats,
    /// Whether an earlier failure stopped all writing, and which.
    pub poisoned: Option<String>,
    /// Panics of what runs on the store's own threads that were caught since it was opened: of wakers,
    /// and of the work in the background, which a panicking [`Fs`](crate::fs::Fs) ends. Each is told as
    /// an error through `tracing`.
    pub panics_caught: u64,
    /// Panics of `tracing` subscribers and of recorders of metrics that were caught in this process, whichever store
    /// called them.
    pub subscriber_panics: u64,
}

/// What the caches of a store hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Bytes that they hold together at most:
    /// [`StoreOptions::cache_bytes_max`](crate::StoreOptions::cache_bytes_max).
    pub bytes_max: u64,
    /// The newest events of entities, for appends.
    pub heads: HeadCacheStats,
    /// Bytes of coordinates of events that were read, kept for the next time.
    pub coordinates_bytes: u64,
    /// Bytes of names of segments that had to be read from their frames.
    pub names_bytes: u64,
    /// Bytes of nodes of the tree that proofs were made of: a byte an event of the active segment and of segments
    /// whose footers have none, and some for each segment. Not within the limit.
    pub tree_bytes: u64,
}

/// What is kept of the newest events of entities, and how often it served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HeadCacheStats {
    /// Bytes that are held, about.
    pub bytes: u64,
    /// Entities without events in the active segment whose newest event was known when it was asked for.
    pub hits: u64,
    /// Those whose newest event had to be looked for in sealed segments; new entities too.
    pub misses: u64,
}
