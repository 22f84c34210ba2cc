//! `Batches`: events on their way into a store, in commits that each fit its limits.
//!
//! The one place that decides where a group of events is cut: an import puts together as many lines as
//! are worth a commit, a salvage the events of an old commit, whose store may have had longer segments.

use crate::append::check_event;
use crate::writer::no_segment_has_room;
use crate::{Coordinate, Error, Event, Store};
use strandline_core::record::record_bytes_max;

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
        coordinate: &Coordinate,
        event: Event,
    ) -> Result<Option<Members>, Error> {
        let options = &self.store.shared().options;
        let extensions = check_event(&event, options.payload_bytes_max)?;
        let bytes = record_bytes_max(coordinate, &extensions, event.payload.len());
        if !options.log.fits_empty(bytes, 1) {
            return Err(no_segment_has_room(bytes, options.log.segment_bytes()));
        }
        let together = self.bytes.saturating_add(bytes);
        let fits = options.log.fits_empty(together, self.members.len() + 1);
        let before = (!fits).then(|| self.take());
        self.bytes = self.bytes.saturating_add(bytes);
        self.members.push((coordinate.clone(), event));
        Ok(before)
    }

    /// The events that wait, and none waits any more.
    pub(super) fn take(&mut self) -> Members {
        self.bytes = 0;
        std::mem::take(&mut self.members)
    }
}
