//! The names of kinds that the records of a segment give, or of several, and the list of them in a footer, a
//! merged file and a checkpoint.
//!
//! | field | bytes |
//! |---|---|
//! | checksum of what follows, with no salt, at offset 0 | 8 |
//! | number of kinds | 4 |
//! | for each, ascending: kind (u16), sequence of the first record that names it (u64), name (length u8, UTF-8) | 12 and more |
//! | zeros, up to a multiple of 8 bytes | 0 to 7 |
//!
//! No kinds take no bytes. Of a kind that is named more than once the first name counts, by the sequences of
//! the records: so the names of several segments do not depend on the order in which they are put together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{EventKind, Salt, Sequence, check_name};

const ALIGNMENT: usize = 8;
const CHECKSUM_BYTES: usize = 8;

/// The names of kinds, each with the sequence of the first record that gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KindNames(BTreeMap<EventKind, (Sequence, Arc<str>)>);

impl KindNames {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes that the record of a sequence names a kind. Whether it is the first one.
    pub(crate) fn note(&mut self, kind: EventKind, name: &str, at: Sequence) -> bool {
        match self.0.entry(kind) {
            Entry::Vacant(vacant) => drop(vacant.insert((at, name.into()))),
            Entry::Occupied(known) if known.get().0 <= at => return false,
            Entry::Occupied(mut known) => drop(known.insert((at, name.into()))),
        }
        true
    }

    /// Whether a kind is named so.
    pub(crate) fn is(&self, kind: EventKind, name: &str) -> bool {
        self.0.get(&kind).is_some_and(|(_, own)| **own == *name)
    }

    /// Adds the names of another list.
    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, (at, name)) in &other.0 {
            self.note(*kind, name, *at);
        }
    }

    /// The kinds, ascending, each with its name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EventKind, &Arc<str>)> {
        self.0.iter().map(|(kind, (_, name))| (*kind, name))
    }

    /// The kinds in the order in which they were named.
    pub(crate) fn by_sequence(&self) -> Vec<(EventKind, &Arc<str>)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, (at, _))| *at);
        let all = all.into_iter();
        all.map(|(kind, (_, name))| (*kind, name)).collect()
    }

    /// The bytes of the list; none if it is empty.
    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut bytes = vec![0; CHECKSUM_BYTES];
        let mut out = Writer::new(&mut bytes);
        // There are 65,536 kinds.
        out.u32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        for (kind, (at, name)) in &self.0 {
            out.u16(kind.bits());
            out.u64(at.get());
            out.u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.bytes(name.as_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        if let Some((to_checksum, covered)) = bytes.split_first_chunk_mut() {
            *to_checksum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
        }
        bytes
    }

    /// The names in the bytes of a list. O(bytes); allocates no more than they are.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are not what [`encode`](Self::encode) makes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut kinds = Self::default();
        if bytes.is_empty() {
            return Ok(kinds);
        }
        let mut reader = Reader::new(bytes);
        let checksum = reader.u64("checksum of the names of kinds")?;
        let covered = bytes.get(CHECKSUM_BYTES..).unwrap_or_default();
        if Salt::NONE.checksum(0, covered).0 != checksum {
            return Err(reader.invalid("names of kinds", "their checksum is wrong"));
        }
        let count = reader.u32("number of kinds")?;
        let mut last = None;
        for _ in 0..count {
            let kind = EventKind::from_bits(reader.u16("kind")?);
            let at = Sequence::new(reader.u64("sequence")?);
            let length = reader.u8("name of a kind")?;
            let name = reader.bytes("name of a kind", usize::from(length))?;
            let name = std::str::from_utf8(name).ok();
            let name = name.filter(|name| check_name("name of a kind", name).is_ok());
            let name =
                name.ok_or_else(|| reader.invalid("name of a kind", "breaks a rule for names"))?;
            if last.is_some_and(|last| last >= kind) || kind.is_reserved() {
                return Err(reader.invalid("kind", "does not ascend, or is reserved"));
            }
            last = Some(kind);
            kinds.0.insert(kind, (at, name.into()));
        }
        let left = reader.left();
        let zeros = reader.bytes("zeros", left)?;
        if count == 0 || left >= ALIGNMENT || zeros.iter().any(|byte| *byte != 0) {
            return Err(reader.invalid("names of kinds", "something is left over"));
        }
        match bytes.len().is_multiple_of(ALIGNMENT) {
            true => Ok(kinds),
            false => Err(reader.invalid("names of kinds", "are cut short")),
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = KindNames> {
        proptest::collection::vec((0..9_u16, "[a-f]{1,9}", 0..50_u64), 0..12).prop_map(|said| {
            let mut kinds = KindNames::default();
            for (kind, name, at) in said {
                kinds.note(EventKind::new(1, kind), &name, Sequence::new(at));
            }
            kinds
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_every_cut_is_found(kinds in kinds()) {
            let bytes = kinds.encode();
            prop_assert!(bytes.len().is_multiple_of(ALIGNMENT));
            for length in 1..bytes.len() {
                prop_assert!(KindNames::decode(&bytes[..length]).is_err(), "{} bytes", length);
            }
            prop_assert_eq!(KindNames::decode(&bytes).unwrap(), kinds);
        }

        #[test]
        fn the_order_of_lists_does_not_matter(lists in proptest::collection::vec(kinds(), 0..5)) {
            // No two records have one sequence.
            let mut number = 0;
            let lists: Vec<_> = lists.into_iter().map(|list| {
                let mut unique = KindNames::default();
                for (kind, (at, name)) in list.0 {
                    number += 1;
                    unique.note(kind, &name, Sequence::new(at.get() * 100 + number));
                }
                unique
            }).collect();
            let sum = |lists: &mut dyn Iterator<Item = &KindNames>| {
                let mut sum = KindNames::default();
                lists.for_each(|list| sum.add(list));
                sum
            };
            prop_assert_eq!(sum(&mut lists.iter()), sum(&mut lists.iter().rev()));
        }

        /// Also bytes whose checksum is right.
        #[test]
        fn any_bytes_are_refused_or_read(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..80),
            is_short: bool,
        ) {
            if is_short && bytes.len() > 12 {
                let count = 1 + bytes[8] % 2;
                bytes[8..12].copy_from_slice(&[count, 0, 0, 0]);
                if bytes.len() > 22 {
                    bytes[22] %= 16;
                    bytes[23..].iter_mut().for_each(|byte| *byte = b'a' + *byte % 16);
                    let zeros = bytes.len().saturating_sub(5).max(23);
                    bytes[zeros..].fill(0);
                }
            }
            if let Some((to, covered)) = bytes.split_first_chunk_mut() {
                *to = Salt::NONE.checksum(0, covered).0.to_le_bytes();
            }
            if let Ok(kinds) = KindNames::decode(&bytes) {
                prop_assert_eq!(kinds.encode(), bytes);
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let mut kinds = KindNames::default();
        kinds.note(EventKind::new(1, 1), "order.placed", Sequence::new(7));
        let mut bytes = kinds.encode();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(KindNames::decode(&bytes).is_err(), "{bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(KindNames::decode(&bytes), Ok(kinds));
    }
}
