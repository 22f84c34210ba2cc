//! Where the streams of entities end whose newest event was removed.
//!
//! The index has no row of an event that a compaction removed, and an append has to go on after it
//! all the same. So the footer of a segment lists the entities whose last record in it is a removed
//! one. All but the shortest of such lists stay in the footer and are searched there.
//!
//! | field | bytes |
//! |---|---|
//! | checksum of what follows, with no salt, at offset 0 | 8 |
//! | number of entities; the highest bit is set if entries tell of records | 4 |
//! | for each, by the order of their names: where its entry begins, from the first entry on | 4 |
//! | entries: name (length u8, UTF-8), clock (u32), sequence (u64), hash (32) | 45 and more |
//! | — if they tell of records: offset of the record, and of the one that named its coordinate (u32) | 8 |
//! | zeros, up to a multiple of 8 bytes | 0 to 7 |
//!
//! What an entry says is held against those records before a chain is continued after it. Of a list that
//! does not tell of them the frames are asked, all of them.

use crate::open::removed_heads_of;
use crate::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;
use strandline_core::codec::{DecodeError, Reader, Writer};
use strandline_core::{Hash, Salt, Sequence};
use strandline_segment::{Footer, SealedFrames, SegmentId};

const ALIGNMENT: usize = 8;
const COUNT_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;
/// Set in the number of entities where entries tell of records.
const LOCATED: u32 = 1 << 31;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadPlace {
    pub(crate) offset: u32,
    /// Where the record is that named its coordinate.
    pub(crate) named_at: u32,
}

/// The heads of a segment, by the names of their entities.
pub(crate) type HeadMap = BTreeMap<Box<str>, RemovedHead>;

/// The bytes of a list; none for an empty one.
pub(crate) fn encode(heads: &HeadMap) -> Vec<u8> {
    let is_located = heads.values().all(|head| head.place.is_some());
    encode_as(heads, is_located)
}

/// The bytes of a list that tells of records, or does not: an earlier version did not.
pub(crate) fn encode_as(heads: &HeadMap, is_located: bool) -> Vec<u8> {
    if heads.is_empty() {
        return Vec::new();
    }
    let mut entries = Vec::new();
    let mut bytes = vec![0; CHECKSUM_BYTES];
    // A segment has less than 4 GiB, and so has what it names.
    let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let located = if is_located { LOCATED } else { 0 };
    Writer::new(&mut bytes).u32(short(heads.len()) | located);
    for (entity, head) in heads {
        Writer::new(&mut bytes).u32(short(entries.len()));
        let mut out = Writer::new(&mut entries);
        out.u8(u8::try_from(entity.len()).unwrap_or(u8::MAX));
        out.bytes(entity.as_bytes());
        out.u32(head.clock);
        out.u64(head.sequence.get());
        out.bytes(head.hash.as_bytes());
        if let Some(place) = head.place.filter(|_| is_located) {
            out.u32(place.offset);
            out.u32(place.named_at);
        }
    }
    bytes.extend_from_slice(&entries);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    if let Some((to_checksum, covered)) = bytes.split_first_chunk_mut() {
        *to_checksum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
    }
    bytes
}

/// A list that was checked, or is about to be.
#[derive(Clone, Copy)]
struct List<'a>(&'a [u8]);

impl<'a> List<'a> {
    fn head(self) -> u32 {
        let count = self.0.get(CHECKSUM_BYTES..).unwrap_or_default();
        u32::from_le_bytes(count.first_chunk().copied().unwrap_or_default())
    }

    fn count(self) -> usize {
        usize::try_from(self.head() & !LOCATED).unwrap_or(usize::MAX)
    }

    /// Whether entries tell of records.
    fn is_located(self) -> bool {
        self.head() & LOCATED != 0
    }

    fn entry(self, at: usize) -> Result<(&'a str, RemovedHead), DecodeError> {
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
        Ok((name, head))
    }

    /// Whether every byte is as it was written. O(bytes).
    fn check(self) -> bool {
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
                    .is_ok_and(|(name, _)| before.is_none_or(|before| before < *name));
                before = entry.ok().map(|(name, _)| name);
                ascends
            })
    }

    /// O(log entities).
    fn find(self, entity: &str) -> Option<RemovedHead> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            let (name, head) = self.entry(middle).ok()?;
            match name.cmp(entity) {
                std::cmp::Ordering::Equal => return Some(head),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// The heads of a segment, wherever they are.
#[derive(Debug)]
pub(crate) enum RemovedHeads {
    /// Read from the frames.
    Map(HeadMap),
    /// Searched in the footer.
    InFooter(Box<HeadsInFooter>),
}

/// A list in a footer, checked before its first use.
#[derive(Debug)]
pub(crate) struct HeadsInFooter {
    footer: Footer,
    /// Where the list is in it.
    range: Range<usize>,
    frames: SealedFrames,
    is_intact: OnceLock<bool>,
    /// What the frames say, where the list turned out to be damaged, or does not tell of records.
    anew: OnceLock<Result<HeadMap, String>>,
}

impl RemovedHeads {
    /// The list at `range` of a footer; none if that is empty.
    pub(crate) fn in_footer(
        footer: Footer,
        range: Range<usize>,
        frames: SealedFrames,
    ) -> Option<Self> {
        (!range.is_empty()).then(|| {
            Self::InFooter(Box::new(HeadsInFooter {
                footer,
                range,
                frames,
                is_intact: OnceLock::new(),
                anew: OnceLock::new(),
            }))
        })
    }

    /// The head of an entity; where its record is only if that is to be asked, since a footer says it.
    fn find(&self, entity: &str) -> Result<Option<RemovedHead>, Error> {
        match self {
            Self::Map(map) => Ok(map.get(entity).map(|head| RemovedHead {
                place: None,
                ..*head
            })),
            Self::InFooter(heads) => heads.find(entity),
        }
    }
}

impl HeadsInFooter {
    fn find(&self, entity: &str) -> Result<Option<RemovedHead>, Error> {
        let list = self.footer.as_ref().get(self.range.clone());
        let list = List(list.unwrap_or_default());
        if self.anew.get().is_none() && *self.is_intact.get_or_init(|| list.check()) {
            let found = list.find(entity);
            if found.is_none_or(|head| head.place.is_some()) {
                return Ok(found);
            }
        }
        let anew = self.anew.get_or_init(|| {
            let segment = self.frames.info().id().get();
            tracing::warn!(
                segment,
                "reading the heads of removed events from the frames"
            );
            removed_heads_of(&self.frames).map_err(|error| error.to_string())
        });
        match anew {
            // What the frames say needs no confirming.
            Ok(map) => Ok(map.get(entity).map(|head| RemovedHead {
                place: None,
                ..*head
            })),
            Err(reason) => Err(Error::new(
                ErrorKind::Corrupt,
                format!("it cannot be told where the stream of {entity} ends: {reason}"),
            )),
        }
    }
}

/// The heads of all segments that have some, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RemovedInSegments(Vec<(SegmentId, RemovedHeads)>);

impl RemovedInSegments {
    /// Notes what a segment has, in place of what it had.
    pub(crate) fn set(&mut self, segment: SegmentId, heads: Option<RemovedHeads>) {
        let at = self.0.binary_search_by_key(&segment, |(id, _)| *id);
        match (at, heads) {
            (Ok(at), Some(heads)) => {
                if let Some(own) = self.0.get_mut(at) {
                    own.1 = heads;
                }
            }
            (Ok(at), None) => drop(self.0.remove(at)),
            (Err(at), Some(heads)) => self.0.insert(at, (segment, heads)),
            (Err(_), None) => {}
        }
    }

    /// What was read from the frames of a segment.
    pub(crate) fn map_of(&self, segment: SegmentId) -> HeadMap {
        let mut all = self.0.iter();
        match all.find(|(id, _)| *id == segment) {
            Some((_, RemovedHeads::Map(map))) => map.clone(),
            _ => HeadMap::new(),
        }
    }

    /// The newest of an entity, and its segment; where its record is only if that has to confirm it. O(log
    /// entities) for each segment that has some.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a list is damaged and its segment too.
    pub(crate) fn find(&self, entity: &str) -> Result<Option<(SegmentId, RemovedHead)>, Error> {
        for (segment, heads) in self.0.iter().rev() {
            if let Some(head) = heads.find(entity)? {
                return Ok(Some((*segment, head)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
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
                prop_assert_eq!(List(&bytes).find(name), Some(*head));
            }
            prop_assert_eq!(List(&bytes).find(&asked), heads.get(asked.as_str()).copied());
        }

        #[test]
        fn any_bytes_are_refused_or_searched(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            sealed: bool,
        ) {
            if sealed && let Some((to, covered)) = bytes.split_first_chunk_mut() {
                *to = Salt::NONE.checksum(0, covered).0.to_le_bytes();
            }
            let _ = List(&bytes).check();
            let _ = List(&bytes).find("a");
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
