//! `Header`: what a block says of itself first, read as hostile bytes. Looks into no section.

use super::counts::Counts;
use super::packed::packed_bytes;
use super::pieces;
use super::section::{ALIGNMENT, Place, Section};
use super::table::TableShape;
use crate::model::{BOUND_MAX, BlockError, IndexLayout, TILE_ROWS};
use strandline_core::codec::{Reader, Writer};
use strandline_core::{Checksum, EventId, Salt, Sequence};

/// `STBK`.
const MAGIC: u32 = u32::from_le_bytes(*b"STBK");

/// One of so many ids, in their order, is set apart: a page of memory has as many.
pub(crate) const FENCE_ROWS: u32 = 256;

/// What a block has, and how its sections are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Version 3: a checksum covers a section, and there are no sections from the tables on.
    Whole,
    /// Version 4: a checksum covers a piece of a section.
    Pieces,
}

impl Version {
    const fn number(self) -> u16 {
        match self {
            Self::Whole => 3,
            Self::Pieces => 4,
        }
    }

    const fn of_number(number: u16) -> Option<Self> {
        match number {
            3 => Some(Self::Whole),
            4 => Some(Self::Pieces),
            _ => None,
        }
    }

    /// How many sections a block has: the first so many.
    pub(crate) const fn sections(self) -> usize {
        match self {
            Self::Whole => Section::EntityTable.at(),
            Self::Pieces => Section::COUNT,
        }
    }

    /// Length of what is in a header before its checksum.
    pub(crate) const fn covered_bytes(self) -> usize {
        FIXED_BYTES + self.sections() * SECTION_BYTES
    }
}

/// Length of what is before the table of sections.
pub(crate) const FIXED_BYTES: usize = 8 + Counts::BYTES + 16 + 32 + 16;
/// Length of an entry of that table.
pub(crate) const SECTION_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 8;
/// Length of the header that is written.
pub(crate) const HEADER_BYTES: usize = Version::Pieces.covered_bytes() + CHECKSUM_BYTES;

/// What a block says of itself first.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) version: Version,
    pub(crate) layout: IndexLayout,
    pub(crate) counts: Counts,
    pub(crate) first: Sequence,
    pub(crate) end: Sequence,
    pub(crate) ids: (EventId, EventId),
    pub(crate) times: (u64, u64),
    pub(crate) places: [Place; Section::COUNT],
}

impl Header {
    /// Of a block without rows.
    pub(crate) fn empty(layout: IndexLayout) -> Self {
        Self {
            version: Version::Pieces,
            layout,
            counts: Counts::default(),
            first: Sequence::ZERO,
            end: Sequence::ZERO,
            ids: (EventId::from_u128(0), EventId::from_u128(0)),
            times: (0, 0),
            places: [Place::NONE; Section::COUNT],
        }
    }

    #[expect(clippy::indexing_slicing, reason = "there is a place for each section")]
    pub(crate) const fn place(&self, section: Section) -> &Place {
        &self.places[section.at()]
    }

    /// Whether a block of this version has a section, be it without bytes.
    pub(crate) const fn has(&self, section: Section) -> bool {
        section.at() < self.version.sections()
    }

    /// How many pieces the sections before one have together.
    pub(crate) fn pieces_before(&self, section: Section) -> usize {
        let before = self.places.iter().take(section.at());
        before.map(|place| pieces::pieces_of(place.bytes)).sum()
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
            Section::Ids => is_fixed(self.counts.rows, 16),
            Section::Correlations | Section::Causations => is_fixed(self.counts.links, 16),
            Section::HeadHashes => is_fixed(self.counts.entities, 32),
            Section::Tiles => {
                let tiles = self.counts.rows.div_ceil(TILE_ROWS);
                is_fixed(
                    match self.layout {
                        IndexLayout::Tiles => tiles,
                        _ => 0,
                    },
                    16,
                )
            }
            Section::EntityTable | Section::TagTable | Section::IdTable => {
                let entries = self.counts.entries(section).unwrap_or_default();
                let shape = TableShape::of(entries);
                let slots = usize::try_from(shape.slots()).unwrap_or(usize::MAX);
                let bytes = packed_bytes(slots, shape.width());
                place.bytes == 0
                    || (place.bytes == bytes && (place.base, place.width) == (0, shape.width()))
            }
            Section::IdFences => {
                place.bytes == 0 || is_fixed(self.counts.rows.div_ceil(FENCE_ROWS), 16)
            }
            Section::PieceChecksums => {
                place.bytes == self.pieces_before(section) * pieces::CHECKSUM_BYTES
            }
            Section::IdOrder => {
                place.bytes == 0 || place.bytes == packed_bytes(self.counts.rows as usize, width)
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
                .counts
                .numbers(section)
                .is_some_and(|count| place.bytes == packed_bytes(count as usize, width)),
        }
    }

    /// Whether the counts and ranges can be those of a block.
    fn is_sound(&self) -> bool {
        let least = u64::from(self.counts.rows);
        let span = self.end.get().checked_sub(self.first.get());
        span.is_some_and(|span| span >= least && (span == 0) == (least == 0))
            && self.end.get() <= BOUND_MAX
            && self.counts.are_sound()
    }

    /// The header of a block of the version that is written.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let mut out = Writer::new(&mut bytes);
        out.u32(MAGIC);
        out.u16(Version::Pieces.number());
        out.u8(self.layout.to_byte());
        out.u8(0);
        self.counts.write(&mut out);
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
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        let mut reader = Reader::new(bytes);
        let magic = reader.u32("magic")?;
        if magic != MAGIC {
            return Err(BlockError::NotABlock { found: magic });
        }
        let number = reader.u16("version")?;
        let version =
            Version::of_number(number).ok_or(BlockError::UnsupportedVersion { found: number })?;
        let mut reader = Reader::new(bytes);
        let covered = reader.bytes("header", version.covered_bytes())?;
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
        header.version = version;
        header.counts = Counts::read(&mut reader)?;
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
        let mut start = self.version.covered_bytes() + CHECKSUM_BYTES;
        for section in Section::ALL.into_iter().take(self.version.sections()) {
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
