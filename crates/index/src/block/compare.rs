//! What one block says otherwise than another, byte by byte. Does not say which of them is right.

use super::column::id_at;
use super::format::{FIXED_BYTES, SECTION_BYTES, Section, Version, pack};
use super::open::Block;
use crate::model::NameSort;
use std::fmt;
use std::ops::Range;
use strandline_core::{EventKind, Sequence};

/// One thing that a block says otherwise than the block that it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockDifference {
    /// What differs: a column, a list, a name, in words.
    pub what: &'static str,
    /// The first event concerned, where one can be named.
    pub sequence: Option<Sequence>,
    /// The first name concerned, as it should be, where one can be told.
    pub name: Option<String>,
}

impl fmt::Display for BlockDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        if let Some(name) = &self.name {
            write!(f, " (of {name})")?;
        }
        if let Some(sequence) = self.sequence {
            write!(f, " (of event {sequence})")?;
        }
        Ok(())
    }
}

/// What the numbers of a section are about.
enum Item {
    Row,
    /// Rows, listed; the number itself is one.
    Listed,
    Link,
    Name(NameSort),
    Kind,
    Coordinate,
    Other,
}

impl Block {
    /// What this block says otherwise than `expected`, which has the same layout and is of the version
    /// that is written; nothing if it is that one, but for hashes of heads that it need not know. No
    /// byte that has a meaning is left out, nor any that is to be zero, and checksums count.
    ///
    /// A block of an earlier version is held against what both have. Looks at the bytes that were given,
    /// not at what was made anew. O(bytes).
    #[must_use]
    pub fn differences(&self, expected: &Self) -> Vec<BlockDifference> {
        let (own, other) = ((*self.bytes).as_ref(), (*expected.bytes).as_ref());
        if own == other {
            return Vec::new();
        }
        let mut found = self.header_differences(expected);
        let counts_agree = found.is_empty();
        for section in Section::ALL {
            let differs = match section {
                _ if !self.header.has(section) => continue,
                // Told with the hashes.
                Section::HeadKnown => continue,
                Section::HeadHashes => counts_agree && !self.has_heads_of(expected),
                Section::IdOrder if self.is_older_than(expected) => !self.has_order_of(expected),
                // Any other difference is one of them too.
                Section::PieceChecksums => found.is_empty() && !self.has_checksums_of(expected),
                _ => !self.has_section_of(expected, section),
            };
            if differs {
                found.push(self.difference(expected, section));
            }
        }
        if found.is_empty() && !self.has_header_of(expected) {
            found.push(whole("the header of the block"));
        }
        found
    }

    fn header_differences(&self, expected: &Self) -> Vec<BlockDifference> {
        let (own, other) = (&self.header, &expected.header);
        let mut found = Vec::new();
        if own.layout != other.layout || own.counts != other.counts {
            found.push(whole("how many rows, names and links there are"));
        }
        if (own.first, own.end) != (other.first, other.end) {
            found.push(whole("which sequences there are"));
        }
        if own.ids != other.ids {
            found.push(whole("the least and the greatest id"));
        }
        if own.times != other.times {
            found.push(whole("the least and the greatest time"));
        }
        found
    }

    /// Whether it has other checksums, and fewer sections.
    fn is_older_than(&self, expected: &Self) -> bool {
        self.header.version == Version::Whole && expected.header.version == Version::Pieces
    }

    /// Whether a section has the same bytes, is kept in the same way and has its checksum.
    fn has_section_of(&self, expected: &Self, section: Section) -> bool {
        let (own, other) = (self.header.place(section), expected.header.place(section));
        let has_checksum = match self.is_older_than(expected) {
            true => self.has_own_checksum(section),
            false => own.checksum == other.checksum,
        };
        has_checksum
            && (own.base, own.width) == (other.base, other.width)
            && self.bytes_of(section) == expected.bytes_of(section)
    }

    /// Whether the rows by id are those that the ids of `expected` give.
    fn has_order_of(&self, expected: &Self) -> bool {
        let ids = expected.bytes_of(Section::Ids);
        let rows = 0..expected.header.counts.rows;
        let mut order: Vec<u32> = rows.collect();
        order.sort_by_key(|row| id_at(ids, *row as usize));
        if order.is_sorted() {
            order.clear();
        }
        let mut packed = Vec::new();
        let kept = pack(&mut packed, order.iter().map(|row| u64::from(*row)));
        let place = self.header.place(Section::IdOrder);
        kept == (place.base, place.width)
            && packed == self.bytes_of(Section::IdOrder)
            && self.has_own_checksum(Section::IdOrder)
    }

    /// Whether the checksums of the pieces of all sections are the same, but for those of heads.
    fn has_checksums_of(&self, expected: &Self) -> bool {
        let place = self.header.place(Section::PieceChecksums);
        let mut sections = Section::ALL.into_iter();
        (place.base, place.width) == (0, 0)
            && self.has_own_checksum(Section::PieceChecksums)
            && sections.all(|section| {
                matches!(section, Section::HeadKnown | Section::HeadHashes)
                    || self.checksums_of(section) == expected.checksums_of(section)
            })
    }

    fn has_own_checksum(&self, section: Section) -> bool {
        self.check_bytes(section).is_ok()
    }

    /// Whether every hash of a head that is said to be known is that of `expected`, whose every hash
    /// is known, and the others are zeros.
    fn has_heads_of(&self, expected: &Self) -> bool {
        let known = self.raw_numbers(Section::HeadKnown);
        let known = (0..self.header.counts.entities).map(|at| known.get(at as usize));
        let known: Option<Vec<u64>> = known.collect();
        let Some(known) = known else {
            return false;
        };
        let mut packed = Vec::new();
        let place = self.header.place(Section::HeadKnown);
        let (base, width) = pack(&mut packed, known.iter().copied());
        let is_kept_as_written = (base, width) == (place.base, place.width)
            && packed == self.bytes_of(Section::HeadKnown);
        let place = self.header.place(Section::HeadHashes);
        let (own, _) = self.bytes_of(Section::HeadHashes).as_chunks::<32>();
        let (other, _) = expected.bytes_of(Section::HeadHashes).as_chunks::<32>();
        let agree = |(known, (own, other)): (&u64, (&[u8; 32], &[u8; 32]))| match known {
            0 => *own == [0; 32],
            1 => own == other,
            _ => false,
        };
        is_kept_as_written
            && (place.base, place.width) == (0, 0)
            && self.has_own_checksum(Section::HeadKnown)
            && self.has_own_checksum(Section::HeadHashes)
            && own.len() == known.len()
            && other.len() == known.len()
            && known.iter().zip(own.iter().zip(other)).all(agree)
    }

    /// Whether the header is the same, but for where it tells of heads, and of what an earlier version
    /// has otherwise.
    fn has_header_of(&self, expected: &Self) -> bool {
        let older = self.is_older_than(expected);
        let length = self.header.version.covered_bytes();
        let masked = |block: &Self| {
            let header = (*block.bytes).as_ref().get(..length);
            let mut header = header.unwrap_or_default().to_vec();
            let mut mask = |at: Range<usize>| {
                if let Some(masked) = header.get_mut(at) {
                    masked.fill(0);
                }
            };
            if older {
                mask(4..6);
            }
            for section in Section::ALL {
                let start = FIXED_BYTES + section.at() * SECTION_BYTES;
                // Length, checksum, base and width: the zeros after them are looked at.
                mask(match section {
                    Section::HeadKnown | Section::HeadHashes => start..start + 25,
                    Section::IdOrder if older => start..start + 25,
                    Section::PieceChecksums => start..start + 16,
                    _ if older => start + 8..start + 16,
                    _ => continue,
                });
            }
            header
        };
        masked(self) == masked(expected)
    }

    fn difference(&self, expected: &Self, section: Section) -> BlockDifference {
        let (what, item) = meaning(section);
        let mut difference = whole(what);
        let bytes = || (self.bytes_of(section), expected.bytes_of(section));
        let first = match (section, section.sort_of_names()) {
            (_, Some(sort)) => self.first_name(expected, sort),
            (Section::Ids | Section::Correlations | Section::Causations | Section::Tiles, _) => {
                first_chunk::<16>(bytes())
            }
            (Section::HeadHashes, _) => first_chunk::<32>(bytes()),
            _ => {
                let (own, other) = (self.raw_numbers(section), expected.raw_numbers(section));
                let count = expected.header.counts.numbers(section).unwrap_or_default();
                (0..count as usize).find(|at| own.get(*at) != other.get(*at))
            }
        };
        let Some(first) = first else {
            return difference;
        };
        let at = u32::try_from(first).unwrap_or(u32::MAX);
        match item {
            Item::Row => difference.sequence = expected.known_sequence(at),
            Item::Listed => {
                let row = expected.raw_numbers(section).get_u32(first);
                difference.sequence = expected.known_sequence(row);
            }
            Item::Link => {
                let row = expected.raw_numbers(Section::LinkRows).get_u32(first);
                difference.sequence = expected.known_sequence(row);
            }
            Item::Name(sort) => difference.name = Some(expected.names(sort).get(at).to_owned()),
            Item::Kind => {
                let kind = expected.raw_numbers(Section::Kinds).get_u32(first);
                let kind = EventKind::from_bits(u16::try_from(kind).unwrap_or_default());
                difference.name = Some(kind.to_string());
            }
            Item::Coordinate => {
                let (entity, scope) = expected.names_at(at);
                difference.name = Some(format!("{entity} in {scope}"));
            }
            Item::Other => {}
        }
        difference
    }

    fn known_sequence(&self, row: u32) -> Option<Sequence> {
        (row < self.header.counts.rows).then(|| self.sequence_of(row))
    }

    fn first_name(&self, expected: &Self, sort: NameSort) -> Option<usize> {
        let count = expected.header.counts.names(sort);
        let (own, other) = (self.raw_names(sort, count), expected.raw_names(sort, count));
        (0..count)
            .find(|at| own.get(*at) != other.get(*at))
            .and_then(|at| usize::try_from(at).ok())
    }
}

fn whole(what: &'static str) -> BlockDifference {
    BlockDifference {
        what,
        sequence: None,
        name: None,
    }
}

/// The first of two lists of items of `N` bytes that differs.
fn first_chunk<const N: usize>((own, other): (&[u8], &[u8])) -> Option<usize> {
    let (own, other) = (own.as_chunks::<N>().0, other.as_chunks::<N>().0);
    let pairs = own.iter().zip(other);
    pairs
        .enumerate()
        .find(|(_, (a, b))| a != b)
        .map(|(at, _)| at)
}

/// What a section says, and of what.
const fn meaning(section: Section) -> (&'static str, Item) {
    use Item::{Coordinate, Kind, Link, Listed, Name, Other, Row};
    match section {
        Section::EntityEnds | Section::EntityNames => {
            ("the name of an entity", Name(NameSort::Entity))
        }
        Section::ScopeEnds | Section::ScopeNames => ("the name of a scope", Name(NameSort::Scope)),
        Section::TagEnds | Section::TagNames => ("the name of a tag", Name(NameSort::Tag)),
        Section::CoordinateEntities => ("the entity of a coordinate", Coordinate),
        Section::CoordinateScopes => ("the scope of a coordinate", Coordinate),
        Section::Kinds => ("the list of kinds", Kind),
        Section::RunSequences | Section::RunRows => ("the runs of sequences", Other),
        Section::Ids => ("the id of a row", Row),
        Section::IdOrder => ("the order of ids", Other),
        Section::Coordinates => ("the coordinate of a row", Row),
        Section::RowKinds => ("the kind of a row", Row),
        Section::Times => ("the time of a row", Row),
        Section::Clocks => ("the clock of a row", Row),
        Section::Positions => ("the position of a row", Row),
        Section::EntityRowEnds => ("how many rows an entity has", Name(NameSort::Entity)),
        Section::EntityRows => ("the rows of an entity", Listed),
        Section::ScopeRowEnds => ("how many rows a scope has", Name(NameSort::Scope)),
        Section::ScopeRows => ("the rows of a scope", Listed),
        Section::KindRowEnds => ("how many rows a kind has", Kind),
        Section::KindRows => ("the rows of a kind", Listed),
        Section::LinkRows => ("which rows have links", Listed),
        Section::Correlations => ("the correlation of a row", Link),
        Section::Causations | Section::Caused => ("the causation of a row", Link),
        Section::ByCorrelation => ("the order of correlations", Other),
        Section::ByCausation => ("the order of causations", Other),
        Section::HeadKnown | Section::HeadHashes => (
            "the hash of an entity's newest event",
            Name(NameSort::Entity),
        ),
        Section::Tiles => ("the summary of a tile of rows", Other),
        Section::TagRowEnds => ("how many rows a tag has", Name(NameSort::Tag)),
        Section::TagRows => ("the rows of a tag", Listed),
        Section::EntityTable => ("the table of the entities' names", Other),
        Section::TagTable => ("the table of the tags' names", Other),
        Section::IdTable => ("the table of ids", Other),
        Section::IdFences => ("which ids are set apart", Other),
        Section::HeadClocks => (
            "the clock of an entity's newest event",
            Name(NameSort::Entity),
        ),
        Section::PieceChecksums => ("the checksum of a piece", Other),
    }
}
