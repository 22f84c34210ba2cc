//! `Packed`: numbers of a fixed width in bits, and how they are written. What they count is not here.

use super::section::{ALIGNMENT, Place};
use std::ops::Range;

/// Numbers are read as words of this many bytes.
const WORD: usize = 8;
/// Widest number that a word always holds, wherever in its first byte it begins; wider ones take a
/// word each.
const WIDTH_MOST: u32 = 57;

/// Bytes of `count` numbers of `width` bits: a word can be read at each.
pub(crate) const fn packed_bytes(count: usize, width: u8) -> usize {
    if count == 0 || width == 0 {
        return 0;
    }
    let last = (count - 1).saturating_mul(width as usize) / 8;
    (last + WORD).next_multiple_of(ALIGNMENT)
}

/// Width of numbers from `least` to `most`, less `least`.
pub(crate) const fn width_of(least: u64, most: u64) -> u8 {
    let bits = match u64::BITS - most.saturating_sub(least).leading_zeros() {
        bits @ 0..=WIDTH_MOST => bits,
        _ => u64::BITS,
    };
    bits.to_le_bytes()[0]
}

/// Numbers of one width, less a base.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a> {
    bytes: &'a [u8],
    base: u64,
    mask: u64,
    width: usize,
}

impl<'a> Packed<'a> {
    pub(crate) const fn new(bytes: &'a [u8], place: &Place) -> Self {
        let width = place.width as u32;
        let mask = match u64::MAX.checked_shr(u64::BITS.saturating_sub(width)) {
            Some(mask) => mask,
            None => 0,
        };
        Self {
            bytes,
            base: place.base,
            mask,
            width: width as usize,
        }
    }

    /// No numbers; each reads as 0.
    pub(crate) const fn none() -> Self {
        Self {
            bytes: &[],
            base: 0,
            mask: 0,
            width: WORD * 8,
        }
    }

    /// The bytes that the number at `at` is read from; none if it takes no bits.
    pub(crate) fn bytes_at(&self, at: usize) -> Option<Range<usize>> {
        let start = at.checked_mul(self.width)? / 8;
        (self.width > 0).then_some(start..start.checked_add(WORD)?)
    }

    /// The numbers that are read from no other bytes than these.
    pub(crate) fn within(&self, bytes: &Range<usize>) -> Range<usize> {
        let Some(last) = bytes.end.checked_sub(WORD) else {
            return 0..0;
        };
        let bits = |byte: usize| byte.saturating_mul(8);
        let start = bits(bytes.start).div_ceil(self.width.max(1));
        let end = bits(last).saturating_add(7) / self.width.max(1);
        start..end.saturating_add(1)
    }

    /// The number at `at`; `None` past the end of the section.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<u64> {
        if self.width == 0 {
            return Some(self.base);
        }
        let bit = at.checked_mul(self.width)?;
        let (word, _) = self.bytes.get(bit / 8..)?.split_first_chunk::<WORD>()?;
        let word = u64::from_le_bytes(*word) >> (bit % 8);
        Some((word & self.mask).wrapping_add(self.base))
    }

    /// The number at `at` as 32 bits; 0 past the end, and where it is no number of 32 bits.
    #[inline]
    pub(crate) fn get_u32(&self, at: usize) -> u32 {
        self.get(at)
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    }
}

/// Numbers of a width that is known, as they are appended, each below 2 to the width.
pub(crate) struct Packer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    width: u8,
    count: usize,
    /// Bits that do not fill a byte yet: fewer than 8, so that any number fits beside them.
    pending: u128,
    held: u32,
}

impl<'o> Packer<'o> {
    pub(crate) const fn new(out: &'o mut Vec<u8>, width: u8) -> Self {
        Self {
            start: out.len(),
            out,
            width,
            count: 0,
            pending: 0,
            held: 0,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, number: u64) {
        self.count += 1;
        self.pending |= u128::from(number) << self.held;
        self.held += u32::from(self.width);
        let whole = usize::try_from(self.held / 8).unwrap_or_default();
        let bytes = self.pending.to_le_bytes();
        self.out
            .extend_from_slice(bytes.get(..whole).unwrap_or_default());
        self.pending >>= self.held / 8 * 8;
        self.held %= 8;
    }

    /// Appends what is left, and the zeros after it.
    pub(crate) fn finish(self) {
        if self.held > 0 {
            let [last, ..] = self.pending.to_le_bytes();
            self.out.push(last);
        }
        let length = packed_bytes(self.count, self.width);
        self.out.resize(self.start + length, 0);
    }
}

/// Appends numbers, and gives base and width.
pub(crate) fn pack(out: &mut Vec<u8>, numbers: impl Iterator<Item = u64> + Clone) -> (u64, u8) {
    let (mut least, mut most, mut count) = (u64::MAX, 0, 0_usize);
    for number in numbers.clone() {
        least = least.min(number);
        most = most.max(number);
        count += 1;
    }
    if count == 0 {
        return (0, 0);
    }
    let width = width_of(least, most);
    if width > 0 {
        let mut packer = Packer::new(out, width);
        for number in numbers {
            packer.push(number - least);
        }
        packer.finish();
    }
    (least, width)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_numbers_within_bytes_are_those_that_are_read_from_them(
            width in (1..=58_u8).prop_map(|width| if width == 58 { 64 } else { width }),
            start in 0..200_usize,
            length in 0..100_usize,
        ) {
            let packed = Packed::new(&[], &Place { width, ..Place::default() });
            let bytes = start..start + length;
            let within = packed.within(&bytes);
            for at in 0..2500 {
                let read = packed.bytes_at(at).unwrap();
                let is_within = read.start >= bytes.start && read.end <= bytes.end;
                prop_assert_eq!(within.contains(&at), is_within, "{}", at);
            }
        }

        #[test]
        fn numbers_are_read_as_they_were_packed(
            numbers in proptest::collection::vec(any::<u64>(), 0..50),
            shift in 0..64_u32,
            base in 0..1000_u64,
        ) {
            let numbers: Vec<_> = numbers
                .iter()
                .map(|number| (number >> shift).saturating_add(base))
                .collect();
            let mut bytes = vec![7; 8];
            let (base, width) = pack(&mut bytes, numbers.iter().copied());
            let place = Place { base, width, ..Place::default() };
            let section = &bytes[8..];
            prop_assert_eq!(section.len(), packed_bytes(numbers.len(), width));
            let packed = Packed::new(section, &place);
            for (at, number) in numbers.iter().enumerate() {
                prop_assert_eq!(packed.get(at), Some(*number));
            }
            if width > 0 {
                prop_assert_eq!(packed.get((section.len() + 1) * 8), None);
            }
        }
    }
}
