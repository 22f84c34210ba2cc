//! `Packed`: numbers of a fixed width in bytes, and how they are written.

use super::format::{ALIGNMENT, Place};

const WORD: usize = 8;

/// Bytes of `count` numbers of `width` bytes: each can be read as 8.
pub(super) const fn packed_bytes(count: usize, width: usize) -> usize {
    if count == 0 || width == 0 {
        return 0;
    }
    (count * width + WORD - width).next_multiple_of(ALIGNMENT)
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
    pub(super) const fn new(bytes: &'a [u8], place: &Place) -> Self {
        let width = place.width as usize;
        let mask = match width {
            0 => 0,
            1..WORD => (1 << (width * 8)) - 1,
            _ => u64::MAX,
        };
        Self {
            bytes,
            base: place.base,
            mask,
            width,
        }
    }

    /// No numbers; each reads as 0.
    pub(super) const fn none() -> Self {
        Self {
            bytes: &[],
            base: 0,
            mask: 0,
            width: WORD,
        }
    }

    /// The number at `at`; `None` past the end of the section.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<u64> {
        if self.width == 0 {
            return Some(self.base);
        }
        let from = at.checked_mul(self.width)?;
        let (word, _) = self.bytes.get(from..)?.split_first_chunk::<WORD>()?;
        Some((u64::from_le_bytes(*word) & self.mask).wrapping_add(self.base))
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
pub(super) fn pack(out: &mut Vec<u8>, numbers: impl Iterator<Item = u64> + Clone) -> (u64, u8) {
    let (mut least, mut most, mut count) = (u64::MAX, 0, 0_usize);
    for number in numbers.clone() {
        least = least.min(number);
        most = most.max(number);
        count += 1;
    }
    if count == 0 {
        return (0, 0);
    }
    let bits = u64::BITS - (most - least).leading_zeros();
    // At most 8.
    let width = u8::try_from(bits.div_ceil(8)).unwrap_or(8);
    if width > 0 {
        let start = out.len();
        for number in numbers {
            let bytes = (number - least).to_le_bytes();
            out.extend_from_slice(bytes.get(..usize::from(width)).unwrap_or_default());
        }
        out.resize(start + packed_bytes(count, usize::from(width)), 0);
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
            prop_assert_eq!(section.len(), packed_bytes(numbers.len(), usize::from(width)));
            let packed = Packed::new(section, &place);
            for (at, number) in numbers.iter().enumerate() {
                prop_assert_eq!(packed.get(at), Some(*number));
            }
            if width > 0 {
                prop_assert_eq!(packed.get(numbers.len() + 8), None);
            }
        }
    }
}
