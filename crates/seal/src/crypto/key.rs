//! `Key`: what payloads of one subject are sealed with.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use std::fmt;
use strandline::SealKeyId;
use zeroize::Zeroizing;

/// What the keys that are used are derived for ([BLAKE3](https://github.com/BLAKE3-team/BLAKE3-specs), key
/// derivation), so that a secret is used for one thing only.
const CIPHER: &str = "strandline 2026-11 seal: cipher of payloads";
const NONCE: &str = "strandline 2026-11 seal: nonces of payloads whose events have an id";

/// A key: 32 secret bytes, and an id that says nothing of whose it is. Wiped from memory when it is dropped.
pub struct Key {
    id: SealKeyId,
    secret: Zeroizing<[u8; 32]>,
    pub(super) cipher: XChaCha20Poly1305,
    pub(super) nonce: Zeroizing<[u8; 32]>,
}

impl Key {
    /// The key with this id and secret, both of which are to be random, and drawn together.
    #[must_use]
    pub fn new(id: SealKeyId, secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let cipher = Zeroizing::new(blake3::derive_key(CIPHER, &*secret));
        Self {
            id,
            cipher: XChaCha20Poly1305::new((&*cipher).into()),
            nonce: Zeroizing::new(blake3::derive_key(NONCE, &*secret)),
            secret,
        }
    }

    /// The id, which stands in the header of each event that is sealed with the key.
    #[must_use]
    pub const fn id(&self) -> SealKeyId {
        self.id
    }

    /// The secret, for who keeps it.
    #[must_use]
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_show_its_secret() {
        let key = Key::new(SealKeyId::from_bytes([1; 16]), [0xAB; 32]);
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.id().to_string()), "{shown}");
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"));
        assert_eq!(key.secret(), &[0xAB; 32]);
    }
}
