//! `StoredEvent`: an event as it is read.

use super::error::Error;
use super::payload::PayloadRef;
use serde::Deserialize;
use std::ops::Deref;
use strandline_core::{EventHeader, Hash};

/// An event as it is read: its header, and its payload unless that was redacted.
///
/// The header's fields can be reached directly: `event.kind`, `event.coordinate.entity()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    header: EventHeader,
    /// The payload, or the hash of one that was removed.
    payload: Result<Box<[u8]>, Hash>,
}

impl Deref for StoredEvent {
    type Target = EventHeader;

    fn deref(&self) -> &EventHeader {
        &self.header
    }
}

impl StoredEvent {
    pub(crate) const fn new(header: EventHeader, payload: Result<Box<[u8]>, Hash>) -> Self {
        Self { header, payload }
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &EventHeader {
        &self.header
    }

    /// Whether the payload was removed.
    #[must_use]
    pub const fn is_redacted(&self) -> bool {
        self.payload.is_err()
    }

    /// The payload, as it was encoded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Redacted`](crate::ErrorKind::Redacted) if it was removed.
    pub fn payload(&self) -> Result<&[u8], Error> {
        self.payload_ref().bytes()
    }

    /// The payload decoded from JSON. It may borrow from the event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the payload is not JSON or not a `T`;
    /// [`ErrorKind::Redacted`](crate::ErrorKind::Redacted).
    pub fn payload_json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.payload_ref().json()
    }

    /// The payload decoded from MessagePack. It may borrow from the event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the payload is not MessagePack or not a `T`;
    /// [`ErrorKind::Redacted`](crate::ErrorKind::Redacted).
    pub fn payload_message_pack<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.payload_ref().message_pack()
    }

    pub(crate) fn payload_ref(&self) -> PayloadRef<'_> {
        PayloadRef {
            id: self.header.id,
            kind: self.header.kind,
            encoding: self.header.encoding,
            content: self.payload.as_deref().map_err(|hash| *hash),
        }
    }
}
