//! `Key`: what payloads of one subject are sealed with.

use super::cipher::Cipher;
use super::session::{SALT_BYTES, Session};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use std::fmt;
use std::sync::OnceLock;
use strandline::SealKeyId;
use strandline_core::Random;
use strandline_core::sync::RwLock;
use zeroize::Zeroizing;

/// What the keys that are used are derived for ([BLAKE3](https://github.com/BLAKE3-team/BLAKE3-specs), key
/// derivation), so that a secret is used for one thing only.
const XCHACHA: &str = "strandline 2026-11 seal: cipher of payloads";
const AES: &str = "strandline 2026-11 seal: keys of AES-256-GCM, by their salts";
const NONCE: &str = "strandline 2026-11 seal: nonces of payloads whose events have an id";

/// A key: 32 secret bytes, and an id that says nothing of whose it is. Wiped from memory when it is dropped.
pub struct Key {
    id: SealKeyId,
    secret: Zeroizing<[u8; 32]>,
    aes: Zeroizing<[u8; 32]>,
    pub(super) nonce: Zeroizing<[u8; 32]>,
    /// Of the process that sealed first. A fork of it has no use for it.
    session: OnceLock<Option<Box<Session>>>,
    /// What opened a payload last: most payloads of a subject were sealed in few sessions.
    opened: RwLock<Option<Box<Opened>>>,
}

/// A cipher that opened a payload, and its salt.
struct Opened {
    salt: [u8; SALT_BYTES],
    cipher: Cipher,
}

impl Key {
    /// The key with this id and secret, both of which are to be random, and drawn together.
    #[must_use]
    pub fn new(id: SealKeyId, secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        Self {
            id,
            aes: Zeroizing::new(blake3::derive_key(AES, &*secret)),
            nonce: Zeroizing::new(blake3::derive_key(NONCE, &*secret)),
            secret,
            session: OnceLock::new(),
            opened: RwLock::new(None),
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

    /// The cipher of a salt. Some 0.3 µs.
    pub(super) fn cipher(&self, salt: &[u8; SALT_BYTES]) -> Option<Cipher> {
        let key = Zeroizing::new(*blake3::keyed_hash(&self.aes, salt).as_bytes());
        Cipher::new(&key)
    }

    /// The cipher of payloads that were sealed with XChaCha20-Poly1305.
    pub(super) fn xchacha(&self) -> XChaCha20Poly1305 {
        let key = Zeroizing::new(blake3::derive_key(XCHACHA, &*self.secret));
        XChaCha20Poly1305::new((&*key).into())
    }

    /// Has a payload sealed by what this process seals with, and a nonce that it was not given before: of the key's
    /// session, which is drawn by who first asks for it, or, where that gives none, of one for this payload alone.
    pub(super) fn seal_with<T>(
        &self,
        random: &Random,
        nonce: impl Fn(&Session) -> Option<[u8; 24]>,
        seal: impl FnOnce(&Cipher, &[u8; 24]) -> Option<T>,
    ) -> Option<([u8; 24], T)> {
        let draw = || Session::draw(random, |salt| self.cipher(salt)).map(Box::new);
        let session = self.session.get_or_init(draw).as_deref()?;
        if let Some(nonce) = nonce(session) {
            return Some((nonce, seal(session.cipher(), &nonce)?));
        }
        let once = draw()?;
        let nonce = nonce(&once)?;
        Some((nonce, seal(once.cipher(), &nonce)?))
    }

    /// Has a payload opened by the cipher of a salt, which is kept if it `is_shared` by many and opened this one.
    pub(super) fn open_with<T>(
        &self,
        salt: &[u8; SALT_BYTES],
        is_shared: bool,
        open: impl FnOnce(&Cipher) -> Option<T>,
    ) -> Option<T> {
        let session = self.session.get().and_then(Option::as_deref);
        if let Some(cipher) = session.and_then(|session| session.cipher_of(salt)) {
            return open(cipher);
        }
        if let Some(kept) = &*self.opened.read()
            && kept.salt == *salt
        {
            return open(&kept.cipher);
        }
        let cipher = self.cipher(salt)?;
        let opened = open(&cipher)?;
        if is_shared {
            *self.opened.write() = Some(Box::new(Opened {
                salt: *salt,
                cipher,
            }));
        }
        Some(opened)
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
