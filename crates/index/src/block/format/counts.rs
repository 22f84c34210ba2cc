//! `Counts`: how many of each thing a block has. The one list of them, in the order of their bytes.

use super::section::Section;
use crate::model::NameSort;
use strandline_core::TAGS_MAX;
use strandline_core::codec::{DecodeError, Reader, Writer};

/// How many counts there are.
const COUNT: usize = 10;

/// How many of each thing a block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) rows: u32,
    pub(crate) entities: u32,
    pub(crate) scopes: u32,
    pub(crate) coordinates: u32,
    pub(crate) kinds: u32,
    pub(crate) runs: u32,
    pub(crate) links: u32,
    /// How many of the linked rows have a causation.
    pub(crate) caused: u32,
    pub(crate) tags: u32,
    /// How many rows the tags have together, each row once for each of its tags.
    pub(crate) tagged: u32,
}

impl Counts {
    /// Length of the counts in a header.
    pub(crate) const BYTES: usize = COUNT * size_of::<u32>();

    /// All of them, in the order of their bytes.
    const fn in_order(&mut self) -> [&mut u32; COUNT] {
        let Self {
            rows,
            entities,
            scopes,
            coordinates,
            kinds,
            runs,
            links,
            caused,
            tags,
            tagged,
        } = self;
        [
            rows,
            entities,
            scopes,
            coordinates,
            kinds,
            runs,
            links,
            caused,
            tags,
            tagged,
        ]
    }

    pub(crate) fn write(mut self, out: &mut Writer<'_>) {
        for count in self.in_order() {
            out.u32(*count);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut counts = Self::default();
        for count in counts.in_order() {
            *count = reader.u32("a count")?;
        }
        Ok(counts)
    }

    /// Whether they can be those of one block.
    pub(crate) fn are_sound(&self) -> bool {
        let is_empty = self.rows == 0;
        let of_rows = [
            self.entities,
            self.scopes,
            self.coordinates,
            self.kinds,
            self.runs,
        ];
        of_rows
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

    /// How many names of a sort there are.
    pub(crate) const fn names(&self, sort: NameSort) -> u32 {
        match sort {
            NameSort::Entity => self.entities,
            NameSort::Scope => self.scopes,
            NameSort::Tag => self.tags,
        }
    }

    /// How many rows the names of a sort have together.
    pub(crate) const fn rows_by_name(&self, sort: NameSort) -> u32 {
        match sort {
            NameSort::Entity | NameSort::Scope => self.rows,
            NameSort::Tag => self.tagged,
        }
    }

    /// How many numbers a section may hold: exactly, or 0 where it can be left out.
    pub(crate) const fn numbers(&self, section: Section) -> Option<u32> {
        Some(match section {
            Section::EntityEnds
            | Section::EntityRowEnds
            | Section::HeadKnown
            | Section::HeadClocks => self.entities,
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
            | Section::Tiles
            | Section::EntityTable
            | Section::TagTable
            | Section::IdTable
            | Section::IdFences
            | Section::PieceChecksums => return None,
        })
    }

    /// How many entries a table of fingerprints has, if the section is one.
    pub(crate) const fn entries(&self, section: Section) -> Option<u32> {
        match section {
            Section::EntityTable => Some(self.entities),
            Section::TagTable => Some(self.tags),
            Section::IdTable => Some(self.rows),
            _ => None,
        }
    }
}
