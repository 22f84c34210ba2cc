//! Step 1 of an append, on the caller's thread: everything that needs no lock.

use crate::options::StoreOptions;
use crate::{Error, ErrorKind, Event};
use std::collections::HashSet;
use strandline_core::record::{RecordPayload, record_bytes_max};
use strandline_core::{
    Coordinate, EventId, EventKind, Extensions, Hash, Nonce, PayloadEncoding, Random, payload_hash,
};
use strandline_segment::COMMIT_RECORDS_MAX;

/// An event that was checked and whose payload was hashed.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) coordinate: &'a Coordinate,
    pub(crate) kind: EventKind,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) payload: Vec<u8>,
    pub(crate) nonce: Nonce,
    pub(crate) payload_hash: Hash,
    pub(crate) id: Option<EventId>,
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
        coordinate: &'a Coordinate,
        event: Event,
        options: &StoreOptions,
        random: &Random,
    ) -> Result<Self, Error> {
        if event.kind.is_reserved() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("kind {} is reserved for the store", event.kind),
            ));
        }
        if event.payload.len() > options.payload_bytes_max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the payload has {} bytes, the limit is {} (StoreOptions::payload_bytes_max)",
                    event.payload.len(),
                    options.payload_bytes_max
                ),
            ));
        }
        let nonce = random.nonce();
        Ok(Self {
            coordinate,
            kind: event.kind,
            encoding: event.encoding,
            payload_hash: payload_hash(nonce, &event.payload),
            payload: event.payload,
            nonce,
            id: event.id,
            correlation: event.correlation,
            causation: event.causation,
        })
    }

    /// The payload as a record holds it.
    pub(crate) fn record_payload(&self) -> RecordPayload<'_> {
        RecordPayload::Stored {
            nonce: self.nonce,
            bytes: &self.payload,
        }
    }

    /// Most bytes that the event's record can take.
    pub(crate) fn record_bytes_max(&self) -> usize {
        record_bytes_max(self.coordinate, &Extensions::default(), self.payload.len())
    }
}

/// Checks what concerns a batch as a whole.
///
/// # Errors
///
/// `TooLarge` for too many events, `InvalidInput` for none or for an id used twice.
pub(crate) fn check_batch(events: &[Prepared<'_>]) -> Result<(), Error> {
    if events.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "the batch is empty"));
    }
    if events.len() > COMMIT_RECORDS_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the batch has {} events, the limit is {COMMIT_RECORDS_MAX}",
                events.len()
            ),
        ));
    }
    let mut ids = HashSet::new();
    match events
        .iter()
        .filter_map(|event| event.id)
        .find(|id| !ids.insert(*id))
    {
        None => Ok(()),
        Some(id) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the batch has the event id {id} twice"),
        )),
    }
}
