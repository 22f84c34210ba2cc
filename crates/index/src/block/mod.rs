//! Blocks: the immutable rows of a sealed part, used straight from bytes.
//!
//! Numbers are little-endian. A block is a header and the sections that [`format::Section`] lists,
//! in that order, each a multiple of 8 bytes, zeros at its end. The header is
//!
//! | field | bytes |
//! |---|---|
//! | magic `STBK`, version (u16), layout (u8), zero (u8) | 8 |
//! | counts of rows, entities, scopes, coordinates, kinds, runs, links, links with a causation, tags, rows by tag (u32 each) | 40 |
//! | first sequence; the sequence after the last | 16 |
//! | least and greatest id | 32 |
//! | least and greatest time | 16 |
//! | for each section: length in bytes (u64), checksum (u64), base (u64), width (u8), zeros (7) | 32 each |
//! | checksum of everything before, with no salt, at offset 0 | 8 |
//!
//! A section of numbers holds them at `width` bits each (0 to 57, or 64), less `base`, the first in
//! the lowest bits of the first byte, and zeros after the last, so that 8 bytes can be read from the
//! byte in which any begins. The checksum of a section is that of its bytes, with no salt, at the
//! section's number.
//!
//! Rows count from 0. Names are sorted, as bytes; coordinates are sorted by entity, then scope; an
//! entity, scope, coordinate or kind is meant by its place in its sorted list.

mod build;
mod builder;
mod compare;
mod find;
mod format;
mod lists;
mod names;
mod open;
mod packed;
mod rows;
mod sorted;
mod source;
mod tags;

pub use builder::BlockBuilder;
pub use compare::BlockDifference;

pub(crate) use build::build;
pub(crate) use format::Section;
pub(crate) use lists::BlockList;

use crate::BlockError;
use crate::layout::IndexLayout;
use crate::part::NameSort;
use format::Header;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use strandline_core::{Coordinate, EventId, EventKind, Sequence};

/// Bytes of a block, wherever they are: a vector, or a mapped file.
pub type BlockBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Makes the bytes of a block anew, in the layout that it has, from what it was made of, when some
/// are found damaged.
pub type RebuildBlock =
    Box<dyn Fn(IndexLayout) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// The rows of a sealed part of an index, immutable and used straight from bytes.
///
/// [`Snapshot::export`](crate::Snapshot::export) makes the bytes.
/// [`ReplayCursor::attach`](crate::ReplayCursor::attach) adds a block to an index, and
/// [`IndexReader::replace`](crate::IndexReader::replace) puts one in the place of the live rows that
/// it was made of.
///
/// ```
/// use strandline_core::Sequence;
/// use strandline_index::{Block, channel};
///
/// let (writer, reader) = channel();
/// let bytes = reader.snapshot().export(Sequence::ZERO..Sequence::new(10))?;
/// let block = Block::from_vec(bytes)?;
/// assert_eq!(block.rows(), 0);
/// # Ok::<(), strandline_index::BlockError>(())
/// ```
pub struct Block {
    bytes: BlockBytes,
    header: Header,
    /// For each section, whether it is intact: found out before its first use, and once.
    intact: [OnceLock<bool>; Section::COUNT],
    rebuild: Option<RebuildBlock>,
    rebuilt: OnceLock<Option<Box<Self>>>,
    damage: OnceLock<BlockError>,
    /// Whether the sections that say of a row whose it is were looked at.
    named: OnceLock<()>,
    /// Coordinates that were asked for, each with its place, and at most so many.
    coordinates: OnceLock<Box<[KeptCoordinate]>>,
    kinds: OnceLock<Box<[EventKind]>>,
    /// One of so many ids, ascending, so that a search looks at few pages of the rest. Filled by the
    /// first search.
    fences: OnceLock<Box<[EventId]>>,
}

/// A coordinate with its place.
type KeptCoordinate = OnceLock<(u32, Coordinate)>;

impl Block {
    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.header.rows
    }

    /// The sequences from that of the first row to that after the last.
    #[must_use]
    pub const fn sequences(&self) -> Range<Sequence> {
        self.header.first..self.header.end
    }

    /// Length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (*self.bytes).as_ref().len()
    }

    /// What was found damaged and could not be made anew, if anything was.
    ///
    /// Rows that depend on it are then missing from answers.
    #[must_use]
    pub fn damage(&self) -> Option<&BlockError> {
        self.damage.get()
    }

    /// What was found damaged and could not be made anew, once all that says of a row which event it
    /// is, and whose, was looked at.
    #[inline]
    pub(crate) fn damage_to_rows(&self) -> Option<&BlockError> {
        self.named.get_or_init(|| {
            for section in [
                Section::RunSequences,
                Section::RunRows,
                Section::Ids,
                Section::Coordinates,
                Section::CoordinateEntities,
                Section::CoordinateScopes,
            ] {
                self.section(section);
            }
            self.names(NameSort::Entity);
            self.names(NameSort::Scope);
        });
        self.damage()
    }

    pub(crate) const fn greatest_id(&self) -> EventId {
        self.header.ids.1
    }

    /// How kinds and scopes are found in it.
    #[must_use]
    pub const fn layout(&self) -> IndexLayout {
        self.header.layout
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("rows", &self.rows())
            .field("sequences", &self.sequences())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
