//! `Stats`: counts, watermarks and sizes.

use crate::store::Shared;
use crate::trace;
use crate::{Error, ErrorKind};
use strandline_core::Sequence;
use strandline_core::fs::EntryKind;

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

impl Stats {
    pub(crate) fn of(shared: &Shared) -> Result<Self, Error> {
        let entries = match shared.check_ours() {
            Err(error) if error.kind() == ErrorKind::LockLost => Vec::new(),
            _ => {
                let listed = shared.options.fs.list(&shared.dir);
                listed.map_err(|error| Error::io("list", &shared.dir, error))?
            }
        };
        let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
        let snapshot = shared.index.snapshot();
        // In this order, so that none is ahead of the next.
        let visible = snapshot.visible();
        let durable = shared.group.durable();
        let written = shared.group.written();
        let lag = |behind: Sequence| written.get().saturating_sub(behind.get());
        Ok(Self {
            events: snapshot.len(),
            entities: snapshot.entities("").count() as u64,
            scopes: snapshot.scopes("").count() as u64,
            visible,
            durable,
            written,
            durable_lag: lag(durable),
            visible_lag: lag(visible),
            in_flight: shared.group.in_flight(),
            segments: shared.log.view().segments(),
            bytes_on_disk: files.map(|entry| entry.bytes).sum(),
            poisoned: shared
                .group
                .poison()
                .map(|poison| poison.reason.to_string()),
            panics_caught: shared.group.calls().panics(),
            subscriber_panics: trace::panics_caught(),
        })
    }
}
