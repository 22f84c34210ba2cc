//! `Earlier`: the events that the target held before, which an earlier call has saved.

use crate::{EventId, Snapshot, Store};
use strandline_core::Hash;
use strandline_segment::RecordPosition;

/// What the target held before.
pub(super) struct Earlier {
    events: Snapshot,
    /// How many of these events were not met yet.
    pub(super) unmet: u64,
    /// How many of them are not saved ones, but the very ones of the old store, hash for hash.
    copies: u64,
}

impl Earlier {
    pub(super) fn of(target: &Store) -> Self {
        let events = target.snapshot();
        Self {
            unmet: events.len(),
            copies: 0,
            events,
        }
    }

    /// Takes an event while the target holds some that an earlier call saved, and says whether this is one.
    pub(super) fn meet(&mut self, id: EventId, digest: Hash) -> Result<(), String> {
        let Some(row) = self.events.index.get(id) else {
            return Err(
                "an earlier salvage into this store could not save it, and has saved later \
                        ones; salvage into a new directory"
                    .to_owned(),
            );
        };
        let place = RecordPosition::from_bits(row.position());
        let hash = self
            .events
            .reader
            .log
            .read_with(place, |record| record.digest);
        self.copies += u64::from(hash.is_ok_and(|hash| hash == digest));
        self.unmet -= 1;
        Ok(())
    }

    /// Whether the target has events, and all are the very ones of the old store.
    pub(super) fn is_copy(&self) -> bool {
        self.copies > 0 && self.copies == self.events.len()
    }
}
