//! `Hash`, and what is made of it: a link in a chain, the nonce before a payload. The formulas that
//! say what is hashed are those of [`hashing`](crate::hashing).

use crate::hex::{Hex, write_hex};
use std::fmt;

/// A BLAKE3 hash: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hash([u8; Self::BYTES]);

impl Hash {
    /// Length in bytes.
    pub const BYTES: usize = 32;
    /// The hash that stands before the first of a chain.
    pub const ZERO: Self = Self([0; Self::BYTES]);

    /// A hash from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The BLAKE3 hash of `bytes`. Linear in their length, about 1 ns for 3 bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// A text that is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits")]
pub struct HashError;

impl std::str::FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.parse::<Hex<32>>().map_err(|_| HashError)?;
        Ok(Self(bytes.0))
    }
}

#[cfg(feature = "serde")]
super::serde_text::text_or_bits!(Hash, [u8; Hash::BYTES], Hash::as_bytes, Hash::from_bytes);

/// An event's link in the chain of its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HashChain {
    /// Hash of the entity's event before this one; [`Hash::ZERO`] for its first.
    pub previous: Hash,
    /// Hash of this event.
    pub hash: Hash,
}

/// 16 random bytes hashed before a payload, so that a short payload cannot be guessed from its
/// hash once it is redacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nonce(pub [u8; Self::BYTES]);

impl Nonce {
    /// Length in bytes.
    pub const BYTES: usize = 16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        let hash = Hash::of(b"x");
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        assert_eq!("00".parse::<Hash>(), Err(HashError));
        assert_eq!("zz".repeat(32).parse::<Hash>(), Err(HashError));
    }
}
