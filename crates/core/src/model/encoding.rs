//! `PayloadEncoding`: how a payload is encoded. Encodes nothing.

use std::fmt;

/// How a payload is encoded, so that tools can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct PayloadEncoding(u8);

impl PayloadEncoding {
    /// Bytes that mean something to the application alone.
    pub const RAW: Self = Self(0);
    /// JSON text ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
    pub const JSON: Self = Self(1);
    /// [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md), structs as maps.
    pub const MESSAGE_PACK: Self = Self(2);

    /// Ciphertext: what it was made of, and with which key, says the [`Seal`](crate::Seal) in the header.
    pub const SEALED: Self = Self(3);

    /// An encoding from its code. Codes from 128 are the application's, those below the store's.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// The code, as stored.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PayloadEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::RAW => f.write_str("raw"),
            Self::JSON => f.write_str("JSON"),
            Self::MESSAGE_PACK => f.write_str("MessagePack"),
            Self::SEALED => f.write_str("sealed"),
            Self(code) => write!(f, "encoding {code}"),
        }
    }
}
