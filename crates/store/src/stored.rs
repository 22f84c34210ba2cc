//! `StoredEvent`: an event as it is read.

use crate::{Error, ErrorKind};
use serde::Deserialize;
use std::ops::Deref;
use strandline_core::record::{Record, RecordPayload};
use strandline_core::{EventHeader, Hash, PayloadEncoding};
use strandline_index::RowView;

/// An event as it is read: its header, and its payload unless that was redacted.
///
/// The header's fields can be reached directly: `event.kind`, `event.coordinate.entity()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    header: EventHeader,
    payload: Payload,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Payload {
    Stored(Box<[u8]>),
    Redacted(Hash),
}

impl Deref for StoredEvent {
    type Target = EventHeader;

    fn deref(&self) -> &EventHeader {
        &self.header
    }
}

impl StoredEvent {
    /// Joins what the index knows of an event with its record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if they do not belong together.
    pub(crate) fn join(row: RowView<'_>, digest: Hash, body: &[u8]) -> Result<Self, Error> {
        let corrupt = || {
            Error::new(
                ErrorKind::Corrupt,
                format!("the record of event {} is not that event", row.id()),
            )
        };
        let record = Record::decode(body).map_err(|error| corrupt().with_source(error))?;
        if record.id != row.id() || record.clock != row.clock() || record.kind != row.kind() {
            return Err(corrupt());
        }
        Ok(Self {
            header: EventHeader {
                sequence: row.sequence(),
                id: record.id,
                coordinate: row.coordinate(),
                kind: record.kind,
                clock: record.clock,
                hlc: record.hlc,
                correlation: record.correlation,
                causation: record.causation,
                encoding: record.encoding,
                extensions: record.extensions,
                hash: digest,
            },
            payload: match record.payload {
                RecordPayload::Stored { bytes, .. } => Payload::Stored(bytes.into()),
                RecordPayload::Redacted { hash } => Payload::Redacted(hash),
            },
        })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &EventHeader {
        &self.header
    }

    /// The payload, as it was encoded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Redacted`] if it was removed.
    pub fn payload(&self) -> Result<&[u8], Error> {
        match &self.payload {
            Payload::Stored(bytes) => Ok(bytes),
            Payload::Redacted(hash) => Err(Error::new(
                ErrorKind::Redacted,
                format!(
                    "the payload of event {} was removed; its hash is {hash}",
                    self.header.id
                ),
            )),
        }
    }

    /// The payload decoded from JSON. It may borrow from the event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the payload is not JSON or not a `T`; [`ErrorKind::Redacted`].
    pub fn payload_json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let payload = self.payload_in(PayloadEncoding::JSON)?;
        serde_json::from_slice(payload).map_err(|error| self.undecodable().with_source(error))
    }

    /// The payload decoded from MessagePack. It may borrow from the event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if the payload is not MessagePack or not a `T`;
    /// [`ErrorKind::Redacted`].
    pub fn payload_message_pack<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let payload = self.payload_in(PayloadEncoding::MESSAGE_PACK)?;
        rmp_serde::from_slice(payload).map_err(|error| self.undecodable().with_source(error))
    }

    fn payload_in(&self, encoding: PayloadEncoding) -> Result<&[u8], Error> {
        if self.header.encoding != encoding {
            return Err(Error::new(
                ErrorKind::Payload,
                format!(
                    "the payload of event {} is {}, not {encoding}",
                    self.header.id, self.header.encoding
                ),
            ));
        }
        self.payload()
    }

    fn undecodable(&self) -> Error {
        Error::new(
            ErrorKind::Payload,
            format!(
                "the payload of event {} (kind {}) is not of the type asked for",
                self.header.id, self.header.kind
            ),
        )
    }
}
