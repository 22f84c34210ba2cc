//! `Cipher`: AES-256-GCM under one key, which is wiped when it is dropped. Makes no nonces.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;
use std::hint::black_box;
use std::sync::OnceLock;

/// Length of a tag.
pub(super) const TAG_BYTES: usize = 16;

/// AES-256-GCM ([NIST SP 800-38D](https://doi.org/10.6028/NIST.SP.800-38D)) under one key.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    /// The cipher under a key.
    pub(super) fn new(key: &[u8; 32]) -> Option<Self> {
        // A key of 32 bytes is one.
        let key = UnboundKey::new(&AES_256_GCM, key).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    /// Encrypts a payload in its place, with a nonce that was not used before under this key: the tag. `None` if it
    /// is too long (64 GiB).
    pub(super) fn seal(
        &self,
        nonce: [u8; 12],
        data: &[u8],
        payload: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(data), payload);
        sealed.ok()?.as_ref().try_into().ok()
    }

    /// Decrypts what was sealed, in its place; `None` if it was not, with this key, nonce and data.
    pub(super) fn open(
        &self,
        nonce: [u8; 12],
        data: &[u8],
        sealed: &mut [u8],
        tag: [u8; TAG_BYTES],
    ) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(data);
        let opened = self
            .0
            .open_in_place_separate_tag(nonce, aad, tag.into(), sealed, 0..);
        opened.ok().map(drop)
    }

    /// Puts another key in the place of this one, which ring does not wipe by itself.
    fn wipe(&mut self) {
        static NO_KEY: OnceLock<Option<LessSafeKey>> = OnceLock::new();
        let no_key = || {
            let key = UnboundKey::new(&AES_256_GCM, &[0; 32]).ok()?;
            Some(LessSafeKey::new(key))
        };
        if let Some(no_key) = NO_KEY.get_or_init(no_key) {
            self.0.clone_from(no_key);
        }
        // It is looked at, so it is written.
        let _ = black_box(&mut self.0);
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 16 of the specification of GCM (McGrew and Viega), AES-256 with associated data.
    #[test]
    fn it_is_aes_256_gcm() {
        let of = |hex: &str| -> Vec<u8> {
            let digit = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(digit).collect()
        };
        let key = of("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let cipher = Cipher::new(&key.try_into().unwrap()).unwrap();
        let nonce = of("cafebabefacedbaddecaf888").try_into().unwrap();
        let data = of("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let mut payload = of(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let plain = payload.clone();
        let tag = cipher.seal(nonce, &data, &mut payload).unwrap();
        assert_eq!(tag.to_vec(), of("76fc6ece0f4e1768cddf8853bb2d551b"));
        assert_eq!(
            payload,
            of(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                 8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            )
        );
        cipher.open(nonce, &data, &mut payload, tag).unwrap();
        assert_eq!(payload, plain);
    }

    #[test]
    fn what_was_wiped_opens_nothing() {
        let mut cipher = Cipher::new(&[7; 32]).unwrap();
        let mut payload = *b"Elm Street";
        let tag = cipher.seal([1; 12], b"x", &mut payload).unwrap();
        cipher.wipe();
        assert!(cipher.open([1; 12], b"x", &mut payload, tag).is_none());
    }
}
