//! `Bound`: what ciphertext is bound to. Encrypts nothing.

use strandline::{Coordinate, EventId, EventKind, PayloadEncoding, Seal, SealForm, SealKeyId};

/// What ciphertext is bound to: it opens in an event of these alone.
pub(crate) struct Bound<'a> {
    pub(crate) coordinate: &'a Coordinate,
    pub(crate) kind: EventKind,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) version: u16,
    /// The id that the caller gave; one that the store makes is not known in time.
    pub(crate) id: Option<EventId>,
}

impl Bound<'_> {
    /// The associated data. Lengths stand before names, so no two events have the same.
    pub(super) fn bytes(&self, form: SealForm, key: SealKeyId) -> Vec<u8> {
        let (entity, scope) = (self.coordinate.entity(), self.coordinate.scope());
        let mut bytes = Vec::with_capacity(64 + entity.len() + scope.len());
        bytes.extend_from_slice(match form {
            SealForm::XChaCha20Poly1305 => b"strandline/seal/1",
            _ => b"strandline/seal/2",
        });
        bytes.extend_from_slice(key.as_bytes());
        bytes.push(self.encoding.code());
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.kind.bits().to_le_bytes());
        for name in [entity, scope] {
            // A name has 255 bytes at most.
            bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(name.as_bytes());
        }
        if let Some(id) = self.id {
            bytes.extend_from_slice(&id.as_u128().to_le_bytes());
        }
        bytes
    }

    /// What the header says of a payload that was sealed.
    pub(super) const fn seal(&self, key: SealKeyId, nonce: [u8; 24]) -> Seal {
        Seal {
            form: SealForm::Aes256Gcm,
            encoding: self.encoding,
            is_bound_to_id: self.id.is_some(),
            key,
            nonce,
        }
    }
}
