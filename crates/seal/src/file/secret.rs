//! `Secret`: the secret of a key as a file has it, and the key once it was asked for.

use crate::crypto::{Key, Wrapped, WrappingKey};
use crate::keys::KeyRecord;
use crate::subject::Per;
use std::sync::{Arc, OnceLock};

/// What the secret of a key that was forgotten is: that it is wrapped shows that who wrote this had the wrapping key.
const NO_SECRET: [u8; 32] = [0; 32];

/// A wrapped secret, and the key that it is, unwrapped by who first asks for it.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) wrapped: Wrapped,
    key: OnceLock<Arc<Key>>,
}

impl Secret {
    /// As a file has it.
    pub(super) const fn read(wrapped: Wrapped) -> Self {
        Self {
            wrapped,
            key: OnceLock::new(),
        }
    }

    /// The secret of a key, wrapped with a nonce that was not used before.
    pub(super) fn wrap(
        identity: &[u8; 16],
        record: &KeyRecord,
        secret: &[u8; 32],
        wrapping: &WrappingKey,
        nonce: [u8; 24],
    ) -> Self {
        Self::read(wrapping.wrap(secret, &bound(identity, record), nonce))
    }

    /// What is left of a key that was forgotten.
    pub(super) fn remains(
        identity: &[u8; 16],
        record: &KeyRecord,
        wrapping: &WrappingKey,
        nonce: [u8; 24],
    ) -> Self {
        Self::wrap(identity, record, &NO_SECRET, wrapping, nonce)
    }

    /// The key; `None` if this is not what was written of it.
    pub(super) fn key(
        &self,
        identity: &[u8; 16],
        record: &KeyRecord,
        wrapping: &WrappingKey,
    ) -> Option<Arc<Key>> {
        if let Some(key) = self.key.get() {
            return Some(key.clone());
        }
        let secret = wrapping.unwrap(&self.wrapped, &bound(identity, record))?;
        let key = self
            .key
            .get_or_init(|| Arc::new(Key::new(record.id, *secret)));
        Some(key.clone())
    }

    /// The same secret under another wrapping key; `None` if this is not what was written.
    pub(super) fn again(
        &self,
        identity: &[u8; 16],
        record: &KeyRecord,
        (from, to): (&WrappingKey, &WrappingKey),
        nonce: [u8; 24],
    ) -> Option<Self> {
        let secret = from.unwrap(&self.wrapped, &bound(identity, record))?;
        Some(Self {
            wrapped: to.wrap(&secret, &bound(identity, record), nonce),
            key: self.key.clone(),
        })
    }

    /// Whether this is what was written of a key that was forgotten.
    pub(super) fn are_remains(
        &self,
        identity: &[u8; 16],
        record: &KeyRecord,
        wrapping: &WrappingKey,
    ) -> bool {
        let unwrapped = wrapping.unwrap(&self.wrapped, &bound(identity, record));
        unwrapped.is_some_and(|secret| *secret == NO_SECRET)
    }
}

/// What a wrapped secret is bound to, so that it is of its record alone, and of its file.
fn bound(identity: &[u8; 16], record: &KeyRecord) -> Vec<u8> {
    let mut bytes = b"strandline/key/1".to_vec();
    bytes.extend_from_slice(identity);
    bytes.extend_from_slice(record.id.as_bytes());
    bytes.push(match record.per {
        Per::Entity => 0,
        Per::Scope => 1,
    });
    bytes.extend_from_slice(&record.created_ms.to_le_bytes());
    match record.forgotten_ms {
        None => bytes.push(0),
        Some(at_ms) => {
            bytes.push(1);
            bytes.extend_from_slice(&at_ms.to_le_bytes());
        }
    }
    bytes.extend_from_slice(record.name.as_bytes());
    bytes
}
