//! `Epoch`: which course of a log a sequence belongs to.

use crate::hex::{Hex, write_hex};
use std::fmt;
use std::str::FromStr;

/// Which course of a log a [`Sequence`](crate::Sequence) belongs to: 128 bits, shown as 32 hexadecimal
/// digits.
///
/// A restore puts a log back, and what is appended from then on takes sequences that other events had.
/// So it begins a new epoch; as long as the epoch is the same, what was durable has its sequence for good.
/// Whoever saves a position saves both, and begins anew where the epoch is another.
///
/// ```
/// use strandline_core::Epoch;
///
/// let epoch: Epoch = "8b4fe3425135e63d9fd76997832a9ffe".parse()?;
/// assert_eq!(epoch.to_string(), "8b4fe3425135e63d9fd76997832a9ffe");
/// # Ok::<(), strandline_core::EpochError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch([u8; 16]);

impl Epoch {
    /// An epoch from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({self})")
    }
}

/// A text that is not an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is 32 hexadecimal digits")]
pub struct EpochError;

impl FromStr for Epoch {
    type Err = EpochError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.parse::<Hex<16>>().map_err(|_| EpochError)?;
        Ok(Self(bytes.0))
    }
}

#[cfg(feature = "serde")]
super::serde_text::text_or_bits!(Epoch, [u8; 16], Epoch::as_bytes, Epoch::from_bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_texts_that_are_no_epoch() {
        let long = "0".repeat(33);
        for text in ["", "0", "+b4fe3425135e63d9fd76997832a9ffe", long.as_str()] {
            assert_eq!(text.parse::<Epoch>(), Err(EpochError), "{text}");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_writes_epochs_as_text() {
        let epoch = Epoch::from_bytes([1; 16]);
        let json = serde_json::to_string(&epoch).unwrap();
        assert_eq!(json, format!("\"{}\"", "01".repeat(16)));
        assert_eq!(serde_json::from_str::<Epoch>(&json).unwrap(), epoch);
        assert!(serde_json::from_str::<Epoch>("\"1\"").is_err());
    }
}
