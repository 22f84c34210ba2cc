//! `IdTable`: from an event id to its row, by hashing, for the ids that do not
//! [ascend](super::ascending).
//!
//! Open addressing with linear probing over slots of (fingerprint, row), which is 8 bytes a slot;
//! ids are compared in the columns. A slot is written once, relaxed, and ordered by the gate like a
//! column; a table is replaced as a whole when it fills.

use std::hash::BuildHasher;
use strandline_core::EventId;
use strandline_core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Randomly keyed, since callers choose ids; fixed under loom, which repeats executions.
#[cfg(not(strandline_loom))]
pub(crate) type IdHasher = std::collections::hash_map::RandomState;
#[cfg(strandline_loom)]
pub(crate) type IdHasher = std::hash::BuildHasherDefault<std::collections::hash_map::DefaultHasher>;

#[cfg(not(strandline_loom))]
const BITS_MIN: u32 = 10;
#[cfg(strandline_loom)]
const BITS_MIN: u32 = 2;
/// A fingerprint has 32 bits, so a table has at most 2^32 slots.
const BITS_MAX: u32 = 32;

/// The upper half of the hash of `id`.
pub(crate) fn fingerprint(hasher: &IdHasher, id: EventId) -> u32 {
    let [.., a, b, c, d] = hasher.hash_one(id).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Slots of fingerprint and row; a slot of 0 is empty.
pub(crate) struct IdTable {
    slots: Box<[AtomicU64]>,
    bits: u32,
    /// Entries. Written and read as a slot is.
    len: AtomicU32,
}

impl IdTable {
    pub(crate) fn new() -> Self {
        Self::with_bits(BITS_MIN)
    }

    fn with_bits(bits: u32) -> Self {
        Self {
            slots: (0..1_u64 << bits).map(|_| AtomicU64::new(0)).collect(),
            bits,
            len: AtomicU32::new(0),
        }
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Ordering::Relaxed) == 0
    }

    /// A table with the entries of `from` and room for one more; `None` if `from` has the room.
    /// O(slots of both).
    pub(crate) fn grown(from: &Self) -> Option<Self> {
        let rows = from.len.load(Ordering::Relaxed) as usize + 1;
        let bits = bits_for(rows).max(from.bits);
        (bits > from.bits).then(|| from.copied(bits, u32::MAX))
    }

    /// A table of the same size without the rows from `rows` on. O(slots).
    pub(crate) fn truncated(&self, rows: u32) -> Self {
        self.copied(self.bits, rows)
    }

    fn copied(&self, bits: u32, rows: u32) -> Self {
        let table = Self::with_bits(bits);
        // The upper bits of the fingerprint lead, so old order is new order and both tables are
        // walked from start to end.
        for slot in &self.slots {
            if let Some((fingerprint, row)) = unpack(slot.load(Ordering::Relaxed))
                && row < rows
            {
                table.insert(fingerprint, row);
            }
        }
        table
    }

    /// Adds a row. There must be room.
    pub(crate) fn insert(&self, fingerprint: u32, row: u32) {
        for slot in self.probe(fingerprint) {
            if slot.load(Ordering::Relaxed) == 0 {
                slot.store(pack(fingerprint, row), Ordering::Relaxed);
                let len = self.len.load(Ordering::Relaxed);
                self.len.store(len.saturating_add(1), Ordering::Relaxed);
                return;
            }
        }
    }

    /// The row among those with `fingerprint` for which `is_it` holds. Expected O(1).
    pub(crate) fn find(&self, fingerprint: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        for slot in self.probe(fingerprint) {
            let (found, row) = unpack(slot.load(Ordering::Relaxed))?;
            if found == fingerprint && is_it(row) {
                return Some(row);
            }
        }
        None
    }

    /// Every slot, from the one that `fingerprint` belongs in, around to the one before it.
    fn probe(&self, fingerprint: u32) -> impl Iterator<Item = &AtomicU64> {
        let first = fingerprint
            .checked_shr(BITS_MAX - self.bits)
            .unwrap_or_default() as usize;
        let (before, from) = self.slots.split_at(first.min(self.slots.len()));
        from.iter().chain(before)
    }
}

/// Slots for `rows` rows, as a power of two: at most five eighths of them are taken.
fn bits_for(rows: usize) -> u32 {
    let slots = (rows.saturating_mul(8) / 5).saturating_add(1);
    slots
        .checked_next_power_of_two()
        .map_or(BITS_MAX, usize::ilog2)
        .clamp(BITS_MIN, BITS_MAX)
}

/// Rows are counted from 1 in a slot, so that no entry is 0; the last row number is never given.
fn pack(fingerprint: u32, row: u32) -> u64 {
    u64::from(fingerprint) << 32 | (u64::from(row) + 1)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are what is wanted"
)]
fn unpack(slot: u64) -> Option<(u32, u32)> {
    (slot != 0).then(|| ((slot >> 32) as u32, (slot as u32).wrapping_sub(1)))
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_after_growth_and_none_after_truncation() {
        let hasher = IdHasher::default();
        let print = |row: u32| fingerprint(&hasher, EventId::from_u128(u128::from(row)));
        let mut table = IdTable::new();
        for row in 0..5000_u32 {
            if let Some(grown) = IdTable::grown(&table) {
                table = grown;
            }
            table.insert(print(row), row);
        }
        for row in 0..5000 {
            assert_eq!(table.find(print(row), |found| found == row), Some(row));
        }
        assert_eq!(table.find(print(5000), |found| found == 5000), None);
        let table = table.truncated(100);
        for row in 0..5000 {
            let found = table.find(print(row), |found| found == row);
            assert_eq!(found.is_some(), row < 100);
        }
    }

    #[test]
    fn equal_fingerprints_are_told_apart_and_wrap_around() {
        let table = IdTable::new();
        for row in 0..50 {
            table.insert(u32::MAX, row);
        }
        for row in 0..50 {
            assert_eq!(table.find(u32::MAX, |found| found == row), Some(row));
        }
    }
}
