//! The header of a block and its sections, read as hostile bytes.

use super::packed::packed_bytes;
use crate::{BlockError, IndexLayout};
use strandline_core::codec::{Reader, Writer};
use strandline_core::{Checksum, EventId, Salt, Sequence, TAGS_MAX};

/// `STBK`.
pub(super) const MAGIC: u32 = u32::from_le_bytes(*b"STBK");
pub(super) const VERSION: u16 = 3;
/// Sections are multiples of this many bytes.
pub(super) const ALIGNMENT: usize = 8;

/// Length of what is before the table of sections.
pub(super) const FIXED_BYTES: usize = 8 + 40 + 16 + 32 + 16;
/// Length of an entry of that table.
pub(super) const SECTION_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 8;
/// Length of the header.
pub(super) const HEADER_BYTES: usize =
    FIXED_BYTES + Section::COUNT * SECTION_BYTES + CHECKSUM_BYTES;

/// The sections of a block, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Where each entity's name ends in the section of names.
    EntityEnds,
    /// The names of the entities, one after the other.
    EntityNames,
    /// Where each scope's name ends.
    ScopeEnds,
    /// The names of the scopes.
    ScopeNames,
    /// The entity of each coordinate.
    CoordinateEntities,
    /// The scope of each coordinate.
    CoordinateScopes,
    /// The kinds, ascending.
    Kinds,
    /// First sequence of each run of sequences without a gap.
    RunSequences,
    /// First row of each run.
    RunRows,
    /// The id of each row, 16 bytes.
    Ids,
    /// The rows by ascending id; empty if the ids ascend.
    IdOrder,
    /// The coordinate of each row.
    Coordinates,
    /// The kind of each row.
    RowKinds,
    /// The time of each row, in milliseconds.
    Times,
    /// The clock of each row.
    Clocks,
    /// The position of each row.
    Positions,
    /// Where the rows of each entity end in the section of rows by entity.
    EntityRowEnds,
    /// Rows by entity, ascending for each.
    EntityRows,
    /// Where the rows of each scope end; empty but in the layout of postings.
    ScopeRowEnds,
    /// Rows by scope; empty but in the layout of postings.
    ScopeRows,
    /// Where the rows of each kind end; empty but in the layout of postings.
    KindRowEnds,
    /// Rows by kind; empty but in the layout of postings.
    KindRows,
    /// The rows that have links, ascending.
    LinkRows,
    /// The correlation of each linked row, 16 bytes.
    Correlations,
    /// The causation of each linked row, 16 bytes, or zeros.
    Causations,
    /// Whether a linked row has a causation: 1 or 0.
    Caused,
    /// Places in the list of linked rows, by ascending correlation, then row.
    ByCorrelation,
    /// Places of the caused ones among them, by ascending causation, then row.
    ByCausation,
    /// Whether the hash of each entity's last row is known: 1 or 0.
    HeadKnown,
    /// The hash of each entity's last row, 32 bytes, or zeros.
    HeadHashes,
    /// A summary of kinds and one of scopes (u64 each) for each tile of 64 rows, a bit for each kind
    /// or scope modulo 64; empty but in the layout of tiles.
    Tiles,
    /// Where each tag's name ends.
    TagEnds,
    /// The names of the tags.
    TagNames,
    /// Where the rows of each tag end.
    TagRowEnds,
    /// Rows by tag, ascending for each.
    TagRows,
}

impl Section {
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::EntityEnds,
        Self::EntityNames,
        Self::ScopeEnds,
        Self::ScopeNames,
        Self::CoordinateEntities,
        Self::CoordinateScopes,
        Self::Kinds,
        Self::RunSequences,
        Self::RunRows,
        Self::Ids,
        Self::IdOrder,
        Self::Coordinates,
        Self::RowKinds,
        Self::Times,
        Self::Clocks,
        Self::Positions,
        Self::EntityRowEnds,
        Self::EntityRows,
        Self::ScopeRowEnds,
        Self::ScopeRows,
        Self::KindRowEnds,
        Self::KindRows,
        Self::LinkRows,
        Self::Correlations,
        Self::Causations,
        Self::Caused,
        Self::ByCorrelation,
        Self::ByCausation,
        Self::HeadKnown,
        Self::HeadHashes,
        Self::Tiles,
        Self::TagEnds,
        Self::TagNames,
        Self::TagRowEnds,
        Self::TagRows,
    ];
    /// How many sections there are.
    pub(crate) const COUNT: usize = 35;

    pub(crate) const fn at(self) -> usize {
        self as usize
    }
}

/// Where a section is, and how its numbers are kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) bytes: usize,
    pub(super) checksum: Checksum,
    pub(super) base: u64,
    pub(super) width: u8,
}

impl Place {
    /// No bytes, at no place.
    pub(super) const NONE: Self = Self {
        start: 0,
        bytes: 0,
        checksum: Checksum(0),
        base: 0,
        width: 0,
    };
}

/// What a block says of itself first.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) layout: IndexLayout,
    pub(super) rows: u32,
    pub(super) entities: u32,
    pub(super) scopes: u32,
    pub(super) coordinates: u32,
    pub(super) kinds: u32,
    pub(super) runs: u32,
    pub(super) links: u32,
    /// How many of the linked rows have a causation.
    pub(super) caused: u32,
    pub(super) tags: u32,
    /// How many rows the tags have together, each row once for each of its tags.
    pub(super) tagged: u32,
    pub(super) first: Sequence,
    pub(super) end: Sequence,
    pub(super) ids: (EventId, EventId),
    pub(super) times: (u64, u64),
    pub(super) places: [Place; Section::COUNT],
}

impl Header {
    /// Of a block without rows.
    pub(super) const fn empty(layout: IndexLayout) -> Self {
        Self {
            layout,
            rows: 0,
            entities: 0,
            scopes: 0,
            coordinates: 0,
            kinds: 0,
            runs: 0,
            links: 0,
            caused: 0,
            tags: 0,
            tagged: 0,
            first: Sequence::ZERO,
            end: Sequence::ZERO,
            ids: (EventId::from_u128(0), EventId::from_u128(0)),
            times: (0, 0),
            places: [Place::NONE; Section::COUNT],
        }
    }

    /// The counts, in the order in which they are written.
    pub(super) const fn counts(&mut self) -> [&mut u32; 10] {
        [
            &mut self.rows,
            &mut self.entities,
            &mut self.scopes,
            &mut self.coordinates,
            &mut self.kinds,
            &mut self.runs,
            &mut self.links,
            &mut self.caused,
            &mut self.tags,
            &mut self.tagged,
        ]
    }

    #[expect(clippy::indexing_slicing, reason = "there is a place for each section")]
    pub(super) const fn place(&self, section: Section) -> &Place {
        &self.places[section.at()]
    }

    /// How many numbers a section may hold: exactly, or 0 where it can be left out.
    pub(super) const fn numbers(&self, section: Section) -> Option<u32> {
        Some(match section {
            Section::EntityEnds | Section::EntityRowEnds | Section::HeadKnown => self.entities,
            Section::ScopeEnds | Section::ScopeRowEnds => self.scopes,
            Section::CoordinateEntities | Section::CoordinateScopes => self.coordinates,
            Section::Kinds | Section::KindRowEnds => self.kinds,
            Section::RunSequences | Section::RunRows => self.runs,
            Section::IdOrder
            | Section::Coordinates
            | Section::RowKinds
            | Section::Times
            | Section::Clocks
            | Section::Positions
            | Section::EntityRows
            | Section::ScopeRows
            | Section::KindRows => self.rows,
            Section::LinkRows | Section::Caused | Section::ByCorrelation => self.links,
            Section::ByCausation => self.caused,
            Section::TagEnds | Section::TagRowEnds => self.tags,
            Section::TagRows => self.tagged,
            Section::EntityNames
            | Section::ScopeNames
            | Section::TagNames
            | Section::Ids
            | Section::Correlations
            | Section::Causations
            | Section::HeadHashes
            | Section::Tiles => return None,
        })
    }

    /// Whether a section has the length that the counts ask for.
    fn fits(&self, section: Section, place: &Place) -> bool {
        let width = place.width;
        if !matches!(width, 0..=57 | 64) || !place.bytes.is_multiple_of(ALIGNMENT) {
            return false;
        }
        let is_fixed = |count: u32, bytes: usize| place.bytes == count as usize * bytes;
        match section {
            Section::EntityNames | Section::ScopeNames | Section::TagNames => true,
            Section::Ids => is_fixed(self.rows, 16),
            Section::Correlations | Section::Causations => is_fixed(self.links, 16),
            Section::HeadHashes => is_fixed(self.entities, 32),
            Section::Tiles => {
                let tiles = self.rows.div_ceil(crate::layout::TILE_ROWS);
                is_fixed(
                    match self.layout {
                        IndexLayout::Tiles => tiles,
                        _ => 0,
                    },
                    16,
                )
            }
            Section::IdOrder => {
                place.bytes == 0 || place.bytes == packed_bytes(self.rows as usize, width)
            }
            Section::ScopeRowEnds
            | Section::ScopeRows
            | Section::KindRowEnds
            | Section::KindRows
                if self.layout != IndexLayout::Postings =>
            {
                place.bytes == 0
            }
            _ => self
                .numbers(section)
                .is_some_and(|count| place.bytes == packed_bytes(count as usize, width)),
        }
    }

    /// Whether the counts and ranges can be those of a block.
    fn is_sound(&self) -> bool {
        let is_empty = self.rows == 0;
        let least = u64::from(self.rows);
        let span = self.end.get().checked_sub(self.first.get());
        let counts = [
            self.entities,
            self.scopes,
            self.coordinates,
            self.kinds,
            self.runs,
        ];
        span.is_some_and(|span| span >= least && (span == 0) == is_empty)
            && self.end.get() <= crate::gate::BOUND_MAX
            && counts
                .iter()
                .all(|count| *count <= self.rows && (*count == 0) == is_empty)
            && self.entities <= self.coordinates
            && self.scopes <= self.coordinates
            && self.kinds <= 1 << u16::BITS
            && self.links <= self.rows
            && self.caused <= self.links
            && self.tags <= self.tagged
            && u64::from(self.tagged) <= u64::from(self.rows) * TAGS_MAX as u64
            && (self.tags == 0) == (self.tagged == 0)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let mut out = Writer::new(&mut bytes);
        out.u32(MAGIC);
        out.u16(VERSION);
        out.u8(self.layout.to_byte());
        out.u8(0);
        for count in self.clone().counts() {
            out.u32(*count);
        }
        out.u64(self.first.get());
        out.u64(self.end.get());
        out.u128(self.ids.0.as_u128());
        out.u128(self.ids.1.as_u128());
        out.u64(self.times.0);
        out.u64(self.times.1);
        for place in &self.places {
            out.u64(place.bytes as u64);
            out.u64(place.checksum.0);
            out.u64(place.base);
            out.u8(place.width);
            out.bytes(&[0; 7]);
        }
        let checksum = Salt::NONE.checksum(0, &bytes);
        Writer::new(&mut bytes).u64(checksum.0);
        bytes
    }

    /// The header at the start of `bytes`, all of which are the block's.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        let mut reader = Reader::new(bytes);
        let magic = reader.u32("magic")?;
        if magic != MAGIC {
            return Err(BlockError::NotABlock { found: magic });
        }
        let version = reader.u16("version")?;
        if version != VERSION {
            return Err(BlockError::UnsupportedVersion { found: version });
        }
        let mut reader = Reader::new(bytes);
        let covered = reader.bytes("header", HEADER_BYTES - CHECKSUM_BYTES)?;
        let found = Checksum(reader.u64("checksum of the header")?);
        let expected = Salt::NONE.checksum(0, covered);
        if found != expected {
            return Err(BlockError::ChecksumMismatch { expected, found });
        }
        let mut reader = Reader::new(covered);
        reader.bytes("magic and version", 6)?;
        let layout = IndexLayout::from_byte(reader.u8("layout")?)
            .ok_or_else(|| reader.invalid("layout", "no layout has this number"))?;
        reader.u8("zero")?;
        let mut header = Self::empty(layout);
        for count in header.counts() {
            *count = reader.u32("a count")?;
        }
        header.first = Sequence::new(reader.u64("first sequence")?);
        header.end = Sequence::new(reader.u64("end of the sequences")?);
        header.ids = (
            EventId::from_u128(reader.u128("least id")?),
            EventId::from_u128(reader.u128("greatest id")?),
        );
        header.times = (reader.u64("least time")?, reader.u64("greatest time")?);
        if !header.is_sound() {
            return Err(reader.invalid("counts", "not those of any block").into());
        }
        header.read_places(&mut reader, bytes.len())?;
        Ok(header)
    }

    fn read_places(&mut self, reader: &mut Reader<'_>, length: usize) -> Result<(), BlockError> {
        let mut start = HEADER_BYTES;
        for section in Section::ALL {
            let bytes = reader.u64("length of a section")?;
            let checksum = Checksum(reader.u64("checksum of a section")?);
            let base = reader.u64("base of a section")?;
            let width = reader.u8("width of a section")?;
            reader.bytes("zeros", 7)?;
            let left = length.saturating_sub(start);
            let bytes = usize::try_from(bytes)
                .ok()
                .filter(|bytes| *bytes <= left)
                .ok_or_else(|| reader.invalid("length of a section", "longer than the block"))?;
            let place = Place {
                start,
                bytes,
                checksum,
                base,
                width,
            };
            if !self.fits(section, &place) {
                return Err(reader
                    .invalid("length of a section", "not what the counts ask for")
                    .into());
            }
            start += bytes;
            if let Some(own) = self.places.get_mut(section.at()) {
                *own = place;
            }
        }
        if start == length {
            Ok(())
        } else {
            Err(reader.invalid("block", "bytes are left over").into())
        }
    }
}
