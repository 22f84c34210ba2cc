//! `Seal`: what the header of an event says of a payload that is encrypted. Encrypts nothing.

use super::encoding::PayloadEncoding;
use crate::codec::{DecodeError, Reader};
use crate::hex::{Hex, write_hex};
use std::fmt;
use std::str::FromStr;

/// Flag: the ciphertext is bound to the event's id.
const OF_ID: u8 = 1;
/// Bytes of a nonce: as many as XChaCha20 has, and a salt with one of AES-GCM.
const NONCE_BYTES: usize = 24;

/// Most bytes that a seal takes among extensions.
pub const SEAL_BYTES: usize = 1 + 1 + 1 + SealKeyId::BYTES + NONCE_BYTES;

/// Which key a payload was sealed with: 16 random bytes that were drawn with the key, and say nothing of whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealKeyId([u8; 16]);

impl SealKeyId {
    /// Length in bytes.
    pub const BYTES: usize = 16;

    /// The id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for SealKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for SealKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKeyId({self})")
    }
}

/// A text that is no id of a key: 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a key is 32 hex digits")]
pub struct SealKeyIdError;

impl FromStr for SealKeyId {
    type Err = SealKeyIdError;

    fn from_str(text: &str) -> Result<Self, SealKeyIdError> {
        let bytes = text.parse::<Hex<16>>().map_err(|_| SealKeyIdError)?;
        Ok(Self(bytes.0))
    }
}

/// What a payload was sealed with. How keys and nonces are made of what a [`Seal`] has is `docs/format.md`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SealForm {
    /// XChaCha20-Poly1305: what was sealed first.
    XChaCha20Poly1305,
    /// AES-256-GCM, under a key that is derived from the key that is named and a salt.
    Aes256Gcm,
}

impl SealForm {
    /// The number that is written.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::XChaCha20Poly1305 => 1,
            Self::Aes256Gcm => 2,
        }
    }

    /// The form with this number; `None` if this program knows none.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::XChaCha20Poly1305),
            2 => Some(Self::Aes256Gcm),
            _ => None,
        }
    }
}

/// What the header of an event says of its payload, where that is sealed: encrypted, so that whoever has the key
/// named here reads it. The event's encoding is [`PayloadEncoding::SEALED`] then, and its hash covers what is
/// stored: the ciphertext and this.
///
/// ```
/// use strandline_core::{PayloadEncoding, Seal, SealForm, SealKeyId};
///
/// let seal = Seal {
///     form: SealForm::Aes256Gcm,
///     encoding: PayloadEncoding::JSON,
///     is_bound_to_id: true,
///     key: SealKeyId::from_bytes([7; 16]),
///     nonce: [9; 24],
/// };
/// assert_eq!(Seal::from_bytes(&seal.to_bytes())?, seal);
/// # Ok::<(), strandline_core::codec::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seal {
    /// What it was sealed with.
    pub form: SealForm,
    /// How the payload is encoded that is sealed.
    pub encoding: PayloadEncoding,
    /// Whether the ciphertext is bound to the event's id, which the caller gave.
    pub is_bound_to_id: bool,
    /// Which key it was sealed with.
    pub key: SealKeyId,
    /// The nonce.
    pub nonce: [u8; NONCE_BYTES],
}

impl Seal {
    /// The seal as it is written: form (1), flags (1), encoding (1), id of the key (16), nonce (24).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SEAL_BYTES] {
        let flags = if self.is_bound_to_id { OF_ID } else { 0 };
        let head = [self.form.code(), flags, self.encoding.code()];
        let mut bytes = [0; SEAL_BYTES];
        // The parts are as long as the whole; copied as parts, as this is done for each event.
        let mut rest = bytes.as_mut_slice();
        for part in [&head[..], self.key.as_bytes(), &self.nonce] {
            if let Some((own, after)) = std::mem::take(&mut rest).split_at_mut_checked(part.len()) {
                own.copy_from_slice(part);
                rest = after;
            }
        }
        bytes
    }

    /// The seal that bytes are.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they have another length or form, or a flag or an encoding that none has: what is sealed
    /// is not sealed again.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let Some(form) = SealForm::from_code(reader.u8("form of a seal")?) else {
            return Err(Reader::new(bytes).invalid("form of a seal", "is not known"));
        };
        let flags = reader.u8("flags of a seal")?;
        if flags & !OF_ID != 0 {
            return Err(reader.invalid("flags of a seal", "an unknown flag is set"));
        }
        let encoding = PayloadEncoding::from_code(reader.u8("encoding of a seal")?);
        if encoding == PayloadEncoding::SEALED {
            return Err(reader.invalid("encoding of a seal", "is that of what is sealed"));
        }
        let key = reader.array("key of a seal")?;
        let nonce = reader.array("nonce of a seal")?;
        if reader.left() > 0 {
            return Err(reader.invalid("seal", "is too long"));
        }
        Ok(Self {
            form,
            encoding,
            is_bound_to_id: flags & OF_ID != 0,
            key: SealKeyId(key),
            nonce,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seal() -> Seal {
        Seal {
            form: SealForm::Aes256Gcm,
            encoding: PayloadEncoding::JSON,
            is_bound_to_id: false,
            key: SealKeyId::from_bytes([7; 16]),
            nonce: [9; 24],
        }
    }

    #[test]
    fn what_is_no_seal_is_refused() {
        let good = seal().to_bytes();
        for length in 0..good.len() {
            assert!(Seal::from_bytes(&good[..length]).is_err(), "{length} bytes");
        }
        let mut long = good.to_vec();
        long.push(0);
        assert!(Seal::from_bytes(&long).is_err());
        for (place, byte) in [(0, 0), (0, 3), (1, 2), (1, 0x80), (2, 3)] {
            let mut bytes = good;
            bytes[place] = byte;
            assert!(Seal::from_bytes(&bytes).is_err(), "byte {place} is {byte}");
        }
    }

    #[test]
    fn ids_are_printed_and_read() {
        let mut bytes = [0; 16];
        (0..16).zip(&mut bytes).for_each(|(n, byte)| *byte = n * 16);
        let id = SealKeyId::from_bytes(bytes);
        let text = id.to_string();
        assert_eq!(text, "00102030405060708090a0b0c0d0e0f0");
        assert_eq!(text.parse(), Ok(id));
        for bad in [
            "",
            "0",
            "+0102030405060708090a0b0c0d0e0f0",
            &text[1..],
            "zz",
        ] {
            assert_eq!(bad.parse::<SealKeyId>(), Err(SealKeyIdError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_seal_that_is_written_so_or_none(
            bytes in proptest::collection::vec(any::<u8>(), SEAL_BYTES..=SEAL_BYTES),
            form in 0..=3_u8,
            flags in 0..=OF_ID,
        ) {
            let mut bytes = bytes;
            bytes[0] = form;
            bytes[1] = flags;
            if let Ok(seal) = Seal::from_bytes(&bytes) {
                prop_assert_eq!(seal.to_bytes().to_vec(), bytes);
            }
        }
    }
}
