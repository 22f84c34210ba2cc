//! `Hashed`: from the hash of something to its number. What it is, and whether it is that, the caller knows.
//!
//! Open addressing with linear probing over slots of (fingerprint, number), 8 bytes a slot, in shards with
//! a lock each. A shard grows without asking for a hash again: the upper bits of a fingerprint lead, so
//! old order is new order. Nothing is ever removed.

use super::own_line::OwnLine;
use strandline_core::sync::RwLock;

/// Shards, as a power of two: one that grows holds up those who ask it alone, and for a short time.
#[cfg(not(strandline_loom))]
const SHARDS: usize = 16;
#[cfg(strandline_loom)]
const SHARDS: usize = 1;
const BITS_MIN: u32 = 4;
/// Bits of a fingerprint.
const BITS_MAX: u32 = 32;

/// Numbers by hash.
pub(crate) struct Hashed {
    shards: [OwnLine<RwLock<Shard>>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// A power of two of them, or none; a slot of 0 is empty.
    slots: Vec<u64>,
    len: usize,
}

impl Hashed {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| OwnLine(RwLock::new(Shard::default()))),
        }
    }

    /// The number among those with this hash for which `is_it` holds, which is called under a lock.
    /// Expected O(1).
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (fingerprint, shard) = self.place(hash)?;
        shard.read().find(fingerprint, is_it)
    }

    /// Adds a number below `u32::MAX`. Expected O(1); O(numbers) of one shard where that doubles.
    pub(crate) fn insert(&self, hash: u64, number: u32) {
        if let Some((fingerprint, shard)) = self.place(hash) {
            shard.write().insert(fingerprint, number);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves are what is wanted"
    )]
    fn place(&self, hash: u64) -> Option<(u32, &RwLock<Shard>)> {
        let shard = self.shards.get((hash as usize).checked_rem(SHARDS)?)?;
        Some(((hash >> BITS_MAX) as u32, &shard.0))
    }
}

impl Shard {
    /// Every slot, from the one that `fingerprint` belongs in, around to the one before it.
    fn probe(&self, fingerprint: u32) -> impl Iterator<Item = u64> {
        let (before, from) = self.slots.split_at(self.first(fingerprint));
        from.iter().chain(before).copied()
    }

    fn first(&self, fingerprint: u32) -> usize {
        let bits = self.slots.len().checked_ilog2().unwrap_or_default();
        let first = fingerprint.checked_shr(BITS_MAX - bits).unwrap_or_default();
        (first as usize).min(self.slots.len())
    }

    fn find(&self, fingerprint: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        for slot in self.probe(fingerprint) {
            let (found, number) = unpack(slot)?;
            if found == fingerprint && is_it(number) {
                return Some(number);
            }
        }
        None
    }

    fn insert(&mut self, fingerprint: u32, number: u32) {
        // At most three quarters are taken.
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.put(fingerprint, number);
        self.len += 1;
    }

    fn put(&mut self, fingerprint: u32, number: u32) {
        let first = self.first(fingerprint);
        let (before, from) = self.slots.split_at_mut(first);
        if let Some(slot) = from.iter_mut().chain(before).find(|slot| **slot == 0) {
            *slot = pack(fingerprint, number);
        }
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(1 << BITS_MIN);
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        for (fingerprint, number) in old.into_iter().filter_map(unpack) {
            self.put(fingerprint, number);
        }
    }
}

/// Numbers are counted from 1 in a slot, so that no entry is 0.
fn pack(fingerprint: u32, number: u32) -> u64 {
    u64::from(fingerprint) << BITS_MAX | (u64::from(number) + 1)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are what is wanted"
)]
fn unpack(slot: u64) -> Option<(u32, u32)> {
    (slot != 0).then(|| ((slot >> BITS_MAX) as u32, (slot as u32).wrapping_sub(1)))
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_found_after_growth() {
        let hash = |number: u32| u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hashed = Hashed::new();
        assert_eq!(hashed.find(0, |_| true), None);
        for number in 0..20_000 {
            hashed.insert(hash(number), number);
            assert_eq!(
                hashed.find(hash(number), |found| found == number),
                Some(number)
            );
        }
        for number in 0..20_000 {
            assert_eq!(
                hashed.find(hash(number), |found| found == number),
                Some(number)
            );
        }
        assert_eq!(hashed.find(hash(20_000), |found| found == 20_000), None);
    }

    #[test]
    fn equal_hashes_are_told_apart_and_wrap_around() {
        let hashed = Hashed::new();
        for number in 0..50 {
            hashed.insert(u64::MAX, number);
        }
        for number in 0..50 {
            assert_eq!(hashed.find(u64::MAX, |found| found == number), Some(number));
        }
        assert_eq!(hashed.find(u64::MAX, |found| found == 50), None);
        assert_eq!(hashed.find(u64::MAX - 1, |_| true), None);
    }
}
