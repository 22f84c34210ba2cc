//! `Incoming`: an event that a line has, checked: what it is compared by, and what is appended.

use strandline::{Attributes, Coordinate, Event, EventId, EventKind, PayloadEncoding, Seal};

/// An event on its way into a store, but for its id and time.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) coordinate: Coordinate,
    pub(crate) kind: EventKind,
    /// What the kind is called, if the line says so.
    pub(crate) kind_name: Option<String>,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) payload: Vec<u8>,
    pub(crate) seal: Option<Seal>,
    pub(crate) version: u16,
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
    pub(crate) tags: Vec<String>,
    pub(crate) attributes: Attributes,
}

impl Incoming {
    /// The event, under its id, and its coordinate.
    pub(crate) fn into_event(self, id: EventId) -> (Coordinate, Event) {
        let event = match self.seal {
            Some(seal) => Event::bytes(self.kind, Vec::new()).sealed(seal, self.payload),
            None => Event::encoded(self.kind, self.encoding, self.payload),
        };
        let mut event = event
            .with_id(id)
            .with_version(self.version)
            .with_attributes(self.attributes);
        if let Some(correlation) = self.correlation {
            event = event.correlated_with(correlation);
        }
        if let Some(causation) = self.causation {
            event = event.caused_by(causation);
        }
        if let Some(name) = self.kind_name {
            event = event.with_kind_name(name);
        }
        for tag in self.tags {
            event = event.tagged(tag);
        }
        (self.coordinate, event)
    }
}
