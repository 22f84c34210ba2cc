//! `Used`: which places of a list are those of some rows. Which rows, it does not know.

/// Places of a list.
pub(super) enum Used {
    /// All of so many.
    All(u32),
    /// Those whose bit is set.
    Some(Vec<u64>),
}

impl Used {
    /// None of so many.
    pub(super) fn none(count: u32) -> Self {
        Self::Some(vec![0; (count as usize).div_ceil(64)])
    }

    pub(super) fn insert(&mut self, place: u32) {
        if let Self::Some(words) = self
            && let Some(word) = words.get_mut(place as usize / 64)
        {
            *word |= 1 << (place % 64);
        }
    }

    /// The places, ascending.
    pub(super) fn places(&self) -> UsedPlaces<'_> {
        match self {
            Self::All(count) => UsedPlaces::All(0..*count),
            Self::Some(words) => UsedPlaces::Some {
                words,
                next: 0,
                word: 0,
            },
        }
    }
}

/// Places, ascending.
pub(super) enum UsedPlaces<'u> {
    All(std::ops::Range<u32>),
    Some {
        words: &'u [u64],
        /// The word after the one that is read.
        next: u32,
        /// The bits of that which were not given yet.
        word: u64,
    },
}

impl Iterator for UsedPlaces<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        match self {
            Self::All(places) => places.next(),
            Self::Some { words, next, word } => {
                while *word == 0 {
                    *word = *words.get(*next as usize)?;
                    *next += 1;
                }
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                Some((*next - 1) * 64 + bit)
            }
        }
    }
}
