//! `Summary`: what the records of a segment say, or of several, that an opening has to know and is no row: the
//! names of kinds, and how far sources were gone through. The list of it in a footer, a merged file and a
//! checkpoint.
//!
//! | field | bytes |
//! |---|---|
//! | checksum of what follows, with no salt, at offset 0 | 8 |
//! | number of kinds | 4 |
//! | for each, ascending: kind (u16), sequence of the first record that names it (u64), name (length u8, UTF-8) | 12 and more |
//! | if there are sources: their number, not 0 | 4 |
//! | for each, names ascending: position (u64), sequence of the record that has it (u64), name (length u8, UTF-8) | 18 and more |
//! | zeros, up to a multiple of 8 bytes | 0 to 7 |
//!
//! Where nothing is said it takes no bytes. Whether there are sources is told by how many bytes follow the kinds.

use super::kinds::KindNames;
use super::positions::SourcePositions;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::record::StoredRecord;
use strandline_core::{Salt, Sequence};

const ALIGNMENT: usize = 8;
const CHECKSUM_BYTES: usize = 8;

/// What records say beside their rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The names of kinds.
    pub(crate) kinds: KindNames,
    /// How far sources were gone through.
    pub(crate) positions: SourcePositions,
}

impl Summary {
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.positions.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.kinds.clear();
        self.positions.clear();
    }

    /// Notes what a record says.
    pub(crate) fn note(&mut self, record: &StoredRecord<'_>, at: Sequence) {
        if let Some((kind, name)) = record.kind_name() {
            self.kinds.note(kind, name, at);
        }
        if let Some((source, position)) = record.tracking() {
            self.positions.note(source, position, at);
        }
    }

    /// Adds what others say.
    pub(crate) fn add(&mut self, other: &Self) {
        self.kinds.add(&other.kinds);
        self.positions.add(&other.positions);
    }

    /// The bytes of the list; none if it is empty.
    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut bytes = vec![0; CHECKSUM_BYTES];
        let mut out = Writer::new(&mut bytes);
        self.kinds.encode(&mut out);
        if !self.positions.is_empty() {
            self.positions.encode(&mut out);
        }
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        if let Some((to_checksum, covered)) = bytes.split_first_chunk_mut() {
            *to_checksum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
        }
        bytes
    }

    /// What the bytes of a list say. O(bytes); allocates no more than they are.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are not what [`encode`](Self::encode) makes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut summary = Self::default();
        if bytes.is_empty() {
            return Ok(summary);
        }
        let mut reader = Reader::new(bytes);
        let checksum = reader.u64("checksum of a summary")?;
        let covered = bytes.get(CHECKSUM_BYTES..).unwrap_or_default();
        if Salt::NONE.checksum(0, covered).0 != checksum {
            return Err(reader.invalid("summary", "its checksum is wrong"));
        }
        summary.kinds = KindNames::decode(&mut reader)?;
        if reader.left() >= ALIGNMENT {
            summary.positions = SourcePositions::decode(&mut reader)?;
        }
        let left = reader.left();
        let zeros = reader.bytes("zeros", left)?;
        if summary.is_empty() || left >= ALIGNMENT || zeros.iter().any(|byte| *byte != 0) {
            return Err(reader.invalid("summary", "something is left over"));
        }
        match bytes.len().is_multiple_of(ALIGNMENT) {
            true => Ok(summary),
            false => Err(reader.invalid("summary", "is cut short")),
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strandline_core::EventKind;

    /// A kind that is named, or a position in a source, and the record that says so.
    type Said = (Option<u16>, String, u64, u64);

    fn summary_of(said: Vec<Said>) -> Summary {
        let mut summary = Summary::default();
        for (kind, name, position, at) in said {
            let at = Sequence::new(at);
            match kind {
                Some(kind) => drop(summary.kinds.note(EventKind::new(1, kind), &name, at)),
                None => summary.positions.note(&name, position, at),
            }
        }
        summary
    }

    fn said() -> impl Strategy<Value = Vec<Said>> {
        let one = (
            proptest::option::of(0..9_u16),
            "[a-f]{1,9}",
            0..9_u64,
            0..50_u64,
        );
        proptest::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_every_cut_is_found(said in said()) {
            let summary = summary_of(said);
            let bytes = summary.encode();
            prop_assert!(bytes.len().is_multiple_of(ALIGNMENT));
            for length in 1..bytes.len() {
                prop_assert!(Summary::decode(&bytes[..length]).is_err(), "{} bytes", length);
            }
            prop_assert_eq!(Summary::decode(&bytes).unwrap(), summary);
        }

        #[test]
        fn the_order_of_lists_does_not_matter(lists in proptest::collection::vec(said(), 0..5)) {
            // No two records have one sequence.
            let mut number = 0;
            let lists: Vec<_> = lists.into_iter().map(|mut said| {
                for (_, _, _, at) in &mut said {
                    number += 1;
                    *at = *at * 100 + number;
                }
                summary_of(said)
            }).collect();
            let sum = |lists: &mut dyn Iterator<Item = &Summary>| {
                let mut sum = Summary::default();
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
            has_kinds: bool,
        ) {
            if is_short && bytes.len() > 40 {
                let count = u8::from(has_kinds) * (1 + bytes[8] % 2);
                bytes[8..12].copy_from_slice(&[count, 0, 0, 0]);
                let name = if has_kinds { 22 } else {
                    bytes[12] = 1 + bytes[12] % 2;
                    bytes[13..16].fill(0);
                    32
                };
                bytes[name] %= 16;
                bytes[name + 1..].iter_mut().for_each(|byte| *byte = b'a' + *byte % 16);
                let zeros = bytes.len().saturating_sub(5).max(name + 1);
                bytes[zeros..].fill(0);
            }
            if let Some((to, covered)) = bytes.split_first_chunk_mut() {
                *to = Salt::NONE.checksum(0, covered).0.to_le_bytes();
            }
            if let Ok(summary) = Summary::decode(&bytes) {
                prop_assert_eq!(summary.encode(), bytes);
            }
        }

        /// What an earlier version of this program wrote, which knew no sources.
        #[test]
        fn a_list_of_kinds_alone_is_as_it_was(length in 1..40_usize) {
            let mut summary = Summary::default();
            summary.kinds.note(EventKind::new(1, 1), &"n".repeat(length), Sequence::new(7));
            let mut bytes = vec![0; 8];
            bytes.extend_from_slice(&[1, 0, 0, 0, 1, 0x10, 7, 0, 0, 0, 0, 0, 0, 0]);
            bytes.push(u8::try_from(length).unwrap());
            bytes.resize(bytes.len() + length, b'n');
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            let checksum = Salt::NONE.checksum(0, &bytes[8..]).0.to_le_bytes();
            bytes[..8].copy_from_slice(&checksum);
            prop_assert_eq!(summary.encode(), bytes);
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let mut summary = Summary::default();
        let at = Sequence::new(7);
        summary.kinds.note(EventKind::new(1, 1), "order.placed", at);
        summary.positions.note("orders", 12, at);
        let mut bytes = summary.encode();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Summary::decode(&bytes).is_err(), "{bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(Summary::decode(&bytes), Ok(summary));
    }
}
