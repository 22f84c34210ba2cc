//! Typed payloads of events that were read.

use super::payload::{EventPayload, decode};
use crate::{Error, EventRef, StoredEvent};

impl StoredEvent {
    /// The payload as a `T`, whose kind and version the event must have; a
    /// [`Registry`](crate::Registry) reads older versions too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the event has another kind, version or
    /// encoding, or does not decode; [`ErrorKind::Redacted`](crate::ErrorKind::Redacted);
    /// [`ErrorKind::Sealed`](crate::ErrorKind::Sealed) if it was not opened before,
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten) if its key was forgotten.
    pub fn decode<T: EventPayload>(&self) -> Result<T, Error> {
        decode(&self.payload_ref(), self.version())
    }
}

impl EventRef<'_> {
    /// The payload as a `T`, as [`StoredEvent::decode`] gives it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn decode<T: EventPayload>(&self) -> Result<T, Error> {
        decode(&self.payload_ref(), self.version())
    }
}
