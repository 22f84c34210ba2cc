//! Salted checksums: what tells an intact structure from a damaged, stale or misplaced one.
//!
//! XXH3 with 64 bits ([specification](https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md)),
//! combined with a [`Salt`] and the place of the bytes. Guards against accidents; against intent
//! there are the hashes of [`crate::hashing`], which it does not know. Knows `model`, of which a salt is made.

use crate::model::Hash;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// A 64-bit checksum.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Checksum(pub u64);

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({:016x})", self.0)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What makes the checksums of one file differ from those of every other.
///
/// ```
/// use strandline_core::Salt;
///
/// let salt = Salt::derive(b"this file and no other");
/// let here = salt.checksum(64, b"bytes");
/// assert_eq!(salt.checksum(64, b"bytes"), here);
/// assert_ne!(salt.checksum(72, b"bytes"), here, "the place counts");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u64);

impl Salt {
    /// The salt of files that have no identity of their own.
    pub const NONE: Self = Self(0);

    /// A salt from everything that identifies a file: the first 8 bytes of its BLAKE3 hash.
    #[must_use]
    pub fn derive(identity: &[u8]) -> Self {
        let hash = Hash::of(identity);
        let (first, _) = hash
            .as_bytes()
            .split_first_chunk()
            .unwrap_or((&[0; 8], &[]));
        Self(u64::from_le_bytes(*first))
    }

    /// The checksum of `bytes` that stand at `offset` of the file.
    #[must_use]
    #[inline]
    pub fn checksum(self, offset: u64, bytes: &[u8]) -> Checksum {
        // An odd multiplier (2^64 over the golden ratio, after Knuth) gives each offset bits of its
        // own, so the same bytes elsewhere never have the same checksum. Combined afterwards: as a
        // seed of XXH3 it would cost another 192 bytes of secret for each checksum.
        let place = self.0 ^ offset.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Checksum(xxh3_64(bytes) ^ place)
    }

    /// What `checksum`, made with this salt, is with another one, of the same bytes at the same offset.
    #[must_use]
    pub const fn exchanged(self, other: Self, checksum: Checksum) -> Checksum {
        Checksum(checksum.0 ^ self.0 ^ other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let salt = Salt::derive(b"file");
        for length in [1, 16, 200, 300] {
            let mut bytes = vec![0x5A; length];
            let intact = salt.checksum(8, &bytes);
            for bit in 0..length * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(
                    salt.checksum(8, &bytes),
                    intact,
                    "bit {bit} of {length} bytes"
                );
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn a_salt_is_exchanged_without_the_bytes() {
        let (one, other) = (Salt::derive(b"a"), Salt::derive(b"b"));
        let exchanged = one.exchanged(other, one.checksum(24, b"bytes"));
        assert_eq!(exchanged, other.checksum(24, b"bytes"));
    }

    #[test]
    fn another_file_or_place_has_another_checksum() {
        let bytes = [7; 100];
        let here = Salt::derive(b"a").checksum(0, &bytes);
        assert_ne!(Salt::derive(b"b").checksum(0, &bytes), here);
        assert_ne!(Salt::derive(b"a").checksum(8, &bytes), here);
    }
}
