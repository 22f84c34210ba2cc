//! `Hash`, and the two ways to make one: of a leaf and of an inner node.

use sha2::{Digest, Sha256};
use std::fmt;

/// Before the bytes of a leaf, so that no leaf can be passed off as a node.
const LEAF: [u8; 1] = [0];
/// Before the hashes of a node's children.
const NODE: [u8; 1] = [1];

/// A SHA-256 hash of the tree: of a leaf, of an inner node, or a root.
///
/// Not what a log calls a hash: digests of events are BLAKE3, and are what leaves are made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; Self::BYTES]);

impl Hash {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// The root of the tree without leaves: SHA-256 of nothing.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

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

    /// The hash as base64, as checkpoints and proofs have it: 44 characters.
    #[cfg(feature = "note")]
    #[must_use]
    pub fn to_base64(&self) -> String {
        crate::text::base64(&self.0)
    }

    /// The hash of the text that [`to_base64`](Self::to_base64) writes; `None` of any other.
    #[cfg(feature = "note")]
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        crate::text::array_from_base64(text).map(Self)
    }
}

impl fmt::Display for Hash {
    /// Writes 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The hash of the leaf over an event's digest: SHA-256(0x00 ‖ digest). One block of SHA-256.
#[must_use]
pub fn leaf_hash(digest: &[u8; 32]) -> Hash {
    hash_of(&[&LEAF, digest])
}

/// The hash of the node with these children: SHA-256(0x01 ‖ left ‖ right). Two blocks of SHA-256.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_of(&[&NODE, &left.0, &right.0])
}

/// The hash of a leaf of any length: the vectors of others have such.
#[cfg(test)]
pub(crate) fn leaf_hash_of(bytes: &[u8]) -> Hash {
    hash_of(&[&LEAF, bytes])
}

fn hash_of(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}
