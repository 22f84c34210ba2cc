//! `Prepared`: an event as it comes to the commit lock. How it gets there is no business of the writer's.

use crate::Event;
use crate::model::Link;
use strandline_core::record::{RecordPayload, record_bytes_max};
use strandline_core::{Coordinate, Extensions, Hash, Nonce};
use strandline_index::CoordinateId;

/// An event that was checked and whose payload was hashed.
#[derive(Debug, Clone)]
pub(crate) struct Prepared<'a> {
    /// Its place among the events of the call.
    pub(crate) place: usize,
    pub(crate) coordinate: &'a Coordinate,
    /// The number of the coordinate, if it had one already.
    pub(crate) known: Option<CoordinateId>,
    pub(crate) event: &'a Event,
    pub(crate) correlation: Option<Link>,
    pub(crate) causation: Option<Link>,
    pub(crate) nonce: Nonce,
    pub(crate) payload_hash: Hash,
    pub(crate) extensions: Extensions,
}

impl Prepared<'_> {
    /// The payload as a record holds it.
    pub(crate) fn record_payload(&self) -> RecordPayload<'_> {
        RecordPayload::Stored {
            nonce: self.nonce,
            bytes: &self.event.payload,
        }
    }

    /// Most bytes that the event's record can take.
    pub(crate) fn record_bytes_max(&self) -> usize {
        let payload = self.event.payload.len();
        record_bytes_max(self.coordinate, &self.extensions, payload)
    }
}
