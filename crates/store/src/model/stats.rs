//! `Stats`: counts, watermarks and sizes.

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
    /// Sequences below this one are durable; in a store opened to read only, proven so.
    pub durable: Sequence,
    /// Sequences below this one are written.
    pub written: Sequence,
    /// Events that are written and not durable: what a power cut would take.
    pub durable_lag: u64,
    /// Events that are written and not visible: their appends have not returned.
    pub visible_lag: u64,
    /// Submitted appends that are not durable; at most
    /// [`StoreOptions::in_flight_max`](crate::StoreOptions::in_flight_max).
    pub in_flight: usize,
    /// Segment files.
    pub segments: usize,
    /// The sealed parts that the index is in now: blocks of one segment or of several, and rows that
    /// have none yet.
    pub index_parts: usize,
    /// Files in use that hold the rows of several segments, by the number of these: of 8 and more, 64 and
    /// more, and so on; the first is of those with fewer.
    pub merged_files: Vec<usize>,
    /// Merges of parts of the index that were done since the store was opened.
    pub merges: u64,
    /// Bytes that these have written.
    pub merged_bytes_written: u64,
    /// What the last merge failed by, if it did; it is tried again when a segment is sealed.
    pub merge_failed: Option<String>,
    /// Bytes of all files in the store's directory; 0 once that is another one.
    pub bytes_on_disk: u64,
    /// Whether an earlier failure stopped all writing, and which.
    pub poisoned: Option<String>,
    /// Panics of what runs on the store's own threads that were caught since it was opened: of wakers,
    /// and of the work in the background, which a panicking [`Fs`](crate::fs::Fs) ends. Each is told as
    /// an error through `tracing`.
    pub panics_caught: u64,
    /// Panics of `tracing` subscribers that were caught in this process, whichever store called them.
    pub subscriber_panics: u64,
}
