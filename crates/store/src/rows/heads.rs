//! The list of where the streams of entities end whose newest event was removed.
//!
//! The index has no row of an event that a compaction removed, and an append has to go on after it
//! all the same. So the footer of a segment lists the entities whose last record in it is a removed
//! one. All but the shortest of such lists stay in the footer and are searched there.
//!
//! | field | bytes |
//! |---|---|
//! | checksum of what follows, with no salt, at offset 0 | 8 |
//! | number of entities; the highest bit is set if entries tell of records, the next one if they tell of segments | 4 |
//! | for each, by the order of their names: where its entry begins, from the first entry on | 4 |
//! | entries: name (length u8, UTF-8), clock (u32), sequence (u64), hash (32) | 45 and more |
//! | — if they tell of records: offset of the record, and of the one that named its coordinate (u32) | 8 |
//! | — if they tell of segments: the number of the segment that the record is in (u32) | 4 |
//! | zeros, up to a multiple of 8 bytes | 0 to 7 |
//!
//! What an entry says is held against those records before a chain is continued after it. Of a list that
//! does not tell of them the frames are asked, all of them.
//!
//! Entries tell of segments in the list of a merged file, which is of several: of each entity it has the
//! newest.

use std::collections::BTreeMap;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Hash, Salt, Sequence};
use strandline_segment::SegmentId;

const ALIGNMENT: usize = 8;
const COUNT_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;
/// Set in the number of entities where entries tell of records.
const LOCATED: u32 = 1 << 31;
/// Set in the number of entities where entries tell of segments.
const OF_SEGMENTS: u32 = 1 << 30;

/// The last record of an entity in a segment, of an event that was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemovedHead {
    pub(crate) clock: u32,
    pub(crate) sequence: Sequence,
    pub(crate) hash: Hash,
    /// Where its record is, if that is known.
    pub(crate) place: Option<HeadPlace>,
}

/// Where the record of a head is in its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HeadPlace {
    pub(crate) offset: u32,
    /// Where the record is that named its coordinate.
    pub(crate) named_at: u32,
}

/// The heads of a segment, by the names of their entities.
pub(crate) type HeadMap = BTreeMap<Box<str>, RemovedHead>;

/// The newest heads of several segments, each with its own, by the names of their entities.
pub(crate) type MergedHeads = BTreeMap<Box<str>, (SegmentId, RemovedHead)>;

/// Adds a head, unless one of the entity is there that is as new.
pub(crate) fn add_newer(
    heads: &mut MergedHeads,
    entity: &str,
    segment: SegmentId,
    head: &RemovedHead,
) {
    match heads.get_mut(entity) {
        Some((_, known)) if known.clock >= head.clock => {}
        Some(known) => *known = (segment, *head),
        None => drop(heads.insert(entity.into(), (segment, *head))),
    }
}

/// The bytes of a list; none for an empty one.
pub(crate) fn encode(heads: &HeadMap) -> Vec<u8> {
    let is_located = heads.values().all(|head| head.place.is_some());
    encode_as(heads, is_located)
}

/// The bytes of a list that tells of records, or does not: an earlier version did not.
pub(crate) fn encode_as(heads: &HeadMap, is_located: bool) -> Vec<u8> {
    let located = if is_located { LOCATED } else { 0 };
    let heads = heads.iter().map(|(entity, head)| (&**entity, None, head));
    encode_entries(heads, located)
}

/// The bytes of the list of several segments, of which every head tells where its record is; none for
/// an empty one.
pub(crate) fn encode_merged(heads: &MergedHeads) -> Vec<u8> {
    let heads = heads
        .iter()
        .map(|(entity, (segment, head))| (&**entity, Some(*segment), head));
    encode_entries(heads, LOCATED | OF_SEGMENTS)
}

fn encode_entries<'a>(
    heads: impl ExactSizeIterator<Item = (&'a str, Option<SegmentId>, &'a RemovedHead)>,
    sort: u32,
) -> Vec<u8> {
    if heads.len() == 0 {
        return Vec::new();
    }
    let mut entries = Vec::new();
    let mut bytes = vec![0; CHECKSUM_BYTES];
    // A segment has less than 4 GiB, and so has what it names; of several no more is merged.
    let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    Writer::new(&mut bytes).u32(short(heads.len()) | sort);
    for (entity, segment, head) in heads {
        Writer::new(&mut bytes).u32(short(entries.len()));
        let mut out = Writer::new(&mut entries);
        out.u8(u8::try_from(entity.len()).unwrap_or(u8::MAX));
        out.bytes(entity.as_bytes());
        out.u32(head.clock);
        out.u64(head.sequence.get());
        out.bytes(head.hash.as_bytes());
        if sort & LOCATED != 0 {
            let place = head.place.unwrap_or_default();
            out.u32(place.offset);
            out.u32(place.named_at);
        }
        if let Some(segment) = segment {
            out.u32(segment.get());
        }
    }
    bytes.extend_from_slice(&entries);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    if let Some((to_checksum, covered)) = bytes.split_first_chunk_mut() {
        *to_checksum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
    }
    bytes
}

/// The name of an entity, the segment of its head where the list tells of that, and its head.
type Entry<'a> = (&'a str, Option<SegmentId>, RemovedHead);

/// A list that was checked, or is about to be.
#[derive(Clone, Copy)]
pub(super) struct List<'a>(pub(super) &'a [u8]);

impl<'a> List<'a> {
    fn head(self) -> u32 {
        let count = self.0.get(CHECKSUM_BYTES..).unwrap_or_default();
        u32::from_le_bytes(count.first_chunk().copied().unwrap_or_default())
    }

    fn count(self) -> usize {
        usize::try_from(self.head() & !(LOCATED | OF_SEGMENTS)).unwrap_or(usize::MAX)
    }

    /// Whether entries tell of records.
    pub(super) fn is_located(self) -> bool {
        self.head() & LOCATED != 0
    }

    /// Whether entries tell of segments.
    pub(super) fn is_of_segments(self) -> bool {
        self.head() & OF_SEGMENTS != 0
    }

    fn entry(self, at: usize) -> Result<Entry<'a>, DecodeError> {
        let table = self
            .0
            .get(CHECKSUM_BYTES + COUNT_BYTES..)
            .unwrap_or_default();
        let (offsets, _) = table.as_chunks::<4>();
        let offset = offsets.get(at).copied().map_or(0, u32::from_le_bytes);
        let entries = self.count().saturating_mul(4);
        let start = entries.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX));
        let mut reader = Reader::new(table.get(start..).unwrap_or_default());
        let length = reader.u8("entity")?;
        let name = reader.bytes("entity", usize::from(length))?;
        let name =
            std::str::from_utf8(name).map_err(|_| reader.invalid("entity", "is no UTF-8"))?;
        let mut head = RemovedHead {
            clock: reader.u32("clock")?,
            sequence: Sequence::new(reader.u64("sequence")?),
            hash: Hash::from_bytes(reader.array("hash")?),
            place: None,
        };
        if self.is_located() {
            head.place = Some(HeadPlace {
                offset: reader.u32("offset of the record")?,
                named_at: reader.u32("offset of the names")?,
            });
        }
        let segment = match self.is_of_segments() {
            true => Some(SegmentId::new(reader.u32("segment")?)),
            false => None,
        };
        Ok((name, segment, head))
    }

    /// The entries of a list that was checked, by their names.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        (0..self.count()).map_while(move |at| self.entry(at).ok())
    }

    /// Whether every byte is as it was written. O(bytes).
    pub(super) fn check(self) -> bool {
        let Some((checksum, covered)) = self.0.split_first_chunk() else {
            return false;
        };
        let is_intact = Salt::NONE.checksum(0, covered).0 == u64::from_le_bytes(*checksum);
        // An entry takes 45 bytes at least, so no count is believed that cannot be.
        let may_be = self.count() <= covered.len() / 45;
        let mut before: Option<&str> = None;
        is_intact
            && may_be
            && (0..self.count()).all(|at| {
                let entry = self.entry(at);
                let ascends = entry
                    .as_ref()
                    .is_ok_and(|(name, ..)| before.is_none_or(|before| before < *name));
                before = entry.ok().map(|(name, ..)| name);
                ascends
            })
    }

    /// O(log entities).
    pub(super) fn find(self, entity: &str) -> Option<(Option<SegmentId>, RemovedHead)> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            let (name, segment, head) = self.entry(middle).ok()?;
            match name.cmp(entity) {
                std::cmp::Ordering::Equal => return Some((segment, head)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(n: u32) -> RemovedHead {
        RemovedHead {
            clock: n,
            sequence: Sequence::new(u64::from(n) * 3),
            hash: Hash::of(&n.to_le_bytes()),
            place: Some(HeadPlace {
                offset: n * 5,
                named_at: n * 7,
            }),
        }
    }

    proptest! {
        #[test]
        fn lists_are_searched_where_they_are(
            names in proptest::collection::btree_set("[a-f]{1,3}", 1..40),
            asked in "[a-f]{1,3}",
            is_located: bool,
        ) {
            let head = |n| RemovedHead { place: head(n).place.filter(|_| is_located), ..head(n) };
            let heads: HeadMap = (0..).zip(names).map(|(n, name)| (name.into(), head(n))).collect();
            let bytes = encode(&heads);
            prop_assert!(bytes.len().is_multiple_of(ALIGNMENT));
            prop_assert!(List(&bytes).check());
            for (name, head) in &heads {
                prop_assert_eq!(List(&bytes).find(name), Some((None, *head)));
            }
            let found = List(&bytes).find(&asked).map(|(_, head)| head);
            prop_assert_eq!(found, heads.get(asked.as_str()).copied());
        }

        #[test]
        fn lists_of_several_segments_tell_which(
            names in proptest::collection::btree_map("[a-f]{1,3}", 0..9_u32, 1..40),
            asked in "[a-f]{1,3}",
        ) {
            let heads: MergedHeads = (0..)
                .zip(names)
                .map(|(n, (name, segment))| (name.into(), (SegmentId::new(segment), head(n))))
                .collect();
            let bytes = encode_merged(&heads);
            let list = List(&bytes);
            prop_assert!(list.check() && list.is_located() && list.is_of_segments());
            let found = list.find(&asked).map(|(segment, head)| (segment.unwrap(), head));
            prop_assert_eq!(found, heads.get(asked.as_str()).copied());
            let all = list.entries();
            let all: MergedHeads = all
                .map(|(name, segment, head)| (name.into(), (segment.unwrap(), head)))
                .collect();
            prop_assert_eq!(all, heads);
        }

        #[test]
        fn any_bytes_are_refused_or_searched(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            sealed: bool,
        ) {
            if sealed && let Some((to, covered)) = bytes.split_first_chunk_mut() {
                *to = Salt::NONE.checksum(0, covered).0.to_le_bytes();
            }
            let is_checked = List(&bytes).check();
            let _ = List(&bytes).find("a");
            if is_checked {
                let _ = List(&bytes).entries().count();
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let heads: HeadMap = [("a".into(), head(1)), ("bc".into(), head(2))].into();
        let mut bytes = encode(&heads);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!List(&bytes).check(), "{bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(List(&bytes).check());
    }
}
