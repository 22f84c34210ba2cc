//! `StoredEvent`: an event as it is read.

use super::error::Error;
use super::payload::{Absent, PayloadRef};
use serde::Deserialize;
use std::ops::Deref;
use strandline_core::{EventHeader, PayloadEncoding};

/// An event as it is read: its header, and its payload unless that was redacted.
///
/// The header's fields can be reached directly: `event.kind`, `event.coordinate.entity()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    header: EventHeader,
    /// The payload, or why there is none.
    payload: Result<Box<[u8]>, Absent>,
}

impl Deref for StoredEvent {
    type Target = EventHeader;

    fn deref(&self) -> &EventHeader {
        &self.header
    }
}

impl StoredEvent {
    pub(crate) const fn new(header: EventHeader, payload: Result<Box<[u8]>, Absent>) -> Self {
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
        matches!(self.payload, Err(Absent::Redacted(_)))
    }

    /// Whether the payload is sealed, so that it takes its key to read it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.header.encoding == PayloadEncoding::SEALED
    }

    /// Whether the key that the payload was sealed with was forgotten: of an event that was to be opened.
    #[must_use]
    pub const fn is_forgotten(&self) -> bool {
        matches!(self.payload, Err(Absent::Forgotten))
    }

    /// The event as whoever has the key reads it, with the payload that is sealed in it. Its hash stays that of
    /// what is stored.
    #[must_use]
    pub fn opened(mut self, encoding: PayloadEncoding, payload: Box<[u8]>) -> Self {
        self.header.encoding = encoding;
        self.payload = Ok(payload);
        self
    }

    /// The event as it is read once the key of its payload was forgotten: as a redacted one, with an error of its
    /// own, [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten).
    #[must_use]
    pub fn forgotten(mut self) -> Self {
        self.payload = Err(Absent::Forgotten);
        self
    }

    /// The payload, as it was encoded; of a [sealed](Self::is_sealed) one the ciphertext.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Redacted`](crate::ErrorKind::Redacted) if it was removed,
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten) if its key was.
    pub fn payload(&self) -> Result<&[u8], Error> {
        self.payload_ref().bytes()
    }

    /// The payload decoded from JSON. It may borrow from the event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the payload is not JSON or not a `T`;
    /// [`ErrorKind::Redacted`](crate::ErrorKind::Redacted), [`ErrorKind::Sealed`](crate::ErrorKind::Sealed),
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten).
    pub fn payload_json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.payload_ref().json()
    }

    /// The payload decoded from MessagePack. It may borrow from the event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the payload is not MessagePack or not a `T`;
    /// [`ErrorKind::Redacted`](crate::ErrorKind::Redacted), [`ErrorKind::Sealed`](crate::ErrorKind::Sealed),
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten).
    pub fn payload_message_pack<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.payload_ref().message_pack()
    }

    pub(crate) fn payload_ref(&self) -> PayloadRef<'_> {
        PayloadRef {
            id: self.header.id,
            kind: self.header.kind,
            encoding: self.header.encoding,
            content: self.payload.as_deref().map_err(|absent| *absent),
        }
    }
}
