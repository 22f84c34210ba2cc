//! `Random`: the source of nonces and identities, from the operating system or from a seed.
//!
//! Makes the bits; what is drawn from them is its caller's. Knows `model` and `sync`.

use crate::model::{Hash, Nonce};
use crate::sync::atomic::{AtomicU64, Ordering};
use std::io;

/// Bytes that [`Nonces`] makes at a time.
const NONCES_BYTES: usize = 32 * Nonce::BYTES;

/// Gives random bytes: BLAKE3 of a counter, keyed with 32 bytes from the operating system.
///
/// Shared by all threads without a lock. With a seed instead it repeats itself, for tests.
#[derive(Debug)]
pub struct Random {
    key: [u8; 32],
    counter: AtomicU64,
}

impl Random {
    /// A source that nobody can predict.
    ///
    /// # Errors
    ///
    /// If the operating system gives no random bytes.
    pub fn from_os() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self {
            key,
            counter: AtomicU64::new(0),
        })
    }

    /// A source that gives the same bytes in the same order for the same seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self {
            key: *Hash::of(&seed.to_le_bytes()).as_bytes(),
            counter: AtomicU64::new(0),
        }
    }

    /// 32 random bytes. One BLAKE3 block, about 70 ns.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        // Relaxed: each number is given once, whatever the order among threads.
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        *blake3::keyed_hash(&self.key, &number.to_le_bytes()).as_bytes()
    }

    /// A nonce for a payload.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        let bytes = self.bytes();
        let (front, _) = bytes
            .split_first_chunk()
            .unwrap_or((&[0; Nonce::BYTES], &[]));
        Nonce(*front)
    }

    /// Nonces for many payloads, made several at a time: about 10 ns each.
    #[must_use]
    pub fn nonces(&self) -> Nonces {
        // Relaxed: as in `bytes`.
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&number.to_le_bytes());
        Nonces {
            stream: hasher.finalize_xof(),
            bytes: [0; NONCES_BYTES],
            used: NONCES_BYTES,
        }
    }

    /// 64 random bits.
    #[must_use]
    pub fn number(&self) -> u64 {
        let bytes = self.bytes();
        let (front, _) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
        u64::from_le_bytes(*front)
    }
}

/// Nonces without end, from the output stream of one keyed hash. [`Random::nonces`] makes it.
#[derive(Debug)]
pub struct Nonces {
    stream: blake3::OutputReader,
    bytes: [u8; NONCES_BYTES],
    used: usize,
}

impl Iterator for Nonces {
    type Item = Nonce;

    fn next(&mut self) -> Option<Nonce> {
        if self.used == NONCES_BYTES {
            self.stream.fill(&mut self.bytes);
            self.used = 0;
        }
        let nonce = self.bytes.get(self.used..)?.first_chunk()?;
        self.used += Nonce::BYTES;
        Some(Nonce(*nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_nonce_is_given_twice() {
        let random = Random::from_seed(1);
        let mut nonces: Vec<_> = random.nonces().take(100).map(|nonce| nonce.0).collect();
        nonces.extend(random.nonces().take(100).map(|nonce| nonce.0));
        nonces.extend((0..100).map(|_| random.nonce().0));
        nonces.sort_unstable();
        nonces.dedup();
        assert_eq!(nonces.len(), 300);
    }

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let (left, right) = (Random::from_seed(3), Random::from_seed(3));
        assert_eq!(left.nonce(), right.nonce());
        assert_ne!(left.nonce(), Random::from_seed(3).nonce());
        assert_ne!(
            Random::from_os().unwrap().bytes(),
            Random::from_os().unwrap().bytes()
        );
    }
}
