//! Values that callers keep as texts of hexadecimal digits: how such a text is read, and what tells a whole one
//! from one with a letter that is wrong. Does not hold which fields a value has.

use strandline_core::Salt;

/// Takes lower case hexadecimal digits from the front of a text; none if it has others, or too few.
pub(super) struct Digits<'a>(pub(super) &'a str);

impl<'a> Digits<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a str> {
        let is_lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.bytes().all(is_lower_hex).then_some(digits)
    }

    /// Of 32 digits.
    pub(super) fn u128(&mut self) -> Option<u128> {
        u128::from_str_radix(self.take(32)?, 16).ok()
    }

    /// Of 16 digits.
    pub(super) fn u64(&mut self) -> Option<u64> {
        u64::from_str_radix(self.take(16)?, 16).ok()
    }

    /// Of 8 digits.
    pub(super) fn u32(&mut self) -> Option<u32> {
        u32::from_str_radix(self.take(8)?, 16).ok()
    }
}

/// The lower half of a checksum of the bytes of a value.
pub(super) fn check(bytes: &[u8]) -> u32 {
    let bits = Salt::NONE.checksum(0, bytes).0;
    u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default()
}
