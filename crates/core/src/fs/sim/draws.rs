//! `Draws`: numbers that follow from a seed.

/// Numbers that look random and follow from a seed (SplitMix64, Steele et al., OOPSLA 2014).
///
/// Not for secrets.
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    /// The numbers of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Other numbers for each part of what `seed` stands for.
    #[must_use]
    pub fn of(seed: u64, parts: &[u64]) -> Self {
        let mut draws = Self(seed);
        for part in parts {
            draws.0 = draws.number() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        Self(draws.number())
    }

    /// 64 bits.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match self.number().checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// True in `times` of `of` cases.
    pub const fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_parts_differ() {
        assert_eq!(Draws::new(1).number(), Draws::new(1).number());
        let first = Draws::of(1, &[2, 3]).number();
        assert_eq!(first, Draws::of(1, &[2, 3]).number());
        assert_ne!(first, Draws::of(1, &[3, 2]).number());
        assert_ne!(first, Draws::of(2, &[2, 3]).number());
    }
}
