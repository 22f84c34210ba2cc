//! Tables of fingerprints: from the hash of a name or an id to the places where it may be. What is at
//! a place is compared by whoever asks: a table is never believed.
//!
//! A table of `n` entries has `n + n/2` homes, and 64 slots after the last. The home of an entry is
//! the upper half of its hash, scaled to the homes. Entries stand in the order of their hashes, then
//! places, each in the first free slot from its home on; if one is 64 slots or more from its home,
//! there is no table: so a search looks at 64 slots at most, whatever names were chosen. A slot is the
//! lowest 12 bits of the hash, and above them the place, counted from 1; an empty one is 0.
//!
//! As hashes ascend, slots do: a table is written from start to end.

use std::ops::Range;
use strandline_core::{EventId, Salt};

/// Slots after the last home, and how far from its home an entry never is.
const REACH: u64 = 64;
/// Bits of a hash that stand in its slot.
const FINGERPRINT_BITS: u32 = 12;
const FINGERPRINT_MASK: u64 = (1 << FINGERPRINT_BITS) - 1;

/// The hash of a name in every table: XXH3 with 64 bits.
#[inline]
pub(crate) fn name_hash(name: &str) -> u64 {
    bytes_hash(name.as_bytes())
}

/// The hash of the name that has these bytes.
#[inline]
pub(crate) fn bytes_hash(name: &[u8]) -> u64 {
    Salt::NONE.checksum(0, name).0
}

/// The hash of an id in every table: that of its bytes, as a block has them.
#[inline]
pub(crate) fn id_hash(id: EventId) -> u64 {
    Salt::NONE.checksum(0, &id.as_u128().to_le_bytes()).0
}

/// The shape of a table: what its number of entries alone decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableShape {
    entries: u32,
}

impl TableShape {
    /// Of a table of so many entries.
    pub(crate) const fn of(entries: u32) -> Self {
        Self { entries }
    }

    /// How many slots there are; none without entries.
    pub(crate) const fn slots(self) -> u64 {
        if self.entries == 0 {
            return 0;
        }
        self.homes() + REACH
    }

    /// Width of a slot in bits.
    pub(crate) const fn width(self) -> u8 {
        let bits = FINGERPRINT_BITS + (u32::BITS - self.entries.leading_zeros());
        // At most 44.
        bits.to_le_bytes()[0]
    }

    const fn homes(self) -> u64 {
        self.entries as u64 + self.entries as u64 / 2
    }

    /// The slots where an entry with this hash can be.
    #[inline]
    fn probe(self, hash: u64) -> Range<u64> {
        let home = self.home(hash);
        home..home + REACH
    }

    #[inline]
    pub(crate) fn home(self, hash: u64) -> u64 {
        let scaled = u128::from(hash >> u32::BITS) * u128::from(self.homes());
        u64::try_from(scaled >> u32::BITS).unwrap_or_default()
    }

    /// The places where what has this hash may be, where `slot` gives the slots, whatever they hold:
    /// none is past the last entry, and there are at most 64.
    #[inline]
    pub(crate) fn candidates(
        self,
        hash: u64,
        mut slot: impl FnMut(usize) -> Option<u64>,
    ) -> impl Iterator<Item = u32> {
        let slots = self.probe(hash).map_while(move |at| {
            let slot = slot(usize::try_from(at).ok()?)?;
            (slot != 0).then_some(slot)
        });
        slots
            .filter(move |slot| (slot ^ hash) & FINGERPRINT_MASK == 0)
            .filter_map(move |slot| {
                let place = (slot >> FINGERPRINT_BITS).checked_sub(1)?;
                let place = u32::try_from(place).ok()?;
                (place < self.entries).then_some(place)
            })
    }
}

/// Why there is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTable<E> {
    /// An entry would be too far from its home.
    Crowded,
    /// What takes the slots took no more.
    Out(E),
}

/// The slots of a table, as its entries are given in order.
struct TableWriter<F> {
    shape: TableShape,
    /// The slot after the last that was written.
    next: u64,
    out: F,
}

impl<E, F: FnMut(u64) -> Result<(), E>> TableWriter<F> {
    /// Writes the slots up to that of an entry, which comes after all others by hash, then place.
    fn push(&mut self, hash: u64, place: u32) -> Result<(), NoTable<E>> {
        let home = self.shape.home(hash);
        if self.next >= home + REACH {
            return Err(NoTable::Crowded);
        }
        self.fill(home)?;
        self.write((u64::from(place) + 1) << FINGERPRINT_BITS | hash & FINGERPRINT_MASK)
    }

    /// Writes empty slots until `end`.
    fn fill(&mut self, end: u64) -> Result<(), NoTable<E>> {
        while self.next < end {
            self.write(0)?;
        }
        Ok(())
    }

    fn write(&mut self, slot: u64) -> Result<(), NoTable<E>> {
        self.next += 1;
        (self.out)(slot).map_err(NoTable::Out)
    }
}

/// Entries that are sorted at a time, at 16 bytes each: more than most blocks have of anything.
pub(crate) const PASS_ENTRIES: u32 = 1 << 22;

/// Gives `out` the slots of a table of `entries` entries, from start to end. `hashes` gives the hash of
/// each by place, once for each pass: one pass sorts the entries of a range of hashes, so many ranges
/// that each has some `pass_entries` of them, at 16 bytes each and never twice as many.
/// O(entries × log `pass_entries`), and the passes.
///
/// # Errors
///
/// [`NoTable`]: what `out` took until then is no table. That it is crowded can be found out first, with
/// an `out` that takes everything.
pub(crate) fn write_table<E, I: Iterator<Item = u64>>(
    entries: u32,
    pass_entries: u32,
    hashes: impl Fn() -> I,
    out: impl FnMut(u64) -> Result<(), E>,
) -> Result<(), NoTable<E>> {
    let shape = TableShape::of(entries);
    let mut writer = TableWriter {
        shape,
        next: 0,
        out,
    };
    let passes = entries.div_ceil(pass_entries.max(1));
    let share = u128::from(passes);
    let mut pass: Vec<(u64, u32)> = Vec::new();
    for at in 0..passes {
        let own = |hash: u64| (u128::from(hash) * share) >> u64::BITS == u128::from(at);
        // More than the slots of a range cannot all be near their homes.
        let most = usize::try_from(shape.slots() / u64::from(passes) + REACH + 2);
        let most = most.unwrap_or(usize::MAX);
        pass.clear();
        let listed = (0..entries).zip(hashes());
        pass.extend(
            listed
                .filter(|(_, hash)| own(*hash))
                .map(|(place, hash)| (hash, place))
                .take(most + 1),
        );
        if pass.len() > most {
            return Err(NoTable::Crowded);
        }
        pass.sort_unstable();
        for (hash, place) in &pass {
            writer.push(*hash, *place)?;
        }
    }
    writer.fill(shape.slots())
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn table(hashes: &[u64], pass_entries: u32) -> Result<Vec<u64>, NoTable<Infallible>> {
        let entries = u32::try_from(hashes.len()).unwrap();
        let mut slots = Vec::new();
        write_table(
            entries,
            pass_entries,
            || hashes.iter().copied(),
            |slot| {
                slots.push(slot);
                Ok(())
            },
        )?;
        assert_eq!(slots.len() as u64, TableShape::of(entries).slots());
        Ok(slots)
    }

    fn candidates(entries: usize, slots: &[u64], hash: u64) -> Vec<u32> {
        let shape = TableShape::of(u32::try_from(entries).unwrap());
        let found = shape.candidates(hash, |at| slots.get(at).copied());
        found.collect()
    }

    /// As linear probing would be, entry by entry.
    fn expected(hashes: &[u64]) -> Option<Vec<u64>> {
        let shape = TableShape::of(u32::try_from(hashes.len()).unwrap());
        let mut slots = vec![0; usize::try_from(shape.slots()).unwrap()];
        let mut order: Vec<usize> = (0..hashes.len()).collect();
        order.sort_by_key(|at| (hashes[*at], *at));
        for at in order {
            let hash = hashes[at];
            let homes = hashes.len() as u128 * 3 / 2;
            let home = usize::try_from((u128::from(hash >> 32) * homes) >> 32).unwrap();
            let free = (home..home + 64).find(|slot| slots[*slot] == 0)?;
            slots[free] = (at as u64 + 1) << 12 | hash & 0xFFF;
        }
        Some(slots)
    }

    proptest! {
        #[test]
        fn every_entry_is_a_candidate_and_passes_change_nothing(
            seeds in proptest::collection::vec(any::<u64>(), 0..400),
            // Some of the hashes are near each other, some the same.
            spread in prop_oneof![Just(u64::MAX), Just(0xFF00_0000_0000_0FFF), Just(3 << 62)],
            pass_entries in 1..500_u32,
        ) {
            let hashes: Vec<u64> = seeds.iter().map(|seed| seed & spread).collect();
            let made = table(&hashes, pass_entries).ok();
            prop_assert_eq!(&made, &expected(&hashes));
            for (place, hash) in hashes.iter().enumerate() {
                if let Some(slots) = &made {
                    let found = candidates(hashes.len(), slots, *hash);
                    prop_assert!(found.contains(&u32::try_from(place).unwrap()));
                }
            }
        }

        #[test]
        fn whatever_a_table_holds_candidates_are_few_and_within(
            slots in proptest::collection::vec(any::<u64>(), 0..300),
            entries in 0..300_usize,
            hash in any::<u64>(),
        ) {
            let found = candidates(entries, &slots, hash);
            prop_assert!(found.len() <= 64);
            prop_assert!(found.iter().all(|place| (*place as usize) < entries));
        }
    }

    #[test]
    fn a_miss_is_nearly_always_seen_without_a_look_at_a_place() {
        let hash = |number: u64| name_hash(&format!("order:{number}"));
        let hashes: Vec<u64> = (0..50_000).map(hash).collect();
        let slots = table(&hashes, u32::MAX).unwrap();
        let misses = 50_000..100_000;
        let looks: usize = misses
            .map(|number| candidates(hashes.len(), &slots, hash(number)).len())
            .sum();
        assert!(looks < 200, "{looks} places for 50,000 misses");
    }

    #[test]
    fn names_chosen_to_collide_leave_no_table() {
        let spread: Vec<u64> = (0..10_000_u64)
            .map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .collect();
        for (chosen, is_left_out) in [(60, false), (65, true), (5_000, true)] {
            let same = vec![0x8000_0000_0000_0000; chosen];
            let all = [same, spread.clone()].concat();
            for pass_entries in [100, u32::MAX] {
                let made = table(&all, pass_entries);
                let is_crowded = made.err() == Some(NoTable::Crowded);
                assert_eq!(is_crowded, is_left_out, "{chosen} of one hash");
            }
        }
    }

    #[test]
    fn what_takes_no_more_slots_ends_the_writing() {
        let mut room = 3;
        let made = write_table(
            100,
            10,
            || (0..100).map(|at: u64| at << 57),
            |_| {
                room -= 1;
                if room == 0 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!(made, Err(NoTable::Out("full")));
    }

    #[test]
    fn the_greatest_table_has_slots_of_44_bits() {
        let shape = TableShape::of(u32::MAX);
        assert_eq!(shape.width(), 44);
        assert!(shape.probe(u64::MAX).end < shape.slots());
        assert_eq!(TableShape::of(1).width(), 13);
        assert_eq!(TableShape::of(0).slots(), 0);
    }
}
