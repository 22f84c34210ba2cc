//! Bounds-checked little-endian reading and writing, the base of every format here.
//!
//! Knows numbers and byte strings, no formats.

use std::fmt;

/// Input that ended early or held a value outside its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Where in the decoded bytes it was found.
    pub offset: usize,
    /// What was being read.
    pub what: &'static str,
    /// What was wrong with it.
    pub problem: DecodeProblem,
}

/// What was wrong with the input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeProblem {
    /// More bytes were needed than were left.
    Truncated {
        /// Bytes needed.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// The value is not one the format allows.
    Invalid(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: ", self.what, self.offset)?;
        match &self.problem {
            DecodeProblem::Truncated { needed, left } => {
                write!(f, "needs {needed} bytes, {left} are left")
            }
            DecodeProblem::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Reads values from the front of a byte slice, never past its end.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

macro_rules! read_number {
    ($($name:ident)*) => {$(
        #[doc = concat!("The next little-endian `", stringify!($name), "`.")]
        ///
        /// # Errors
        ///
        /// [`DecodeError`] if too few bytes are left.
        #[inline]
        pub fn $name(&mut self, what: &'static str) -> Result<$name, DecodeError> {
            self.array(what).map($name::from_le_bytes)
        }
    )*};
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    #[inline]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if fewer are left.
    #[inline]
    pub fn bytes(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((front, back)) = self.bytes.split_at_checked(count) else {
            return Err(DecodeError {
                offset: self.offset,
                what,
                problem: DecodeProblem::Truncated {
                    needed: count,
                    left: self.bytes.len(),
                },
            });
        };
        self.bytes = back;
        self.offset += count;
        Ok(front)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((front, back)) = self.bytes.split_first_chunk() else {
            return Err(DecodeError {
                offset: self.offset,
                what,
                problem: DecodeProblem::Truncated {
                    needed: N,
                    left: self.bytes.len(),
                },
            });
        };
        self.bytes = back;
        self.offset += N;
        Ok(*front)
    }

    read_number! { u8 u16 u32 u64 u128 }

    /// A byte string with its length before it, as u16.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if too few bytes are left.
    pub fn short_bytes(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let count = self.u16(what)?;
        self.bytes(what, usize::from(count))
    }

    /// Everything that is left.
    #[inline]
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes;
        self.offset += rest.len();
        self.bytes = &[];
        rest
    }

    /// An error about a value that was read just before and is not allowed.
    #[must_use]
    pub const fn invalid(&self, what: &'static str, reason: &'static str) -> DecodeError {
        DecodeError {
            offset: self.offset,
            what,
            problem: DecodeProblem::Invalid(reason),
        }
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if something is.
    pub const fn finish(&self, what: &'static str) -> Result<(), DecodeError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(self.invalid(what, "bytes are left over"))
        }
    }
}

/// Appends values to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

macro_rules! write_number {
    ($($name:ident)*) => {$(
        #[doc = concat!("Appends a `", stringify!($name), "`, little-endian.")]
        pub fn $name(&mut self, value: $name) {
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    )*};
}

impl<'a> Writer<'a> {
    /// A writer at the end of `out`.
    #[inline]
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    write_number! { u8 u16 u32 u64 u128 }

    /// Appends `bytes` as they are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends a byte string with its length before it, as u16.
    ///
    /// # Panics
    ///
    /// If it is longer than 65,535 bytes; the types that reach this are bounded well below.
    #[expect(
        clippy::expect_used,
        reason = "an unencodable length is a bug of the caller"
    )]
    pub fn short_bytes(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).expect("a short byte string has at most 65,535");
        self.u16(length);
        self.bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_little_endian() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.u8(1);
        writer.u16(0x0203);
        writer.u32(0x0405_0607);
        writer.u64(8);
        writer.u128(9);
        writer.short_bytes(b"abc");
        assert_eq!(out.get(..3), Some([1, 3, 2].as_slice()));
        let mut reader = Reader::new(&out);
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u16("b"), Ok(0x0203));
        assert_eq!(reader.u32("c"), Ok(0x0405_0607));
        assert_eq!(reader.u64("d"), Ok(8));
        assert_eq!(reader.u128("e"), Ok(9));
        assert_eq!(reader.short_bytes("f"), Ok(b"abc".as_slice()));
        assert_eq!(reader.finish("all"), Ok(()));
    }

    #[test]
    fn a_short_input_says_what_and_where() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("first"), Ok(0x0201));
        let error = reader.u32("second").unwrap_err();
        assert_eq!(
            error.to_string(),
            "second at byte 2: needs 4 bytes, 1 are left"
        );
        assert!(reader.finish("all").is_err());
    }
}
