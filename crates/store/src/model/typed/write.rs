//! Events that are written with typed payloads.

use super::codec::Codec;
use super::payload::EventPayload;
use crate::{Error, ErrorKind, Event};

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
        Ok(Self::encoded(T::KIND, T::Codec::ENCODING, bytes)
            .with_version(T::VERSION)
            .with_kind_name(T::NAME))
    }
}
