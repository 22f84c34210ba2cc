//! `Packed`: numbers of a fixed width in bits, and how they are written. What they count is not here.

use super::section::{ALIGNMENT, Place};

/// Numbers are read as words of this many bytes.
const WORD: usize = 8;
/// Widest number that a word always holds, wherever in its first byte it begins; wider ones take a
/// word each.
const WIDTH_MOST: u32 = 57;

/// Bytes of `count` numbers of `width` bits: a word can be read at each.
pub(super) const fn packed_bytes(count: usize, width: u8) -> usize {
    if count == 0 || width == 0 {
        return 0;
    }
    let last = (count - 1).saturating_mul(width as usize) / 8;
    (last + WORD).next_multiple_of(ALIGNMENT)
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
    let bits = match u64::BITS - (most - least).leading_zeros() {
        bits @ 0..=WIDTH_MOST => bits,
        _ => u64::BITS,
    };
    let width = u8::try_from(bits).unwrap_or(64);
    if width > 0 {
        let start = out.len();
        // Bits that do not fill a byte yet: fewer than 8, so that a number of 57 fits beside them.
        let (mut pending, mut held) = (0_u128, 0);
        for number in numbers {
            pending |= u128::from(number - least) << held;
            held += bits;
            let whole = usize::try_from(held / 8).unwrap_or_default();
            let bytes = pending.to_le_bytes();
            out.extend_from_slice(bytes.get(..whole).unwrap_or_default());
            pending >>= held / 8 * 8;
            held %= 8;
        }
        if held > 0 {
            let [last, ..] = pending.to_le_bytes();
            out.push(last);
        }
        out.resize(start + packed_bytes(count, width), 0);
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
