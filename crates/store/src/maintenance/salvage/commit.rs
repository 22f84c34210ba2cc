//! `Commit`: the events of a commit of the old store that are to be saved. Saves nothing.

use crate::{Batch, Coordinate, Event, EventId, Sequence};

/// Where an event that is to be saved stands in the old store.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) sequence: Sequence,
    pub(super) id: Option<EventId>,
    pub(super) offset: u32,
}

/// The events of a commit that are to be saved.
#[derive(Default)]
pub(super) struct Commit {
    pub(super) batch: Batch,
    pub(super) origins: Vec<Origin>,
}

impl Commit {
    pub(super) fn add(&mut self, coordinate: &Coordinate, event: Event, origin: Origin) {
        self.batch.add(coordinate, event);
        self.origins.push(origin);
    }

    /// Takes the second half away.
    pub(super) fn split_off(&mut self) -> Self {
        let half = self.batch.len() / 2;
        Self {
            batch: Batch {
                events: self.batch.events.split_off(half),
            },
            origins: self.origins.split_off(half),
        }
    }
}
