//! `Stats`: counts, watermarks and sizes.

use crate::Error;
use crate::store::Shared;
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
    /// Bytes of all files in the store's directory.
    pub bytes_on_disk: u64,
    /// Whether an earlier failure stopped all writing, and which.
    pub poisoned: Option<String>,
}

impl Stats {
    pub(crate) fn of(shared: &Shared) -> Result<Self, Error> {
        let entries = shared
            .options
            .fs
            .list(&shared.dir)
            .map_err(|error| Error::io("list", &shared.dir, error))?;
        let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
        let snapshot = shared.index.snapshot();
        // In this order, so that none is ahead of the next.
        let visible = snapshot.visible();
        let durable = shared.group.durable();
        let written = shared.group.written();
        let lag = |behind: Sequence| written.get().saturating_sub(behind.get());
        let in_flight = match &shared.writer {
            Some(writer) => writer.lock().in_flight.count(durable),
            None => 0,
        };
        Ok(Self {
            events: snapshot.len(),
            entities: snapshot.entities("").count() as u64,
            scopes: snapshot.scopes("").count() as u64,
            visible,
            durable,
            written,
            durable_lag: lag(durable),
            visible_lag: lag(visible),
            in_flight,
            segments: shared.log.view().segments(),
            bytes_on_disk: files.map(|entry| entry.bytes).sum(),
            poisoned: shared.group.poison().map(|poison| poison.0.to_string()),
        })
    }
}
