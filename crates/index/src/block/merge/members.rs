//! `Members`: which of several sorted lists of names have each of the names together, in their order. The
//! names themselves stay where they are.
//!
//! A byte a name for up to 8 lists: with it all lists are walked together as often as it takes, and no
//! name is compared again.

use super::out::Out;
use super::sink::MergeError;
use super::used::{Used, UsedPlaces};

/// Names between two looks at whether to go on.
const STEP: u32 = 1 << 14;

/// Which lists have each name.
pub(super) struct Members {
    count: u32,
    /// Bytes of a name.
    stride: usize,
    /// A bit for each list.
    bits: Vec<u8>,
}

/// A name in one of the lists that have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// Which list.
    pub(super) source: usize,
    /// The place of the name there.
    pub(super) place: u32,
    /// Whether it is the first or the last of the lists that have the name.
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

impl Members {
    /// Of `sources` lists, whose names come in order, each with its list.
    pub(super) fn of<T: PartialEq>(
        sources: usize,
        names: impl Iterator<Item = (T, usize)>,
        out: &mut Out<'_>,
    ) -> Result<Self, MergeError> {
        let stride = sources.div_ceil(8);
        let mut bits: Vec<u8> = Vec::new();
        let (mut count, mut seen) = (0_u32, 0_u32);
        let mut last: Option<T> = None;
        for (name, source) in names {
            if last.as_ref() != Some(&name) {
                count = count.checked_add(1).ok_or(MergeError::Contradiction {
                    what: "names than can be numbered",
                })?;
                bits.resize(bits.len() + stride, 0);
                last = Some(name);
            }
            let start = bits.len().saturating_sub(stride);
            if let Some(byte) = bits.get_mut(start + source / 8) {
                *byte |= 1 << (source % 8);
            }
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(STEP) {
                out.worked(STEP.into())?;
            }
        }
        bits.shrink_to_fit();
        Ok(Self {
            count,
            stride,
            bits,
        })
    }

    /// How many names there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// A bit for each list that has the name at a place.
    #[inline]
    fn mask(&self, name: u32) -> u64 {
        let start = name as usize * self.stride;
        if self.stride == 1 {
            return self.bits.get(start).copied().map_or(0, u64::from);
        }
        let bytes = self.bits.get(start..start + self.stride);
        let bytes = bytes.unwrap_or_default().iter().rev();
        bytes.fold(0, |mask, byte| mask << 8 | u64::from(*byte))
    }

    /// Every name in each of the lists that have it, in order, where `used` says of each list which of
    /// its places are names.
    pub(super) fn walk<'m>(&'m self, used: impl Iterator<Item = &'m Used>) -> Walk<'m> {
        Walk {
            members: self,
            next: 0,
            mask: 0,
            is_first: true,
            places: used.map(Used::places).collect(),
        }
    }

    /// The places, among all, of the names of one list, ascending.
    pub(super) fn places_of(&self, source: usize) -> impl Iterator<Item = u32> {
        (0..self.count).filter(move |name| self.mask(*name) >> source & 1 == 1)
    }

    /// The place among all of each place of a list; 0 where that is no name.
    pub(super) fn map_of(&self, source: usize, used: &Used, places: u32) -> Vec<u32> {
        let mut map = vec![0; places as usize];
        for (own, name) in used.places().zip(self.places_of(source)) {
            if let Some(cell) = map.get_mut(own as usize) {
                *cell = name;
            }
        }
        map
    }
}

/// A walk along all names.
pub(super) struct Walk<'m> {
    members: &'m Members,
    /// The name after the one that is walked.
    next: u32,
    /// The lists that have the one that is walked and were not given yet.
    mask: u64,
    is_first: bool,
    places: Vec<UsedPlaces<'m>>,
}

impl Iterator for Walk<'_> {
    type Item = Member;

    #[inline]
    fn next(&mut self) -> Option<Member> {
        while self.mask == 0 {
            if self.next >= self.members.count {
                return None;
            }
            self.mask = self.members.mask(self.next);
            self.next += 1;
            self.is_first = true;
        }
        let source = self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        let is_first = std::mem::replace(&mut self.is_first, false);
        let place = self.places.get_mut(source).and_then(Iterator::next);
        Some(Member {
            source,
            place: place.unwrap_or_default(),
            is_first,
            is_last: self.mask == 0,
        })
    }
}
