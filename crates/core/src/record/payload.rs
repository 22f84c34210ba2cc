//! `RecordPayload`: the last part of a record.

use crate::hashing::payload_hash;
use crate::model::{Hash, Nonce};

/// The payload of a record, or what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordPayload<'a> {
    /// The payload and the nonce that was hashed before it.
    Stored {
        /// Nonce.
        nonce: Nonce,
        /// Payload.
        bytes: &'a [u8],
    },
    /// The hash of a payload that was removed.
    Redacted {
        /// What [`payload_hash`] gave for it.
        hash: Hash,
    },
}

impl RecordPayload<'_> {
    /// The payload hash that the event's hash covers. Linear in the payload.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self {
            Self::Stored { nonce, bytes } => payload_hash(*nonce, bytes),
            Self::Redacted { hash } => *hash,
        }
    }
}
