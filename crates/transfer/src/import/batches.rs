//! `Batches`: events on their way into a store, in commits that each fit its limits.
//!
//! The one place that decides where lines are cut into commits. Appends none.

use strandline::{Coordinate, Error, Event, Store};

/// Events of one commit. They are linked by ids, never by their places in it, which a cut would move.
pub(super) type Members = Vec<(Coordinate, Event)>;

/// Puts events together until no more fit in a commit.
pub(super) struct Batches<'a> {
    store: &'a Store,
    members: Members,
    /// Most bytes that their records can take.
    bytes: usize,
}

impl<'a> Batches<'a> {
    pub(super) const fn new(store: &'a Store) -> Self {
        Self {
            store,
            members: Vec::new(),
            bytes: 0,
        }
    }

    /// How many events wait.
    pub(super) const fn len(&self) -> usize {
        self.members.len()
    }

    /// Most bytes that the records of the events that wait can take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event. If it does not fit in a commit with those that wait, gives these, to be appended
    /// before it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` or `TooLarge` if an append of the event alone would be refused with that; those that
    /// wait do not change.
    pub(super) fn add(
        &mut self,
        coordinate: Coordinate,
        event: Event,
    ) -> Result<Option<Members>, Error> {
        let bytes = self.store.record_bytes_max(&coordinate, &event)?;
        let together = self.bytes.saturating_add(bytes);
        let fits = self.store.commit_fits(together, self.members.len() + 1);
        let before = (!fits).then(|| self.take());
        self.bytes = self.bytes.saturating_add(bytes);
        self.members.push((coordinate, event));
        Ok(before)
    }

    /// The events that wait, and none waits any more.
    pub(super) fn take(&mut self) -> Members {
        self.bytes = 0;
        std::mem::take(&mut self.members)
    }
}
