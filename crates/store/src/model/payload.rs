//! `PayloadRef`: the payload of an event that was read, owned or not.

use super::error::{Error, ErrorKind};
use serde::Deserialize;
use strandline_core::record::RecordPayload;
use strandline_core::{EventId, EventKind, Hash, PayloadEncoding};

/// Why an event that was read has no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It was removed; its hash is this.
    Redacted(Hash),
    /// The key that it was sealed with was forgotten.
    Forgotten,
}

/// A payload, or why there is none, and whose it is.
pub(crate) struct PayloadRef<'a> {
    pub(crate) id: EventId,
    pub(crate) kind: EventKind,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) content: Result<&'a [u8], Absent>,
}

impl<'a> PayloadRef<'a> {
    #[inline]
    pub(crate) fn bytes(&self) -> Result<&'a [u8], Error> {
        self.content.map_err(|absent| self.absent(absent))
    }

    #[cold]
    fn absent(&self, absent: Absent) -> Error {
        let id = self.id;
        match absent {
            Absent::Redacted(hash) => Error::new(
                ErrorKind::Redacted,
                format!("the payload of event {id} was removed; its hash is {hash}"),
            ),
            Absent::Forgotten => Error::new(
                ErrorKind::Forgotten,
                format!("the payload of event {id} cannot be read any more: its key was forgotten"),
            ),
        }
    }

    pub(crate) fn json<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        let bytes = self.bytes_in(PayloadEncoding::JSON)?;
        serde_json::from_slice(bytes).map_err(|error| self.undecodable().with_source(error))
    }

    pub(crate) fn message_pack<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        let bytes = self.bytes_in(PayloadEncoding::MESSAGE_PACK)?;
        rmp_serde::from_slice(bytes).map_err(|error| self.undecodable().with_source(error))
    }

    pub(crate) fn bytes_in(&self, encoding: PayloadEncoding) -> Result<&'a [u8], Error> {
        if self.encoding != encoding {
            if self.encoding == PayloadEncoding::SEALED {
                return self.bytes().and(Err(self.sealed()));
            }
            return Err(Error::new(
                ErrorKind::Payload,
                format!(
                    "the payload of event {} is {}, not {encoding}",
                    self.id, self.encoding
                ),
            ));
        }
        self.bytes()
    }

    #[cold]
    fn sealed(&self) -> Error {
        let message = format!(
            "the payload of event {} is sealed: it is read with the key, by whoever has that",
            self.id
        );
        Error::new(ErrorKind::Sealed, message)
    }

    /// Why the event cannot be decoded as it was asked: what it `has`.
    pub(crate) fn mismatch(&self, has: String) -> Error {
        Error::new(ErrorKind::Payload, format!("event {} {has}", self.id))
    }

    pub(crate) fn not_upcast(&self) -> Error {
        self.mismatch("cannot be led to the present version of its type".to_owned())
    }

    pub(crate) fn undecodable(&self) -> Error {
        Error::new(
            ErrorKind::Payload,
            format!(
                "the payload of event {} (kind {}) is not of the type asked for",
                self.id, self.kind
            ),
        )
    }
}

/// The payload of a record.
pub(crate) const fn content(payload: RecordPayload<'_>) -> Result<&[u8], Hash> {
    match payload {
        RecordPayload::Stored { bytes, .. } => Ok(bytes),
        RecordPayload::Redacted { hash } => Err(hash),
    }
}
