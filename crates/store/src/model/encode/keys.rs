//! `Keys`: whether a map has a key twice. Keeps hashes, and no key.

/// Digits of pi and of the golden ratio, as good as any.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The keys of a map that is being written, as hashes: 64 bits each, so that two keys are taken for one
/// about once in 2^64 pairs.
#[derive(Debug, Default)]
pub(super) struct Keys {
    few: [u64; 8],
    few_count: usize,
    more: Vec<u64>,
}

impl Keys {
    /// Folded multiplications of eight bytes each, as wyhash has them: maps are small, and a hash that
    /// withstands intent would cost as much as writing them. Keys that were made to have one hash are refused.
    #[inline]
    pub(super) fn hash(key: &[u8]) -> u64 {
        let fold = |hash: u64, word: u64| {
            let product = u128::from(hash ^ word) * u128::from(MULTIPLIER);
            #[expect(clippy::cast_possible_truncation, reason = "each half is 64 bits")]
            let (low, high) = (product as u64, (product >> 64) as u64);
            low ^ high
        };
        let (words, rest) = key.as_chunks::<8>();
        let start = SEED ^ key.len() as u64;
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let rest = rest
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        fold(fold(words.fold(start, fold), rest), SEED)
    }

    pub(super) fn add(&mut self, hash: u64) {
        match self.few.get_mut(self.few_count) {
            Some(free) => {
                *free = hash;
                self.few_count += 1;
            }
            None => self.more.push(hash),
        }
    }

    /// Whether two of them are equal.
    pub(super) fn has_equal(mut self) -> bool {
        let few = self.few.get(..self.few_count).unwrap_or_default();
        if self.more.is_empty() {
            let mut later = few.iter();
            return few.iter().any(|hash| {
                later.next();
                later.as_slice().contains(hash)
            });
        }
        self.more.extend_from_slice(few);
        self.more.sort_unstable();
        let mut pairs = self.more.windows(2);
        pairs.any(|pair| matches!(pair, [first, second] if first == second))
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_found_among_few_and_many() {
        for count in [0_u64, 1, 2, 8, 9, 1000] {
            let all = || {
                let mut keys = Keys::default();
                (0..count).for_each(|key| keys.add(Keys::hash(&key.to_le_bytes())));
                keys
            };
            assert!(!all().has_equal(), "{count}");
            for twice in [0, count / 2, count.saturating_sub(1)] {
                let mut keys = all();
                keys.add(Keys::hash(&twice.to_le_bytes()));
                assert_eq!(keys.has_equal(), count > 0, "{twice} of {count}");
            }
        }
    }
}
