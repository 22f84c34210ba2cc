//! `WrappingKey`: what keys are encrypted with where they are kept.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use std::fmt;
use std::io;
use strandline_core::{Random, read_hex, write_hex};
use zeroize::Zeroizing;

/// A key that other keys are encrypted with where they are kept: 32 bytes that an operator has in a place of their
/// own, such as a file on another disk, the environment, or a vault. Wiped from memory when it is dropped.
pub struct WrappingKey {
    secret: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

/// A text that is no wrapping key: 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrappingKeyError;

impl fmt::Display for WrappingKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a wrapping key is 64 hex digits")
    }
}

impl std::error::Error for WrappingKeyError {}

/// A secret, encrypted: 24 bytes of nonce, 32 of ciphertext, 16 of tag.
pub(crate) type Wrapped = [u8; 72];

impl WrappingKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        Self {
            cipher: XChaCha20Poly1305::new((&*secret).into()),
            secret,
        }
    }

    /// A key that nobody knows yet.
    ///
    /// # Errors
    ///
    /// If the operating system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        Ok(Self::new(Random::from_os()?.bytes()))
    }

    /// The key of 64 hex digits, white space around them left out.
    ///
    /// # Errors
    ///
    /// [`WrappingKeyError`] if it is another text.
    pub fn from_hex(text: &str) -> Result<Self, WrappingKeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        read_hex(text.trim(), &mut *secret).map_err(|_| WrappingKeyError)?;
        Ok(Self::new(*secret))
    }

    /// The key as 64 hex digits, for who keeps it.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        // As long as it will be, so that no part of it is left where it was moved from.
        let mut text = Zeroizing::new(String::with_capacity(2 * self.secret.len()));
        // A text takes whatever is written to it.
        let _ = write_hex(&mut *text, &*self.secret);
        text
    }

    /// The 32 bytes.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Encrypts a secret, bound to `data`, with a nonce that was not used before.
    pub(crate) fn wrap(&self, secret: &[u8; 32], data: &[u8], nonce: [u8; 24]) -> Wrapped {
        let mut bytes = Zeroizing::new(*secret);
        let buffer = bytes.as_mut_slice().into();
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), data, buffer);
        let mut wrapped = [0; 72];
        // Only what is longer than 256 GiB cannot be encrypted.
        let tag: [u8; 16] = tag.map_or([0; 16], Into::into);
        let parts = nonce.iter().chain(bytes.iter()).chain(&tag);
        for (byte, own) in wrapped.iter_mut().zip(parts) {
            *byte = *own;
        }
        wrapped
    }

    /// The secret that was wrapped with this key and data; `None` if it was not.
    pub(crate) fn unwrap(&self, wrapped: &Wrapped, data: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let (nonce, rest) = wrapped.split_first_chunk::<24>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<16>()?;
        let mut secret = Zeroizing::new(<[u8; 32]>::try_from(ciphertext).ok()?);
        let buffer = secret.as_mut_slice().into();
        self.cipher
            .decrypt_inout_detached(&(*nonce).into(), data, buffer, &(*tag).into())
            .ok()?;
        Some(secret)
    }
}

/// A secret of a key, drawn.
pub(crate) fn secret_of(random: &Random) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(random.bytes())
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapping_key_is_64_hex_digits() {
        let mut secret = [0; 32];
        (0..32).zip(&mut secret).for_each(|(n, byte)| *byte = n * 7);
        let key = WrappingKey::new(secret);
        let text = key.to_hex();
        assert_eq!(text.len(), 64);
        let again = WrappingKey::from_hex(&format!(" {}\n", text.to_uppercase())).unwrap();
        assert_eq!(*again.to_hex(), *text);
        for bad in [
            "",
            &text[1..],
            &format!("{}g", &text[1..]),
            &format!("+{}", &text[1..]),
        ] {
            assert_eq!(WrappingKey::from_hex(bad).unwrap_err(), WrappingKeyError);
        }
        assert_eq!(format!("{key:?}"), "WrappingKey");
    }

    #[test]
    fn a_secret_unwraps_with_its_key_and_data_alone() {
        let key = WrappingKey::new([1; 32]);
        let wrapped = key.wrap(&[7; 32], b"customer:7", [3; 24]);
        assert_eq!(
            key.unwrap(&wrapped, b"customer:7").as_deref(),
            Some(&[7; 32])
        );
        assert!(key.unwrap(&wrapped, b"customer:8").is_none());
        assert!(
            WrappingKey::new([2; 32])
                .unwrap(&wrapped, b"customer:7")
                .is_none()
        );
        for place in 0..wrapped.len() {
            let mut flipped = wrapped;
            flipped[place] ^= 1;
            assert!(
                key.unwrap(&flipped, b"customer:7").is_none(),
                "byte {place}"
            );
        }
    }
}
