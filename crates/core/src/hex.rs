//! `Hex`: bytes as hexadecimal digits and back, and the two functions that it is made of. Knows no other room.

use std::fmt::{self, Write};
use std::str::FromStr;

/// Bytes that are shown as twice as many hexadecimal digits in lower case, and read from digits in either case.
///
/// ```
/// use strandline_core::Hex;
///
/// let shown = Hex([0x01, 0xEF]).to_string();
/// assert_eq!(shown, "01ef");
/// assert_eq!(shown.parse(), Ok(Hex([0x01, 0xEF])));
/// assert!("1ef".parse::<Hex<2>>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A text that is not the hexadecimal digits of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not two hexadecimal digits for each byte")]
pub struct HexError;

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let mut bytes = [0; N];
        read_hex(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// Writes two hexadecimal digits in lower case for each byte.
///
/// # Errors
///
/// What `out` says.
pub fn write_hex(out: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    digits.try_for_each(|digit| out.write_char(digit))
}

/// Reads as many bytes as there is room for from hexadecimal digits in either case, which are to be the whole text.
/// Leaves no copy of the bytes elsewhere, for those that are secret.
///
/// # Errors
///
/// [`HexError`] if the text is another. Some bytes may have been written then.
pub fn read_hex(text: &str, into: &mut [u8]) -> Result<(), HexError> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != into.len() || !rest.is_empty() {
        return Err(HexError);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for (byte, [high, low]) in into.iter_mut().zip(pairs) {
        let value = digit(*high).zip(digit(*low));
        let value = value.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        *byte = value.ok_or(HexError)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_were_shown_and_in_upper_case() {
        let mut bytes = [0; 256];
        (0..=255)
            .zip(&mut bytes)
            .for_each(|(n, byte): (u8, _)| *byte = n);
        let text = Hex(bytes).to_string();
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"));
        assert_eq!(text.parse(), Ok(Hex(bytes)));
        assert_eq!(text.to_uppercase().parse(), Ok(Hex(bytes)));
        assert_eq!("".parse(), Ok(Hex([])));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "0", "000", "00000", "+000", "00 0", "0x00", "zz00", "é0",
        ] {
            assert_eq!(text.parse::<Hex<2>>(), Err(HexError), "{text:?}");
        }
    }
}
