//! `Section`: what a block has after its header, and `Place`: where each is. What is in them is read
//! elsewhere.

use crate::model::NameSort;
use strandline_core::Checksum;

/// Sections are multiples of this many bytes.
pub(crate) const ALIGNMENT: usize = 8;

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
    /// A table of the fingerprints of the entities' names, or nothing. This section and those after it
    /// are not in version 3.
    EntityTable,
    /// A table of the fingerprints of the tags' names, or nothing.
    TagTable,
    /// A table of the fingerprints of the rows' ids, or nothing.
    IdTable,
    /// One of each 256 ids, 16 bytes; empty if the ids do not ascend.
    IdFences,
    /// The clock of each entity's last row.
    HeadClocks,
    /// The checksum of each piece of each section before (u64), in the order of sections.
    PieceChecksums,
}

impl Section {
    pub(crate) const ALL: [Self; Self::COUNT] = [
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
        Self::EntityTable,
        Self::TagTable,
        Self::IdTable,
        Self::IdFences,
        Self::HeadClocks,
        Self::PieceChecksums,
    ];
    /// How many sections there are.
    pub(crate) const COUNT: usize = 41;

    pub(crate) const fn at(self) -> usize {
        self as usize
    }

    /// Where each name of a sort ends, and the names.
    pub(crate) const fn names_of(sort: NameSort) -> (Self, Self) {
        match sort {
            NameSort::Entity => (Self::EntityEnds, Self::EntityNames),
            NameSort::Scope => (Self::ScopeEnds, Self::ScopeNames),
            NameSort::Tag => (Self::TagEnds, Self::TagNames),
        }
    }

    /// The sort of the names that the section holds, if it holds names.
    pub(crate) const fn sort_of_names(self) -> Option<NameSort> {
        match self {
            Self::EntityNames => Some(NameSort::Entity),
            Self::ScopeNames => Some(NameSort::Scope),
            Self::TagNames => Some(NameSort::Tag),
            _ => None,
        }
    }

    /// The table of the names of a sort, if it may have one.
    pub(crate) const fn table_of(sort: NameSort) -> Option<Self> {
        match sort {
            NameSort::Entity => Some(Self::EntityTable),
            NameSort::Scope => None,
            NameSort::Tag => Some(Self::TagTable),
        }
    }

    /// Where the rows of each name of a sort end, and the rows.
    pub(crate) const fn rows_of(sort: NameSort) -> (Self, Self) {
        match sort {
            NameSort::Entity => (Self::EntityRowEnds, Self::EntityRows),
            NameSort::Scope => (Self::ScopeRowEnds, Self::ScopeRows),
            NameSort::Tag => (Self::TagRowEnds, Self::TagRows),
        }
    }
}

/// Where a section is, and how its numbers are kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) bytes: usize,
    pub(crate) checksum: Checksum,
    pub(crate) base: u64,
    pub(crate) width: u8,
}

impl Place {
    /// No bytes, at no place.
    pub(crate) const NONE: Self = Self {
        start: 0,
        bytes: 0,
        checksum: Checksum(0),
        base: 0,
        width: 0,
    };
}
