//! `KeyId`: by which of the keys of a name a signature is.

use std::fmt;

/// First four bytes of a hash of a key's name and bytes: with the name it says by which key a signature is.
/// No more than a name: anyone can make a key with a given id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u32);

impl KeyId {
    /// An id from its number, whose big-endian bytes are the first of the hash.
    #[must_use]
    pub const fn from_u32(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The id of 8 hexadecimal digits in lower case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_one = text.len() == 8 && text.bytes().all(is_digit);
        let number = u32::from_str_radix(text, 16).ok()?;
        is_one.then_some(Self(number))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}
