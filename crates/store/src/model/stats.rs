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
    /// Segments that were not opened with the store, and are looked into after that, in the background or
    /// when they are used first. Few at once, and none soon.
    pub segments_unchecked: usize,
    /// What was wrong with those that the background has looked into, a sentence each: a header that is
    /// damaged, or another file with the name of a segment. [`Store::verify`](crate::Store::verify) finds
    /// it too.
    pub segment_problems: Vec<String>,
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
