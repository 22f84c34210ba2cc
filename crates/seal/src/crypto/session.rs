//! `Session`: what one process seals with under a key: a cipher of its own, and nonces that are given once.
//!
//! A nonce is used for two payloads never: not after a crash or a fork, as a session has a salt that is drawn and is of
//! one process; not where a machine is resumed twice from one image, or what is drawn is the same for any other
//! reason, as a nonce has a keyed hash of all that is sealed with it.

use super::cipher::Cipher;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::{Process, Random};
use zeroize::Zeroizing;

/// Bytes of a salt.
pub(super) const SALT_BYTES: usize = 12;

/// Salt and nonce, as a seal has them.
pub(super) fn split(nonce: &[u8; 24]) -> ([u8; SALT_BYTES], [u8; 12]) {
    let (salt, nonce) = nonce.split_at(SALT_BYTES);
    // Both are as long as half.
    let half = |bytes: &[u8]| bytes.first_chunk().copied().unwrap_or_default();
    (half(salt), half(nonce))
}

/// What one process seals with under a key.
#[derive(Debug)]
pub(super) struct Session {
    salt: [u8; SALT_BYTES],
    cipher: Cipher,
    /// Of the hashes in nonces.
    hash_key: Zeroizing<[u8; 16]>,
    /// The number of the next nonce. Beyond 32 bits there is none.
    next: AtomicU64,
    process: Process,
}

impl Session {
    /// A session with a salt that nobody else has, and what `cipher` gives of that.
    pub(super) fn draw(
        random: &Random,
        cipher: impl FnOnce(&[u8; SALT_BYTES]) -> Option<Cipher>,
    ) -> Option<Self> {
        let drawn = Zeroizing::new(random.bytes());
        let (salt, rest) = drawn.split_first_chunk()?;
        Some(Self {
            salt: *salt,
            cipher: cipher(salt)?,
            hash_key: Zeroizing::new(*rest.first_chunk()?),
            next: AtomicU64::new(0),
            process: Process::current(),
        })
    }

    /// The cipher, if it is that of a salt.
    pub(super) fn cipher_of(&self, salt: &[u8; SALT_BYTES]) -> Option<&Cipher> {
        (self.salt == *salt).then_some(&self.cipher)
    }

    /// The cipher, for what this session gave a nonce.
    pub(super) const fn cipher(&self) -> &Cipher {
        &self.cipher
    }

    /// A nonce for a payload and its associated data: salt (12), number (4), and the first 8 bytes of a hash of
    /// these. `None` in a fork of the process, and once all numbers were given.
    ///
    /// Numbers alone keep nonces of a session apart. The hash keeps those apart that have the same salt and number
    /// because memory was copied: SipHash-2-4 (Aumasson and Bernstein, 2012), whose key is as secret as the payload,
    /// has one result for two payloads with a chance of 1 in 2^64.
    pub(super) fn nonce(&self, data: &[u8], payload: &[u8]) -> Option<[u8; 24]> {
        if !self.process.is_current() {
            return None;
        }
        // Relaxed: each number is given once, whatever the order among threads.
        let number = u32::try_from(self.next.fetch_add(1, Ordering::Relaxed)).ok()?;
        let mut hasher = SipHasher24::new_with_key(&self.hash_key);
        hasher.write(&(data.len() as u64).to_le_bytes());
        hasher.write(data);
        hasher.write(payload);
        let mut nonce = [0; 24];
        let parts = [
            &self.salt[..],
            &number.to_le_bytes(),
            &hasher.finish().to_le_bytes(),
        ];
        let mut rest = nonce.as_mut_slice();
        for part in parts {
            let (own, after) = std::mem::take(&mut rest).split_at_mut_checked(part.len())?;
            own.copy_from_slice(part);
            rest = after;
        }
        Some(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn draw(random: &Random) -> Session {
        Session::draw(random, |_| Cipher::new(&[2; 32])).unwrap()
    }

    #[test]
    fn a_session_gives_a_nonce_once_and_ends() {
        let session = draw(&Random::from_seed(1));
        let nonces: HashSet<_> = (0..100)
            .map(|_| session.nonce(b"a", b"x").unwrap())
            .collect();
        assert_eq!(nonces.len(), 100);
        let numbers = |nonce: &[u8; 24]| u32::from_le_bytes(nonce[12..16].try_into().unwrap());
        let numbers: HashSet<_> = nonces.iter().map(numbers).collect();
        assert_eq!(numbers, (0..100).collect());
        session.next.store(u64::from(u32::MAX), Ordering::Relaxed);
        assert!(session.nonce(b"a", b"x").is_some());
        assert!(session.nonce(b"a", b"x").is_none(), "its number was given");
        assert!(session.nonce(b"a", b"x").is_none());
    }

    /// A machine that is resumed twice has the same session twice: what is sealed then differs, or is the same.
    #[test]
    fn copies_of_a_session_give_nonces_that_differ_as_what_is_sealed_does() {
        let copy = || draw(&Random::from_seed(1));
        let of = |data: &[u8], payload: &[u8]| copy().nonce(data, payload).unwrap();
        assert_eq!(of(b"ab", b"cd"), of(b"ab", b"cd"));
        let all = [
            of(b"ab", b"cd"),
            of(b"ab", b"ce"),
            of(b"aa", b"cd"),
            of(b"abc", b"d"),
        ];
        assert_eq!(HashSet::from(all).len(), all.len());
    }

    #[test]
    fn sessions_have_salts_of_their_own() {
        let random = Random::from_seed(1);
        let salts: HashSet<_> = (0..100).map(|_| draw(&random).salt).collect();
        assert_eq!(salts.len(), 100);
    }
}
