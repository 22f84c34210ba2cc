//! What events do with typed payloads: [`Event::typed`] makes one, [`StoredEvent::decode`] and
//! [`EventRef::decode`] read one.

use super::codec::Codec;
use super::payload::{EventPayload, decode};
use crate::{Error, ErrorKind, Event, EventRef, StoredEvent};

impl Event {
    /// An event with a payload that says its kind, version and encoding itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the value cannot be encoded, or would not be decoded as it is.
    pub fn typed<T: EventPayload>(payload: &T) -> Result<Self, Error> {
        let bytes = T::Codec::encode(payload).map_err(|error| {
            let message = format!("the payload of {} cannot be encoded", T::NAME);
            Error::new(ErrorKind::Payload, message).with_source(error)
        })?;
        Ok(Self::encoded(T::KIND, T::Codec::ENCODING, bytes).with_version(T::VERSION))
    }
}

impl StoredEvent {
    /// The payload as a `T`, whose kind and version the event must have; a
    /// [`Registry`](crate::Registry) reads older versions too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the event has another kind, version or
    /// encoding, or does not decode; [`ErrorKind::Redacted`](crate::ErrorKind::Redacted).
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
